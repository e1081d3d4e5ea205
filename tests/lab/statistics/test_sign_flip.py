"""The sign-flip test: against all signs, one after another, and against SciPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layerlab.lab.statistics.sign_flip import EXACT, sign_flip, sign_test


def brute_force(differences: np.ndarray) -> float:
    seen = abs(differences.sum()) - 1e-9
    signs = itertools.product((-1, 1), repeat=len(differences))
    return float(np.mean([abs(np.dot(sign, differences)) >= seen for sign in signs]))


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_it_counts_all_signs(whole: list[int]) -> None:
    differences = np.array(whole) / 100  # as accuracies differ: with ties among the sums, which are not exact
    assert sign_flip(differences) == pytest.approx(brute_force(differences), abs=1e-12)


@pytest.mark.parametrize("n", [6, 7, 10, 14])
def test_it_is_scipys(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.5, 1.0, n)
    expected = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=2**n, vectorized=True
    )
    assert len(expected.null_distribution) == 2**n
    assert sign_flip(differences) == pytest.approx(expected.pvalue, abs=1e-12)


def test_the_smallest_p_is_two_in_all_signs() -> None:
    assert sign_flip(np.full(6, 0.01)) == 2 / 2**6
    assert sign_flip(np.full(EXACT, -3.0)) == pytest.approx(2 / 2**EXACT)
    assert sign_flip(np.zeros(8)) == 1.0
    assert sign_flip(np.array([1.0, -1.0])) == 1.0


def test_many_pairs_are_drawn_and_agree_with_the_count() -> None:
    rng = np.random.default_rng(3)
    differences = rng.normal(0.3, 1.0, EXACT)
    drawn = sign_flip(np.append(differences, 0.0))  # a zero changes no sum, and is one pair too many to count
    assert drawn == pytest.approx(sign_flip(differences), abs=4 * math.sqrt(0.25 / 99_999))
    assert drawn == sign_flip(np.append(differences, 0.0))


def test_the_sign_test_is_the_binomial_one_without_ties() -> None:
    differences = np.array([1.0, math.inf, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5, -1.0, 0.0])
    assert sign_test(differences) == pytest.approx(stats.binomtest(8, 9).pvalue)
    assert sign_test(-differences) == sign_test(differences)
    assert sign_test(np.zeros(4)) == 1.0
