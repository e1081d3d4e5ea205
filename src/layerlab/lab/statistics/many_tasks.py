"""Many tasks at once: the mean of the middle half of all runs, and how many runs reach how far.

Reference:
    Agarwal, Schwarzer, Castro, Courville, Bellemare. Deep reinforcement learning at the edge of the statistical
    precipice. NeurIPS 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerlab.errors import LayerlabError
from layerlab.lab.statistics.evidence import CONFIDENCE
from layerlab.lab.statistics.values import Floats

__all__ = ["Aggregate", "Profiles", "interquartile_means", "performance_profiles"]


@dataclass(frozen=True)
class Aggregate:
    """One arm over all tasks."""

    arm: str
    iqm: float
    """Mean of the middle half of its runs on all tasks."""
    low: float
    high: float
    """95 % interval of the bootstrap, which draws runs within each task."""


@dataclass(frozen=True)
class Profiles:
    """How many runs of each arm score above each threshold."""

    thresholds: Floats
    """(thresholds,)."""
    shares: Floats
    """(arms, thresholds) of the runs on all tasks, 0 to 1."""
    low: Floats
    high: Floats
    """(arms, thresholds) each: the 95 % band, point by point."""


def interquartile_means(scores: Floats, names: Sequence[str], resamples: int = 2000, seed: int = 0) -> list[Aggregate]:
    """Return the interquartile mean of every arm over all tasks and replicates.

    Args:
        scores: (arms, tasks, n), finite, on a scale that the tasks share, such as accuracy; n at least 2.
        names: of the arms.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        LayerlabError: scores of another shape, or not finite, or of one replicate.
    """
    from scipy import stats  # type: ignore[import-untyped]

    scores = _checked(scores)
    if len(names) != len(scores):
        raise LayerlabError(f"{len(names)} names for the scores of {len(scores)} arms")

    def middle(*tasks: Floats, axis: int = -1) -> Floats:
        return np.asarray(stats.trim_mean(np.concatenate(tasks, axis), 0.25, axis))

    tasks = tuple(np.moveaxis(scores, 1, 0))
    found = stats.bootstrap(
        tasks,
        middle,
        n_resamples=resamples,
        batch=100,
        vectorized=True,
        axis=-1,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return [
        Aggregate(name, float(mean), float(low), float(high))
        for name, mean, low, high in zip(names, middle(*tasks), found.low, found.high, strict=True)
    ]


def performance_profiles(
    scores: Floats, thresholds: Sequence[float] | Floats, resamples: int = 2000, seed: int = 0
) -> Profiles:
    """Return which share of an arm's runs scores above each threshold.

    Args:
        scores: (arms, tasks, n) as for :func:`interquartile_means`.
        thresholds: (thresholds,).
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        LayerlabError: as for :func:`interquartile_means`.
    """
    scores, levels = _checked(scores), np.asarray(thresholds, dtype=np.float64)
    _, tasks, n = scores.shape
    above = (scores[..., None] > levels).mean(2)  # (arms, tasks, thresholds)
    rng = np.random.default_rng(seed)
    rest = (1 - CONFIDENCE) / 2
    bands = []
    for arm in above:
        # Of n runs drawn from a task with replacement, the number above is binomial: no need to draw the runs.
        drawn = rng.binomial(n, arm, (resamples, *arm.shape)).sum(1) / (tasks * n)
        bands.append(np.quantile(drawn, [rest, 1 - rest], axis=0))
    low, high = np.moveaxis(np.array(bands), 1, 0)
    return Profiles(levels, above.mean(1), low, high)


def _checked(scores: Floats) -> Floats:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 3 or 0 in scores.shape:
        raise LayerlabError(f"scores of shape {scores.shape}; expected (arms, tasks, replicates)")
    if not np.isfinite(scores).all():
        raise LayerlabError("some scores are not finite; give what was never reached the worst score of its task")
    if scores.shape[2] < 2:
        raise LayerlabError("one replicate of each task bounds nothing; expected at least two")
    return scores
