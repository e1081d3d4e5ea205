"""``dissect``: from any module and an input to its anatomy."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from layerlab.anatomy.aggregate import layers_of, totals_of
from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.collect import ForwardFailed, Trace, watch
from layerlab.anatomy.diagnose import explain_failure, layout_advice, plain_failure
from layerlab.anatomy.inputs import example_inputs, is_example
from layerlab.anatomy.memory import Kept, kept_for_backward
from layerlab.anatomy.twin import map_tensors, meta_tensor, meta_twin, preserved, tensors_in
from layerlab.errors import LayerlabError

__all__ = ["diagnose_input", "dissect"]


def dissect(module: nn.Module, inputs: Any, *, batch: int = 1, dtype: torch.dtype | None = None) -> Anatomy:
    """Return the anatomy of a module: its layers with shapes, parameters, cost and receptive fields.

    The module runs once, on a copy without memory (device ``meta``), or, where its control flow depends on
    values, itself, on noise where the input is given by size, with everything put back afterwards. It is left
    exactly as it was, also when its forward raises. Forward hooks that are plain functions do not run.

    Args:
        module: any PyTorch module; it is looked at in evaluation mode.
        inputs: the size of one input without the batch, ``(1, 28, 28)``; or a tensor, taken as it is; or a
            tuple or list with one size or tensor for each argument; or a mapping of them by argument name.
        batch: how many examples a size stands for.
        dtype: type of inputs given by size; by default that of the parameters, whole numbers before an
            embedding.

    Returns:
        The anatomy; print it, show it in a notebook, or ask it to ``explain`` a layer.

    Raises:
        LayerlabError: the module cannot take the input; says which layer fails, with what, and what would do.

    Example:
        >>> print(dissect(torchvision.models.resnet18(), (3, 224, 224)))
    """
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    if not isinstance(module, nn.Module):
        raise LayerlabError(f"dissect takes a torch.nn.Module, not {type(module).__name__}")
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise LayerlabError("a ScriptModule cannot be looked into: give the module that it was made from")
    with torch.inference_mode(False):  # whatever the caller is in: the same operations are seen
        args, kwargs = example_inputs(module, inputs, batch, dtype)
        return _dissected(module, args, kwargs)


def _dissected(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Anatomy:
    """Return the anatomy from a run on ``meta``, or from a real one where that is impossible."""
    try:
        anatomy = _on_meta(module, args, kwargs)
    except ForwardFailed as failed:
        sentence = explain_failure(module, failed.failure, args, kwargs)
    except Exception:  # a module that cannot be copied: locks, open files, tensors of foreign kinds
        sentence = None
    else:
        return _with_batch(anatomy, module, args)
    if sentence is not None:
        raise LayerlabError(sentence)
    try:
        return _for_real(module, args, kwargs)
    except ForwardFailed as failed:
        sentence = explain_failure(module, failed.failure, args, kwargs) or plain_failure(failed.failure)
    raise LayerlabError(sentence)


def diagnose_input(module: nn.Module, inputs: Any) -> str | None:
    """Return ``None`` when the module can take the input, else a sentence: which layer fails, what would do.

    Args:
        module: any PyTorch module.
        inputs: as for :func:`dissect`.
    """
    try:
        dissect(module, inputs)
    except LayerlabError as error:
        return str(error)
    return None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let Python not look for cycles: without memory there is nothing to gain, and it takes as long as the run."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_no_collection()
def _on_meta(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Anatomy:
    twin = meta_twin(module)
    # The twin may still reach the original, through a function that knows it.
    with preserved(module), torch.device("meta"):
        inputs = map_tensors((tuple(args), dict(kwargs)), meta_tensor)
        trace = watch(twin, *inputs, guarded=module)
        trace.backward_bytes = _kept_in_training(module, twin, *inputs)
    return _examined(twin, trace, args, kwargs, ())


def _kept_in_training(module: nn.Module, twin: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
    """Return what a training step keeps; where training cannot take the input (one image), as in evaluation."""
    for original, part in zip(module.modules(), twin.modules(), strict=True):
        part.training = original.training or not module.training
    kept = kept_for_backward(twin, args, kwargs)
    if kept is None:
        for part in twin.modules():
            part.training = False
        kept = kept_for_backward(twin, args, kwargs)
    return kept


def _with_batch(anatomy: Anatomy, module: nn.Module, args: Sequence[Any]) -> Anatomy:
    """Refuse an image without channels, whose batch a convolution took for its channels."""
    for layer in anatomy.layers or (anatomy.root,):
        if layer.called and layer.kind == "Conv2d" and layer.inputs == anatomy.totals.input_shapes:
            advice = layout_advice(module, args)
            if advice is not None and len(layer.inputs[0]) == 3:
                name = f'Conv2d "{layer.path}"' if layer.path else "Conv2d"
                raise LayerlabError(f"{name} takes the batch of {layer.inputs[0][0]} for channels; {advice}")
    return anatomy


def _for_real(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Anatomy:
    first = next(iter(module.parameters()), None)
    device = first.device if first is not None else torch.device("cpu")

    def own(tensor: torch.Tensor) -> torch.Tensor:
        if is_example(tensor) and tensor.is_floating_point():  # noise: of nothing but zeros a detector finds too little
            noise = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(0))
            return noise.to(device, tensor.dtype)
        return tensor.detach().to(device, copy=True)

    def run(kept: Kept | None) -> Anatomy:
        notes = [_FOR_THIS_INPUT] + [_KEPT_IN_EVALUATION] * (kept is not None)
        with preserved(module):
            trace = watch(module, *map_tensors((tuple(args), dict(kwargs)), own), guarded=module, kept=kept)
            return _examined(module, trace, args, kwargs, tuple(notes))

    try:
        return run(Kept(module))
    except ForwardFailed:  # with gradients it may fail where without it does not
        return run(None)


_FOR_THIS_INPUT = "ran on real numbers, since its control flow depends on them: the figures are for this input"
_KEPT_IN_EVALUATION = "what a backward pass needs was counted in evaluation mode: training may keep more"


def _examined(
    module: nn.Module, trace: Trace, args: Sequence[Any], kwargs: Mapping[str, Any], notes: tuple[str, ...]
) -> Anatomy:
    shapes = [tuple(tensor.shape) for tensor in tensors_in([list(args), dict(kwargs)])]
    root, *layers = layers_of(module, trace)
    totals = totals_of(module, trace, root, shapes)
    if totals.macs_are_lower_bound:
        notes += (f"MACs are a lower bound: no rule for {', '.join(totals.uncounted)}",)
    if totals.executed_parameters < totals.parameters:
        notes += (
            f"{totals.parameters - totals.executed_parameters:,} parameters took no part: "
            f"{totals.executed_parameters:,} of {totals.parameters:,} were executed",
        )
    return Anatomy(root, tuple(layers), totals, notes, trace.operations, trace.results)
