"""A network as an ONNX file, compared with the network itself before it gets its name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.files import atomic_path
from layerlab.training.export_checks import (
    BATCHES,
    check_target,
    compared,
    images_like,
    in_single_precision,
    in_words,
    metadata,
    one_line,
    outputs_of,
    quiet,
    shape_of_input,
    varying_batch,
)
from layerlab.training.outputs import inspected, read_head

if TYPE_CHECKING:
    from layerlab.training.run import Run

__all__ = ["ExportedModel", "export_onnx"]

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
        path: ends in ``.onnx``; its folder exists. A file that is there is replaced.
        input_shape: of one image, (channels, height, width); None for what the run or the network says.
        opset: version of the ONNX operators; None for PyTorch's choice.

    Raises:
        LayerlabError: a path that cannot be used, an unknown input shape, an operator that ONNX has not, a batch size
            that is fixed in the network, or outputs that differ. Nothing is left behind then.
    """
    path = check_target(Path(path), ".onnx")
    model: nn.Module = run_or_model if isinstance(run_or_model, nn.Module) else run_or_model.model
    recipe = None if isinstance(run_or_model, nn.Module) else run_or_model.preprocessing
    shape = shape_of_input(model, recipe, input_shape)
    _check_size(model)
    opset = _checked_opset(opset)

    model = in_single_precision(model)
    batches = {size: images_like(size, shape, recipe) for size in BATCHES}
    expected = {size: outputs_of(model, images) for size, images in batches.items()}
    head = read_head(model, batches[BATCHES[-1]])

    program = _convert(model, batches[BATCHES[-1]], head.kind, opset)
    program.model.metadata_props.update(metadata(recipe))
    with atomic_path(path) as temporary:
        program.save(temporary, external_data=False)
        difference = _difference(temporary, batches, expected)
    return ExportedModel(path, path.stat().st_size, difference, program.model.opset_imports[""])


def _checked_opset(opset: int | None) -> int | None:
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if opset is not None and not _OLDEST_OPSET <= opset <= newest:
        raise LayerlabError(f"opset {opset} cannot be written; expected {_OLDEST_OPSET} to {newest}")
    return opset


def _check_size(model: nn.Module) -> None:
    tensors = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
    size = 4 * sum(tensor.numel() for tensor in tensors.values())
    if size >= _LARGEST:
        raise LayerlabError(f"the weights take {size / 2**30:.1f} GiB, and one ONNX file holds less than 2 GiB")


def _convert(model: nn.Module, images: Tensor, output: str, opset: int | None) -> torch.onnx.ONNXProgram:
    try:
        with inspected(model), quiet():
            program = torch.onnx.export(
                model,
                (images,),
                dynamo=True,
                verbose=False,
                opset_version=opset,
                input_names=["images"],
                output_names=[output],
                dynamic_shapes=(varying_batch(model),),
            )
    except Exception as error:  # the exporter raises errors of its own and of the network's code
        raise LayerlabError(in_words(model, error)) from error
    if program is None:
        raise LayerlabError(f"{type(model).__name__} cannot be exported: PyTorch returned no program")
    return program


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
        raise LayerlabError(f"the ONNX file does not run: {one_line(error)}") from error
    tensors = {size: list(map(torch.from_numpy, outputs)) for size, outputs in found.items()}
    return compared(expected, tensors, "ONNX Runtime")
