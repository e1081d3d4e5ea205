"""The runs so far, for the page's picture of them: every run a point, every arm its mean and interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from layerlab.lab.answer import Answer, Point
from layerlab.lab.metrics import METRICS
from layerlab.lab.question import LANGUAGES
from layerlab.lab.results import over_tasks, summary, with_times
from layerlab.lab.words import headline
from layerlab.studio.lab.naming import Words, arm_label, in_all, named_tasks

if TYPE_CHECKING:
    from layerlab.lab.store import Linked

__all__ = ["arrived", "live"]

MOST_ARMS = 40
"""Of a comparison with more, such as all sets of features, the best are shown."""


def live(answer: Answer, points: Sequence[Point], verdict: Words | None = None) -> dict[str, Any]:
    """Return the picture of an experiment's runs as JSON values, with words in every language.

    Args:
        answer: of the experiment, or an empty one of its design.
        points: the runs that are there.
        verdict: what is known so far; None: the answer's headline.
    """
    return {
        "verdict": verdict or {language: headline(answer, language) for language in LANGUAGES},
        "complete": answer.complete,
        "panels": [
            _panel(answer, one, [point for point in points if point.comparison == one["name"]])
            for one in answer.design["comparisons"]
        ],
    }


def arrived(linked: Iterable[Linked]) -> list[Point]:
    """Return the runs of an experiment that its answer will be made of, as far as they are there."""
    rounds: dict[tuple[str, str], dict[int, float]] = {}
    runs = []
    for one in linked:
        place = (one.label["comparison"], one.label["arm"])
        seconds = one.outcome.values.get("seconds_per_step")
        if one.label["role"] == "timing" and seconds is not None:
            rounds.setdefault(place, {})[one.label["replicate"]] = seconds
        elif one.label["role"] == "answer":
            runs.append((place, one))
    points = []
    for (comparison, arm), one in runs:
        task, replicate = one.label["task"], one.label["replicate"]
        values = with_times(one.outcome.values, rounds.get((comparison, arm), {}), replicate)
        points.append(Point(comparison, arm, task, replicate, values, one.outcome.failure, one.key))
    return points


def _panel(answer: Answer, comparison: Mapping[str, Any], points: Sequence[Point]) -> dict[str, Any]:
    name = comparison["name"]
    metrics, tasks = list(comparison["metrics"]), list(answer.design["tasks"])
    by_arm: dict[str, list[Point]] = {arm["name"]: [] for arm in comparison["arms"]}
    for point in points:
        by_arm[point.arm].append(point)
    means = {arm: _means(runs, tasks, metrics) for arm, runs in by_arm.items()}
    shown = _shown(means, metrics[0])
    return {
        "name": name,
        "title": in_all(answer, lambda words: words.title(name)),
        "metrics": [_metric(answer, metric) for metric in metrics],
        "tasks": named_tasks(answer, tasks),
        "hidden": len(by_arm) - len(shown),
        "arms": [
            {
                "name": arm,
                "label": arm_label(answer, name, arm),
                "means": means[arm],
                "points": [_point(point, tasks, metrics) for point in by_arm[arm]],
            }
            for arm in shown
        ],
    }


def _means(
    runs: Sequence[Point], tasks: Sequence[str], metrics: Sequence[str]
) -> dict[str, dict[str, list[float | None]]]:
    """Return task (empty: all) -> metric -> mean, low, high over the replicates of one arm that are complete."""
    by_place = {(point.task, point.replicate): point.values for point in runs}
    replicates = [
        one for one in sorted({point.replicate for point in runs}) if all((task, one) in by_place for task in tasks)
    ]
    found: dict[str, dict[str, list[float | None]]] = {}
    for metric in metrics:
        scale = METRICS[metric].scale
        values = np.array([[_figure(by_place[task, one], metric) for one in replicates] for task in tasks], dtype=float)
        for number, task in enumerate(tasks if len(tasks) > 1 else ()):
            found.setdefault(task, {})[metric] = _interval(values[number])
        found.setdefault("", {})[metric] = _interval(over_tasks(values[None], scale)[0])
    return found


def _figure(values: Mapping[str, float | None], metric: str) -> float:
    """Return a figure that a mean can be taken of: never reached is infinite, before the first epoch is half of one."""
    value = values.get(metric)
    if value is None:
        return np.inf if METRICS[metric].scale == "log" else np.nan
    return max(value, 0.5) if metric in ("epochs_to_target", "steps_to_target") else value


def _interval(values: np.typing.NDArray[np.float64]) -> list[float | None]:
    known = summary(values)
    return [known["mean"], known["low"], known["high"]]


def _shown(means: Mapping[str, Mapping[str, Mapping[str, Sequence[float | None]]]], metric: str) -> list[str]:
    """Return the arms that are shown, in the order of the design."""
    if len(means) <= MOST_ARMS:
        return list(means)
    sign = 1.0 if METRICS[metric].goal == "low" else -1.0

    def badness(arm: str) -> float:
        mean = means[arm][""][metric][0]
        return float("inf") if mean is None else sign * mean

    best = set(sorted(means, key=badness)[:MOST_ARMS])
    return [arm for arm in means if arm in best]


def _metric(answer: Answer, name: str) -> dict[str, Any]:
    metric = METRICS[name]
    label = in_all(answer, lambda words: words.metric(name, "short"))
    return {"name": name, "label": label, "log": metric.scale == "log", "unit": metric.unit}


def _point(point: Point, tasks: Sequence[str], metrics: Iterable[str]) -> list[Any]:
    """Return task (its place), replicate, key, whether it failed, and a figure for each metric."""
    values = [point.values.get(name) for name in metrics]
    return [tasks.index(point.task), point.replicate, point.key, bool(point.failure), *values]
