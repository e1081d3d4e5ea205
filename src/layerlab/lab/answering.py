"""From results to an answer: findings, rows, points, choices, and what a reader must know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from layerlab.lab.analysis import find
from layerlab.lab.answer import Answer, ArmRow, Caveat, Point, Tuned
from layerlab.lab.caveats import caveats
from layerlab.lab.machine import this_machine
from layerlab.lab.metrics import METRICS
from layerlab.lab.results import Results, over_tasks, summary, with_times
from layerlab.lab.statistics import detectable
from layerlab.lab.tuning import score_metric

if TYPE_CHECKING:
    from layerlab.lab.request import Request

__all__ = ["make_answer"]


def make_answer(
    request: Request,
    results: Sequence[Results],
    *,
    notes: Mapping[str, Any],
    seconds: float,
    trials: int,
    date: str,
    complete: bool,
) -> Answer:
    """Return the answer that results give.

    Args:
        request: what was asked.
        results: of each comparison.
        notes: what is to be told of the run itself.
        seconds, trials: that were needed.
        date: of the answer.
        complete: whether it is the last one.
    """
    findings = find(results)
    design = request.design
    rows = [row for one in results for row in _rows(one)]
    tuning = [row for one in results for row in _tuning(one)]
    smallest = {key: value for one in results for key, value in _detectable(one, design.seeds).items()}
    told: list[Caveat] = caveats(design, results, findings, notes, smallest) if complete else []
    return Answer(
        question=design.question,
        title=dict(request.title),
        words={language: dict(words) for language, words in request.words.items()},
        comparisons={plan.comparison.name: dict(plan.comparison.title) for plan in design.plans},
        engine=design.engine,
        tasks=list(design.tasks),
        seeds=design.seeds,
        design=design.to_dict(),
        design_hash=design.hash,
        findings=findings,
        arms=rows,
        points=[point for one in results for point in _points(one)],
        tuning=tuning,
        caveats=told,
        detectable=smallest,
        next=list(request.next),
        command=request.command,
        versions=this_machine(),
        date=date,
        seconds=seconds,
        trials=trials,
        complete=complete,
    )


def _rows(results: Results) -> list[ArmRow]:
    """Return a row for each arm over all tasks, and one for each task where there are several."""
    if not results.replicates:
        return []
    trained, usual = results.trained, results.seconds_per_step
    metrics = {name: results.values(name) for name in _metrics(results)}
    found = []
    for i, arm in enumerate(results.plan.arms):
        for t, task in [(None, ""), *(enumerate(results.tasks) if len(results.tasks) > 1 else ())]:
            here = trained[i] if t is None else trained[i, t : t + 1]
            values = {
                name: summary(over_tasks(array[i : i + 1], METRICS[name].scale)[0] if t is None else array[i, t])
                for name, array in metrics.items()
            }
            trial = results.runs[arm.name, results.tasks[t or 0], 0][0]
            found.append(
                ArmRow(
                    comparison=results.plan.comparison.name,
                    arm=arm.name,
                    label=dict(arm.label),
                    task=task,
                    factors=dict(arm.factors),
                    tuned=_chosen(results, arm.name, task),
                    parameters=arm.parameters,
                    macs=arm.macs,
                    seconds_per_step=usual.get(arm.name),
                    epochs=int(trial.settings.get("epochs", 0)),
                    runs=int(here.size),
                    failed=int((~here).sum()),
                    values=values,
                )
            )
    return found


def _metrics(results: Results) -> list[str]:
    """Return the metrics that are shown: those that are asked for, and loss and accuracy where they are there."""
    first = next(iter(results.runs.values()))[1].values
    further = [name for name in ("loss", "train_loss", "accuracy") if first.get(name) is not None]
    wanted = results.plan.comparison.metrics
    return list(dict.fromkeys([*wanted, *further]))


def _chosen(results: Results, arm: str, task: str) -> dict[str, float]:
    tasks = [task] if task else list(results.tasks)
    chosen = [results.choices[arm, one][1] for one in tasks if (arm, one) in results.choices]
    return dict(chosen[0]) if chosen and all(one == chosen[0] for one in chosen) else {}


def _points(results: Results) -> list[Point]:
    rounds = {arm: dict(enumerate(seconds)) for arm, seconds in results.rounds.items()}
    found = []
    for (arm, task, replicate), (trial, outcome) in results.runs.items():
        values = with_times(outcome.values, rounds.get(arm, {}), replicate)
        found.append(Point(results.plan.comparison.name, arm, task, replicate, values, outcome.failure, trial.key))
    return found


def _tuning(results: Results) -> list[Tuned]:
    if results.grid is None:
        return []
    metric = score_metric(results.plan.comparison)
    found = []
    for (arm, task), tried in results.tried.items():
        choice = results.choices[arm, task][0]
        for value, outcomes in sorted(tried.items()):
            figures = [one.values.get(metric.name) for one in outcomes]
            known = [figure for figure in figures if figure is not None]
            found.append(
                Tuned(
                    comparison=results.plan.comparison.name,
                    arm=arm,
                    task=task,
                    values=results.grid.named(value),
                    score=float(np.mean(known)) if len(known) == len(figures) else None,
                    failed=sum(not one.trained for one in outcomes),
                    runs=len(outcomes),
                    chosen=value == choice.value,
                    at_edge=value == choice.value and choice.edge is not None,
                )
            )
    return found


def _detectable(results: Results, seeds: int) -> dict[str, float]:
    """Return the smallest difference that the seeds can detect, from the spread of the tuning runs.

    The runs of two arms are taken to be independent: pairs that agree in part are better than that.
    """
    metric = score_metric(results.plan.comparison)
    if seeds < 2 or not results.tried:
        return {}
    variances: dict[str, list[float]] = {}
    for (arm, task), tried in results.tried.items():
        figures = [one.values.get(metric.name) for one in tried[results.choices[arm, task][0].value]]
        numbers = [figure for figure in figures if figure is not None]
        if len(numbers) > 1:
            logs = np.log(np.maximum(numbers, 1e-300)) if metric.scale == "log" else np.asarray(numbers)
            variances.setdefault(task, []).append(float(np.var(logs, ddof=1)))
    if not variances:
        return {}
    variance = sum(float(np.mean(of_task)) for of_task in variances.values()) / len(variances) ** 2
    smallest = detectable(seeds, math.sqrt(2 * variance))
    key = f"{results.plan.comparison.name}/{metric.name}"
    return {key: math.exp(smallest) if metric.scale == "log" else smallest}
