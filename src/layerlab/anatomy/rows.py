"""Which layers a table shows and with which figures: shared by the terminal and the page.

A layer whose children are shown gives its own figures only, and equal layers in a row are one line that gives the
figures of all, so that every column adds up to the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layerlab.anatomy.alike import alike, children_of, counts_on, name_of_run
from layerlab.anatomy.anatomy import CONVENTION, Anatomy
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import memory

__all__ = ["Row", "footer", "rows_of", "title"]

_READABLE = 40
_SHOWN = 2
# Names of children, and the containers that hold them, which together are one layer to a reader.
_PARTS = frozenset({"padding", "convolution", "dense", "crop", "activation", "pooling", "normalization", "layer",
                    "recurrent", "dropout", "channels_first", "channels_last"})  # fmt: skip
_BESIDE_THE_POINT = frozenset({"padding", "crop", "dropout", "channels_first", "channels_last"})
_HOLDERS = frozenset({"Sequential", "Recurrent", "TimeDistributed"})
_MADE_OF_PARTS = ("SameMaxPool", "SameAvgPool", "Maxout", "SeparableConv")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        layer: its record; of equal layers in a row, the first.
        last: of equal layers in a row, the last; else the same as ``layer``.
        repeats: how many equal layers in a row the line stands for.
        kind: class name, or those of the parts of one layer: ``Conv2d + ReLU``.
        is_open: whether its children have lines of their own.
        parameters, macs, element_operations, activation_bytes: what this line adds to the totals, all repeats
            together.
    """

    layer: Layer
    last: Layer
    repeats: int
    kind: str
    is_open: bool
    parameters: int
    macs: int
    element_operations: int
    activation_bytes: int

    @property
    def name(self) -> str:
        """Last part of the path, of a run of equals the first and the last: ``1-2``; empty for the root."""
        first, last = self.layer.path.rpartition(".")[2], self.last.path.rpartition(".")[2]
        return name_of_run(first, last)

    @property
    def number(self) -> str:
        """Outline number, of a run of equals the first and the last: ``4.2-3``."""
        if self.repeats == 1 or not self.layer.number:
            return self.layer.number
        return f"{self.layer.number}-{self.last.number.rpartition('.')[2]}"

    @property
    def label(self) -> str:
        """The kind, with the number of repeats: ``Bottleneck x2``."""
        return f"{self.kind} x{self.repeats}" if self.repeats > 1 else self.kind


def rows_of(anatomy: Anatomy, depth: int | None = None, *, folded: bool = True) -> list[Row]:
    """Return the lines of the table, the first of which is the module itself with what belongs to none of its layers.

    Args:
        anatomy: what was found.
        depth: levels to show. By default as many as stay readable, and the parts of one layer (a convolution with its
            activation) together.
        folded: whether equal layers in a row are one line.
    """
    lines = _Lines(anatomy, folded)
    if depth is not None:
        return lines.down_to(max(depth, 0), together=False)
    if not folded:
        return lines.down_to(lines.deepest, together=False)
    for level in range(lines.deepest, 1, -1):
        rows = lines.down_to(level, together=True)
        if len(rows) <= _READABLE:
            return rows
    return lines.down_to(1, together=True)


class _Lines:
    """Makes the lines of one anatomy."""

    def __init__(self, anatomy: Anatomy, folded: bool) -> None:
        self.layers = (anatomy.root, *anatomy.layers)
        self.children = children_of(self.layers)
        self.equals = alike(self.layers, self.children) if folded else list(range(len(self.layers)))
        self.deepest = max(layer.depth for layer in self.layers)

    def down_to(self, depth: int, together: bool) -> list[Row]:
        rows: list[Row] = []
        self._add(rows, [0], 0, 1, depth, together)
        return rows

    def _add(self, rows: list[Row], run: Sequence[int], ahead: int, times: int, depth: int, together: bool) -> None:
        """Add the line of a run of equals, and those of what is inside.

        ``ahead`` is how far behind the first record its counterpart stands in the last of the equals around.
        """
        place, times = run[0], times * len(run)
        ahead += run[-1] - run[0]
        layer, below = self.layers[place], [self.layers[child] for child in self.children[place]]
        whole = together and layer.depth > 0 and is_one_layer(layer, below)
        is_open = bool(below) and layer.depth < depth and not whole
        kind = _kind_of_parts(below) if whole and layer.kind in ("Sequential", "Recurrent") else layer.kind
        counted = (
            (layer.own_parameter_count, layer.own_macs, layer.own_element_operations, layer.own_activation_bytes)
            if is_open
            else (layer.parameters, layer.macs, layer.element_operations, layer.activation_bytes)
        )
        figures = (times * figure for figure in counted)
        rows.append(Row(layer, self.layers[place + ahead], len(run), kind, is_open, *figures))
        if is_open:
            for inner in self._runs(self.children[place]):
                self._add(rows, inner, ahead, times, depth, together)

    def _runs(self, places: Sequence[int]) -> list[list[int]]:
        """Return neighbours together that are equal and whose names count on."""
        runs: list[list[int]] = []
        for place in places:
            before = runs[-1][-1] if runs else place
            equal = bool(runs) and self.equals[before] == self.equals[place]
            if equal and counts_on(self.layers[before].name, self.layers[place].name):
                runs[-1].append(place)
            else:
                runs.append([place])
        return runs


def is_one_layer(layer: Layer, children: Sequence[Layer]) -> bool:
    """Return whether the children are parts of one layer: a convolution with its padding and activation."""
    if not children:
        return False
    if layer.kind.startswith(_MADE_OF_PARTS):
        return True
    return layer.kind in _HOLDERS and all(child.name in _PARTS and child.is_leaf for child in children)


def _kind_of_parts(children: Sequence[Layer]) -> str:
    return " + ".join(child.kind for child in children if child.name not in _BESIDE_THE_POINT)


def title(anatomy: Anatomy) -> str:
    """Return the model's class and its input."""
    shapes = " and ".join("x".join(map(str, shape)) for shape in anatomy.totals.input_shapes)
    return f"{anatomy.root.kind}, input {shapes}"


def footer(anatomy: Anatomy, rows: Sequence[Row] = ()) -> list[str]:
    """Return the lines below the table: totals, what was counted, what a reader must know.

    Args:
        anatomy: what was found.
        rows: the lines that are shown, which say whether equals were folded.
    """
    totals = anatomy.totals
    bound = "at least " if totals.macs_are_lower_bound else ""
    states = f"trainable {totals.trainable:,}" + (f", frozen {totals.frozen:,}" if totals.frozen else "")
    lines = [
        f"parameters {totals.parameters:,} ({states}); buffers {totals.buffers:,}",
        f"MACs {bound}{totals.macs:,}",
        CONVENTION,
        f"activations, normalisation, pooling: {totals.element_operations:,} operations",
        *_memory(anatomy),
        *_held_directly(anatomy),
        *anatomy.notes,
        *_layer_notes(anatomy),
    ]
    if any(row.repeats > 1 for row in rows):
        lines.append("xN: N equal layers in a row; such a line and those inside it count all N")
    return lines


def _memory(anatomy: Anatomy) -> list[str]:
    """Return what inference and one step of training take, for the batch that was given."""
    totals = anatomy.totals
    states = ", ".join(f"{name} {memory(size)}" for name, size in totals.optimizer_bytes.items())
    kept = "not seen" if totals.backward_bytes is None else memory(totals.backward_bytes)
    return [
        f"memory: weights {memory(totals.parameter_bytes)}, buffers {memory(totals.buffer_bytes)}, "
        f"outputs {memory(totals.activation_bytes)}",
        f"inference: at most {memory(totals.peak_bytes)} of inputs and outputs at one moment",
        f"training: gradients {memory(totals.gradient_bytes)}, kept for backward {kept}",
        f"optimiser: {states}",
    ]


def _held_directly(anatomy: Anatomy) -> list[str]:
    """Return the line for parameters of modules that have others inside, which no leaf of the table shows."""
    held = [
        f"{layer.path}.{one.name} {one.count:,}" if layer.path else f"{one.name} {one.count:,}"
        for layer in (anatomy.root, *anatomy.layers)
        if not layer.is_leaf
        for one in layer.own_parameters
        if one.count
    ]
    return [f"parameters held beside layers: {_first_of(held)}"] if held else []


def _first_of(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _layer_notes(anatomy: Anatomy) -> list[str]:
    """Return each note once, with its layers; what holds for a parent is not said of its children."""
    places: dict[str, list[str]] = {}
    for layer in anatomy.layers:
        for note in layer.notes:
            known = places.setdefault(note, [])
            if not any(layer.path.startswith(f"{path}.") for path in known):
                known.append(layer.path)
    return [f"{_first_of(paths)}: {note}" for note, paths in places.items()]
