"""Trends over a numeric factor: known truths, what is left out, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layerlab.errors import LayerlabError
from layerlab.lab.statistics import Trend, Verdict, trend

pytestmark = pytest.mark.filterwarnings("error")
WIDTHS = [1.0, 2.0, 4.0, 8.0]


def measured(heights: Any, n: int = 10, sd: float = 0.01, seed: int = 0) -> Any:
    """Return (levels, n) figures around the heights; a replicate's levels share what is easy or hard about it."""
    rng = np.random.default_rng(seed)
    return np.array(heights)[:, None] + rng.normal(0, 0.1, n) + rng.normal(0, sd, (len(heights), n))


def over(
    values: Any,
    xs: Any = WIDTHS,
    goal: str = "high",
    smallest: float = 0.02,
    scale: str = "linear",
    log_x: bool = True,
    trained: Any = None,
    unfair: str = "",
) -> Trend:
    flags = np.ones(np.shape(values), bool) if trained is None else trained
    return trend(
        "width", xs, values, goal=goal, smallest_difference=smallest, scale=scale, trained=flags, log_x=log_x,
        unfair=unfair,
    )  # fmt: skip


def test_the_slope_is_that_of_least_squares_replicate_by_replicate() -> None:
    values = measured([0.1, 0.2, 0.3, 0.4])
    found = over(values)
    slopes = [stats.linregress([0, 1, 2, 3], column).slope for column in values.T]
    interval = stats.ttest_1samp(slopes, 0).confidence_interval(0.95)
    expected = (np.mean(slopes), interval.low, interval.high)
    assert (found.slope, found.slope_low, found.slope_high) == pytest.approx(expected)
    assert (found.change, found.change_low, found.change_high) == pytest.approx([3 * part for part in expected])
    assert found.means == pytest.approx(values.mean(1))
    low = stats.ttest_1samp(values, 0, axis=1).confidence_interval(0.95).low
    assert found.lows == pytest.approx(low)
    assert found.p_sign_flip == 2 / 2**10
    assert (found.n, found.best, found.verdict, found.turns) == (10, 8.0, Verdict("rises"), False)


def test_without_doublings_the_slope_is_that_of_a_unit_in_any_order_of_the_levels() -> None:
    found = over([[0.7] * 6, [0.1] * 6, [0.3] * 6], xs=[7, 1, 3], log_x=False)
    assert (found.slope, found.change) == pytest.approx((0.1, 0.6))
    assert found.xs == (1, 3, 7)
    assert found.means == pytest.approx((0.1, 0.3, 0.7))


@pytest.mark.parametrize("goal", ["low", "high"])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_rises_falls_and_flat_are_the_metrics_own(goal: str, scale: str) -> None:
    def said(heights: list[float], sd: float = 0.01) -> Verdict:
        values = measured(heights, sd=sd, seed=1)
        smallest = 0.02 if scale == "linear" else math.exp(0.02)
        return over(values if scale == "linear" else np.exp(values), goal=goal, scale=scale, smallest=smallest).verdict

    assert said([0.1, 0.2, 0.3, 0.4]) == Verdict("rises")
    assert said([0.4, 0.3, 0.2, 0.1]) == Verdict("falls")
    assert said([0.2, 0.2, 0.2, 0.2]).kind == "flat"
    noisy = said([0.2, 0.2, 0.2, 0.2], sd=0.05)
    assert noisy.kind == "undecided"
    assert noisy.more_seeds is not None


def test_ratios_are_factors() -> None:
    found = over(np.array([[8.0], [4.0], [2.0], [1.0]]) * np.linspace(1, 2, 8), scale="log", smallest=1.1, goal="low")
    assert (found.slope, found.change) == pytest.approx((0.5, 1 / 8))
    assert found.verdict == Verdict("falls")
    assert found.best == 8.0


@pytest.mark.parametrize("goal", ["low", "high"])
def test_a_curve_that_turns_has_its_best_inside(goal: str) -> None:
    hill = [0.1, 0.3, 0.35, 0.2]
    found = over(measured(hill if goal == "high" else [-height for height in hill]), goal=goal)
    assert (found.turns, found.best) == (True, 4.0)
    other = over(measured([-height for height in hill] if goal == "high" else hill), goal=goal)
    assert (other.turns, other.best) == (False, 1.0)
    assert not over(measured(hill, n=5)).turns
    assert not over(measured([0.1, 0.2]), xs=[1, 2]).turns


def test_a_best_level_inside_is_no_turn_where_the_curve_bends_the_other_way_or_not_at_all() -> None:
    twice = over(measured([0.3, 0.0, 0.35, 0.0, 0.3]), xs=[1, 2, 3, 4, 5], log_x=False)
    assert (twice.best, twice.turns) == (3.0, False)
    by_chance = measured([0.3, 0.3, 0.3, 0.3], sd=0.0)
    by_chance[2] += [0.05, -0.04] * 5
    chance = over(by_chance)
    assert (chance.best, chance.turns) == (4.0, False)


def test_a_valley_is_not_flat() -> None:
    """Its ends are alike, and so the slope is nothing; its middle is not."""
    assert over(measured([0.3, 0.1, 0.1, 0.3])).verdict == Verdict("undecided", reason="not-a-line")
    found = over(measured([0.1, 0.3, 0.3, 0.1]))
    assert (found.verdict.reason, found.turns) == ("not-a-line", True)


def test_levels_that_did_not_train_are_left_out_and_listed() -> None:
    values = measured([0.1, 0.2, 0.3, 0.0])
    trained = np.ones((4, 10), bool)
    trained[3, :5] = False
    found = over(values, trained=trained)
    assert found.left_out == (8.0,)
    assert (found.verdict, found.best) == (Verdict("rises"), 4.0)
    assert found.change == pytest.approx(0.2, abs=0.01)
    assert found.means[3] == pytest.approx(values[3].mean())  # its figures are shown nevertheless
    trained[3, :5] = [True, False, False, False, False]  # four of ten: it stays
    assert over(values, trained=trained).left_out == ()
    trained[1:] = False
    alone = over(values, trained=trained)
    assert (alone.verdict, alone.best) == (Verdict("unfair", reason="did-not-train"), 1.0)
    trained[:] = False
    assert over(values, trained=trained).best is None


def test_what_the_design_knows_and_too_few_replicates() -> None:
    values = measured([0.1, 0.2, 0.3, 0.4])
    assert over(values, unfair="edge-of-grid").verdict == Verdict("unfair", reason="edge-of-grid")
    assert over(values[:, :5]).verdict == Verdict("undecided", reason="exploratory", more_seeds=1)
    assert over(values[:, :1]).verdict == Verdict("undecided", reason="exploratory", more_seeds=5)
    assert over(values[:, :0]).verdict == Verdict("undecided", reason="no-pairs")


def test_what_was_never_reached_is_infinitely_far() -> None:
    epochs = [[None] * 8, [*[None] * 6, 30, 31], [20] * 8, [10, 11, 12, 13, 14, 15, 16, 17]]
    found = over(epochs, goal="low", scale="log", smallest=1.1)
    assert (found.basis, found.verdict, found.change) == ("sign", Verdict("falls"), 0.0)
    assert found.means[:2] == (math.inf, math.inf)
    assert found.best == 8.0
    nothing = over([[None] * 8] * 4, goal="low", scale="log", smallest=1.1)
    assert nothing.verdict == Verdict("undecided", reason="no-pairs")
    once = over([[10] * 8, [10] * 8, [10] * 7 + [None], [10] * 8], goal="low", scale="log", smallest=1.1)
    assert (once.basis, once.change, once.verdict.kind) == ("sign", 1.0, "undecided")


def test_equal_figures_are_flat_without_a_warning() -> None:
    found = over(np.full((4, 8), 0.3))
    assert (found.verdict, found.change, found.turns) == (Verdict("flat"), 0.0, False)


def test_the_record_is_json() -> None:
    found = over([[None] * 8, [3] * 8], xs=[1, 2], goal="low", scale="log", smallest=1.1)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(values) == set(vars(found)) - {"evidence"}
    assert values["means"] == [None, pytest.approx(3)]


@given(st.lists(st.lists(st.integers(0, 50), min_size=7, max_size=7), min_size=2, max_size=5))
def test_the_levels_backwards_are_the_trend_backwards(rows: list[list[int]]) -> None:
    values = np.array(rows) / 64
    xs = np.arange(1.0, len(rows) + 1)
    one, other = over(values, xs, log_x=False), over(values[::-1], xs, log_x=False)
    assert (one.change, one.change_low) == pytest.approx((-other.change, -other.change_high), abs=1e-12)
    assert one.p_sign_flip == pytest.approx(other.p_sign_flip)
    opposite = {"rises": "falls", "falls": "rises"}
    assert one.verdict.kind == opposite.get(other.verdict.kind, other.verdict.kind)


def test_without_a_trend_few_find_one() -> None:
    rng = np.random.default_rng(1)
    found = [over(rng.normal(0, 1, (4, 10)), smallest=0.0).verdict.kind for _ in range(600)]
    assert 0.01 < np.mean([kind in {"rises", "falls"} for kind in found]) < 0.077  # 5 % and three standard errors


@pytest.mark.parametrize(
    ("xs", "values", "change", "message"),
    [
        ([1], [[1, 2]], {}, 'factor "width" has one level; a trend takes at least two'),
        ([1, 1], [[1, 2]] * 2, {}, 'factor "width" has the levels [1.0, 1.0]; expected different finite numbers'),
        ([1, math.nan], [[1, 2]] * 2, {}, 'factor "width" has the levels [1.0, nan]; expected different'),
        ([0, 1], [[1, 2]] * 2, {}, 'factor "width" has the level 0; doublings need levels above 0'),
        ([1, 2, 3], [[1, 2]] * 2, {}, 'factor "width" has 3 levels and figures of shape (2, 2); expected a row for'),
        ([1, 2], [1, 2], {}, 'factor "width" has 2 levels and figures of shape (2,)'),
        ([1, 2], [[1, math.nan]] * 2, {}, 'factor "width" has no number in replicate 2, which trained'),
        (
            [1, 2],
            [[1, 2]] * 2,
            {"unfair": "unequal"},
            'no reason for an unfair test "unequal"; did you mean "unequal-b',
        ),
    ],
)
def test_what_has_no_trend_is_refused(xs: Any, values: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerlabError) as refusal:
        over(values, xs, **change)
    assert str(refusal.value).startswith(message)
