"""Layers that take several tensors."""

from __future__ import annotations

from torch import nn

from layerlab.layers import Add, Concatenate
from layerlab.notation.catalogue.activations import one_axis
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import Built, keras_layer
from layerlab.notation.description import Shape
from layerlab.notation.layout import shown, torch_axis
from layerlab.notation.modules.merging import Average, Maximum, Minimum, Multiply, Subtract

__all__: list[str] = []


def _elementwise(call: LayerCall, module: nn.Module) -> Built:
    """Return a merge of tensors of one shape; an axis of length 1 is repeated."""
    if len({len(shape) for shape in call.shapes}) > 1:
        raise call.error(f"gets {_all(call)}; expected as many axes in each, such as Reshape((1, 1, channels)) gives")
    merged: list[int | None] = []
    for sizes in zip(*call.shapes, strict=True):
        known = {size for size in sizes if size not in (1, None)}
        if len(known) > 1:
            raise call.error(f"gets {_all(call)}; expected one shape")
        merged.append(known.pop() if known else None if None in sizes else 1)
    return Built(module, tuple(merged))


def _all(call: LayerCall) -> str:
    """Return all the shapes that come in."""
    return " and ".join(map(shown, call.shapes))


@keras_layer("Add", several=True)
def _add(call: LayerCall) -> Built:
    return _elementwise(call, Add())


@keras_layer("Subtract", several=True)
def _subtract(call: LayerCall) -> Built:
    if len(call.shapes) != 2:
        raise call.error(f"takes two tensors and gets {len(call.shapes)}")
    return _elementwise(call, Subtract())


@keras_layer("Multiply", several=True)
def _multiply(call: LayerCall) -> Built:
    return _elementwise(call, Multiply())


@keras_layer("Average", several=True)
def _average(call: LayerCall) -> Built:
    return _elementwise(call, Average())


@keras_layer("Maximum", several=True)
def _maximum(call: LayerCall) -> Built:
    return _elementwise(call, Maximum())


@keras_layer("Minimum", several=True)
def _minimum(call: LayerCall) -> Built:
    return _elementwise(call, Minimum())


@keras_layer("Concatenate", several=True, axis=-1)
def _concatenate(call: LayerCall) -> Built:
    axis = one_axis(call, call["axis"])
    rests = {_without(shape, axis - 1) for shape in call.shapes}
    if len(rests) > 1 and not _agree(rests):
        raise call.error(f"gets {_all(call)}; expected shapes that differ along axis {call['axis']} only")
    lengths = [shape[axis - 1] for shape in call.shapes]
    total = None if None in lengths else sum(length for length in lengths if length is not None)
    shape = (*call.shape[: axis - 1], total, *call.shape[axis:])
    return Built(Concatenate(torch_axis(axis, call.rank)), shape)


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _agree(shapes: set[Shape]) -> bool:
    """Return whether shapes may be the same once their free axes are known."""
    if len({len(shape) for shape in shapes}) > 1:
        return False
    return all(len(set(sizes) - {None}) <= 1 for sizes in zip(*shapes, strict=True))
