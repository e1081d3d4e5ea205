"""Which layers are equal in all that a table shows, with everything inside them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from layerlab.anatomy.record import Layer

__all__ = ["alike", "children_of", "counts_on", "name_of_run"]

_NUMBERED = re.compile(r"(.*?)(\d+)")


def children_of(layers: Sequence[Layer]) -> list[list[int]]:
    """Return for each record the places of those directly below it; a subtree stands right behind its root."""
    children: list[list[int]] = [[] for _ in layers]
    above: list[int] = []
    for place, layer in enumerate(layers):
        while above and layers[above[-1]].depth >= layer.depth:
            above.pop()
        if above:
            children[above[-1]].append(place)
        above.append(place)
    return children


def alike(layers: Sequence[Layer], children: Sequence[Sequence[int]]) -> list[int]:
    """Return a number for each record; two have the same one when they are equal, recursively.

    Equal are the class, its settings, the shapes that go in and come out, and every figure; not the name, nor the
    receptive field, which grows from one layer to the next.
    """
    met: dict[Hashable, int] = {}
    numbers = [0] * len(layers)
    for place in reversed(range(len(layers))):
        inside = tuple((layers[child].name, numbers[child]) for child in children[place])
        key = (_own(layers[place]), inside)
        numbers[place] = met.setdefault(key, len(met))
    return numbers


def _own(layer: Layer) -> Hashable:
    return (
        layer.kind, layer.inputs, layer.outputs, layer.calls, layer.used, layer.parameters, layer.trainable,
        layer.buffers, layer.macs, layer.element_operations, layer.activation_bytes, layer.own_parameter_count,
        layer.own_macs, layer.own_element_operations, layer.own_activation_bytes, layer.shared_with, layer.notes,
        repr(layer.settings), tuple((one.name, one.shape, one.trainable, one.tied_to) for one in layer.own_parameters),
    )  # fmt: skip


def counts_on(before: str, name: str) -> bool:
    """Return whether a name is the next after another: ``block_2`` after ``block_1``, ``4`` after ``3``."""
    first, second = _NUMBERED.fullmatch(before), _NUMBERED.fullmatch(name)
    return first is not None and second is not None and first[1] == second[1] and int(second[2]) == int(first[2]) + 1


def name_of_run(first: str, last: str) -> str:
    """Return one name for layers whose names count on: ``1-2``, ``block_1-12``."""
    number = _NUMBERED.fullmatch(last)
    return first if first == last or number is None else f"{first}-{number[2]}"
