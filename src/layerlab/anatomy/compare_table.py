"""A comparison in the terminal and on a page."""

from __future__ import annotations

from html import escape
from io import StringIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from layerlab.anatomy.compare import Comparison, Difference, Figure
from layerlab.anatomy.html import STYLE
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import memory, short, without_batch

__all__ = ["html_comparison", "rich_comparison", "text_comparison"]

_WIDE = 112
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_STYLES = {"added": "green", "removed": "red", "changed": ""}
_COLUMNS = ("layer", "kind", "output", "parameters", "MACs")


class _ComparisonTable:
    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        comparison = self.comparison
        totals = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        for name in ("", *comparison.names, "ratio"):
            totals.add_column(name, justify="right" if name else "left", overflow="fold")
        for cells in _totals(comparison):
            totals.add_row(*map(Text, cells))
        yield totals
        if comparison.shown:
            yield Text()
            yield self._layers(options.max_width >= _WIDE)
        for line in _notes(comparison, f" (+ only in {comparison.names[1]}, - only in {comparison.names[0]})"):
            yield Text(line)

    def _layers(self, wide: bool) -> Table:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        for column in _COLUMNS:
            gives_way = column in ("layer", "kind")
            table.add_column(
                f"  {column}" if column == "layer" else column,
                justify="left" if gives_way else "right",
                overflow="ellipsis" if gives_way else "fold",
                no_wrap=column != "output",
            )
        for difference in self.comparison.shown:
            name, *cells = _cells(difference, exact=wide)
            sign = f"{_SIGNS[difference.what]} {name}"
            table.add_row(*map(Text, (sign, *cells)), style=_STYLES[difference.what])
        return table


def _totals(comparison: Comparison) -> list[tuple[str, str, str, str]]:
    inputs = [
        " and ".join("x".join(map(str, shape)) for shape in anatomy.totals.input_shapes)
        for anatomy in (comparison.one, comparison.other)
    ]
    lines = [("input", inputs[0], inputs[1], "")]
    return lines + [(figure.name, *_both(figure)) for figure in comparison.figures]


def _both(figure: Figure) -> tuple[str, str, str]:
    def shown(value: int | None) -> str:
        if value is None:
            return "-"
        return memory(value) if figure.is_memory else f"{value:,}"

    ratio = "-" if figure.ratio is None else f"{figure.ratio:.3g}"
    return shown(figure.one), shown(figure.other), ratio


def _cells(difference: Difference, *, exact: bool) -> list[str]:
    """Return path, kind, output, parameters and MACs: one word where both agree, else ``one -> other``."""

    def count(number: int) -> str:
        return (f"{number:,}" if exact else short(number)) if number else "-"

    def words(layer: Layer) -> tuple[str, str, str, str]:
        return layer.kind, without_batch(layer.outputs), count(layer.parameters), count(layer.macs)

    one, other, changed = difference.one, difference.other, difference.changed
    both = [words(layer) for layer in (difference.one, difference.other) if layer is not None]
    kind, *rest = (" -> ".join(dict.fromkeys(cells)) for cells in zip(*both, strict=True))
    if one is not None and other is not None and changed == ("settings",):
        kind += f" ({_settings(one, other)})"
    return [difference.path, kind, *rest]


def _settings(one: Layer, other: Layer) -> str:
    """Return the settings that differ, where nothing else does."""
    names = [name for name in {**one.settings, **other.settings} if one.settings.get(name) != other.settings.get(name)]
    return ", ".join(f"{name} {one.settings.get(name)} -> {other.settings.get(name)}" for name in names)


def _notes(comparison: Comparison, signs: str = "") -> list[str]:
    counts = {what: sum(one.what == what for one in comparison.differences) for what in _SIGNS}
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    lines = [f"layers: {comparison.same:,} the same, {told}{signs}"]
    if len(comparison.shown) < len(comparison.differences):
        lines.append("layers that differ stand together in the part that holds them; the JSON lists each")
    for name, anatomy in zip(comparison.names, (comparison.one, comparison.other), strict=True):
        lines += [f"{name}: {note}" for note in anatomy.notes]
    return lines


def rich_comparison(comparison: Comparison) -> _ComparisonTable:
    """Return what Rich prints: totals with ratios, the layers that differ."""
    return _ComparisonTable(comparison)


def text_comparison(comparison: Comparison, width: int = 120) -> str:
    """Return the same as plain text of at most ``width`` columns."""
    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(_ComparisonTable(comparison))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def html_comparison(comparison: Comparison) -> str:
    """Return a ``<div>`` with its style and both tables; everything from the models is escaped."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in (*comparison.names, "ratio"))
    totals = "".join(
        f'<tr><th scope="row" class="name">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in _totals(comparison)
    )
    parts = [
        '<div class="layerlab-anatomy">',
        f"<style>{STYLE}</style>",
        f"<table><caption>{escape(' against '.join(comparison.names))}</caption>",
        f'<thead><tr><th scope="col" class="name">total</th>{names}</tr></thead><tbody>{totals}</tbody></table>',
    ]
    if comparison.shown:
        head = "".join(
            f'<th scope="col"{_aligned(place)}>{name}</th>'
            for place, name in enumerate((*_COLUMNS[:1], "", *_COLUMNS[1:]))
        )
        rows = "".join(map(_html_row, comparison.shown))
        parts.append(
            f"<table><caption>layers that differ</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
    parts += [f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in _notes(comparison))}</ul>", "</div>"]
    return "\n".join(parts)


def _aligned(place: int) -> str:
    return ' class="name"' if place < 3 else ""


def _html_row(difference: Difference) -> str:
    path, *cells = _cells(difference, exact=True)
    cells = [difference.what, *cells]
    shown = "".join(f"<td{_aligned(place)}>{escape(cell)}</td>" for place, cell in enumerate(cells, 1))
    return f'<tr><th scope="row" class="name">{escape(path)}</th>{shown}</tr>'
