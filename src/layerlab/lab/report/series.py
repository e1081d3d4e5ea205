"""The runs of a comparison as the figures draw them: every point, and for each arm its middle and interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.metrics import METRICS
from layerlab.lab.words.amounts import Amounts
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["Series", "edge_of", "hover", "metric_axis", "series_of", "tasks_of"]


@dataclass(frozen=True)
class Series:
    """The runs of one arm on one task, or their means over all tasks."""

    arm: str
    replicates: tuple[int, ...]
    values: tuple[float | None, ...]
    """One for each replicate; None for what was never reached."""
    failed: tuple[bool, ...]
    """Whether the run (of several tasks: one of them) did not train."""
    keys: tuple[str, ...]
    """Of the trials in the store; empty for means over tasks."""
    middle: float | None
    """Mean, geometric for times and counts; the median where a value is infinite."""
    low: float | None
    high: float | None


def tasks_of(answer: Answer, finding: Finding) -> list[str]:
    """Return the panels of a finding: all tasks together (an empty text) first, where there are several."""
    tasks = list(finding.content.get("tasks") or answer.tasks)
    if finding.metric == "seconds_per_step" and len(tasks) > 1:  # an arm's own, on whatever task
        return [""]
    return ["", *tasks] if len(tasks) > 1 else tasks


def series_of(answer: Answer, finding: Finding, task: str) -> list[Series]:
    """Return the runs of every arm of a finding, in the order of the design.

    Args:
        answer: whole, or so far.
        finding: of the answer.
        task: its name; empty: the mean over all tasks of the finding, over those replicates that have all of them.
    """
    tasks = [task] if task else list(finding.content.get("tasks") or answer.tasks)
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for point in answer.points:
        if point.comparison == finding.comparison and point.task in tasks:
            found.setdefault(point.arm, {}).setdefault(point.replicate, {})[point.task] = point
    plan = next(one for one in answer.design["comparisons"] if one["name"] == finding.comparison)
    names = [arm["name"] for arm in plan["arms"] if arm["name"] in found]
    return [_one(name, found[name], tasks, finding.metric) for name in names]


def _one(arm: str, runs: Mapping[int, Mapping[str, Any]], tasks: Sequence[str], metric: str) -> Series:
    whole = sorted(replicate for replicate, seen in runs.items() if len(seen) == len(tasks))
    # Runs without a figure last: a legend shows the first.
    whole.sort(key=lambda one: any(run.failure or run.values.get(metric) is None for run in runs[one].values()))
    values = [_mean([runs[one][task].values.get(metric) for task in tasks], metric) for one in whole]
    failed = [any(runs[one][task].failure for task in tasks) for one in whole]
    keys = [runs[one][tasks[0]].key if len(tasks) == 1 else "" for one in whole]
    return Series(arm, tuple(whole), tuple(values), tuple(failed), tuple(keys), *_location(values, metric))


def _mean(values: Sequence[float | None], metric: str) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if METRICS[metric].scale == "log":
        return math.exp(math.fsum(math.log(max(value, 1e-300)) for value in known) / len(known))
    return math.fsum(known) / len(known)


def _location(values: Sequence[float | None], metric: str) -> tuple[float | None, float | None, float | None]:
    """Return the middle of an arm with its 95 % interval, as the statistics do; None where infinite."""
    import numpy as np

    from layerlab.lab.statistics.intervals import location

    if not values:
        return None, None, None
    log = METRICS[metric].scale == "log"
    infinite = math.inf if METRICS[metric].goal == "low" else -math.inf
    numbers = np.array([infinite if value is None else math.log(value) if log else value for value in values])
    ends = [float(end) for end in location(numbers)]
    finite = [end if math.isfinite(end) else None for end in ends]
    return tuple(math.exp(end) if log and end is not None else end for end in finite)  # type: ignore[return-value]


def edge_of(series: Sequence[Series], metric: str) -> float | None:
    """Return where runs lie that never reached their target, beyond all others; None where each did."""
    if all(value is not None for one in series for value in one.values):
        return None
    known = [float(value) for one in series for value in one.values if value is not None and value > 0]
    largest, least = max(known, default=1.0), min(known, default=1.0)
    return largest * max((largest / least) ** 0.12, 1.15) if METRICS[metric].scale == "log" else largest


def metric_axis(words: Vocabulary, metric: str, values: Sequence[float | None]) -> dict[str, Any]:
    """Return the axis of a metric: logarithmic for times and counts, percent for shares, with room at its ends.

    Args:
        words: of the comparison.
        metric: its name.
        values: all that are drawn.
    """
    kind = METRICS[metric]
    known = [value for value in values if value is not None and (kind.scale != "log" or value > 0)]
    axis: dict[str, Any] = {"title": {"text": words.metric(metric, "short"), "standoff": 8}}
    if kind.unit == "share":
        axis["tickformat"] = ".0%" if not known or max(known) - min(known) > 0.05 else ".1%"
    if kind.unit == "seconds":
        axis |= {"tickformat": "~s", "ticksuffix": "s"}
    if kind.scale == "log":
        axis |= {"type": "log", "title": {"text": words.say("figure.log", name=words.metric(metric, "short"))}}
        if known:
            low, high = math.log10(min(known)), math.log10(max(known))
            room = 0.06 * (high - low) + 0.05
            axis["range"] = [low - room, high + room]
            axis |= _log_ticks(words, metric, low - room, high + room)
    elif known:
        low, high = min(known), max(known)
        room = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
        bottom = 0.0 - room / 4 if kind.name in ("loss", "train_loss") and low >= 0 and low < high / 2 else low - room
        axis["range"] = [bottom, high + room]
    return axis


def _log_ticks(words: Vocabulary, metric: str, low: float, high: float) -> dict[str, Any]:
    """Return the numbers on an axis between two powers of ten: 1, 2 and 5 of each decade where there are few."""
    digits = (1, 2, 5) if high - low < 2.2 else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1)
    values = [digit * 10.0**power for power in powers for digit in digits if low <= math.log10(digit) + power <= high]
    seconds = METRICS[metric].unit == "seconds"
    text = [words.numbers.seconds(one, 1) if seconds else words.numbers.significant(one, 1) for one in values]
    return {"tickmode": "array", "tickvals": values, "ticktext": text}


def hover(words: Vocabulary, metric: str, value: float | None) -> str:
    """Return a value as the pointer reads it."""
    return Amounts(words, metric).value(value)
