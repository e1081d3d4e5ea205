"""What every way of writing a network shares: where it goes, what it is tried on, and how it is compared."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from layerlab import __version__
from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.training.outputs import inspected
from layerlab.zoo import input_shape_of

__all__ = [
    "BATCHES",
    "check_target",
    "compared",
    "images_like",
    "in_single_precision",
    "in_words",
    "metadata",
    "one_line",
    "outputs_of",
    "quiet",
    "shape_of_input",
    "tensors_of",
    "varying_batch",
]

BATCHES = (1, 3)
"""The sizes of the batches that a file is tried on."""

_TOLERANCE = 1e-4


def check_target(path: Path, suffix: str) -> Path:
    """Return ``path`` where a file with this ending can be put. Raises LayerlabError: it cannot."""
    if path.is_dir():
        raise LayerlabError(f'"{path}" is a folder; name a file in it, such as "{path / f"model{suffix}"}"')
    if path.suffix.lower() != suffix:
        raise LayerlabError(f'"{path}" must end in "{suffix}"; write "{path.with_suffix(suffix)}"')
    if not path.parent.is_dir():
        raise LayerlabError(f'there is no folder "{path.parent}" for "{path.name}": make it first')
    return path


def shape_of_input(model: nn.Module, recipe: Preprocessing | None, given: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the shape of one image: what was asked for, what the run was trained on, what the network says."""
    shape = given or (recipe.shape if recipe is not None else input_shape_of(model))
    if shape is None:
        raise LayerlabError(
            f"nothing says what images {type(model).__name__} takes: give input_shape, such as (3, 224, 224)"
        )
    known = tuple(side for side in shape if side is not None)
    if len(known) < len(shape) or any(side < 1 for side in known):
        raise LayerlabError(f"an input of shape {tuple(shape)} is not fixed: give input_shape as whole numbers above 0")
    return known


def in_single_precision(model: nn.Module) -> nn.Module:
    """Return the network in float32 on the CPU; itself if it is there already."""
    tensors = [*model.parameters(), *model.buffers()]
    elsewhere = any(tensor.device.type != "cpu" for tensor in tensors)
    other = any(tensor.is_floating_point() and tensor.dtype != torch.float32 for tensor in tensors)
    return copy.deepcopy(model).cpu().float() if elsewhere or other else model


def images_like(count: int, shape: tuple[int, ...], recipe: Preprocessing | None) -> Tensor:
    """Return random images: normalised pixels where there is a recipe, else numbers of a normal distribution.

    They go from faint to strong: noise at full strength drives a softmax to 0 and 1, where every file would agree.
    """
    generator = torch.Generator().manual_seed(count)
    strength = torch.linspace(0.05, 1, count + 1)[:count].reshape(count, *(1 for _ in shape))
    if recipe is None:
        return torch.randn(count, *shape, generator=generator) * strength
    pixels = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)
    return recipe.normalize((pixels * strength).to(torch.uint8))


def outputs_of(model: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the network's outputs, each with one row an image."""
    try:
        with inspected(model):
            outputs = list(tensors_of(model(images)))
    except LayerlabError:
        raise
    except Exception as error:
        reason = _diagnosis(model, images) or one_line(error)
        raise LayerlabError(f"the network cannot take images of shape {tuple(images.shape)}: {reason}") from error
    for output in outputs:
        if output.ndim < 1 or len(output) != len(images):
            raise LayerlabError(
                f"the network gives {tuple(output.shape)} for {len(images)} images; expected one row an image"
            )
        if not output.isfinite().all():
            raise LayerlabError("the network gives NaN or infinity, which no file can be compared with")
    return outputs


def _diagnosis(model: nn.Module, images: Tensor) -> str | None:
    """Return which layer cannot take the images, and what it could."""
    from layerlab.anatomy import diagnose_input

    try:
        return diagnose_input(model, tuple(images.shape[1:]))
    except Exception:  # the diagnosis is a courtesy; its own failure must not hide the network's
        return None


def tensors_of(output: Any) -> Iterator[Tensor]:
    """Yield the tensors of an output in the order in which ONNX lists them."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        for part in output.values():
            yield from tensors_of(part)
    elif isinstance(output, tuple | list):
        for part in output:
            yield from tensors_of(part)


def varying_batch(model: nn.Module) -> Any:
    """Return what says to the exporter that the first axis of the images may have any length."""
    first = next(iter(inspect.signature(model.forward).parameters.values()))
    varying: Any = {0: torch.export.Dim("batch")}
    return (varying,) if first.kind is first.VAR_POSITIONAL else varying  # forward(*inputs): its images are one tuple


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what the exporter says about its own steps: a failure is told in one sentence instead."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # torch.nn's recurrent layers gather their weights in every pass; the exporter puts them back and warns.
            warnings.filterwarnings("ignore", "The tensor attributes? .* assigned during export", UserWarning)
            # PyTorch's own use of a function that it will remove.
            warnings.filterwarnings("ignore", "_check_is_size will be removed", FutureWarning)
            yield
    finally:
        logging.disable(before)


def in_words(model: nn.Module, error: BaseException) -> str:
    """Return one sentence for a failed export: the operator, or the line of the network's code."""
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    name = type(model).__name__
    if found := re.search(r"No ONNX function found for .*?op='([\w.:]+)'", str(root)):
        return f'{name} cannot be exported: the operator "{found[1]}" has no form in ONNX'
    where = re.search(r'File "([^"]+)", line (\d+), in \w+\n\s*(.+)', str(root))
    place = f" ({Path(where[1]).name}, line {where[2]}: {where[3].strip()})" if where else ""
    if "data-dependent" in str(root):
        return f"{name} cannot be exported: what it computes depends on the values of the image{place}"
    return f"{name} cannot be exported: {one_line(root)}{place}"


def compared(expected: Mapping[int, list[Tensor]], found: Mapping[int, list[Tensor]], who: str) -> float:
    """Return the largest difference relative to the largest output.

    Args:
        expected: the network's outputs for each size of batch.
        found: those of what was written.
        who: what gave them, for the error.

    Raises:
        LayerlabError: shapes that differ, or numbers by more than 1e-4.
    """
    differences = [0.0]
    for size, outputs in expected.items():
        for ours, theirs in zip(outputs, found[size], strict=True):
            if ours.shape != theirs.shape:
                raise LayerlabError(
                    f"{who} gives {tuple(theirs.shape)} where PyTorch gives {tuple(ours.shape)}: nothing is written"
                )
            differences.append(_relative(ours, theirs))
    largest = float(torch.tensor(differences).max())  # NaN, if one is
    # An equal most probable class follows: it can differ only where two are closer than the tolerance.
    if not largest <= _TOLERANCE:
        raise LayerlabError(
            f"{who} and PyTorch differ by {largest:.1e} of the largest output, more than {_TOLERANCE:.0e}:"
            " nothing is written"
        )
    return largest


def _relative(ours: Tensor, theirs: Tensor) -> float:
    if not ours.numel() or torch.equal(ours, theirs):
        return 0.0
    scale = ours.double().abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    return float((ours.double() - theirs.double()).abs().max() / scale)


def metadata(recipe: Preprocessing | None) -> dict[str, str]:
    """Return the classes and the preprocessing as JSON, where they are known, and Layerlab's version."""
    metadata = {"layerlab": __version__}
    if recipe is not None:
        content = recipe.to_dict()
        metadata["classes"] = json.dumps(content.pop("classes"))
        metadata["preprocessing"] = json.dumps(content)
    return metadata


def one_line(error: BaseException) -> str:
    """Return the first paragraph of an error, in one line."""
    text = re.split(r"\n\s*\n", str(error).strip(), maxsplit=1)[0]
    return " ".join(text.split())[:200] or type(error).__name__
