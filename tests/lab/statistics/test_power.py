"""What n pairs can show: against simulated experiments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from layerlab.errors import LayerlabError
from layerlab.lab.statistics import detectable, seeds_needed
from layerlab.lab.statistics.power import effect_seeds, equivalence_seeds, sign_seeds

DRAWS = 20_000


def found(n: int, effect: float, sd: float, level: float = 0.05) -> float:
    values = np.random.default_rng(n).normal(effect, sd, (DRAWS, n))
    return float((stats.ttest_1samp(values, 0.0, axis=1).pvalue <= level).mean())


@pytest.mark.parametrize(("n", "power"), [(3, 0.8), (6, 0.8), (10, 0.9), (30, 0.8)])
def test_the_detectable_difference_is_found_so_often(n: int, power: float) -> None:
    assert found(n, detectable(n, 0.3, power), 0.3) == pytest.approx(power, abs=0.012)


def test_it_shrinks_with_the_root_of_the_pairs_and_needs_two() -> None:
    assert detectable(1) == math.inf
    assert detectable(10, 2.0) == pytest.approx(2 * detectable(10))
    assert detectable(400) == pytest.approx(2.8016 / 20, rel=0.01)


def test_seeds_needed_is_its_inverse() -> None:
    for effect in (0.1, 0.35, 1.0, 2.5):
        n = seeds_needed(effect, 1.0)
        assert detectable(n) <= effect
        assert n == 2 or detectable(n - 1) > effect
        assert seeds_needed(-effect, 1.0) == n
    assert seeds_needed(1.0, 0.0) == 2


def test_equivalence_takes_as_many_as_it_says() -> None:
    for mean in (0.0, 0.4):
        n = int(equivalence_seeds(mean, 1.0, 1.0, 0.05))
        values = np.random.default_rng(1).normal(mean, 1.0, (DRAWS, n))
        half = stats.t.ppf(0.95, n - 1) * values.std(1, ddof=1) / math.sqrt(n)
        assert (np.abs(values.mean(1)) + half <= 1).mean() == pytest.approx(0.8, abs=0.06)  # n is whole
    assert equivalence_seeds(0.999_999_9, 1.0, 1.0, 0.05) == math.inf


def test_a_sign_test_takes_about_as_many_as_it_says() -> None:
    n = math.ceil(sign_seeds(0.8, 0.025))
    wins = np.random.default_rng(1).binomial(n, 0.8, DRAWS)
    assert (stats.binom.sf(wins - 1, n, 0.5) <= 0.025).mean() == pytest.approx(0.8, abs=0.1)
    assert sign_seeds(0.5, 0.025) == math.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: seeds_needed(0.0, 1.0),
            "a difference of 0 takes more than a million seeds to show where the standard",
        ),
        (lambda: seeds_needed(1.0, math.nan), "the standard deviation of the differences is nan; expected a finite"),
        (lambda: detectable(10, -1.0), "the standard deviation of the differences is -1; expected a finite one"),
        (lambda: detectable(10, power=1.2), "a power of 1.2 at level 0.05; expected 0 < level < power < 1"),
    ],
)
def test_what_has_no_answer_is_refused(call: object, message: str) -> None:
    with pytest.raises(LayerlabError, match=message):
        call()  # type: ignore[operator]
    assert effect_seeds(0.0, 0.0, 0.05) == math.inf
