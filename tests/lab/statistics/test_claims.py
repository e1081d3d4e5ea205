"""How often experiments without a difference claim one: 2,000 simulated ones, three contrasts each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from layerlab.lab.statistics import Contrast, contrast, judge

pytestmark = pytest.mark.filterwarnings("error")
EXPERIMENTS = 2000
ALLOWED = 0.05 + 3 * math.sqrt(0.05 * 0.95 / EXPERIMENTS)
"""Share of false claims: 5 %, and three standard errors of counting them."""
Noise = Callable[[np.random.Generator, tuple[int, int]], Any]


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    return rng.normal(0.0, 1.0, shape)


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    return rng.lognormal(0.0, 1.0, shape)


def sometimes_stuck(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    return rng.normal(0.0, 0.1, shape) - 5 * (rng.random(shape) < 0.2)


def sometimes_never(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    return np.where(rng.random(shape) < 0.3, -np.inf, rng.normal(0.0, 1.0, shape))


def experiments(
    noise: Noise, smallest: float, advantage: float = 0.0, n: int = 10, arms: int = 4, seed: int = 1
) -> Iterator[list[Contrast]]:
    """Yield experiments in which the first arm, ahead by ``advantage``, is compared with every other one."""
    rng = np.random.default_rng(seed)
    trained = np.ones(n, bool)
    for _ in range(EXPERIMENTS):
        runs = rng.normal(0.0, 1.0, n) + noise(rng, (arms, n))  # what a replicate's arms share, and what they do not
        runs[0] += advantage
        yield [
            contrast(
                "first", "other", runs[0], other, goal="high", smallest_difference=smallest, scale="linear",
                trained_a=trained, trained_b=trained,
            )
            for other in runs[1:]
        ]  # fmt: skip


def differs(one: Contrast) -> bool:
    """Return whether it says that its arms differ at all."""
    return one.verdict.kind == "better" or one.verdict.reason == "smaller-than-matters"


def better(one: Contrast) -> bool:
    return one.verdict.kind == "better"


def rate(simulated: Iterator[list[Contrast]], claim: Callable[[Contrast], bool], together: bool = True) -> float:
    """Return in which share of the experiments any contrast makes the claim."""

    def judged(contrasts: list[Contrast]) -> list[Contrast]:
        return judge(contrasts) if together else [judge([one])[0] for one in contrasts]

    return sum(any(map(claim, judged(contrasts))) for contrasts in simulated) / EXPERIMENTS


# The lower bounds below: what chance gives is found, so the count counts.


def test_without_any_difference_few_experiments_claim_one() -> None:
    assert 0.01 < rate(experiments(normal, 0.0), differs) <= ALLOWED


def test_where_the_truth_is_the_smallest_difference_few_claim_more() -> None:
    assert 0.003 < rate(experiments(normal, 1.0, advantage=1.0, arms=3), better) <= ALLOWED


def test_where_the_truth_is_the_smallest_difference_few_claim_equivalence() -> None:
    tight = experiments(lambda rng, shape: 0.3 * normal(rng, shape), 1.0, advantage=1.0, arms=2)
    assert 0.01 < rate(tight, lambda one: one.verdict.kind == "equivalent") <= ALLOWED


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize("noise", [normal, skewed, sometimes_stuck, sometimes_never])
@pytest.mark.parametrize("smallest", [0.0, 3.0])
def test_whatever_the_distribution(n: int, noise: Noise, smallest: float) -> None:
    assert rate(experiments(noise, smallest, n=n), differs) <= ALLOWED


@pytest.mark.slow
def test_without_correction_too_many_would() -> None:
    assert rate(experiments(normal, 0.0), differs, together=False) > 0.09
