"""A network as a program of ``torch.export``, loaded again and compared with the network before it gets its name."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    tensors_of,
    varying_batch,
)
from layerlab.training.outputs import inspected

if TYPE_CHECKING:
    from layerlab.training.run import Run

__all__ = ["ExportedProgram", "export_program"]


@dataclass(frozen=True)
class ExportedProgram:
    """A ``.pt2`` file that agrees with the network."""

    path: Path
    bytes: int
    """Its size."""
    max_difference: float
    """The largest difference between the file's program and the network, relative to the largest output."""


def export_program(
    run_or_model: Run | nn.Module,
    path: str | os.PathLike[str],
    *,
    input_shape: tuple[int, ...] | None = None,
) -> ExportedProgram:
    """Write a network as one file of ``torch.export`` whose batch may have any size.

    PyTorch runs it without the network's code: ``torch.export.load(path).module()``. The file is loaded again and run
    on batches of 1 and of 3 random images; it is put in place only if every output agrees with the network's to 1e-4
    of the largest. Beside the program it holds, as extra files, ``classes`` and ``preprocessing`` as JSON (of a run)
    and Layerlab's version: ``torch.export.load(path, extra_files={"classes": ""})`` fills them in.

    Args:
        run_or_model: a run, or any network (in evaluation mode it is exported; its flags stay as they are).
        path: ends in ``.pt2``; its folder exists. A file that is there is replaced.
        input_shape: of one image, (channels, height, width); None for what the run or the network says.

    Raises:
        LayerlabError: a path that cannot be used, an unknown input shape, code that ``torch.export`` cannot follow, a
            batch size that is fixed in the network, or outputs that differ. Nothing is left behind then.
    """
    path = check_target(Path(path), ".pt2")
    model: nn.Module = run_or_model if isinstance(run_or_model, nn.Module) else run_or_model.model
    recipe = None if isinstance(run_or_model, nn.Module) else run_or_model.preprocessing
    shape = shape_of_input(model, recipe, input_shape)

    model = in_single_precision(model)
    batches = {size: images_like(size, shape, recipe) for size in BATCHES}
    expected = {size: outputs_of(model, images) for size, images in batches.items()}
    program = _program(model, batches[BATCHES[-1]])
    written = io.BytesIO()  # on a full disk PyTorch's own writer ends the whole process
    with quiet():
        torch.export.save(program, written, extra_files=metadata(recipe))
    with atomic_path(path) as temporary:
        temporary.write_bytes(written.getbuffer())
        found = _outputs(temporary, batches)
        difference = compared(expected, found, "the exported program")
    return ExportedProgram(path, path.stat().st_size, difference)


def _program(model: nn.Module, images: Tensor) -> torch.export.ExportedProgram:
    try:
        with inspected(model), quiet():
            return torch.export.export(model, (images,), dynamic_shapes=(varying_batch(model),))
    except Exception as error:  # the exporter raises errors of its own and of the network's code
        raise LayerlabError(in_words(model, error)) from error


def _outputs(path: Path, batches: Mapping[int, Tensor]) -> dict[int, list[Tensor]]:
    """Load the file and return what its program gives."""
    try:
        with torch.no_grad(), quiet():
            program: Any = torch.export.load(path).module()
            return {size: list(tensors_of(program(images))) for size, images in batches.items()}
    except Exception as error:
        raise LayerlabError(f"the exported program does not run: {one_line(error)}") from error
