"""A network as an ONNX file, compared with the network itself before it gets its name."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from layerlab import __version__
from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.files import atomic_path
from layerlab.training.outputs import inspected, read_head
from layerlab.zoo import input_shape_of

if TYPE_CHECKING:
    from layerlab.training.run import Run

__all__ = ["ExportedModel", "export_onnx"]

_TOLERANCE = 1e-4
_BATCHES = (1, 3)
_LARGEST = 2 * 2**30
_OLDEST_OPSET = 18


@dataclass(frozen=True)
class ExportedModel:
    """An ONNX file that agrees with the network."""

    path: Path
    bytes: int
    """Its size."""
    max_difference: float
    """The largest difference between ONNX Runtime and PyTorch, relative to the largest output."""
    opset: int
    """The version of the ONNX operators that it uses."""


def export_onnx(
    run_or_model: Run | nn.Module,
    path: str | os.PathLike[str],
    *,
    input_shape: tuple[int, ...] | None = None,
    opset: int | None = None,
) -> ExportedModel:
    """Write a network as one ONNX file whose batch may have any size.

    The file is checked by ``onnx.checker`` and run by ONNX Runtime on batches of 1 and of 3 random images; it is put
    in place only if every output agrees with PyTorch's to 1e-4 of the largest. Its input is ``images`` (float32,
    normalised), its output ``probabilities`` or ``logits``, whichever the network gives. The metadata hold the
    classes and the preprocessing as JSON, and Layerlab's version.

    Args:
        run_or_model: a run, or any network (in evaluation mode it is exported; its flags stay as they are).
        path: ends in ``.onnx``; its folder exists.
        input_shape: of one image, (channels, height, width); None for what the run or the network says.
        opset: version of the ONNX operators; None for PyTorch's choice.

    Raises:
        LayerlabError: a path that cannot be used, an unknown input shape, an operator that ONNX has not, a batch size
            that is fixed in the network, or outputs that differ. Nothing is left behind then.
    """
    path = _checked_path(Path(path))
    model: nn.Module = run_or_model if isinstance(run_or_model, nn.Module) else run_or_model.model
    recipe = None if isinstance(run_or_model, nn.Module) else run_or_model.preprocessing
    shape = _shape(model, recipe, input_shape)
    _check_size(model)
    opset = _checked_opset(opset)

    model = _in_single_precision(model)
    batches = {size: _images(size, shape, recipe) for size in _BATCHES}
    expected = {size: _outputs(model, images) for size, images in batches.items()}
    head = read_head(model, batches[_BATCHES[-1]])

    program = _convert(model, batches[_BATCHES[-1]], head.kind, opset)
    program.model.metadata_props.update(_metadata(recipe))
    with atomic_path(path) as temporary:
        program.save(temporary, external_data=False)
        difference = _difference(temporary, batches, expected)
    return ExportedModel(path, path.stat().st_size, difference, program.model.opset_imports[""])


def _checked_path(path: Path) -> Path:
    if path.is_dir():
        raise LayerlabError(f'"{path}" is a folder; name a file in it, such as "{path / "model.onnx"}"')
    if path.suffix.lower() != ".onnx":
        raise LayerlabError(f'"{path}" must end in ".onnx"; write "{path.with_suffix(".onnx")}"')
    if not path.parent.is_dir():
        raise LayerlabError(f'there is no folder "{path.parent}" for "{path.name}": make it first')
    return path


def _checked_opset(opset: int | None) -> int | None:
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if opset is not None and not _OLDEST_OPSET <= opset <= newest:
        raise LayerlabError(f"opset {opset} cannot be written; expected {_OLDEST_OPSET} to {newest}")
    return opset


def _shape(model: nn.Module, recipe: Preprocessing | None, given: tuple[int, ...] | None) -> tuple[int, ...]:
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


def _check_size(model: nn.Module) -> None:
    tensors = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
    size = 4 * sum(tensor.numel() for tensor in tensors.values())
    if size >= _LARGEST:
        raise LayerlabError(f"the weights take {size / 2**30:.1f} GiB, and one ONNX file holds less than 2 GiB")


def _in_single_precision(model: nn.Module) -> nn.Module:
    """Return the network in float32 on the CPU; itself if it is there already."""
    tensors = [*model.parameters(), *model.buffers()]
    elsewhere = any(tensor.device.type != "cpu" for tensor in tensors)
    other = any(tensor.is_floating_point() and tensor.dtype != torch.float32 for tensor in tensors)
    return copy.deepcopy(model).cpu().float() if elsewhere or other else model


def _images(count: int, shape: tuple[int, ...], recipe: Preprocessing | None) -> Tensor:
    """Return random images: normalised pixels where there is a recipe, else numbers of a normal distribution.

    They go from faint to strong: noise at full strength drives a softmax to 0 and 1, where every file would agree.
    """
    generator = torch.Generator().manual_seed(count)
    strength = torch.linspace(0.05, 1, count + 1)[:count].reshape(count, *(1 for _ in shape))
    if recipe is None:
        return torch.randn(count, *shape, generator=generator) * strength
    pixels = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)
    return recipe.normalize((pixels * strength).to(torch.uint8))


def _outputs(model: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the network's outputs, each with one row an image."""
    try:
        with inspected(model):
            outputs = list(_tensors(model(images)))
    except LayerlabError:
        raise
    except Exception as error:
        raise LayerlabError(
            f"the network cannot take images of shape {tuple(images.shape)}: {_one_line(error)}"
        ) from error
    for output in outputs:
        if output.ndim < 1 or len(output) != len(images):
            raise LayerlabError(
                f"the network gives {tuple(output.shape)} for {len(images)} images; expected one row an image"
            )
        if not output.isfinite().all():
            raise LayerlabError("the network gives NaN or infinity, which no file can be compared with")
    return outputs


def _tensors(output: Any) -> Iterator[Tensor]:
    """Yield the tensors of an output in the order in which ONNX lists them."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        for part in output.values():
            yield from _tensors(part)
    elif isinstance(output, tuple | list):
        for part in output:
            yield from _tensors(part)


def _convert(model: nn.Module, images: Tensor, output: str, opset: int | None) -> torch.onnx.ONNXProgram:
    first = next(iter(inspect.signature(model.forward).parameters.values()))
    varying: Any = {0: torch.export.Dim("batch")}
    if first.kind is first.VAR_POSITIONAL:  # forward(*inputs): its images are one tuple
        varying = (varying,)
    try:
        with inspected(model), _quiet():
            program = torch.onnx.export(
                model,
                (images,),
                dynamo=True,
                verbose=False,
                opset_version=opset,
                input_names=["images"],
                output_names=[output],
                dynamic_shapes=(varying,),
            )
    except Exception as error:  # the exporter raises errors of its own and of the network's code
        raise LayerlabError(_why(model, error)) from error
    if program is None:
        raise LayerlabError(f"{type(model).__name__} cannot be exported: PyTorch returned no program")
    return program


@contextmanager
def _quiet() -> Iterator[None]:
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


def _why(model: nn.Module, error: BaseException) -> str:
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
    return f"{name} cannot be exported: {_one_line(root)}{place}"


def _difference(path: Path, batches: Mapping[int, Tensor], expected: Mapping[int, list[Tensor]]) -> float:
    """Check the file, run it, and return the largest relative difference."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    try:
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        found = {size: session.run(None, {"images": images.numpy()}) for size, images in batches.items()}
    except Exception as error:  # both libraries raise a wide family of errors
        raise LayerlabError(f"the ONNX file does not run: {_one_line(error)}") from error
    differences = [0.0]
    for size, outputs in expected.items():
        for ours, theirs in zip(outputs, map(torch.from_numpy, found[size]), strict=True):
            if ours.shape != theirs.shape:
                raise LayerlabError(
                    f"ONNX Runtime gives {tuple(theirs.shape)} where PyTorch gives {tuple(ours.shape)}:"
                    " nothing is written"
                )
            differences.append(_relative(ours, theirs))
    largest = float(torch.tensor(differences).max())  # NaN, if one is
    # An equal most probable class follows: it can differ only where two are closer than the tolerance.
    if not largest <= _TOLERANCE:
        raise LayerlabError(
            f"ONNX Runtime and PyTorch differ by {largest:.1e} of the largest output, more than {_TOLERANCE:.0e}:"
            " nothing is written"
        )
    return largest


def _relative(ours: Tensor, theirs: Tensor) -> float:
    if not ours.numel() or torch.equal(ours, theirs):
        return 0.0
    scale = ours.double().abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    return float((ours.double() - theirs.double()).abs().max() / scale)


def _metadata(recipe: Preprocessing | None) -> dict[str, str]:
    metadata = {"layerlab": __version__}
    if recipe is not None:
        content = recipe.to_dict()
        metadata["classes"] = json.dumps(content.pop("classes"))
        metadata["preprocessing"] = json.dumps(content)
    return metadata


def _one_line(error: BaseException) -> str:
    """Return the first paragraph of an error, in one line."""
    text = re.split(r"\n\s*\n", str(error).strip(), maxsplit=1)[0]
    return " ".join(text.split())[:200] or type(error).__name__
