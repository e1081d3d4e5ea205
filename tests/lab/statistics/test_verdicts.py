"""Verdicts on experiments whose truth is known: kind, direction, and what would decide."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from layerlab.errors import LayerlabError
from layerlab.lab.statistics import Contrast, Verdict, contrast, judge

pytestmark = pytest.mark.filterwarnings("error")


def pair(
    a: Any, b: Any, goal: str = "high", smallest: float = 0.01, scale: str = "linear", unfair: str = "", failed: int = 0
) -> Contrast:
    """Compare two arms; the last ``failed`` runs of the second did not train."""
    trained = np.arange(len(b)) < len(b) - failed
    return contrast(
        "a", "b", a, b, goal=goal, smallest_difference=smallest, scale=scale, unfair=unfair,
        trained_a=np.ones(len(a), bool), trained_b=trained,
    )  # fmt: skip


def verdict(*arguments: Any, **more: Any) -> Verdict:
    return judge([pair(*arguments, **more)])[0].verdict


def arms(advantage: float, goal: str, scale: str, n: int = 12, sd: float = 1.0, seed: int = 0) -> Any:
    """Return two arms, the first ahead by ``advantage`` smallest differences on average, exactly; and the rest."""
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (2, n))
    common, apart = noise[0], (noise[1] - noise[1].mean()) / noise[1].std(ddof=1)
    ahead = (advantage + sd * apart) * (1 if goal == "high" else -1)
    if scale == "linear":
        return 0.7 + 0.03 * common + 0.01 * ahead, 0.7 + 0.03 * common, goal, 0.01, scale
    return np.exp(2 + common + math.log(1.1) * ahead), np.exp(2 + common), goal, 1.1, scale


@pytest.mark.parametrize("goal", ["low", "high"])
@pytest.mark.parametrize("scale", ["linear", "log"])
class TestKnownTruth:
    def test_far_ahead_is_better_either_way(self, goal: str, scale: str) -> None:
        assert verdict(*arms(3, goal, scale)) == Verdict("better", "a")
        assert verdict(*arms(-3, goal, scale)) == Verdict("better", "b")

    def test_ahead_by_less_than_matters_is_equivalent(self, goal: str, scale: str) -> None:
        assert verdict(*arms(0.0, goal, scale)) == Verdict("equivalent")
        assert verdict(*arms(0.5, goal, scale, sd=0.3)) == Verdict("equivalent", reason="smaller-than-matters")

    def test_about_as_much_as_matters_leans(self, goal: str, scale: str) -> None:
        for advantage in (1.3, -1.3):
            found = verdict(*arms(advantage, goal, scale))
            assert (found.kind, found.winner, found.reason) == ("undecided", None, "leans")
            assert found.more_seeds is not None

    def test_noise_is_undecided(self, goal: str, scale: str) -> None:
        found = verdict(*arms(0.2, goal, scale, sd=4))
        assert (found.kind, found.reason) == ("undecided", "")
        assert found.more_seeds is not None
        assert 100 < found.more_seeds < 250


def test_the_seeds_proposed_decide_it_four_times_in_five() -> None:
    """The first experiment is 1.6 smallest differences ahead, as is the truth: with so many more, does it end?"""
    first = verdict(*arms(1.6, "high", "linear"))
    assert first.more_seeds is not None
    n = 12 + first.more_seeds
    rng = np.random.default_rng(1)
    ended = [verdict(rng.normal(0.016, 0.01, n), np.zeros(n)).kind == "better" for _ in range(400)]
    assert np.mean(ended) == pytest.approx(0.8, abs=0.08)


def test_under_six_pairs_nothing_is_said() -> None:
    for n in range(1, 6):
        assert verdict([0.9] * n, [0.1] * n) == Verdict("undecided", reason="exploratory", more_seeds=6 - n)
    assert verdict([0.9] * 6, [0.1] * 6) == Verdict("better", "a")
    assert verdict([], []) == Verdict("undecided", reason="no-pairs")


def test_more_contrasts_take_more_pairs_than_six() -> None:
    """Of six pairs the smallest p is 0.031: two contrasts together cannot be significant, whatever the figures."""
    found = judge([pair([0.9] * 6, [0.1] * 6)] * 3)
    assert [one.p_holm for one in found] == [pytest.approx(3 * 2 / 2**6)] * 3
    assert [one.verdict for one in found] == [Verdict("undecided", reason="leans", more_seeds=1)] * 3
    assert {one.verdict.kind for one in judge([pair([0.9] * 7, [0.1] * 7)] * 3)} == {"better"}


def test_that_they_differ_at_all_is_a_claim_like_the_others() -> None:
    slight = pair([0.805] * 6, [0.8] * 6)
    assert judge([slight])[0].verdict == Verdict("equivalent", reason="smaller-than-matters")
    assert judge([slight] * 3)[0].verdict == Verdict("equivalent")


def test_more_contrasts_propose_more_seeds() -> None:
    one = pair(*arms(1.6, "high", "linear"))
    alone, among = judge([one])[0].verdict.more_seeds, judge([one] * 10)[0].verdict.more_seeds
    assert alone is not None
    assert among is not None
    assert alone + 10 < among < 3 * (12 + alone)


def test_what_is_unfair_is_said_before_all_else() -> None:
    a, b = [0.9] * 10, [0.1] * 10
    assert verdict(a, b, failed=5) == Verdict("unfair", reason="did-not-train")
    assert verdict(a, b, failed=5, unfair="edge-of-grid") == Verdict("unfair", reason="did-not-train")
    assert verdict(a, b, failed=4) == Verdict("better", "a")
    assert verdict(a, b, unfair="edge-of-grid") == Verdict("unfair", reason="edge-of-grid")
    assert verdict(a[:3], b[:3], unfair="unequal-budget") == Verdict("unfair", reason="unequal-budget")


def test_an_arm_at_chance_did_not_train_whatever_the_other_reached() -> None:
    rng = np.random.default_rng(0)
    assert verdict(rng.normal(0.95, 0.01, 10), rng.normal(0.1, 0.01, 10), failed=10).reason == "did-not-train"


def test_equal_differences_need_no_spread() -> None:
    a = np.random.default_rng(0).normal(0.8, 0.05, 8)
    assert verdict(a, a) == Verdict("equivalent")
    assert verdict(np.zeros(8), np.zeros(8)) == Verdict("equivalent")
    assert verdict(a, a - 0.02) == Verdict("better", "a")
    assert verdict(a, a + 0.005) == Verdict("equivalent", reason="smaller-than-matters")
    # On the very bound the last bit must not decide, nor will more seeds.
    assert verdict(a, a - 0.01) == Verdict("undecided", reason="leans")
    assert verdict(a, a, smallest=0.0) == Verdict("undecided")


def test_arms_that_never_reached_their_target() -> None:
    some, none = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], [None] * 10
    assert verdict(some, none, "low", 1.1, "log") == Verdict("better", "a")
    assert verdict(none, some, "low", 1.1, "log") == Verdict("better", "b")
    assert verdict(none, none, "low", 1.1, "log") == Verdict("undecided", reason="no-pairs")
    # Medians may be alike, but who sometimes never arrives is not the equal of who always does.
    assert verdict([*some[:9], None], some, "low", 1.1, "log") == Verdict("undecided")
    # Where neither arrives, nothing is shown: one such pair of ten leaves the others to tell, four do not.
    assert verdict([*some[:9], None], [*some[:9], None], "low", 1.1, "log") == Verdict("equivalent")
    lost = verdict([*some[:6], *none[:4]], [*some[:6], *none[:4]], "low", 1.1, "log")
    assert (lost.kind, lost.reason) == ("undecided", "")
    # The first is always ahead, by less than matters as often as by more.
    close = [1.05 * value if value % 2 else 1.5 * value for value in some]
    leans = verdict(some, [*close[:9], None], "low", 1.1, "log")
    assert (leans.kind, leans.reason) == ("undecided", "leans")


def test_nobody_is_asked_for_more_than_a_thousand_seeds() -> None:
    assert verdict(*arms(0.9, "high", "linear", sd=8)).more_seeds is None


def test_judging_twice_changes_nothing_and_nothing_judges_nothing() -> None:
    once = judge([pair(*arms(2, "low", "log")), pair(*arms(0, "high", "linear")), pair([0.5], [0.4])])
    assert judge(once) == once
    assert judge([]) == []


def test_a_confidence_is_one() -> None:
    one = pair(*arms(1.45, "high", "linear"))
    assert judge([one], 0.6)[0].verdict.kind == "better"
    assert judge([one], 0.99)[0].verdict.kind == "undecided"
    with pytest.raises(LayerlabError, match="a confidence of 95; expected one from"):
        judge([one], 95)
