"""Two arms by their pairs: the figures, their symmetries, and what is refused."""

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
from layerlab.lab.statistics import Contrast, contrast, judge

pytestmark = pytest.mark.filterwarnings("error")


def compared(
    a: Any, b: Any, goal: str = "high", smallest: float = 0.01, scale: str = "linear", **more: Any
) -> Contrast:
    given_flags = {"trained_a": np.ones(len(a), bool), "trained_b": np.ones(len(b), bool)}
    one = contrast("deep", "wide", a, b, goal=goal, smallest_difference=smallest, scale=scale, **given_flags | more)
    return judge([one])[0]


def test_the_figures_are_those_of_the_pairs() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(0.9, 0.02, 12)
    b = a - rng.normal(0.01, 0.01, 12)
    found = compared(a, b)
    expected = stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert (found.mean_a, found.mean_b) == pytest.approx((a.mean(), b.mean()))
    assert (found.difference, found.low, found.high) == pytest.approx(((a - b).mean(), interval.low, interval.high))
    assert found.evidence.p_different == pytest.approx(expected.pvalue)
    assert found.p_matters == pytest.approx(min(1, 2 * stats.ttest_1samp(a - b, 0.01, alternative="greater").pvalue))
    assert found.p_better == (a > b).mean()
    assert found.correlation == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert (found.n, found.basis, found.failed_a, found.log) == (12, "t", 0.0, False)


def test_the_advantage_points_to_the_better_arm_whichever_way_the_metric_goes() -> None:
    a, b = [0.3] * 8, [0.1, 0.2] * 4
    assert compared(a, b, "high").difference == pytest.approx(0.15)
    assert compared(a, b, "low").difference == pytest.approx(-0.15)
    assert compared(a, b, "low").p_better == 0.0


def test_ratios_say_how_many_times_better() -> None:
    found = compared([10.0, 20.0, 40.0] * 3, [20.0, 40.0, 80.0] * 3, "low", 1.1, "log")
    assert (found.difference, found.low, found.high) == pytest.approx((2, 2, 2))
    assert found.mean_a == pytest.approx(20.0)  # geometric
    assert found.verdict.kind == "better"
    assert found.verdict.winner == "a"
    assert found.log


def test_a_tie_is_half_a_win() -> None:
    found = compared([0.5, 0.5, 0.6, 0.7], [0.5, 0.5, 0.5, 0.8])
    assert found.p_better == 0.5
    assert found.p_better_low < 0.5 < found.p_better_high
    assert compared([0.1 + 0.2] * 6, [0.3] * 6).p_better == 0.5  # the last bit decides nothing


def test_failed_runs_are_counted_and_their_figures_stay() -> None:
    found = compared([0.9] * 9 + [0.1], [0.8] * 10, trained_a=[True] * 9 + [False])
    assert (found.failed_a, found.failed_b, found.n) == (pytest.approx(0.1), 0.0, 10)
    assert found.difference == pytest.approx(0.02)


def test_what_never_reached_its_target_is_no_dropped_pair() -> None:
    a, b = [10, 12, 11, 9, 14, 10, 11, 12], [None, 30, None, 25, 28, math.inf, 31, None]
    found = compared(a, b, "low", 1.1, "log")
    assert (found.basis, found.n, found.mean_b, found.difference) == ("sign", 8, math.inf, math.inf)
    assert found.low == pytest.approx(2.0)  # the smallest of the eight ratios
    assert found.p_sign_flip == 2 / 2**8
    assert (found.verdict.kind, found.verdict.winner) == ("better", "a")
    mirrored = compared(b, a, "low", 1.1, "log")
    assert (mirrored.difference, mirrored.low, mirrored.high) == (0.0, 0.0, pytest.approx(0.5))
    assert (mirrored.verdict.kind, mirrored.verdict.winner) == ("better", "b")


def test_a_run_that_failed_without_a_number_counts_as_never() -> None:
    found = compared([math.nan, *[1.0] * 7], [1.5] * 8, "low", 0.1, trained_a=[False] + [True] * 7)
    assert (found.basis, found.p_better, found.never_a, found.never_b) == ("sign", 7 / 8, 1 / 8, 0)


def test_the_record_is_json() -> None:
    for found in (compared([1, None] * 4, [2, 3] * 4, "low", 1.1, "log"), compared([0.5], [0.4]), compared([], [])):
        values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert values["verdict"]["kind"] == "undecided"
        assert set(values) == set(vars(found)) - {"evidence"}


figures = st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=2, max_size=12)
goals = st.sampled_from(["low", "high"])
scales = st.sampled_from([("linear", 0.05), ("linear", 0.0), ("log", 1.1)])
never = st.lists(st.booleans(), min_size=12, max_size=12)


@given(figures, goals, scales, never)
def test_swapping_the_arms_mirrors_everything(
    pairs: list[tuple[int, int]], goal: str, scale: tuple[str, float], lost: list[bool]
) -> None:
    a, b = (np.array(part) / 100 for part in zip(*pairs, strict=True))
    if goal == "low":
        a[np.array(lost[: len(a)])] = math.inf
    one, other = compared(a, b, goal, scale[1], scale[0]), compared(b, a, goal, scale[1], scale[0])
    first, second = one.evidence, other.evidence
    assert (first.centre, first.low, first.high) == pytest.approx(
        (-second.centre, -second.high, -second.low), abs=1e-12
    )
    for name in ("p_sign_flip", "p_different", "p_matters", "p_equivalent"):
        assert getattr(first, name) == pytest.approx(getattr(second, name))
    assert one.p_better == pytest.approx(1 - other.p_better)
    assert one.p_better_low == pytest.approx(1 - other.p_better_high)
    assert (one.mean_a, one.mean_b) == (other.mean_b, other.mean_a)
    assert one.verdict.kind == other.verdict.kind
    assert one.verdict.reason == other.verdict.reason
    assert {one.verdict.winner, other.verdict.winner} in ({"a", "b"}, {None})


def same(one: Contrast, other: Contrast) -> None:
    for name in ("centre", "low", "high", "p_sign_flip", "p_matters", "p_equivalent"):
        assert getattr(one.evidence, name) == pytest.approx(getattr(other.evidence, name), abs=1e-9), name
    assert (one.p_better, one.verdict.kind) == (other.p_better, other.verdict.kind)


@given(figures, goals, st.integers(-8, 8))
def test_a_constant_added_to_both_arms_changes_nothing(pairs: list[tuple[int, int]], goal: str, shift: int) -> None:
    a, b = (np.array(part) / 128 for part in zip(*pairs, strict=True))  # exact in binary, as are the sums
    same(compared(a, b, goal, 0.01), compared(a + shift, b + shift, goal, 0.01))


@given(figures, goals, st.floats(0.01, 100))
def test_the_unit_does_not_matter_for_ratios(pairs: list[tuple[int, int]], goal: str, unit: float) -> None:
    a, b = (np.array(part, float) for part in zip(*pairs, strict=True))
    same(compared(a, b, goal, 1.1, "log"), compared(a * unit, b * unit, goal, 1.1, "log"))


@pytest.mark.parametrize(
    ("a", "b", "change", "message"),
    [
        ([0.1, 0.2], [0.1], {}, 'arms "deep" and "wide" have figures of shapes'),
        ([0.1, 0.2], [0.1, 0.3], {"trained_a": [True]}, 'arm "deep" has figures of shape'),
        ([0.1, math.nan], [0.1, 0.2], {}, 'arm "deep" has no number in replicate 2, which trained; expected a figure'),
        ([0.1, math.inf], [0.1, 0.2], {}, 'arm "deep" has the figure inf in replicate 2, where high is better'),
        ([0.1, 0.2], [0.1, -math.inf], {"goal": "low"}, 'arm "wide" has the figure -inf in replicate 2'),
        ([1, 2], [3, 0], {"scale": "log", "smallest": 1.1}, 'arm "wide" has the figure 0 in replicate 2; ratios need'),
        (
            [1, 2],
            [3, 4],
            {"scale": "log", "smallest": 0.1},
            "the smallest difference that matters is 0.1; expected a f",
        ),
        ([1, 2], [3, 4], {"smallest": -0.1}, "the smallest difference that matters is -0.1; expected a difference, at"),
        ([1, 2], [3, 4], {"goal": "higher"}, 'no goal "higher"; did you mean "high"?'),
        ([1, 2], [3, 4], {"scale": "logs"}, 'no scale "logs"; did you mean "log"?'),
        ([1, 2], [3, 4], {"unfair": "edge"}, 'no reason for an unfair test "edge"'),
    ],
)
def test_what_cannot_be_compared_is_refused(a: Any, b: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerlabError) as refusal:
        compared(a, b, **change)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
