"""Arms below one another: every run a dot, the mean a diamond with its interval, pairs joined where there are two."""

from __future__ import annotations

import math
from typing import Any, Final

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.report.marks import NEUTRAL, SERIES, Figure, Panels, label_text
from layerlab.lab.report.series import Series, edge_of, hover, metric_axis, series_of, tasks_of
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["points_figure"]

_ROW: Final = 46
"""Pixels of an arm."""
_STRIP: Final = 0.26
"""Share of an arm's row in which the dots lie, above and below its middle."""


def points_figure(answer: Answer, finding: Finding, language: str) -> Figure:
    """Return a panel for each task, and one for all, with every run of every arm.

    What was never reached lies at the right edge, as a cross; a run that did not train is an open dot.
    """
    words = Vocabulary(answer, language, finding.comparison)
    tasks = tasks_of(answer, finding)
    of_task = [series_of(answer, finding, task) for task in tasks]
    arms = [one.arm for one in of_task[0]]
    titles = [words.task(task) if task else words.say("report.all-tasks") for task in tasks]
    panels = Panels(words, titles, max(len(arms) * _ROW, 110), columns=2 if len(tasks) in (2, 4) else 3, shared=True)
    data: list[dict[str, Any]] = []
    for number, series in enumerate(of_task):
        never = edge_of(series, finding.metric)
        drawn = [*(value for one in series for value in (*one.values, one.low, one.high)), never]
        panels.set("x", number, **metric_axis(words, finding.metric, drawn))
        labels = [label_text(words.arm(arm), 30) for arm in arms]
        panels.set(
            "y", number, tickmode="array", tickvals=list(range(len(arms))), ticktext=labels, automargin=True,
            showgrid=False, range=[len(arms) - 0.5, -0.5], showticklabels=panels.first_of_row(number),
        )  # fmt: skip
        axes = panels.axes(number)
        if len(series) == 2:
            data.append({**_pair_lines(words, series, never), **axes, "showlegend": number == 0})
        for place, one in enumerate(series):
            data += [
                {**trace, **axes, "showlegend": number == 0 and trace["name"] not in {seen["name"] for seen in data}}
                for trace in _arm(words, finding.metric, place, one, never, joined=len(series) == 2)
            ]
    return {"data": data, "layout": panels.layout}


def _strip(place: int, count: int, number: int, *, joined: bool) -> float:
    """Return the height of a dot: spread evenly by the golden ratio; on a line where it is joined to its pair."""
    if joined or count == 1:
        return float(place)
    return place + _STRIP * (2 * math.modf(number * 0.6180339887)[0] - 1)


def _arm(
    words: Vocabulary, metric: str, place: int, series: Series, never: float | None, *, joined: bool
) -> list[dict[str, Any]]:
    label, count = label_text(words.arm(series.arm)), len(series.values)
    symbols = [
        "x-thin-open" if value is None else "circle-open" if failed else "circle"
        for value, failed in zip(series.values, series.failed, strict=True)
    ]
    role = f"series-{place % len(SERIES)}"
    runs = {
        "type": "scatter",
        "mode": "markers",
        "name": words.say("figure.run"),
        "x": [never if value is None else value for value in series.values],
        "y": [_strip(place, count, number, joined=joined) for number in range(count)],
        "text": [
            f"{label}, {words.say('figure.seed', n=replicate + 1)}: "
            f"{words.say('figure.never') if value is None else hover(words, metric, value)}"
            + (f" ({words.say('figure.failed')})" if failed else "")
            for replicate, value, failed in zip(series.replicates, series.values, series.failed, strict=True)
        ],
        "customdata": list(series.keys),
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": symbols, "size": 8, "opacity": 0.6, "color": SERIES[place % len(SERIES)],
                   "line": {"width": 1.5}},
        "meta": {"role": role},
    }  # fmt: skip
    if series.middle is None:
        return [runs]
    low = series.middle if series.low is None else series.low
    high = series.middle if series.high is None else series.high
    infinite = any(value is None for value in series.values)
    bounds = f"{hover(words, metric, series.low)} – {hover(words, metric, series.high)}"
    mean = {
        "type": "scatter",
        "mode": "markers",
        "name": words.say("figure.median" if infinite else "figure.mean"),
        "x": [series.middle],
        "y": [place],
        "error_x": {"type": "data", "symmetric": False, "array": [high - series.middle],
                    "arrayminus": [series.middle - low], "thickness": 3, "width": 9},
        "text": [f"{label}: {hover(words, metric, series.middle)} ({bounds})"],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "diamond", "size": 13, "color": SERIES[place % len(SERIES)],
                   "line": {"width": 1.5, "color": "white"}},
        "meta": {"role": role, "outlined": True},
    }  # fmt: skip
    return [runs, mean]


def _pair_lines(words: Vocabulary, series: list[Series], never: float | None) -> dict[str, Any]:
    """Return a line for each seed from one arm to the other."""
    x: list[float | None] = []
    y: list[float | None] = []
    second = dict(zip(series[1].replicates, series[1].values, strict=True))
    for replicate, value in zip(series[0].replicates, series[0].values, strict=True):
        if replicate in second:
            other = second[replicate]
            x += [never if value is None else value, never if other is None else other, None]
            y += [0, 1, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": words.say("figure.pairs"),
        "x": x,
        "y": y,
        "hoverinfo": "skip",
        "line": {"width": 1, "color": NEUTRAL},
        "opacity": 0.5,
        "meta": {"role": "neutral"},
    }
