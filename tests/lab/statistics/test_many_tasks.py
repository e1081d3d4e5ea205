"""Many tasks at once: against figures worked by hand and a plain bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from layerlab.errors import LayerlabError
from layerlab.lab.statistics import interquartile_means, performance_profiles


def test_the_mean_is_that_of_the_middle_half_of_all_runs() -> None:
    scores = np.array([[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 1000.0]]])
    (found,) = interquartile_means(scores, ["deep"])
    assert (found.arm, found.iqm) == ("deep", (2 + 3 + 4 + 5) / 4)
    assert found.low < found.iqm < found.high


def test_the_interval_is_that_of_a_plain_bootstrap_within_tasks() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(np.arange(6.0)[None, :, None], 1.0, (2, 6, 8))
    found = interquartile_means(scores, ["a", "b"])
    for arm, one in zip(scores, found, strict=True):
        drawn = [np.concatenate([rng.choice(task, 8) for task in arm]) for _ in range(2000)]
        low, high = np.quantile(stats.trim_mean(np.array(drawn), 0.25, axis=1), [0.025, 0.975])
        assert (one.low, one.high) == pytest.approx((low, high), abs=0.06)
    # Drawn without regard to tasks it would be far wider: tasks differ by much more than runs.
    assert found[0].high - found[0].low < 0.9
    assert interquartile_means(scores, ["a", "b"]) == found
    assert interquartile_means(scores, ["a", "b"], seed=1) != found


def test_equal_scores_have_no_spread() -> None:
    (found,) = interquartile_means(np.full((1, 3, 4), 0.5), ["a"])
    assert (found.iqm, found.low, found.high) == (0.5, 0.5, 0.5)


def test_a_profile_is_the_share_of_runs_above() -> None:
    scores = np.array([[[0.1, 0.2], [0.3, 0.4]], [[0.9, 0.9], [0.9, 0.9]]])
    found = performance_profiles(scores, [0.0, 0.1, 0.35, 0.5, 1.0])
    assert found.shares.tolist() == [[1, 0.75, 0.25, 0, 0], [1, 1, 1, 1, 0]]
    assert (found.low <= found.shares).all()
    assert (found.shares <= found.high).all()
    assert found.low[0].tolist() == [1, 0.5, 0, 0, 0]  # at 0.1 the second task is above for certain
    assert found.high[0].tolist() == [1, 1, 0.5, 0, 0]


def test_the_band_is_that_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0.0, 1.0, (1, 4, 10))
    found = performance_profiles(scores, [0.0, 1.0])
    drawn = np.array([[rng.choice(task, 10) for task in scores[0]] for _ in range(2000)])
    for place, level in enumerate((0.0, 1.0)):
        low, high = np.quantile((drawn > level).mean((1, 2)), [0.025, 0.975])
        assert found.low[0, place] == pytest.approx(low, abs=0.03)
        assert found.high[0, place] == pytest.approx(high, abs=0.03)


@pytest.mark.parametrize(
    ("scores", "names", "message"),
    [
        (np.zeros((2, 3)), ["a", "b"], r"scores of shape \(2, 3\); expected \(arms, tasks, replicates\)"),
        (np.zeros((1, 0, 3)), ["a"], r"scores of shape \(1, 0, 3\)"),
        (np.zeros((2, 3, 1)), ["a", "b"], "one replicate of each task bounds nothing; expected at least two"),
        (np.full((1, 3, 2), np.inf), ["a"], "some scores are not finite; give what was never reached the worst score"),
        (np.zeros((2, 3, 2)), ["a"], "1 names for the scores of 2 arms"),
    ],
)
def test_what_cannot_be_summed_up_is_refused(scores: np.ndarray, names: list[str], message: str) -> None:
    with pytest.raises(LayerlabError, match=message):
        interquartile_means(scores, names)
