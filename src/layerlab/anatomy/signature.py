"""What a module call does, as a value to compare: equal for equal layers with equal shapes in equal order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.record import Call

__all__ = ["Signatures"]


class Signatures:
    """Gives each call its signature; computed when asked for, and kept.

    Args:
        anatomy: whose calls they are.
        sources: for each operation that is shown, what made its inputs.
        inside: for each call, the operations that are shown.
    """

    def __init__(
        self, anatomy: Anatomy, sources: Mapping[int, tuple[int, ...]], inside: Mapping[Call, Sequence[int]]
    ) -> None:
        self._operations = anatomy.operations
        self._sources = sources
        self._inside = inside
        self._facts = {
            layer.path: (layer.kind, layer.parameters, repr(sorted(layer.settings.items())))
            for layer in (anatomy.root, *anatomy.layers)
        }
        self._known: dict[Call, tuple[Any, ...]] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}

    def of(self, call: Call) -> tuple[Any, ...]:
        """Return the signature of a call: names, shapes, settings and wiring, without paths and numbers."""
        if call not in self._known:
            self._known[call] = self._signature(call)
        return self._known[call]

    def _signature(self, call: Call) -> tuple[Any, ...]:
        numbers = self._inside.get(call, ())
        place = {number: index for index, number in enumerate(numbers)}
        outside: dict[int, int] = {}
        calls: dict[Call, int] = {}
        steps = []
        for number in numbers:
            operation = self._operations[number]
            within = operation.within[operation.within.index(call) :]
            wiring = tuple(
                place[source] if source in place else -1 - outside.setdefault(source, len(outside))
                for source in self._sources[number]
            )
            modules = tuple((calls.setdefault(one, len(calls)), self._facts.get(one[0])) for one in within)
            steps.append((operation.name, operation.inputs, operation.outputs, operation.macs, wiring, modules))
        return tuple(steps)
