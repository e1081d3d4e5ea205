"""Answers made of synthetic runs with a known truth, through the lab's own analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from layerlab.lab.answer import Answer
from layerlab.lab.answering import make_answer
from layerlab.lab.design import make_design
from layerlab.lab.question import read_question
from layerlab.lab.request import Request
from layerlab.lab.results import Results
from layerlab.lab.trial import Outcome, Replicate, Trial
from layerlab.lab.tuning import Choice, Grid

Runs = Callable[[Mapping[str, Any], str, int], tuple[dict[str, float | None], str]]
"""(factors of the arm, task, replicate) -> values by metric, and why it failed or an empty text."""

HEAD = """
name = "{name}"
next = ["ask which-features", "ask deeper-or-wider --on digits"]
[title]
en = "Does it matter?"
pl = "Czy to ma znaczenie?"
{words}
[[variant]]
engine = "playground"
tasks = {tasks}
"""


def answer_of(
    comparisons: str,
    runs: Runs,
    *,
    tasks: tuple[str, ...] = ("circle",),
    seeds: int = 10,
    name: str = "synthetic",
    words: str = "",
    complete: bool = True,
    edge: bool = False,
) -> Answer:
    """Return the answer of a question whose runs came out as ``runs`` has it, tuned inside the grid or at its edge."""
    text = HEAD.format(name=name, tasks=list(tasks), words=words).replace("'", '"') + comparisons
    asked = read_question(text, "synthetic.toml")
    design = make_design(asked, asked.variants[0], seeds=seeds)
    results = []
    for plan in design.plans:
        one = Results(plan, design.tasks)
        one.grid = Grid.of(plan.comparison) if plan.comparison.tune else None
        for arm in plan.arms:
            one.rounds[arm.name] = [1e-6 * arm.parameters * (1 + 0.01 * (r % 3)) for r in range(30)]
            for task in design.tasks:
                if one.grid is not None:
                    value = one.grid.values[1]
                    one.choices[arm.name, task] = (
                        Choice(value, ("learning_rate", True) if edge else None),
                        one.grid.named(value),
                    )
                    one.tried[arm.name, task] = {
                        tried: [Outcome({"loss": 0.1 + 0.01 * k}) for k in range(3)] for tried in one.grid.values
                    }
                for replicate in range(seeds):
                    values, failure = runs(arm.factors | {"arm": arm.name}, task, replicate)
                    trial = Trial("playground", {"arm": arm.name, "task": task, "epochs": 100},
                                  Replicate(replicate, replicate, replicate), "test")  # fmt: skip
                    one.runs[arm.name, task, replicate] = (trial, Outcome(values, (), failure, 0.1))
        one.count_complete(seeds)
        results.append(one)
    request = Request.of(asked, design, f"layerlab ask {name} --seeds {seeds}")
    return make_answer(
        request, results, notes={}, seconds=12.5, trials=design.trials, date="2026-11-30T12:00:00+00:00",
        complete=complete,
    )  # fmt: skip


def noise(*key: object) -> float:
    """Return a standard normal number that depends on nothing but the key."""
    seed = [sum(ord(sign) * 31**i for i, sign in enumerate(str(part))) % 2**32 for part in key]
    return float(np.random.default_rng(seed).normal())


TWO = """
[[variant.comparison]]
vary = { activation = ["relu", "tanh"] }
hold = { depth = 1, width = 4 }
tune = { learning_rate = [0.01, 0.1, 1] }
metrics = ["METRIC"]
"""


def two_arms(
    advantage: float,
    *,
    spread: float = 0.01,
    metric: str = "loss",
    failed: int = 0,
    seeds: int = 10,
    tasks: tuple[str, ...] = ("circle",),
    words: str = "",
    complete: bool = True,
    edge: bool = False,
) -> Answer:
    """Return the answer on tanh against ReLU.

    Args:
        advantage: by which the loss of tanh is lower, or its accuracy higher; of epochs, how many times as fast it is.
        spread: standard deviation of each arm.
        failed: runs of tanh on each task that did not train.
    """

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        tanh = factors["activation"] == "tanh"
        own = spread * noise(factors["activation"], task, replicate)
        values: dict[str, float | None] = {"loss": 0.3 + own - advantage * tanh}
        if metric == "accuracy":
            values["accuracy"] = 0.8 + own + advantage * tanh
        if metric == "epochs_to_target":
            values[metric] = 40.0 * np.exp(own) / (advantage if tanh else 1)
        if tanh and replicate < failed:
            return {**values, "loss": 0.5, metric: {"accuracy": 0.5, "loss": 0.5}.get(metric)}, "learned nothing"
        return values, ""

    return answer_of(TWO.replace("METRIC", metric), runs, seeds=seeds, tasks=tasks, words=words, complete=complete,
                     edge=edge)  # fmt: skip


TREND = """
[[variant.comparison]]
vary = { depth = [1, 2, 4, 8] }
hold = { width = 4 }
tune = { learning_rate = [0.01, 0.1, 1] }
metrics = ["METRIC"]
analysis = "trend"
factor = "depth"
contrasts = "ends"
"""


def over_depth(
    heights: Mapping[int, float],
    *,
    spread: float = 0.01,
    metric: str = "loss",
    tasks: tuple[str, ...] = ("circle",),
    lost: tuple[int, ...] = (),
) -> Answer:
    """Return the answer on depth, where a metric has these means; at the depths that are ``lost`` nothing trains."""

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        value = heights[factors["depth"]] + spread * noise(factors["depth"], task, replicate)
        return {"loss": 0.3, metric: value}, "learned nothing" if factors["depth"] in lost else ""

    question = TREND.replace("METRIC", metric).replace("[1, 2, 4, 8]", str(list(heights)))
    return answer_of(question, runs, tasks=tasks)


PAIRS = """
[[variant.comparison]]
vary = { skip = [false, true], depth = [2, 4, 6, 8] }
hold = { width = 4 }
metrics = ["loss"]
analysis = "pairs"
factor = "skip"
by = "depth"
"""


def with_skip(advantages: Mapping[int, float]) -> Answer:
    """Return the answer on skip connections that lower the loss by so much at each depth."""

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        own = 0.01 * noise(factors["skip"], factors["depth"], replicate)
        return {"loss": 0.4 + own - advantages[factors["depth"]] * factors["skip"]}, ""

    return answer_of(PAIRS, runs)


RANGE = """
[[variant.comparison]]
vary = { norm = ["none", "batch"], learning_rate = [0.01, 0.1, 1, 10] }
hold = { depth = 1, width = 4 }
metrics = ["loss"]
analysis = "ANALYSIS"
factor = "norm"
by = "learning_rate"
"""


def over_rates(analysis: str = "range") -> Answer:
    """Return the answer on normalisation over the learning rate: without it, 10 trains nothing, and 1 half."""

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        rate, batch = factors["learning_rate"], factors["norm"] == "batch"
        lost = not batch and (rate == 10 or (rate == 1 and replicate % 2 == 0))
        loss = 0.5 if lost else 0.1 + 0.05 * abs(np.log10(rate) + 1) + 0.001 * noise(rate, batch, replicate)
        return {"loss": loss, "epochs_to_target": None if lost else 10.0}, "learned nothing" if lost else ""

    return answer_of(RANGE.replace("ANALYSIS", analysis), runs)


SETS = """
[[variant.comparison]]
subsets = { features = ["x", "y", "xSquared", "ySquared"] }
hold = { depth = 0 }
metrics = ["epochs_to_target"]
analysis = "sets"
"""


def over_sets() -> Answer:
    """Return the answer on features: both squares or all but them solve the circle, x alone the clouds, nothing xor."""

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        has = set(factors["features"])
        solved = {"circle": {"xSquared", "ySquared"} <= has or {"x", "y"} <= has, "gauss": "x" in has, "xor": False}[
            task
        ]
        return {"loss": 0.1, "epochs_to_target": 5.0 if solved else None}, ""

    return answer_of(SETS, runs, tasks=("circle", "gauss", "xor"))


SEVERAL = """
[[variant.comparison]]
name = "at-tuned-rate"
title = { en = "at its own learning rate", pl = "przy własnym współczynniku uczenia" }
vary = { activation = ["relu", "tanh", "elu", "sigmoid", "linear"] }
hold = { depth = 1 }
equal = { rule = "parameters", by = "width", at = 17 }
tune = { learning_rate = [0.01, 0.1, 1] }
metrics = ["loss", "epochs_to_target"]

[[variant.comparison]]
name = "named"
title = { en = "of two shapes", pl = "dwóch kształtów" }
arm = [
  { name = "wide", factors = { depth = 1, width = 9 }, label = { en = "one wide layer", pl = "jedna szeroka" } },
  { name = "deep", factors = { depth = 3, width = 3 }, label = { en = "three narrow ones", pl = "trzy wąskie" } },
]
metrics = ["accuracy"]
"""


def several(*, tasks: tuple[str, ...] = ("circle", "xor")) -> Answer:
    """Return the answer on two comparisons. Of the first, tanh is better than ReLU, ELU equal, sigmoid worse."""
    means = {"relu": 0.3, "tanh": 0.2, "elu": 0.3, "sigmoid": 0.4, "linear": 0.5}

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        own = 0.003 * noise(factors["arm"], task, replicate)
        if "activation" not in factors:
            return {"loss": 0.3, "accuracy": 0.9 + own}, ""
        name = factors["activation"]
        if name == "linear":
            return {"loss": 0.5, "epochs_to_target": None}, "learned nothing"
        return {"loss": means[name] + own, "epochs_to_target": 100 * means[name] * (1 + own)}, ""

    return answer_of(SEVERAL, runs, tasks=tasks)


def all_pairs(means: Mapping[str, float]) -> Answer:
    """Return the answer on every pair of activations that have these losses."""

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        name = factors["activation"]
        return {"loss": means[name] + 0.002 * noise(name, replicate)}, ""

    comparison = TWO.replace("METRIC", "loss").replace('["relu", "tanh"]', str(list(means)).replace("'", '"'))
    return answer_of(f'{comparison}contrasts = "all"\n', runs)


def nothing_yet() -> Answer:
    """Return the answer before the first run has ended."""
    return replace(two_arms(0.1), findings=[], arms=[], points=[], caveats=[], complete=False)


EVERY = {
    "better": cache(lambda: two_arms(0.1)),
    "share": cache(lambda: two_arms(0.1, metric="accuracy")),
    "ratio": cache(lambda: two_arms(2.0, spread=0.1, metric="epochs_to_target")),
    "undecided": cache(lambda: two_arms(0.02, spread=0.03)),
    "equivalent": cache(lambda: two_arms(0.0, spread=0.005)),
    "exploratory": cache(lambda: two_arms(0.1, seeds=3)),
    "unfair": cache(lambda: two_arms(0.1, failed=8)),
    "tasks": cache(lambda: two_arms(0.1, failed=1, tasks=("circle", "xor", "spiral"))),
    "rises": cache(lambda: over_depth({1: 0.1, 2: 0.2, 4: 0.3, 8: 0.4})),
    "turns": cache(lambda: over_depth({1: 0.4, 2: 0.2, 4: 0.1, 8: 0.4}, tasks=("circle", "moons"))),
    "flat": cache(lambda: over_depth({1: 0.1, 2: 0.1, 4: 0.1, 8: 0.1}, spread=0.002)),
    "pairs": cache(lambda: with_skip({2: 0.0, 4: 0.0, 6: 0.1, 8: 0.2})),
    "no-onset": cache(lambda: with_skip({2: 0.2, 4: 0.1, 6: 0.0, 8: -0.1})),
    "range": cache(over_rates),
    "grid": cache(lambda: over_rates("grid")),
    "sets": cache(over_sets),
    "several": cache(several),
    "edge": cache(lambda: two_arms(0.1, edge=True)),
    "peak": cache(lambda: over_depth({1: 0.6, 2: 0.8, 4: 0.9, 8: 0.6}, metric="accuracy")),
    "steps": cache(lambda: over_depth({1: 0.4, 2: 0.3, 3: 0.2})),
    "lost": cache(lambda: over_depth({1: 0.1, 2: 0.4, 4: 0.4, 8: 0.4}, lost=(2, 4, 8))),
    "one-lost": cache(lambda: over_depth({1: 0.1, 2: 0.2, 4: 0.3, 8: 0.5}, lost=(8,))),
    "all-pairs": cache(lambda: all_pairs({"relu": 0.3, "tanh": 0.2, "elu": 0.25})),
    "no-pair": cache(lambda: all_pairs({"relu": 0.3, "tanh": 0.3, "elu": 0.3})),
    "nothing": cache(nothing_yet),
    "so-far": cache(lambda: two_arms(0.1, seeds=6, complete=False)),
}
"""One answer of every kind, each made once."""
