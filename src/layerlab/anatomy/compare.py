"""Two anatomies side by side: the totals with their ratios, and the layers that differ, matched by path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from layerlab.anatomy.record import Layer, as_plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layerlab.anatomy.anatomy import Anatomy

__all__ = ["Comparison", "Difference", "Figure", "compare"]

_READABLE = 40
_TOTALS = (
    ("parameters", "parameters", False),
    ("executed parameters", "executed_parameters", False),
    ("MACs", "macs", False),
    ("activations, normalisation, pooling", "element_operations", False),
    ("weights", "parameter_bytes", True),
    ("outputs", "activation_bytes", True),
    ("peak of inference", "peak_bytes", True),
    ("kept for backward", "backward_bytes", True),
)


@dataclass(frozen=True)
class Figure:
    """One total of both.

    Attributes:
        name: what it is.
        one, other: of each; ``None`` where it could not be seen.
        is_memory: whether it is bytes, else a count.
    """

    name: str
    one: int | None
    other: int | None
    is_memory: bool

    @property
    def ratio(self) -> float | None:
        """The other for each of the first; ``None`` where there is nothing to divide."""
        return self.other / self.one if self.one and self.other is not None else None


@dataclass(frozen=True)
class Difference:
    """A layer that is not the same in both.

    Attributes:
        path: where it is.
        one, other: its records; ``None`` in the one that lacks it.
    """

    path: str
    one: Layer | None
    other: Layer | None

    @property
    def what(self) -> Literal["added", "removed", "changed"]:
        """Whether the other has it more, has it less, or has it otherwise."""
        if self.one is None:
            return "added"
        return "removed" if self.other is None else "changed"

    @property
    def changed(self) -> tuple[str, ...]:
        """Which of kind, settings, inputs, outputs, parameters and macs differ, where both have it."""
        if self.one is None or self.other is None:
            return ()
        return tuple(name for name in _FACTS if getattr(self.one, name) != getattr(self.other, name))

    def to_dict(self) -> dict[str, Any]:
        """Return the path, what happened, and of both what the table shows."""
        both = [None if layer is None else as_plain(layer) for layer in (self.one, self.other)]
        facts = {name: [None if layer is None else layer[name] for layer in both] for name in _FACTS}
        return {"path": self.path, "what": self.what, "changed": list(self.changed), **facts}


_FACTS = ("kind", "settings", "inputs", "outputs", "parameters", "macs")


@dataclass(frozen=True)
class Comparison:
    """Two anatomies side by side.

    Attributes:
        one, other: the anatomies.
        names: what they are called.
        figures: the totals.
        differences: the layers that differ, in order, the innermost that do; of a part that is added or removed as a
            whole the outermost.
        same: how many layers are the same in both, with everything inside them.
    """

    one: Anatomy
    other: Anatomy
    names: tuple[str, str]
    figures: tuple[Figure, ...]
    differences: tuple[Difference, ...]
    same: int

    @cached_property
    def shown(self) -> tuple[Difference, ...]:
        """The differences as deep as stays readable: those further inside stand together in what is around them."""
        deepest = max((difference.path.count(".") for difference in self.differences), default=0)
        shown: tuple[Difference, ...] = self.differences
        for level in range(deepest, 0, -1):
            if len(shown) <= _READABLE:
                break
            shown = tuple({one.path: one for one in map(self._around(level), self.differences)}.values())
        return shown

    def _around(self, level: int) -> Any:
        def around(difference: Difference) -> Difference:
            path = ".".join(difference.path.split(".")[:level])
            if path == difference.path:
                return difference
            return Difference(path, self.one[path], self.other[path])

        return around

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, numbers and strings."""
        return {
            "names": list(self.names),
            "inputs": [as_plain(anatomy.totals)["input_shapes"] for anatomy in (self.one, self.other)],
            "totals": [
                {"name": one.name, "one": one.one, "other": one.other, "ratio": one.ratio} for one in self.figures
            ],
            "same": self.same,
            "layers": [difference.to_dict() for difference in self.differences],
        }

    def _repr_html_(self) -> str:
        from layerlab.anatomy.compare_table import html_comparison

        return html_comparison(self)

    def __rich__(self) -> RenderableType:
        from layerlab.anatomy.compare_table import rich_comparison

        return rich_comparison(self)

    def __str__(self) -> str:
        from layerlab.anatomy.compare_table import text_comparison

        return text_comparison(self)


def compare(one: Anatomy, other: Anatomy, names: tuple[str, str] | None = None) -> Comparison:
    """Return two anatomies side by side.

    Args:
        one: the first.
        other: what is told as more or less than the first.
        names: what to call them; by default by their classes.
    """
    if names is None:
        kinds = (one.root.kind, other.root.kind)
        names = kinds if kinds[0] != kinds[1] else (kinds[0], f"other {kinds[1]}")
    figures = tuple(
        Figure(name, getattr(one.totals, field), getattr(other.totals, field), is_memory)
        for name, field, is_memory in _TOTALS
    )
    layers = _inside(one), _inside(other)
    differences = tuple(_differences("", *layers))
    touched = {around for difference in differences for around in _with_those_around(difference.path)}
    same = sum(bool(path) and path in layers[1] and path not in touched for path in layers[0])
    return Comparison(one, other, names, figures, differences, same)


def _with_those_around(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


_Inside = dict[str, tuple[Layer, list[str]]]
_OWN = ("kind", "settings", "own_macs", "own_parameter_count")


def _inside(anatomy: Anatomy) -> _Inside:
    """Return each record with the paths directly below it."""
    found: _Inside = {"": (anatomy.root, [])}
    for layer in anatomy.layers:
        found[layer.path] = (layer, [])
        found[layer.path.rpartition(".")[0]][1].append(layer.path)
    return found


def _differences(path: str, one: _Inside, other: _Inside) -> Iterator[Difference]:
    """Yield what differs at ``path``, which both have, and below it."""
    (layer, below), (second, below_second) = one[path], other[path]
    # A container is named itself only for what its children do not show already.
    if path and _differ(layer, second, _OWN if below and below_second else _FACTS):
        yield Difference(path, layer, second)
    for child in dict.fromkeys([*below, *below_second]):
        if child not in other:
            yield Difference(child, one[child][0], None)
        elif child not in one:
            yield Difference(child, None, other[child][0])
        else:
            yield from _differences(child, one, other)


def _differ(one: Layer, other: Layer, names: tuple[str, ...]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)
