"""From the runs to findings: for every comparison and metric what its kind of analysis gives, in numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from layerlab.lab.answer import Finding
from layerlab.lab.metrics import METRICS, Metric
from layerlab.lab.results import Bools, Floats, Results, over_tasks
from layerlab.lab.statistics import (
    Contrast,
    contrast,
    interquartile_means,
    judge,
    performance_profiles,
    trend,
)
from layerlab.lab.statistics.intervals import share_interval

__all__ = ["find"]

PROFILE_POINTS: Final = 41
_SOLVED: Final = 0.5
"""A set solves a task where the interval of its share of runs that reach the target lies above a half."""

Family = list[tuple[list[dict[str, Any]], Contrast]]
"""Contrasts that are judged together, each with the list that its dictionary goes to."""


def find(results: Sequence[Results]) -> list[Finding]:
    """Return the findings of all comparisons: the metrics of the first, then those of the second, and so on.

    The planned contrasts of one metric are judged together, over all comparisons (Holm); so are those on single tasks.
    """
    planned: dict[str, Family] = {}
    single: dict[str, Family] = {}
    findings = []
    for one in results:
        if one.replicates < 1:
            continue
        for name in one.plan.comparison.metrics:
            look = _Look(one, METRICS[name], planned.setdefault(name, []), single.setdefault(name, []))
            kind = one.plan.comparison.analysis
            findings.append(Finding(one.plan.comparison.name, name, kind, _ANALYSIS[kind](look)))
    for family in (*planned.values(), *single.values()):
        for (place, _), judged in zip(family, judge([waiting for _, waiting in family]), strict=True):
            place.append(judged.to_dict())
    return [replace(one, content={**one.content, "onset": onset(one.content)}) if one.kind == "pairs" else one
            for one in findings]  # fmt: skip


class _Look:
    """One comparison seen through one metric.

    Args:
        results: of the comparison.
        metric: what is looked at.
        planned, single: where contrasts on all tasks and on single ones wait to be judged.
    """

    def __init__(self, results: Results, metric: Metric, planned: Family, single: Family) -> None:
        self.results, self.metric = results, metric
        self.comparison, self.arms = results.plan.comparison, results.plan.arms
        self.smallest = self.comparison.smallest(metric.name)
        self._planned, self._single = planned, single
        values, trained = results.values(metric.name), results.trained
        self.tasks = _reached(values, list(results.tasks))
        kept = [list(results.tasks).index(task) for task in self.tasks]
        self.values: Floats = values[:, kept]
        """(arms, tasks, replicates)."""
        self.trained: Bools = trained[:, kept]
        self.mean = over_tasks(self.values, metric.scale)
        """(arms, replicates)."""
        self.mean_trained = self.trained.mean(axis=1) > _SOLVED if len(kept) > 1 else self.trained[:, 0]
        self._edges = results.edges()

    def place(self, name: str) -> int:
        """Return the index of an arm."""
        return next(i for i, arm in enumerate(self.arms) if arm.name == name)

    def unfair(self, *names: str, task: str | None = None) -> str:
        """Return why a contrast of these arms would be none, as far as their choices tell."""
        found = [tasks for name in names if (tasks := self._edges.get(name))]
        if any(task is None or task in tasks for tasks in found):
            return "edge-of-grid"
        return "unequal-budget" if self.results.unequal(names) else ""

    def contrasts(self, pairs: Iterable[tuple[str, str]]) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
        """Return the contrasts of pairs of arms over all tasks, and on each; they are filled in once judged."""
        together: list[dict[str, Any]] = []
        by_task: dict[str, list[Any]] = {task: [] for task in self.tasks} if len(self.tasks) > 1 else {}
        for a, b in pairs:
            i, j = self.place(a), self.place(b)
            self._planned.append((together, self._contrast(a, b, self.mean, self.mean_trained, (i, j))))
            for t, task in enumerate(by_task):
                one = self._contrast(a, b, self.values[:, t], self.trained[:, t], (i, j), task)
                self._single.append((by_task[task], one))
        return together, by_task

    def _contrast(
        self, a: str, b: str, values: Floats, trained: Bools, places: tuple[int, int], task: str | None = None
    ) -> Contrast:
        i, j = places
        return contrast(
            a,
            b,
            values[i],
            values[j],
            goal=self.metric.goal,
            smallest_difference=self.smallest,
            scale=self.metric.scale,
            trained_a=trained[i],
            trained_b=trained[j],
            unfair=self.unfair(a, b, task=task),
        )

    def planned(self) -> list[tuple[str, str]]:
        """Return the pairs of arms that the comparison plans to contrast."""
        names, wanted = [arm.name for arm in self.arms], self.comparison.contrasts
        if not isinstance(wanted, str):
            return [(pair[0], pair[1]) for pair in wanted]
        if wanted == "ends":
            return [(names[-1], names[0])]
        if wanted == "first":
            return [(name, names[0]) for name in names[1:]]
        return [(b, a) for a, b in itertools.combinations(names, 2)]

    def groups(self, *factors: str) -> dict[tuple[Any, ...], list[int]]:
        """Return the places of the arms by their values of the varied factors other than these."""
        others = [name for name in self.comparison.vary if name not in factors]
        found: dict[tuple[Any, ...], list[int]] = {}
        for i, arm in enumerate(self.arms):
            found.setdefault(tuple(_hashable(arm.factors.get(name)) for name in others), []).append(i)
        return found

    def others(self, *factors: str) -> list[str]:
        """Return the varied factors other than these."""
        return [name for name in self.comparison.vary if name not in factors]


def _contrasts(look: _Look) -> dict[str, Any]:
    together, by_task = look.contrasts(look.planned())
    return {"contrasts": together, "by_task": by_task, "tasks": look.tasks, "aggregates": _aggregates(look)}


def _aggregates(look: _Look) -> dict[str, Any] | None:
    """Return interquartile means and performance profiles over several tasks, where all values are finite."""
    if len(look.tasks) < 2 or not np.isfinite(look.values).all() or look.values.shape[2] < 2:
        return None
    names = [arm.name for arm in look.arms]
    low, high = np.quantile(look.values, [0.0, 1.0])
    thresholds = np.linspace(low, high, PROFILE_POINTS)
    profiles = performance_profiles(look.values, thresholds)
    return {
        "iqm": [vars(one) for one in interquartile_means(look.values, names)],
        "profiles": {
            "thresholds": thresholds.tolist(),
            "arms": {
                name: {
                    "share": profiles.shares[i].tolist(),
                    "low": profiles.low[i].tolist(),
                    "high": profiles.high[i].tolist(),
                }
                for i, name in enumerate(names)
            },
        },
    }


def _trend(look: _Look) -> dict[str, Any]:
    factor = look.comparison.factor
    others = look.others(factor)
    found = []
    by_task: dict[str, list[Any]] = {task: [] for task in look.tasks} if len(look.tasks) > 1 else {}
    for group, places in look.groups(factor).items():
        named = dict(zip(others, map(_plain, group), strict=True))
        levels = [float(look.arms[i].factors[factor]) for i in places]
        order = sorted(range(len(places)), key=levels.__getitem__)
        rows = [places[k] for k in order]
        xs = [levels[k] for k in order]
        unfair = next(filter(None, (look.unfair(look.arms[i].name) for i in rows)), "")
        found.append({"group": named, "trend": _one_trend(look, xs, look.mean[rows], look.mean_trained[rows], unfair)})
        for t, task in enumerate(by_task):
            here = next(filter(None, (look.unfair(look.arms[i].name, task=task) for i in rows)), "")
            by_task[task].append(_one_trend(look, xs, look.values[rows, t], look.trained[rows, t], here))
    # Only the ends of a group are contrasted: what lies between is the trend's.
    pairs = look.planned() if not isinstance(look.comparison.contrasts, str) else _ends(look, factor)
    together, contrasts_by_task = look.contrasts(pairs)
    return {
        "trends": found,
        "by_task": by_task,
        "contrasts": together,
        "contrasts_by_task": contrasts_by_task,
        "tasks": look.tasks,
    }


def _one_trend(look: _Look, xs: Sequence[float], values: Floats, trained: Bools, unfair: str) -> dict[str, Any]:
    # Three or more levels above zero that grow by factors are doublings.
    log_x = min(xs) > 0 and max(xs) / min(xs) >= 4
    return trend(
        look.comparison.factor,
        xs,
        values,
        goal=look.metric.goal,
        smallest_difference=look.smallest,
        scale=look.metric.scale,
        trained=trained,
        log_x=log_x,
        unfair=unfair,
    ).to_dict()


def _ends(look: _Look, factor: str) -> list[tuple[str, str]]:
    pairs = []
    for places in look.groups(factor).values():
        ordered = sorted(places, key=lambda i: float(look.arms[i].factors[factor]))
        pairs.append((look.arms[ordered[-1]].name, look.arms[ordered[0]].name))
    return pairs


def _pairs(look: _Look) -> dict[str, Any]:
    factor, by = look.comparison.factor, look.comparison.by
    first, second = list(look.comparison.vary[factor])[:2]
    levels = list(look.comparison.vary[by])
    named = {(_hashable(arm.factors[factor]), _hashable(arm.factors[by])): arm.name for arm in look.arms}
    pairs = [
        (named[_hashable(second), _hashable(level)], named[_hashable(first), _hashable(level)]) for level in levels
    ]
    together, by_task = look.contrasts(pairs)
    return {"factor": factor, "by": by, "levels": levels, "contrasts": together, "by_task": by_task,
            "tasks": look.tasks}  # fmt: skip


def _range(look: _Look) -> dict[str, Any]:
    """Return at how many levels of ``by`` a replicate trains (reaches its target, or learns where it has none)."""
    factor, by = look.comparison.factor, look.comparison.by
    levels, rows = list(look.comparison.vary[by]), list(look.comparison.vary[factor])
    reached = _works(look)
    place = {(_hashable(arm.factors[factor]), _hashable(arm.factors[by])): i for i, arm in enumerate(look.arms)}
    counts, shares = {}, {}
    for row in rows:
        here = reached[[place[_hashable(row), _hashable(level)] for level in levels]]
        counts[row] = here.mean(axis=1).sum(axis=0)  # (replicates,): levels, the mean over the tasks
        shares[str(_plain(row))] = here.mean(axis=(1, 2)).tolist()
    together: list[dict[str, Any]] = []
    always = np.ones(reached.shape[2], bool)
    for row in rows[1:]:
        one = contrast(
            str(_plain(row)),
            str(_plain(rows[0])),
            counts[row],
            counts[rows[0]],
            goal="high",
            smallest_difference=1.0,
            scale="linear",
            trained_a=always,
            trained_b=always,
        )
        together += [judged.to_dict() for judged in judge([one])]
    return {"factor": factor, "by": by, "levels": levels, "trained": shares, "contrasts": together,
            "tasks": look.tasks}  # fmt: skip


def _works(look: _Look) -> Bools:
    """Return (arms, tasks, replicates): whether a run reached its target."""
    epochs = look.results.values("epochs_to_target")
    return np.asarray(np.isfinite(epochs) & look.results.trained)


def _grid(look: _Look) -> dict[str, Any]:
    factor, by = look.comparison.factor or next(iter(look.comparison.vary)), look.comparison.by
    rows, columns = list(look.comparison.vary[factor]), list(look.comparison.vary[by])
    place = {(_hashable(arm.factors[factor]), _hashable(arm.factors[by])): i for i, arm in enumerate(look.arms)}
    table = [[place[_hashable(row), _hashable(column)] for column in columns] for row in rows]

    def of(values: Floats, trained: Bools) -> dict[str, Any]:
        return {
            "means": [[_finite(_middle(look.metric, values[i])) for i in row] for row in table],
            "failed": [[float(1 - trained[i].mean()) for i in row] for row in table],
        }

    return {
        "factor": factor,
        "by": by,
        "rows": rows,
        "columns": columns,
        **of(look.mean, look.trained.mean(axis=1)),
        "by_task": {task: of(look.values[:, t], look.trained[:, t]) for t, task in enumerate(look.tasks)}
        if len(look.tasks) > 1
        else {},
        "tasks": look.tasks,
    }


def _middle(metric: Metric, values: Floats) -> float:
    """Return the mean; of times and counts, some of which are infinite, the median."""
    return float(np.median(values)) if metric.scale == "log" else float(values.mean())


def _sets(look: _Look) -> dict[str, Any]:
    factor = next(iter(look.comparison.subsets))
    reached = _works(look)
    tasks = {}
    for t, task in enumerate(look.results.tasks):
        sets, solving = [], []
        for i, arm in enumerate(look.arms):
            hits, runs = int(reached[i, t].sum()), reached.shape[2]
            low, high = share_interval(hits, runs)
            solves = True if low > _SOLVED else False if high < _SOLVED else None
            chosen = list(arm.factors[factor])
            sets.append({"set": chosen, "hits": hits, "runs": runs, "low": low, "high": high, "solves": solves})
            if solves:
                solving.append(chosen)
        smallest = [one for one in solving if not any(set(other) < set(one) for other in solving)]
        tasks[task] = {"sets": sets, "smallest": smallest}
    return {"factor": factor, "items": list(look.comparison.subsets[factor]), "tasks": tasks}


def _reached(values: Floats, tasks: list[str]) -> list[str]:
    """Return the tasks on which the figure exists: not those whose target no arm reaches in most runs."""
    kept = [task for t, task in enumerate(tasks) if np.isfinite(values[:, t]).mean(axis=-1).max(initial=0) > _SOLVED]
    return kept or tasks


def onset(finding: Mapping[str, Any]) -> Any:
    """Return the smallest level of ``pairs`` from which on the first arm is better everywhere; None: from none."""
    found = None
    for level, one in zip(finding["levels"], finding["contrasts"], strict=True):
        better = one["verdict"]["kind"] == "better" and one["verdict"]["winner"] == "a"
        found = (level if found is None else found) if better else None
    return found


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_ANALYSIS: Final[Mapping[str, Callable[[_Look], dict[str, Any]]]] = {
    "contrasts": _contrasts,
    "trend": _trend,
    "pairs": _pairs,
    "range": _range,
    "grid": _grid,
    "sets": _sets,
}
