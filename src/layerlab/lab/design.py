"""The design of an experiment: fixed, stored and hashed before anything runs."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from layerlab.errors import LayerlabError
from layerlab.lab.engines import Engine, engine_named
from layerlab.lab.equal import equalise
from layerlab.lab.metrics import metric_named
from layerlab.lab.question import Comparison, Question, Variant
from layerlab.lab.trial import FORMAT, canonical
from layerlab.playground.specification import REGRESSION_DATASETS

__all__ = ["Arm", "Design", "Plan", "arm_name", "make_design"]

MAX_ARMS: Final = 1000
MAX_TRIALS: Final = 200_000


@dataclass(frozen=True)
class Arm:
    """One thing that is compared."""

    name: str
    label: Mapping[str, str]
    factors: Mapping[str, Any]
    """All that were given or solved for; what is tuned is not among them."""
    parameters: int
    macs: int


@dataclass(frozen=True)
class Plan:
    """One comparison with its arms."""

    comparison: Comparison
    arms: tuple[Arm, ...]

    def arm(self, name: str) -> Arm:
        """Return an arm by its name."""
        return next(one for one in self.arms if one.name == name)


@dataclass(frozen=True)
class Design:
    """All that is decided before the first trial."""

    question: str
    engine: str
    tasks: tuple[str, ...]
    plans: tuple[Plan, ...]
    seeds: int
    tuning_replicates: int
    budget: float | None = None
    """Seconds for everything, or None."""

    def to_dict(self) -> dict[str, Any]:
        """Return the design as JSON values."""
        return {
            "format": FORMAT,
            "question": self.question,
            "engine": self.engine,
            "tasks": list(self.tasks),
            "seeds": self.seeds,
            "tuning_replicates": self.tuning_replicates,
            "budget": self.budget,
            "comparisons": [
                {
                    **asdict(plan.comparison),
                    "smallest_difference": {name: plan.comparison.smallest(name) for name in plan.comparison.metrics},
                    "arms": [asdict(arm) for arm in plan.arms],
                }
                for plan in self.plans
            ],
        }

    @property
    def hash(self) -> str:
        """A digest of the design: titles and labels, which decide nothing, left out."""
        content = self.to_dict()
        for one in content["comparisons"]:
            del one["title"], one["figure"]
            for arm in one["arms"]:
                del arm["label"]
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]

    @property
    def trials(self) -> int:
        """Trainings at least (a grid that is widened adds some)."""
        total = 0
        for plan in self.plans:
            grid = len(list(itertools.product(*plan.comparison.tune.values()))) if plan.comparison.tune else 0
            tuned = 1 if plan.comparison.tune_on else len(plan.arms)
            total += len(self.tasks) * (tuned * grid * self.tuning_replicates + len(plan.arms) * self.seeds)
        return total


def make_design(
    question: Question,
    variant: Variant,
    *,
    tasks: Sequence[str] = (),
    seeds: int | None = None,
    budget: float | None = None,
) -> Design:
    """Return the design of a question on one kind of task.

    Args:
        question, variant: what is asked.
        tasks: to run on; default: the variant's own.
        seeds: replicates; default: the variant's.
        budget: seconds for everything.

    Raises:
        LayerlabError: a factor or task that the engine has not, an arm that cannot be built at the budget.
    """
    engine = engine_named(variant.engine)
    chosen = tuple(tasks or variant.tasks)
    count = variant.seeds if seeds is None else seeds
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
        raise LayerlabError(f"seeds is {count!r}; expected a whole number from 1 to 1,000 (10 is the default)")
    for comparison in variant.comparisons:
        for metric in comparison.metrics:
            metric_named(metric)
            if metric == "accuracy" and (wrong := [task for task in chosen if task in REGRESSION_DATASETS]):
                raise LayerlabError(f'"{wrong[0]}" has no classes and so no accuracy; choose loss, or another task')
    plans = tuple(Plan(comparison, _arms(comparison, engine, chosen)) for comparison in variant.comparisons)
    design = Design(question.name, variant.engine, chosen, plans, count, variant.tuning_replicates, budget)
    if design.trials > MAX_TRIALS:
        raise LayerlabError(f"{design.trials:,} trainings; at most {MAX_TRIALS:,}: vary fewer factors or levels")
    return design


def _arms(comparison: Comparison, engine: Engine, tasks: Sequence[str]) -> tuple[Arm, ...]:
    """Return the arms, each checked on every task, with the factor that makes them equal solved for."""
    named: list[tuple[str, Mapping[str, str], dict[str, Any]]] = [
        (one.name, one.label, dict(one.factors)) for one in comparison.arms
    ]
    levels = {**comparison.vary, **{name: _subsets(items) for name, items in comparison.subsets.items()}}
    if levels:
        for values in itertools.product(*levels.values()):
            factors = dict(zip(levels, values, strict=True))
            named.append((arm_name(factors), {}, factors))
    if len(named) > MAX_ARMS:
        raise LayerlabError(f"{len(named):,} arms; at most {MAX_ARMS:,}: vary fewer factors or levels")
    names = [name for name, _, _ in named]
    if twice := [name for name in names if names.count(name) > 1]:
        raise LayerlabError(f'two arms are called "{twice[0]}"; each needs a name of its own')
    if len(named) < 2 and comparison.analysis != "sets":
        raise LayerlabError(f'the comparison "{comparison.name}" has one arm, "{names[0]}"; expected at least two')
    _check_contrasts(comparison, names)
    # What is tuned has its first value here: it decides no cost, and a mistake in the grid is told at once.
    tuned = {name: grid[0] for name, grid in comparison.tune.items()}
    arms: list[Arm] = []
    for name, label, own in named:
        factors = {**comparison.hold, **own}
        arms.append(Arm(name, label, factors, 0, 0))
    if comparison.equal is not None and comparison.equal.rule != "seconds":
        arms = equalise(arms, comparison.equal, engine, tasks[0], tuned)
    found = []
    for arm in arms:
        for values in itertools.product(*comparison.tune.values()):
            engine.settings({**arm.factors, **dict(zip(comparison.tune, values, strict=True))}, tasks[0])
        for task in tasks[1:]:
            engine.settings({**arm.factors, **tuned}, task)
        cost = engine.cost(engine.settings({**arm.factors, **tuned}, tasks[0]))
        found.append(replace(arm, parameters=cost.parameters, macs=cost.macs))
    return tuple(found)


def _check_contrasts(comparison: Comparison, names: Sequence[str]) -> None:
    pairs = [] if isinstance(comparison.contrasts, str) else comparison.contrasts
    for pair in pairs:
        for name in pair:
            if name not in names:
                raise LayerlabError(f'the contrast {list(pair)} names "{name}", which is no arm ({", ".join(names)})')
    if comparison.tune_on and comparison.tune_on not in names:
        raise LayerlabError(f'tune_on names "{comparison.tune_on}", which is no arm ({", ".join(names)})')


def _subsets(items: Sequence[Any]) -> list[list[Any]]:
    return [list(chosen) for size in range(1, len(items) + 1) for chosen in itertools.combinations(items, size)]


def arm_name(factors: Mapping[str, Any]) -> str:
    """Return the name of an arm that varies in these factors: ``depth=4, width=8``."""
    return ", ".join(f"{name}={_value(value)}" for name, value in factors.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "+".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
