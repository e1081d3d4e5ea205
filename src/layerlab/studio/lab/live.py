"""What was measured so far, for the page's picture of it: every run a point, every arm its mean and interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from layerlab.lab.metrics import METRICS
from layerlab.lab.question import LANGUAGES
from layerlab.lab.words import headline
from layerlab.studio.lab.naming import arm_label, in_all, named_tasks

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer, ArmRow, Point

__all__ = ["live"]

MOST_ARMS = 40
"""Of a comparison with more, such as all sets of features, the best are shown."""


def live(answer: Answer) -> dict[str, Any]:
    """Return the picture of an answer, complete or so far, as JSON values with words in every language."""
    return {
        "verdict": {language: headline(answer, language) for language in LANGUAGES},
        "seeds": max((point.replicate + 1 for point in answer.points), default=0),
        "planned": answer.seeds,
        "complete": answer.complete,
        "panels": [_panel(answer, name, title) for name, title in answer.comparisons.items()],
    }


def _panel(answer: Answer, comparison: str, title: Mapping[str, str]) -> dict[str, Any]:
    metrics = list(dict.fromkeys(one.metric for one in answer.findings if one.comparison == comparison))
    rows = [row for row in answer.arms if row.comparison == comparison]
    shown = _shown([row for row in rows if row.task == ""], metrics[0] if metrics else "loss")
    points: dict[str, list[Point]] = {arm: [] for arm in shown}
    for point in answer.points:
        if point.comparison == comparison and point.arm in points:
            points[point.arm].append(point)
    tasks = list(answer.tasks)
    return {
        "name": comparison,
        "title": dict(title),
        "metrics": [_metric(answer, name) for name in metrics],
        "tasks": named_tasks(answer, tasks),
        "hidden": len({row.arm for row in rows}) - len(shown),
        "arms": [
            {
                "name": arm,
                "label": arm_label(answer, comparison, arm),
                "means": {row.task: _means(row, metrics) for row in rows if row.arm == arm},
                "points": [_point(point, tasks, metrics) for point in points[arm]],
            }
            for arm in shown
        ],
    }


def _shown(rows: Iterable[ArmRow], metric: str) -> list[str]:
    """Return the arms that are shown, in the order of the answer."""
    rows = list(rows)
    if len(rows) <= MOST_ARMS:
        return [row.arm for row in rows]
    sign = 1.0 if METRICS[metric].goal == "low" else -1.0

    def badness(row: ArmRow) -> float:
        mean = row.values.get(metric, {}).get("mean")
        return float("inf") if mean is None else sign * mean

    best = {row.arm for row in sorted(rows, key=badness)[:MOST_ARMS]}
    return [row.arm for row in rows if row.arm in best]


def _metric(answer: Answer, name: str) -> dict[str, Any]:
    metric = METRICS[name]
    label = in_all(answer, lambda words: words.metric(name, "short"))
    return {"name": name, "label": label, "log": metric.scale == "log", "unit": metric.unit}


def _means(row: ArmRow, metrics: Iterable[str]) -> dict[str, list[float | None]]:
    """Return metric -> mean, low, high."""
    empty: dict[str, float | None] = {}
    return {name: [row.values.get(name, empty).get(part) for part in ("mean", "low", "high")] for name in metrics}


def _point(point: Point, tasks: list[str], metrics: Iterable[str]) -> list[Any]:
    """Return task (its place), replicate, key, whether it failed, and a figure for each metric."""
    values = [point.values.get(name) for name in metrics]
    return [tasks.index(point.task), point.replicate, point.key, bool(point.failure), *values]
