"""Which layers a table shows and with which figures: shared by the terminal and the page.

A layer whose children are shown gives its own figures only, so that every column adds up to the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layerlab.anatomy.anatomy import CONVENTION, Anatomy
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import memory

__all__ = ["Row", "footer", "rows_of", "title"]

_READABLE = 40
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
        layer: its record.
        kind: class name, or those of the parts of one layer: ``Conv2d + ReLU``.
        is_open: whether its children have lines of their own.
        parameters, macs, element_operations, activation_bytes: what this line adds to the totals.
    """

    layer: Layer
    kind: str
    is_open: bool
    parameters: int
    macs: int
    element_operations: int
    activation_bytes: int


def rows_of(anatomy: Anatomy, depth: int | None = None) -> list[Row]:
    """Return the lines down to ``depth``; by default as deep as stays readable, parts of one layer together.

    The first line is the module itself, with what belongs to none of its layers.
    """
    if depth is None:
        deepest = max((layer.depth for layer in anatomy.layers), default=0)
        for level in range(deepest, 0, -1):
            rows = _rows(anatomy, level, fold=True)
            if len(rows) <= _READABLE:
                return rows
        depth, fold = 1, True
    else:
        fold = False
    return _rows(anatomy, max(depth, 0), fold)


def _rows(anatomy: Anatomy, depth: int, fold: bool) -> list[Row]:
    rows: list[Row] = []
    layers = (anatomy.root, *anatomy.layers)
    hidden_below: int | None = None
    for index, layer in enumerate(layers):
        if hidden_below is not None and layer.depth > hidden_below:
            continue
        hidden_below = None
        below = _below(layers, index)
        whole = fold and layer.depth > 0 and is_one_layer(layer, below)
        is_open = bool(below) and layer.depth < depth and not whole
        if not is_open:
            hidden_below = layer.depth
        kind = _kind_of_parts(below) if whole and layer.kind in ("Sequential", "Recurrent") else layer.kind
        rows.append(_row(layer, kind, is_open))
    return rows


def _below(layers: Sequence[Layer], index: int) -> list[Layer]:
    """Return the children of the layer at ``index``, which stand behind it."""
    found = []
    depth = layers[index].depth
    for layer in layers[index + 1 :]:
        if layer.depth <= depth:
            break
        if layer.depth == depth + 1:
            found.append(layer)
    return found


def is_one_layer(layer: Layer, children: Sequence[Layer]) -> bool:
    """Return whether the children are parts of one layer: a convolution with its padding and activation."""
    if not children:
        return False
    if layer.kind.startswith(_MADE_OF_PARTS):
        return True
    return layer.kind in _HOLDERS and all(child.name in _PARTS and child.is_leaf for child in children)


def _kind_of_parts(children: Sequence[Layer]) -> str:
    return " + ".join(child.kind for child in children if child.name not in _BESIDE_THE_POINT)


def _row(layer: Layer, kind: str, is_open: bool) -> Row:
    if is_open:
        return Row(
            layer, kind, True, layer.own_parameter_count, layer.own_macs,
            layer.own_element_operations, layer.own_activation_bytes,
        )  # fmt: skip
    return Row(layer, kind, False, layer.parameters, layer.macs, layer.element_operations, layer.activation_bytes)


def title(anatomy: Anatomy) -> str:
    """Return the model's class and its input."""
    shapes = " and ".join("x".join(map(str, shape)) for shape in anatomy.totals.input_shapes)
    return f"{anatomy.root.kind}, input {shapes}"


def footer(anatomy: Anatomy) -> list[str]:
    """Return the lines below the table: totals, what was counted, what a reader must know."""
    totals = anatomy.totals
    bound = "at least " if totals.macs_are_lower_bound else ""
    states = f"trainable {totals.trainable:,}" + (f", frozen {totals.frozen:,}" if totals.frozen else "")
    lines = [
        f"parameters {totals.parameters:,} ({states}); buffers {totals.buffers:,}",
        f"MACs {bound}{totals.macs:,}; activations, normalisation, pooling {totals.element_operations:,} operations",
        f"memory: parameters {memory(totals.parameter_bytes)}, buffers {memory(totals.buffer_bytes)}, "
        f"outputs {memory(totals.activation_bytes)}",
        CONVENTION,
        *anatomy.notes,
    ]
    return lines + _layer_notes(anatomy)


def _layer_notes(anatomy: Anatomy) -> list[str]:
    """Return each note once, with its layers; what holds for a parent is not said of its children."""
    places: dict[str, list[str]] = {}
    for layer in anatomy.layers:
        for note in layer.notes:
            known = places.setdefault(note, [])
            if not any(layer.path.startswith(f"{path}.") for path in known):
                known.append(layer.path)
    shown = 2
    lines = []
    for note, paths in places.items():
        more = f" and {len(paths) - shown} more" if len(paths) > shown else ""
        lines.append(f"{', '.join(paths[:shown])}{more}: {note}")
    return lines
