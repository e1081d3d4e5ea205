"""Makes arms equal in parameters or multiply-accumulates by solving for one factor, such as the width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError
from layerlab.lab.engines import Engine
from layerlab.lab.question import Equal

if TYPE_CHECKING:
    from layerlab.lab.design import Arm

__all__ = ["TOLERANCE", "equalise"]

TOLERANCE: Final = 0.1
"""Arms are equal when each is this near to the budget; more would be another comparison."""
_STEPPED: Final = ("depth",)
"""Factors of few levels, some of which cannot be built; the budget is chosen to suit them where none is given."""
_MOST_STEPS: Final = 120
_LARGEST_WHOLE: Final = 4096
_SMALLEST, _LARGEST = 1 / 64, 16.0


def equalise(arms: Sequence[Arm], equal: Equal, engine: Engine, task: str, tuned: Mapping[str, Any]) -> list[Arm]:
    """Return the arms with ``equal.by`` chosen so that each costs as nearly ``equal.at`` as it can.

    Raises:
        LayerlabError: an arm that cannot come within a tenth of the budget, with the nearest that it can be.
    """
    budget = equal.at

    def cost(factors: Mapping[str, Any]) -> float:
        found = engine.cost(engine.settings({**factors, **tuned}, task))
        return float(found.parameters if equal.rule == "parameters" else found.macs)

    if equal.by in _STEPPED:
        return _by_steps(arms, equal, cost)
    if budget is None:
        budget = cost(arms[0].factors)
    solved = []
    for arm in arms:
        value, reached = _solve(arm, equal.by, budget, cost, whole=engine.name != "zoo")
        if abs(reached - budget) > TOLERANCE * budget:
            raise _unreachable(arm, equal, budget, value, reached)
        solved.append(replace(arm, factors={**arm.factors, equal.by: value}))
    return solved


def _by_steps(arms: Sequence[Arm], equal: Equal, cost: Callable[[Mapping[str, Any]], float]) -> list[Arm]:
    """Return the arms with a factor of few levels, such as the depth, chosen for a budget that suits all of them."""
    reachable: list[dict[int, float]] = []
    for arm in arms:
        levels: dict[int, float] = {}
        for value in range(1, _MOST_STEPS + 1):
            with suppress(LayerlabError):  # not every depth can be built
                levels[value] = cost({**arm.factors, equal.by: value})
        if not levels:
            cost({**arm.factors, equal.by: 1})  # which says why
        reachable.append(levels)

    def nearest(levels: Mapping[int, float], budget: float) -> int:
        return min(levels, key=lambda value: abs(levels[value] - budget))

    def worst(budget: float) -> float:
        return max(abs(levels[nearest(levels, budget)] / budget - 1) for levels in reachable)

    budget = equal.at
    if budget is None:
        costs = sorted({reached for levels in reachable for reached in levels.values()})
        candidates = [reached * factor for reached in costs for factor in (1 - TOLERANCE / 2, 1.0, 1 + TOLERANCE / 2)]
        fitting = [candidate for candidate in candidates if worst(candidate) <= TOLERANCE]
        budget = min(fitting) if fitting else min(candidates, key=worst)
    solved = []
    for arm, levels in zip(arms, reachable, strict=True):
        value = nearest(levels, budget)
        if abs(levels[value] - budget) > TOLERANCE * budget:
            raise _unreachable(arm, equal, budget, value, levels[value])
        solved.append(replace(arm, factors={**arm.factors, equal.by: value}))
    return solved


def _unreachable(arm: Arm, equal: Equal, budget: float, value: float, reached: float) -> LayerlabError:
    unit = "parameters" if equal.rule == "parameters" else "multiply-accumulates"
    return LayerlabError(
        f'the arm "{arm.name}" cannot be built at {budget:,.0f} {unit}: the nearest, {equal.by} {value:g}, has'
        f" {reached:,.0f}; choose another budget or leave the arm out"
    )


def _solve(arm: Arm, by: str, budget: float, cost: Any, *, whole: bool) -> tuple[float, float]:
    """Return the value of the factor that comes nearest to the budget, and its cost, which grows with it."""

    def at(value: float) -> float | None:
        try:
            return float(cost({**arm.factors, by: value}))
        except LayerlabError:
            if value in (1, _SMALLEST):
                raise
            return None  # larger than the engine allows

    low: float = 1 if whole else _SMALLEST
    high = low
    best = (low, at(low) or 0.0)

    def nearer(value: float, reached: float) -> None:
        nonlocal best
        if abs(reached - budget) < abs(best[1] - budget):
            best = (value, reached)

    while best[1] < budget and high < (_LARGEST_WHOLE if whole else _LARGEST):
        following = high * 2
        reached = at(following)
        while reached is None and whole and following > high + 1:  # the largest that can be built
            following = (following + high) // 2
            reached = at(following)
        if reached is None:
            break
        low, high = high, following
        nearer(high, reached)
        if reached >= budget:
            break
    while high - low > (1 if whole else 0.002 * high):
        middle = (low + high) // 2 if whole else (low + high) / 2
        reached = at(middle)
        if reached is None or reached >= budget:
            high = middle
        else:
            low = middle
        if reached is not None:
            nearer(middle, reached)
    value = int(best[0]) if whole else round(best[0], 4)
    return value, float(cost({**arm.factors, by: value}))
