"""All sets of features as a lattice: small ones below, a line from each to those with one more, coloured by success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.report.marks import NEUTRAL, SEQUENTIAL, Figure, Panels, label_text
from layerlab.lab.words.others import set_label
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["lattice_figure"]

_LEVEL: Final = 62
"""Pixels from one size of set to the next."""
_LETTER: Final = 0.05
"""Width of a letter, of which 2.24 are the width of a panel at 900 pixels."""
_HEIGHTS: Final = (18, -18, 31, -31)
"""Pixels of a name above its set."""


def lattice_figure(answer: Answer, finding: Finding, language: str) -> Figure:
    """Return a panel for each task; the smallest sets that solve it are ringed and named."""
    words = Vocabulary(answer, language, finding.comparison)
    tasks = finding.content["tasks"]
    sizes = max(len(one["set"]) for found in tasks.values() for one in found["sets"])
    panels = Panels(
        words, [words.task(task) for task in tasks], max(_LEVEL * sizes, 120), columns=2, shared=True, foot=16
    )
    data: list[dict[str, Any]] = []
    for number, found in enumerate(tasks.values()):
        places = _places([tuple(one["set"]) for one in found["sets"]])
        for trace in (_lines(places), _nodes(words, found, places), _rings(words, found, places)):
            data.append({**trace, **panels.axes(number), "showlegend": trace["showlegend"] and number == 0})
        panels.layout["annotations"] += _names(words, found, places, panels.suffix(number))
        panels.set("x", number, visible=False, range=[-1.12, 1.12])
        panels.set(
            "y", number, tickmode="array", showgrid=False, range=[0.45, sizes + 0.5],
            tickvals=list(range(1, sizes + 1)),
            ticktext=[words.say("figure.size", n=size) for size in range(1, sizes + 1)], automargin=True,
            showticklabels=panels.first_of_row(number),
        )  # fmt: skip
    # The first heat shows the scale for all.
    bar = {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.02, "yanchor": "top", "len": 0.45, "thickness": 12,
           "tickformat": ".0%", "title": {"text": words.say("figure.solved"), "side": "bottom"}}  # fmt: skip
    data[1]["marker"] |= {"showscale": True, "colorbar": bar}
    panels.layout["height"] += 40
    panels.layout["margin"]["b"] = 70
    return {"data": data, "layout": panels.layout}


def _places(sets: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[float, int]]:
    """Return where each set lies: as high as it is large, those of one size side by side over the whole width."""
    sized: dict[int, list[tuple[str, ...]]] = {}
    for one in sets:
        sized.setdefault(len(one), []).append(one)
    widest = max(map(len, sized.values()))
    places = {}
    for size, members in sized.items():
        # A row of few stands nearer together, so that the lattice has the shape that gave it its name.
        half = (len(members) / widest) ** 0.5 if len(members) > 1 else 0.0
        for place, one in enumerate(members):
            places[one] = (half * (2 * place / max(len(members) - 1, 1) - 1), size)
    return places


def _lines(places: Mapping[tuple[str, ...], tuple[float, int]]) -> dict[str, Any]:
    x: list[float | None] = []
    y: list[float | None] = []
    sets = {frozenset(one): place for one, place in places.items()}
    for one, (across, up) in sets.items():
        for item in one:
            if (below := sets.get(one - {item})) is not None:
                x += [across, below[0], None]
                y += [up, below[1], None]
    return {"type": "scatter", "mode": "lines", "name": "", "x": x, "y": y, "hoverinfo": "skip", "showlegend": False,
            "line": {"width": 0.6, "color": NEUTRAL}, "opacity": 0.25, "meta": {"role": "neutral"}}  # fmt: skip


def _nodes(
    words: Vocabulary, found: Mapping[str, Any], places: Mapping[tuple[str, ...], tuple[float, int]]
) -> dict[str, Any]:
    shares = [one["hits"] / one["runs"] if one["runs"] else 0.0 for one in found["sets"]]
    spots = [places[tuple(one["set"])] for one in found["sets"]]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": words.say("figure.solved"),
        "x": [x for x, _ in spots],
        "y": [y for _, y in spots],
        "text": [
            f"{label_text(set_label(words, one['set']), 60)}: "
            + words.say("failed.of", failed=one["hits"], runs=one["runs"])
            for one in found["sets"]
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 11, "color": shares, "cmin": 0, "cmax": 1, "colorscale": SEQUENTIAL,
                   "line": {"width": 1, "color": NEUTRAL}},
        "showlegend": False,
        "meta": {"role": "sequential-marker"},
    }  # fmt: skip


def _rings(
    words: Vocabulary, found: Mapping[str, Any], places: Mapping[tuple[str, ...], tuple[float, int]]
) -> dict[str, Any]:
    ringed = [places[tuple(items)] for items in found["smallest"]]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": words.say("figure.smallest"),
        "x": [x for x, _ in ringed],
        "y": [y for _, y in ringed],
        "hoverinfo": "skip",
        "cliponaxis": False,
        "marker": {"size": 17, "symbol": "circle-open", "color": "#d95f02", "line": {"width": 3}},
        "showlegend": bool(ringed),
        "meta": {"role": "series-1"},
    }


def _names(
    words: Vocabulary, found: Mapping[str, Any], places: Mapping[tuple[str, ...], tuple[float, int]], suffix: str
) -> list[dict[str, Any]]:
    """Return the names of the smallest sets, each at the first height at which it meets no other of its row."""
    taken: dict[tuple[int, int], float] = {}
    notes = []
    for (x, y), items in sorted((places[tuple(items)], items) for items in found["smallest"]):
        text = words.value(items)
        width = _LETTER * len(text)
        left = min(max(x - width / 2, -1.1), 1.1 - width)
        height = next((one for one in _HEIGHTS if taken.get((y, one), -9.0) < left), _HEIGHTS[0])
        taken[y, height] = left + width
        notes.append(
            {
                "text": label_text(text, 40), "x": left + width / 2, "y": y, "xref": f"x{suffix}", "yref": f"y{suffix}",
                "xanchor": "center", "yanchor": "middle", "yshift": height, "showarrow": False,
            }
        )  # fmt: skip
    return notes
