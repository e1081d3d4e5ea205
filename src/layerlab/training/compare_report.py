"""A comparison as one HTML file that opens anywhere, without a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files as resource_files

from layerlab.pages import normal_lines, plotly_text, script_hash, script_json, template_environment
from layerlab.training.compare_statistics import Comparison, Row
from layerlab.training.report import _percent
from layerlab.training.report_figures import Figure
from layerlab.training.report_payload import flat_facts

__all__ = ["cost_figure", "render_comparison"]

_NAMES = {"parameters": "parameters", "macs": "multiply-accumulates for one image"}
_PLACES = {
    f"{name} {side}": (across, up)
    for up, name in ((0, "middle"), (1, "top"), (-1, "bottom"))
    for across, side in ((1, "right"), (-1, "left"), (0, "center"))
    if up or across
}
_LETTER = 0.009
"""Width of a letter of a label as a share of the figure's width."""


def cost_figure(rows: Sequence[Row], cost: str) -> Figure:
    """Return accuracy against ``parameters`` or ``macs``: every run a ring, every mean a dot with its interval."""
    known = [row for row in rows if row.accuracy is not None and getattr(row, cost)]
    ranges = _ranges(known, cost)
    single = [(getattr(row, cost), one, row.model) for row in known for one in row.accuracies]
    runs = {
        "type": "scatter",
        "mode": "markers",
        "name": "one run",
        "x": [x for x, _, _ in single],
        "y": [y for _, y, _ in single],
        "text": [plotly_text(name) for _, _, name in single],
        "hovertemplate": "%{text}: %{y:.2%}<extra>one run</extra>",
        "marker": {"symbol": "circle-open", "size": 8, "line": {"width": 1.5}},
        "meta": {"role": "neutral"},
    }
    halves = [row.half_width for row in known]
    means = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "mean, 95 % interval" if any(half is not None for half in halves) else "mean",
        "x": [getattr(row, cost) for row in known],
        "y": [row.accuracy for row in known],
        "error_y": {"type": "data", "array": [half or 0 for half in halves], "thickness": 2, "width": 7},
        "text": [plotly_text(row.model, 28) for row in known],
        "textposition": _positions(known, cost, ranges),
        "customdata": [plotly_text(row.text, 40) for row in known],
        "hovertemplate": "%{text}<br>%{customdata}<br>%{x:,.4s} " + cost.replace("macs", "MACs") + "<extra></extra>",
        "marker": {"symbol": "diamond", "size": 11},
        "meta": {"role": "validation"},
        "cliponaxis": False,
    }
    across, up = ranges
    layout = {
        "xaxis": {
            "type": "log",
            "title": {"text": f"{_NAMES[cost]} (logarithmic)"},
            "range": across,
            "tickmode": "array",
            "tickvals": _ticks(*across),
            "tickformat": "~s",
        },
        "yaxis": {
            "title": {"text": "test accuracy"},
            "tickformat": ".1%" if up[1] - up[0] < 0.1 else ".0%",
            "range": up,
        },
        "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 68, "r": 16, "t": 34, "b": 52},
    }
    several = any(len(row.accuracies) > 1 for row in known)
    if not several:  # then the mean is the run
        means |= {"name": "one run"}
    return {"data": [runs, means] if several else [means], "layout": layout}


def render_comparison(result: Comparison) -> str:
    """Return the page, with both scripts inlined and named by their hashes in its policy."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    library = normal_lines(get_plotlyjs())
    script = normal_lines(resource_files("layerlab").joinpath("templates/report.js").read_text("utf-8"))
    environment = template_environment(["layerlab.training", "layerlab"])
    environment.filters["percent"] = _percent
    measured = [row for row in result.rows if row.accuracy is not None]
    figures = {cost: cost_figure(measured, cost) for cost in _NAMES} if measured else {}
    return environment.get_template("compare.html").render(
        result=result,
        names=_NAMES,
        measured=measured,
        options=flat_facts(result.options),
        made_with=flat_facts(result.versions),
        figures=Markup(script_json(figures)),  # noqa: S704  (escaped for a script element just there)
        library=Markup(library),  # noqa: S704  (plotly.js from the installed wheel)
        script=Markup(script),  # noqa: S704  (our own file)
        hashes=[script_hash(library), script_hash(script)],
    )


def _ticks(low: float, high: float) -> list[int]:
    """Return the numbers on the axis between two powers of ten: 1, 2 and 5 of each decade where there are few."""
    digits = (1,) if high - low > 2 else (1, 2, 5)
    numbers = [digit * 10**power for power in range(math.floor(low), math.ceil(high) + 1) for digit in digits]
    return [number for number in numbers if low <= math.log10(number) <= high]


def _ranges(rows: Sequence[Row], cost: str) -> tuple[list[float], list[float]]:
    """Return the axes' ends (across in powers of ten) with room for labels around what is drawn."""
    powers = [math.log10(getattr(row, cost)) for row in rows]
    ends = [end for row in rows for end in (row.interval or ())] + [one for row in rows for one in row.accuracies]
    wide = max(max(powers) - min(powers), 0.5)
    high = max(max(ends) - min(ends), 0.01)
    middle = (max(powers) + min(powers)) / 2
    across = [middle - 0.5 * wide - 0.25 * wide, middle + 0.5 * wide + 0.25 * wide]
    return across, [min(ends) - 0.12 * high, max(ends) + 0.12 * high]


def _positions(rows: Sequence[Row], cost: str, ranges: tuple[list[float], list[float]]) -> list[str]:
    """Return where each label stands: the first of four places in which it meets no other label and no mark."""
    (left, right), (low, high) = ranges
    spots = [
        ((math.log10(getattr(row, cost)) - left) / (right - left), ((row.accuracy or 0) - low) / (high - low))
        for row in rows
    ]
    marks = [(x - 0.012, y - 0.025, x + 0.012, y + 0.025) for x, y in spots]
    for row, (x, _) in zip(rows, spots, strict=True):
        bottom, top = row.interval or (row.accuracy or 0, row.accuracy or 0)
        marks.append((x - 0.008, (bottom - low) / (high - low), x + 0.008, (top - low) / (high - low)))
    taken: list[tuple[float, ...]] = []
    chosen = []
    for row, (x, y) in zip(rows, spots, strict=True):
        width = _LETTER * min(len(row.model), 28)
        boxes = {place: _box(x, y, width, *way) for place, way in _PLACES.items()}
        best = min(boxes, key=lambda place: _trouble(boxes[place], [*taken, *marks]))
        taken.append(boxes[best])
        chosen.append(best)
    return chosen


def _box(x: float, y: float, width: float, across: int, up: int) -> tuple[float, ...]:
    """Return the ends of a label beside the point."""
    middle = x + across * (0.01 + width / 2)
    height = y + up * 0.05
    return middle - width / 2, height - 0.025, middle + width / 2, height + 0.025


def _trouble(box: tuple[float, ...], others: Sequence[tuple[float, ...]]) -> float:
    """Return how much of the label would be covered, or stand outside."""
    left, low, right, high = box
    outside = max(-left, 0) + max(right - 1, 0) + max(-low, 0) + max(high - 1, 0)
    covered = sum(
        max(min(right, other[2]) - max(left, other[0]), 0) * max(min(high, other[3]) - max(low, other[1]), 0)
        for other in others
    )
    return covered + outside
