"""A comparison as one HTML file that opens anywhere, without a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files as resource_files

from layerlab.training.compare_statistics import Comparison, Row
from layerlab.training.report import _hash, _normal_lines, _percent, _script_json
from layerlab.training.report_figures import Figure, plotly_text
from layerlab.training.report_payload import flat_facts

__all__ = ["cost_figure", "render_comparison"]

_NAMES = {"parameters": "parameters", "macs": "multiply-accumulates for one image"}
_PLACES = {"middle right": (1, 0), "middle left": (-1, 0), "top center": (0, 1), "bottom center": (0, -1)}
_LETTER = 0.0125
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
            "range": list(across),
            # The digits between two powers are a habit of Plotly's that nobody reads.
            "dtick": 1 if across[1] - across[0] > 1 else "D2",
            "exponentformat": "SI",
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
    return {"data": [runs, means], "layout": layout}


def render_comparison(result: Comparison) -> str:
    """Return the page, with both scripts inlined and named by their hashes in its policy."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    library = _normal_lines(get_plotlyjs())
    script = _normal_lines(resource_files("layerlab.training").joinpath("templates/report.js").read_text("utf-8"))
    environment = Environment(
        loader=PackageLoader("layerlab.training", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    measured = [row for row in result.rows if row.accuracy is not None]
    figures = {cost: cost_figure(measured, cost) for cost in _NAMES} if measured else {}
    return environment.get_template("compare.html").render(
        result=result,
        names=_NAMES,
        measured=measured,
        options=flat_facts(result.options),
        made_with=flat_facts(result.versions),
        figures=Markup(_script_json(figures)),  # noqa: S704  (escaped for a script element just there)
        library=Markup(library),  # noqa: S704  (plotly.js from the installed wheel)
        script=Markup(script),  # noqa: S704  (our own file)
        hashes=[_hash(library), _hash(script)],
    )


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
    middle = x + across * (0.015 + width / 2)
    height = y + up * 0.06
    return middle - width / 2, height - 0.03, middle + width / 2, height + 0.03


def _trouble(box: tuple[float, ...], others: Sequence[tuple[float, ...]]) -> float:
    """Return how much of the label would be covered, or stand outside."""
    left, low, right, high = box
    outside = max(-left, 0) + max(right - 1, 0) + max(-low, 0) + max(high - 1, 0)
    covered = sum(
        max(min(right, other[2]) - max(left, other[0]), 0) * max(min(high, other[3]) - max(low, other[1]), 0)
        for other in others
    )
    return covered + outside
