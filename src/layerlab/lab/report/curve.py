"""A metric over the levels of a factor: every run a dot, the means a line with a band, one for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.report.marks import DASHES, SERIES, SYMBOLS, Figure, Panels, band_colour, label_text, titled
from layerlab.lab.report.series import Series, edge_of, hover, metric_axis, series_of, tasks_of
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["curve_figure"]

_HEIGHT: Final = 300


@dataclass(frozen=True)
class _Line:
    """One group of arms: those that differ in the factor on the horizontal axis alone."""

    label: str
    levels: tuple[Any, ...]
    arms: tuple[str, ...]


def curve_figure(answer: Answer, finding: Finding, language: str) -> Figure:
    """Return a panel for each task, and one for all, with a line for each group of arms."""
    words = Vocabulary(answer, language, finding.comparison)
    factor = str(finding.content["by"] if finding.kind in ("pairs", "grid", "range") else _factor(finding))
    lines = _lines(words, factor)
    tasks = tasks_of(answer, finding)
    titles = [words.task(task) if task else words.say("report.all-tasks") for task in tasks]
    panels = Panels(words, titles, _HEIGHT, columns=2 if len(tasks) != 3 else 3)
    places = _places(lines)
    data: list[dict[str, Any]] = []
    for number, task in enumerate(tasks):
        series = {one.arm: one for one in series_of(answer, finding, task)}
        never = edge_of(list(series.values()), finding.metric)
        drawn = [never, *(value for one in series.values() for value in (*one.values, one.low, one.high))]
        axis = metric_axis(words, finding.metric, drawn)
        panels.set("y", number, **{**axis, "title": axis["title"] if panels.first_of_row(number) else None,
                                   "automargin": True})  # fmt: skip
        panels.set("x", number, **_factor_axis(words, factor, places))
        for place, line in enumerate(lines):
            shown = [(level, series[arm]) for level, arm in zip(line.levels, line.arms, strict=True) if arm in series]
            for trace in _traces(words, finding.metric, place, line.label, shown, places, never):
                data.append({**trace, **panels.axes(number), "showlegend": number == 0 and trace["showlegend"]})
    return {"data": data, "layout": panels.layout}


def _factor(finding: Finding) -> str:
    return str(finding.content["trends"][0]["trend"]["factor"])


def _lines(words: Vocabulary, factor: str) -> list[_Line]:
    plan = words.plan(words.comparison)
    others = [name for name in plan["vary"] if name != factor]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for arm in plan["arms"]:
        if factor in arm["factors"]:
            label = words.levels({name: arm["factors"][name] for name in others if name in arm["factors"]})
            groups.setdefault(label, []).append(arm)
    return [
        _Line(label, tuple(arm["factors"][factor] for arm in arms), tuple(arm["name"] for arm in arms))
        for label, arms in groups.items()
    ]


def _places(lines: Sequence[_Line]) -> dict[Any, float]:
    """Return where each level lies: numbers where they are, other levels side by side."""
    levels = list(dict.fromkeys(_key(level) for line in lines for level in line.levels))
    if all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels):
        return {level: float(level) for level in sorted(levels)}
    return {level: float(place) for place, level in enumerate(levels)}


def _key(level: Any) -> Any:
    return tuple(level) if isinstance(level, list) else level


def _factor_axis(words: Vocabulary, factor: str, places: Mapping[Any, float]) -> dict[str, Any]:
    numbers = list(places.values())
    number = all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in places)
    name = words.factor(factor).removeprefix("the ")
    log = number and min(numbers) > 0 and max(numbers) / min(numbers) >= 4
    text = [words.value(level) if number else label_text(words.level(factor, level), 24) for level in places]
    axis = {"tickmode": "array", "tickvals": numbers, "ticktext": text}
    if log:
        return {**axis, "type": "log", "title": titled(words.say("figure.log", name=name))}
    return {**axis, "title": titled(name)}


def _traces(
    words: Vocabulary,
    metric: str,
    place: int,
    label: str,
    shown: Sequence[tuple[Any, Series]],
    places: Mapping[Any, float],
    never: float | None,
) -> list[dict[str, Any]]:
    """Return the band, the runs and the line of a group; what was never reached is a cross at the edge."""
    single = not label
    role, colour = f"series-{place % len(SERIES)}", SERIES[place % len(SERIES)]
    # Of one line, the legend names the dots and the band as well; of several, a click hides all that belongs to one.
    group = {"meta": {"role": role}} if single else {"meta": {"role": role}, "legendgroup": f"group-{place}"}
    where = [places[_key(level)] for level, _ in shown]
    known = [(x, one) for x, (_, one) in zip(where, shown, strict=True) if one.low is not None and one.high is not None]
    band = {
        "type": "scatter",
        "mode": "lines",
        "name": words.say("figure.band"),
        "x": [x for x, _ in known] + [x for x, _ in reversed(known)],
        "y": [one.low for _, one in known] + [one.high for _, one in reversed(known)],
        "fill": "toself",
        "fillcolor": band_colour(place),
        "line": {"width": 0, "color": colour},
        "hoverinfo": "skip",
        "showlegend": single,
        **group,
    }
    dots = [
        (x, one.arm, value, failed, key)
        for x, (_, one) in zip(where, shown, strict=True)
        for value, failed, key in zip(one.values, one.failed, one.keys, strict=True)
    ]
    symbol = SYMBOLS[place % len(SYMBOLS)]
    shapes = [
        "x-thin-open" if value is None else f"{symbol}-open" if failed else symbol for _, _, value, failed, _ in dots
    ]
    runs = {
        "type": "scatter",
        "mode": "markers",
        "name": words.say("figure.run"),
        "x": [x for x, *_ in dots],
        "y": [never if value is None else value for _, _, value, _, _ in dots],
        "text": [
            f"{label_text(words.arm(arm))}: "
            + (words.say("figure.never") if value is None else hover(words, metric, value))
            + (f" ({words.say('figure.failed')})" if failed else "")
            for _, arm, value, failed, _ in dots
        ],
        "customdata": [key for *_, key in dots],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": shapes, "size": 6, "opacity": 0.45, "color": colour, "line": {"width": 1}},
        "showlegend": single,
        **group,
    }  # fmt: skip
    middles = [(x, one) for x, (_, one) in zip(where, shown, strict=True) if one.middle is not None]
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label_text(label) if label else words.say("column.mean"),
        "x": [x for x, _ in middles],
        "y": [one.middle for _, one in middles],
        "text": [f"{label_text(words.arm(one.arm))}: {hover(words, metric, one.middle)}" for _, one in middles],
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"width": 3, "dash": DASHES[place % len(DASHES)], "color": colour},
        "marker": {"symbol": symbol, "size": 10, "color": colour},
        "showlegend": True,
        **group,
    }
    return [band, runs, line]
