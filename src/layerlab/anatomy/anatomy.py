"""The result of a dissection: the records, and their renderings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from layerlab.anatomy.record import Layer, Operation, Totals, as_plain
from layerlab.errors import LayerlabError, did_you_mean

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layerlab.anatomy.compare import Comparison
    from layerlab.anatomy.explain import Explanation, Teller

__all__ = ["CONVENTION", "Anatomy"]

CONVENTION = "MACs (convolution + matmul); FLOPs = 2 x MACs"


@dataclass(frozen=True)
class Anatomy:
    """What a module is made of, for one input.

    Attributes:
        root: the record of the module itself.
        layers: the records of everything below it, parents before their children.
        totals: sums over the whole module.
        notes: what holds for the numbers as a whole.
        operations: the calls into torch, in order, with what each is made from.
        results: numbers of the operations that made the network's outputs.

    Example:
        >>> anatomy = dissect(torch.nn.Conv2d(1, 64, 3), (1, 28, 28))
        >>> anatomy.totals.parameters, anatomy.totals.macs
        (640, 389376)
    """

    root: Layer
    layers: tuple[Layer, ...]
    totals: Totals
    notes: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    results: tuple[int, ...] = ()

    @cached_property
    def _by_path(self) -> dict[str, Layer]:
        return {layer.path: layer for layer in (self.root, *self.layers)}

    @cached_property
    def _by_number(self) -> dict[str, Layer]:
        return {layer.number: layer for layer in self.layers if layer.number}

    @cached_property
    def _teller(self) -> Teller:
        from layerlab.anatomy.explain import Teller

        return Teller(self)

    def __getitem__(self, key: str | int) -> Layer:
        """Return the record at a path or, failing that, at an outline number.

        Raises:
            LayerlabError: there is no such layer; names the nearest.
        """
        word = str(key)
        if word in self._by_path:
            return self._by_path[word]
        if word in self._by_number:
            return self._by_number[word]
        known = [path for path in self._by_path if path]
        limit = 20
        hint = did_you_mean(word, known)
        if hint.startswith("; known") and len(known) > limit:
            hint = did_you_mean(word, [layer.path for layer in self.layers if layer.depth == 1])
        numbers = f", numbered 1 to {sum(layer.depth == 1 for layer in self.layers)}" if self._by_number else ""
        raise LayerlabError(f'{self.root.kind} has no layer "{word}"{numbers}{hint}')

    def children(self, layer: Layer) -> list[Layer]:
        """Return the records directly below one, in order."""
        prefix = f"{layer.path}." if layer.path else ""
        below = layer.depth + 1
        return [child for child in self.layers if child.depth == below and child.path.startswith(prefix)]

    def explain(self, key: str | int, language: str = "en") -> Explanation:
        """Return the worked arithmetic of one layer.

        Args:
            key: its path or outline number, as in ``anatomy[key]``.
            language: ``"en"`` or ``"pl"``.

        Raises:
            LayerlabError: there is no such layer, or no explanation in the language.
        """
        from layerlab.anatomy.explain import explain

        return explain(self._teller, self[key], language)

    def compare(self, other: Anatomy, names: tuple[str, str] | None = None) -> Comparison:
        """Return this anatomy and another side by side: totals with ratios, layers that differ, matched by path.

        Args:
            other: what is told as more or less than this one.
            names: what to call the two; by default by their classes.
        """
        from layerlab.anatomy.compare import compare

        return compare(self, other, names)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, numbers and strings."""
        totals = as_plain(self.totals) | {"flops": self.totals.flops, "optimizer_bytes": self.totals.optimizer_bytes}
        return {
            "convention": CONVENTION,
            "model": self.root.kind,
            "totals": totals,
            "notes": list(self.notes),
            "root": as_plain(self.root),
            "layers": [as_plain(layer) for layer in self.layers],
            "operations": [as_plain(operation) for operation in self.operations],
            "results": list(self.results),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """Return :meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_html(self) -> str:
        """Return a page that holds all it needs: a diagram that opens and closes, every layer's arithmetic, the table.

        It works from a file without a network, in English and Polish. Where no diagram can be drawn it says why. The
        table alone, as a fragment for another page, is :func:`layerlab.anatomy.html.html_table`.
        """
        from layerlab.anatomy.page import html_page

        return html_page(self)

    def table(self, depth: int | None = None, *, folded: bool = True) -> RenderableType:
        """Return the table as a Rich renderable.

        Args:
            depth: levels of nesting to show; by default as many as stay readable.
            folded: whether equal layers in a row are one line, ``x3``, with the figures of all.
        """
        from layerlab.anatomy.table import rich_table

        return rich_table(self, depth, folded=folded)

    def to_scale(self) -> str:
        """Return an SVG of the stages as boxes of channels by height by width, drawn to scale as papers do."""
        from layerlab.anatomy.scale_picture import scale_picture

        return scale_picture(self)

    def diagram(self, depth: int | None = None) -> str:
        """Return a picture of the network as the text of an SVG, for light and dark pages.

        Args:
            depth: how many levels of blocks are seen, the network's own included; by default as many as stay readable.

        Raises:
            LayerlabError: the layout failed or took too long; names the block.
        """
        from layerlab.anatomy.draw import diagram

        return diagram(self, depth)

    def _repr_html_(self) -> str:
        from layerlab.anatomy.html import html_table

        return html_table(self)

    def __rich__(self) -> RenderableType:
        return self.table()

    def __str__(self) -> str:
        from layerlab.anatomy.table import text_table

        return text_table(self)
