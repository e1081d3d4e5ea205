"""Intervals: how often they cover what they claim to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from layerlab.lab.statistics.intervals import location, median, median_interval, share_interval, t_interval

DRAWS = 20_000


def coverage(values: np.ndarray, truth: float) -> float:
    low, high = t_interval(values)
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize("n", [3, 6, 10, 30])
def test_the_t_interval_covers_95_percent_of_normal_values(n: int) -> None:
    values = np.random.default_rng(n).normal(1.5, 2.0, (DRAWS, n))
    assert coverage(values, 1.5) == pytest.approx(0.95, abs=4 * math.sqrt(0.05 * 0.95 / DRAWS))


@pytest.mark.parametrize("n", [3, 6, 10, 30])
def test_and_about_as_much_of_moderately_skewed_ones(n: int) -> None:
    values = np.random.default_rng(n).gamma(4.0, 1.0, (DRAWS, n))  # skewness 1
    assert 0.925 < coverage(values, 4.0) < 0.96


@pytest.mark.parametrize(("n", "least", "most"), [(3, 0.70, 0.80), (5, 0.79, 0.88), (10, 0.87, 0.93), (30, 0.91, 0.95)])
def test_where_the_percentile_bootstrap_does_not(n: int, least: float, most: float) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(0.0, 1.0, (2000, n))
    found = stats.bootstrap(
        (values,), np.mean, axis=-1, n_resamples=2000, batch=50, method="percentile", vectorized=True, rng=rng
    ).confidence_interval
    boot = float(((found.low <= 0) & (found.high >= 0)).mean())
    assert least < boot < most
    assert coverage(values, 0.0) > max(boot, 0.935)


def test_one_value_bounds_nothing() -> None:
    assert location(np.array([3.0])) == (3.0, -math.inf, math.inf)
    assert location(np.array([3.0, math.inf])) == (math.inf, -math.inf, math.inf)
    assert math.isnan(location(np.empty(0))[0])


def test_the_median_of_infinite_values() -> None:
    assert median(np.array([1.0, 2.0, math.inf])) == 2.0
    assert median(np.array([1.0, 3.0])) == 2.0
    assert median(np.array([1.0, math.inf])) == math.inf
    assert median(np.array([-math.inf, math.inf])) == 0.0
    assert median(np.array([math.inf, math.inf])) == math.inf


def test_the_median_interval_is_that_of_the_sign_test() -> None:
    values = np.arange(10.0)
    # 2 P(Bin(10, 1/2) <= 1) = 0.0215; with 2 it is 0.109.
    assert median_interval(values) == (1.0, 8.0)
    assert median_interval(values, 0.85) == (2.0, 7.0)
    assert median_interval(values[:5]) == (-math.inf, math.inf)
    assert median_interval(values[:6]) == (0.0, 5.0)
    assert median_interval(np.append(values[:9], math.inf)) == (1.0, 8.0)


def test_the_median_interval_covers_the_median_of_any_distribution() -> None:
    values = np.random.default_rng(0).lognormal(0.0, 2.0, (2000, 12))
    ends = np.array([median_interval(row) for row in values])
    assert ((ends[:, 0] <= 1.0) & (ends[:, 1] >= 1.0)).mean() > 0.95


@pytest.mark.parametrize(("wins", "count"), [(0, 10), (1, 10), (5, 10), (10, 10), (7, 23)])
def test_the_interval_of_a_share_is_scipys(wins: int, count: int) -> None:
    expected = stats.binomtest(wins, count).proportion_ci(0.95, "exact")
    assert share_interval(wins, count) == pytest.approx((expected.low, expected.high))


def test_half_a_win_lies_between_its_neighbours_and_mirrors() -> None:
    low, high = share_interval(6.5, 10)
    assert share_interval(6, 10)[0] < low < share_interval(7, 10)[0]
    assert share_interval(3.5, 10) == pytest.approx((1 - high, 1 - low))
    assert share_interval(0, 0) == (0.0, 1.0)
