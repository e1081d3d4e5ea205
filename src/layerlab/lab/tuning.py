"""Choosing the learning rate (and what else is tuned) of each arm on validation parts, before anything is tested."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.lab.metrics import METRICS, Metric

if TYPE_CHECKING:
    from layerlab.lab.question import Comparison
    from layerlab.lab.trial import Outcome

__all__ = ["Choice", "Grid", "Value", "choose", "score_metric", "scores", "smallest_step"]

MOST_WIDENINGS: Final = 2
"""On each side of a grid; what is best at the edge after that is told."""

Value = tuple[float, ...]
"""One value of each tuned factor, in the order of the comparison's ``tune``."""


@dataclass
class Grid:
    """The values that are tried: a product of one list a factor. All arms of a comparison share it."""

    factors: dict[str, list[float]]
    widened: dict[tuple[str, bool], int] = field(default_factory=dict)
    """How often each side (factor, upper) has been widened."""

    @classmethod
    def of(cls, comparison: Comparison) -> Grid:
        """Return the grid that a comparison begins with."""
        return cls({name: sorted(map(float, values)) for name, values in comparison.tune.items()})

    @property
    def values(self) -> list[Value]:
        """Every combination."""
        return list(itertools.product(*self.factors.values()))

    def named(self, value: Value) -> dict[str, float]:
        """Return a combination by factor."""
        return dict(zip(self.factors, value, strict=True))

    def edges(self, value: Value) -> list[tuple[str, bool]]:
        """Return the sides at whose end a combination lies. Zero is no edge, and nor is a list of one."""
        found = []
        for name, one in self.named(value).items():
            steps = self.factors[name]
            if len(steps) > 1 and one == steps[-1]:
                found.append((name, True))
            if len(steps) > 1 and one == steps[0] and one > 0:
                found.append((name, False))
        return found

    def inward(self, value: Value, edge: tuple[str, bool]) -> Value:
        """Return the neighbour of a combination on the side away from an edge."""
        name, upper = edge
        steps = self.factors[name]
        place = list(self.factors).index(name)
        return (*value[:place], steps[-2] if upper else steps[1], *value[place + 1 :])

    def widen(self, edge: tuple[str, bool]) -> bool:
        """Add a value beyond an edge, as far from it as its neighbour; say whether it may be widened once more."""
        name, upper = edge
        if self.widened.get(edge, 0) >= MOST_WIDENINGS:
            return False
        steps = [step for step in self.factors[name] if step > 0]
        if len(steps) < 2:
            return False
        self.widened[edge] = self.widened.get(edge, 0) + 1
        # Rounded, so that a grid of 0.03, 0.1, 0.3 goes on with 0.9 and not with its last digits.
        beyond = steps[-1] * steps[-1] / steps[-2] if upper else steps[0] * steps[0] / steps[1]
        self.factors[name] = sorted([*self.factors[name], float(f"{beyond:.3g}")])
        return True


@dataclass(frozen=True)
class Choice:
    """What one arm takes on one task."""

    value: Value
    edge: tuple[str, bool] | None = None
    """The edge at which it lies and beyond which it may be better, by more than the smallest difference."""


def score_metric(comparison: Comparison) -> Metric:
    """Return what is tuned for: the first metric, as far as it is a matter of learning."""
    first = comparison.metrics[0]
    if first in ("steps_to_target", "seconds_to_target"):
        return METRICS["epochs_to_target"]
    return METRICS[first if first in ("loss", "accuracy", "epochs_to_target") else "loss"]


def scores(metric: Metric, outcomes: Sequence[Outcome], epochs: int) -> float:
    """Return how bad a value is, less being better: the mean over replicates, none of which is dropped.

    A run that never reached its target counts with twice the epochs that it had (penalised mean, PAR2), on the scale
    of logarithms; a run without a figure counts as infinitely bad.

    Reference:
        Hutter, Hoos, Leyton-Brown, Stützle. ParamILS: an automatic algorithm configuration framework. JAIR 2009.
    """
    figures = []
    for outcome in outcomes:
        value = outcome.values.get(metric.name)
        if metric.scale == "log":
            # The held-out loss decides between values that all reach the target as early, or none.
            loss = outcome.values.get("loss")
            reached = 2.0 * max(epochs, 1) if value is None else max(float(value), 0.5)
            figures.append(math.log(reached) + 1e-6 * min(1e3, loss if loss is not None else 1e3))
        elif value is None:
            figures.append(math.inf)
        else:
            figures.append(float(value) if metric.goal == "low" else -float(value))
    return float(np.mean(figures)) if figures else math.inf


def choose(grid: Grid, found: Mapping[Value, float], smallest: float) -> Choice:
    """Return the best value of one arm on one task.

    Args:
        grid: what was tried.
        found: how bad each is (:func:`scores`).
        smallest: the smallest difference that matters: an edge that is no better by it than its neighbour is none.
    """
    best = min(found, key=lambda value: (found[value], value))
    if not math.isfinite(found[best]):
        return Choice(best)
    for edge in grid.edges(best):
        if found[grid.inward(best, edge)] - found[best] > smallest:
            return Choice(best, edge)
    return Choice(best)


def smallest_step(comparison: Comparison, metric: Metric) -> float:
    """Return the smallest difference of the tuned metric that matters, on the scale of :func:`scores`."""
    smallest = comparison.smallest(metric.name)
    return math.log(smallest) if metric.scale == "log" else smallest
