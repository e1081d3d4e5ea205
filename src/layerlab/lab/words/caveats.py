"""Caveats in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from layerlab.lab.answer import Caveat
from layerlab.lab.metrics import METRICS
from layerlab.lab.words.amounts import Amounts
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["caveat_text", "cost_spreads"]

_COSTS: Final = {"parameters": "parameters", "macs": "macs", "seconds": "seconds_per_step"}
"""Equal-budget rule -> what its arms have of it."""


def caveat_text(words: Vocabulary, caveat: Caveat) -> str:
    """Return one or two sentences; a caveat that has no words is told by its key and values.

    Args:
        words: of any comparison; the caveat's own is used.
        caveat: of the answer.
    """
    comparison = str(caveat.values.get("comparison", ""))
    own = words.of(comparison)
    if caveat.key not in _FILL:
        values = json.dumps(dict(caveat.values), ensure_ascii=False) if caveat.values else ""
        return own.sentence(own.say("caveat.other", text=f"{caveat.key} {values}".strip()))
    text = own.say(f"caveat.{caveat.key}", **_FILL[caveat.key](own, caveat.values))
    where = own.title(comparison) if comparison else ""
    return own.sentence(own.say("where", where=where, sentence=text) if where else text)


def cost_spreads(words: Vocabulary, spread: Mapping[str, Sequence[float]], leave_out: str = "") -> list[str]:
    """Return ``parameters 97 to 121`` for every cost but that of the rule."""
    said = []
    for cost, (low, high) in spread.items():
        if cost == _COSTS.get(leave_out):
            continue
        shown = [words.numbers.seconds(end) if cost == "seconds_per_step" else words.numbers.whole(end)
                 for end in (low, high)]  # fmt: skip
        key = "spread.same" if shown[0] == shown[1] else "spread"
        said.append(words.say(key, cost=words.say(f"cost.{cost}"), low=shown[0], high=shown[1]))
    return said


def _arm(words: Vocabulary, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arm": words.quoted(words.arm(values["arm"])),
        "failed": words.numbers.whole(values["failed"]),
        "runs": words.numbers.whole(values["runs"]),
    }


def _edges(words: Vocabulary, values: Mapping[str, Any]) -> dict[str, Any]:
    several = len(words.answer.tasks) > 1
    said = []
    for one in values["arms"]:
        label = words.quoted(words.arm(one["arm"]))
        tasks = words.joined([words.task(task) for task in one["tasks"]])
        said.append(words.say("caveat.arm-tasks", arm=label, tasks=tasks) if several else label)
    return {"arms": words.joined(said)}


def _tasks(words: Vocabulary, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"tasks": words.joined([words.task(task) for task in values["tasks"]])}


def _equal(words: Vocabulary, values: Mapping[str, Any]) -> dict[str, Any]:
    rule = values["rule"]
    own, others = values["spread"].get(_COSTS[rule]), cost_spreads(words, values["spread"], rule)
    name = words.say(f"cost.{rule}")
    if own is not None and rule != "seconds" and own[0] != own[1]:
        name = cost_spreads(words, {_COSTS[rule]: own})[0]
    differ = any(low != high for cost, (low, high) in values["spread"].items() if cost != _COSTS[rule])
    key = "caveat.spread" if differ else "caveat.spread.none"
    return {"rule": name, "others": words.say(key, list=words.joined(others))}


def _machine(words: Vocabulary) -> str:
    """Return what the answer tells of the processor, in brackets; empty where that is nothing."""
    known = words.answer.versions.get("processor", "")
    return f" ({known})" if known else ""


def _resolution(words: Vocabulary, values: Mapping[str, Any]) -> dict[str, Any]:
    metric = values["metric"]
    return {"metric": words.metric(metric), "detectable": detectable_amount(words, metric, values["detectable"])}


def detectable_amount(words: Vocabulary, metric: str, value: float) -> str:
    """Return a detectable difference with its unit."""
    amounts = Amounts(words, metric)
    ratio = METRICS[metric].scale == "log"
    if ratio:
        return words.say("amount.factor", value=words.numbers.significant(value))
    return amounts.difference(value, None, None, ratio=False).amount


_FILL: Final[Mapping[str, Callable[[Vocabulary, Mapping[str, Any]], dict[str, Any]]]] = {
    "exploratory": lambda words, values: {"seeds": words.count("seeds", values["seeds"])},
    "few-tuning": lambda words, values: {"replicates": words.numbers.whole(values["replicates"])},
    "edge-of-grid": _edges,
    "did-not-train": _arm,
    "some-failed": _arm,
    "unequal-budget": lambda words, values: {"spread": words.joined(cost_spreads(words, values["spread"]))},
    "target-never-reached": lambda words, values: {
        "task": words.task(values["task"]),
        "arms": words.joined([words.quoted(words.arm(one)) for one in values["arms"]]),
    },
    "widened": lambda words, values: {
        "factor": words.factor(values["factor"]),
        "values": words.joined([words.value(one) for one in values["values"]]),
    },
    "tasks-dropped": lambda words, values: {"metric": words.metric(values["metric"]), **_tasks(words, values)},
    "one-data-set": _tasks,
    "timing-noise": lambda words, _: {"machine": _machine(words)},
    "deadline": lambda words, values: {name: words.numbers.whole(values[name]) for name in ("done", "planned")},
    "epochs-cut": lambda words, values: {
        name: words.joined([words.value(one) for one in values[name]]) for name in ("epochs", "planned")
    },
    "stored-versions": lambda words, values: {"versions": words.joined([str(one) for one in values["versions"]])},
    "equal-by": _equal,
    "resolution": _resolution,
}
