"""What a reader of an answer must know, found in the results: keys and numbers, whose words are chosen elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layerlab.lab.answer import Caveat, Finding
from layerlab.lab.metrics import METRICS
from layerlab.lab.statistics import FEWEST

if TYPE_CHECKING:
    from layerlab.lab.design import Design
    from layerlab.lab.results import Results

__all__ = ["caveats"]

_HALF: Final = 0.5
_ENOUGH_TO_TUNE: Final = 3


def caveats(
    design: Design,
    results: Sequence[Results],
    findings: Sequence[Finding],
    notes: Mapping[str, Any],
    detectable: Mapping[str, float],
) -> list[Caveat]:
    """Return the caveats of an answer, the gravest first.

    Args:
        design, results, findings: of the experiment.
        notes: what is to be told of the run itself.
        detectable: comparison/metric -> the smallest difference that the seeds can detect.
    """
    found: list[Caveat] = []
    done = min(one.replicates for one in results)
    if done < FEWEST:
        found.append(Caveat("exploratory", {"seeds": done}))
    if "deadline" in notes:
        found.append(Caveat("deadline", notes["deadline"]))
    if "epochs" in notes:
        found.append(Caveat("epochs-cut", notes["epochs"]))
    if other := notes.get("versions"):
        found.append(Caveat("stored-versions", {"versions": other}))
    for one in results:
        found += _of_one(one)
    if design.tuning_replicates < _ENOUGH_TO_TUNE and any(plan.comparison.tune for plan in design.plans):
        found.append(Caveat("few-tuning", {"replicates": design.tuning_replicates}))
    for finding in findings:
        dropped = [task for task in design.tasks if task not in finding.content.get("tasks", design.tasks)]
        if dropped:
            values = {"comparison": finding.comparison, "metric": finding.metric, "tasks": dropped}
            found.append(Caveat("tasks-dropped", values))
    if any(METRICS[name].unit == "seconds" for plan in design.plans for name in plan.comparison.metrics):
        found.append(Caveat("timing-noise", {}))
    for plan in design.plans:
        for metric in plan.comparison.metrics:
            smallest = detectable.get(f"{plan.comparison.name}/{metric}", 0.0)
            if smallest > plan.comparison.smallest(metric):
                where = {"comparison": plan.comparison.name, "metric": metric}
                found.append(Caveat("resolution", {**where, "detectable": smallest}))
    found.append(Caveat("one-data-set", {"tasks": list(design.tasks)}))
    return found


def _of_one(results: Results) -> list[Caveat]:
    comparison = results.plan.comparison
    name = comparison.name
    found: list[Caveat] = []
    failed = (~results.trained).sum(axis=(1, 2))
    runs = len(results.tasks) * results.replicates
    studied = comparison.analysis in ("grid", "range", "sets")  # there, failing is part of the finding
    for arm, count in zip(results.plan.arms, failed, strict=True):
        if not count or studied:
            continue
        key = "did-not-train" if count >= _HALF * runs else "some-failed"
        values = {"comparison": name, "arm": arm.name, "label": dict(arm.label), "failed": int(count), "runs": runs}
        found.append(Caveat(key, values))
    if any(METRICS[metric].scale == "log" for metric in comparison.metrics) and not studied:
        reached = np.asarray(np.isfinite(results.values("epochs_to_target")).any(axis=2))
        for t, task in enumerate(results.tasks):
            never = [arm.name for i, arm in enumerate(results.plan.arms) if not reached[i, t]]
            if 0 < len(never) < len(results.plan.arms):
                found.append(Caveat("target-never-reached", {"comparison": name, "task": task, "arms": never}))
    if edges := results.edges():
        arms = [
            {"arm": arm, "label": dict(results.plan.arm(arm).label), "tasks": tasks} for arm, tasks in edges.items()
        ]
        found.append(Caveat("edge-of-grid", {"comparison": name, "arms": arms}))
    if results.grid is not None and results.grid.widened:
        for factor in sorted({factor for factor, _ in results.grid.widened}):
            values = {"comparison": name, "factor": factor, "values": results.grid.factors[factor]}
            found.append(Caveat("widened", values))
    if comparison.equal is not None:
        costs: dict[str, list[float]] = {
            "parameters": [float(arm.parameters) for arm in results.plan.arms],
            "macs": [float(arm.macs) for arm in results.plan.arms],
            "seconds_per_step": list(results.seconds_per_step.values()),
        }
        spread = {rule: [float(np.min(values)), float(np.max(values))] for rule, values in costs.items() if values}
        found.append(Caveat("equal-by", {"comparison": name, "rule": comparison.equal.rule, "spread": spread}))
    return found
