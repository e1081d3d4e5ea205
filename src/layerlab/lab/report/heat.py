"""A table of two factors in colours: the metric, and the share of runs that did not train."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.metrics import METRICS
from layerlab.lab.report.marks import SEQUENTIAL, Figure, Panels, label_text, titled
from layerlab.lab.report.series import hover, tasks_of
from layerlab.lab.words.numbers import decimals_for
from layerlab.lab.words.others import range_labels
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["heat_figure", "range_figure"]

_ROW: Final = 44
_DECADE: Final = 10
_WRITTEN: Final = 14
"""Columns of a table up to which its numbers stand in the cells."""


def heat_figure(answer: Answer, finding: Finding, language: str) -> Figure:
    """Return the grid of a finding: a panel with the metric, one with the share that did not train, for each task."""
    words = Vocabulary(answer, language, finding.comparison)
    content, metric = finding.content, finding.metric
    tasks = tasks_of(answer, finding)
    cells = [content if not task or len(tasks) == 1 else content["by_task"][task] for task in tasks]
    titles = []
    for task in tasks:
        where = words.task(task) if task else words.say("report.all-tasks")
        titles += [f"{where}: {words.metric(metric, 'short')}", f"{where}: {words.say('column.failed')}"]
    rows = [label_text(words.level(content["factor"], level), 30) for level in content["rows"]]
    columns = [_column(words, content["by"], level) for level in content["columns"]]
    panels = Panels(words, titles, max(_ROW * len(rows), 120), columns=2, shared=True)
    data = []
    for number in range(len(titles)):
        table = cells[number // 2]["means" if number % 2 == 0 else "failed"]
        if number % 2 == 0:
            z = _shades(metric, table)
            text = [[_cell(words, metric, value) for value in row] for row in table]
            shades = [value for row in z for value in row if value is not None]
            ends = (min(shades, default=0.0), max(shades, default=1.0))
        else:
            z, ends = table, (0.0, 1.0)
            text = [[words.numbers.percent(value) for value in row] for row in table]
        role = "sequential" if number % 2 or METRICS[metric].goal == "high" else "sequential-reversed"
        data.append({**_heat(z, text, columns, rows, ends, role), **panels.axes(number)})
        _axes(panels, number, words, content["by"], rows, columns)
    panels.without_legend()
    return {"data": data, "layout": panels.layout}


def range_figure(answer: Answer, finding: Finding, language: str) -> Figure:
    """Return the share of runs that trained, for each arm at each level of the other factor."""
    words = Vocabulary(answer, language, finding.comparison)
    content = finding.content
    labels = range_labels(words, content)
    rows = [label_text(labels.get(name, name), 30) for name in content["trained"]]
    columns = [_column(words, content["by"], level) for level in content["levels"]]
    z = list(content["trained"].values())
    panels = Panels(words, [words.say("figure.trained")], max(_ROW * len(rows), 100), columns=1)
    text = [[words.numbers.percent(value) for value in row] for row in z]
    _axes(panels, 0, words, content["by"], rows, columns)
    panels.without_legend()
    return {
        "data": [{**_heat(z, text, columns, rows, (0.0, 1.0), "sequential"), **panels.axes(0)}],
        "layout": panels.layout,
    }


def _column(words: Vocabulary, factor: str, level: Any) -> str:
    number = isinstance(level, (int, float)) and not isinstance(level, bool)
    return words.value(level) if number else label_text(words.level(factor, level), 20)


def _shades(metric: str, table: Sequence[Sequence[float | None]]) -> list[list[float | None]]:
    """Return what the cells' colours show: of times, counts and what spans more than a decade, the logarithm."""
    known = [value for row in table for value in row if value is not None]
    wide = bool(known) and min(known) > 0 and max(known) > _DECADE * min(known)
    if not wide and METRICS[metric].scale != "log":
        return [list(row) for row in table]
    return [[None if value is None else math.log10(max(value, 1e-12)) for value in row] for row in table]


def _cell(words: Vocabulary, metric: str, value: float | None) -> str:
    """Return a cell's text: two significant digits, for its colour tells the rest."""
    kind = METRICS[metric]
    if value is None:
        return words.say("figure.never") if kind.scale == "log" else "–"
    return hover(words, metric, value) if kind.unit else words.numbers.fixed(value, min(decimals_for(value, 2), 4))


def _heat(
    z: Sequence[Sequence[float | None]],
    text: Sequence[Sequence[str]],
    columns: Sequence[str],
    rows: Sequence[str],
    ends: tuple[float, float],
    role: str,
) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": z,
        "x": list(range(len(columns))),
        "y": list(range(len(rows))),
        "zmin": ends[0],
        "zmax": ends[1] if ends[1] > ends[0] else ends[0] + 1,
        "customdata": [[[row, column] for column in columns] for row in rows],
        "text": text,
        "hovertemplate": "%{customdata[0]}, %{customdata[1]}: %{text}<extra></extra>",
        "hoverongaps": False,
        "colorscale": SEQUENTIAL,
        "reversescale": role == "sequential-reversed",
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "meta": {"role": "sequential"},
    }
    if len(columns) <= _WRITTEN:
        trace["texttemplate"] = "%{text}"
    return trace


def _axes(panels: Panels, number: int, words: Vocabulary, by: str, rows: Sequence[str], columns: Sequence[str]) -> None:
    plain: Mapping[str, Any] = {"tickmode": "array", "showgrid": False, "ticks": "", "automargin": True}
    panels.set("x", number, **plain, tickvals=list(range(len(columns))), ticktext=list(columns),
               title=titled(words.factor(by).removeprefix("the ")))  # fmt: skip
    panels.set("y", number, **plain, tickvals=list(range(len(rows))), ticktext=list(rows), autorange="reversed",
               showticklabels=panels.first_of_row(number))  # fmt: skip
