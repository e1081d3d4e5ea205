"""Intervals that hold for a handful of replicates: Student's for a mean, the sign test's for a median, a share's."""

from __future__ import annotations

import math

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from layerlab.lab.statistics.values import Floats

__all__ = [
    "chance_of_wins",
    "location",
    "median",
    "median_interval",
    "middle",
    "share_interval",
    "t_interval",
    "t_tail",
]


def t_tail(distance: float, error: float, freedom: int) -> float:
    """Return the probability that Student's t is at least ``distance / error``; no error decides at once."""
    if error == 0:
        return 0.5 if distance == 0 else float(distance < 0)
    return float(special.stdtr(freedom, -distance / error))


def t_interval(values: Floats, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return the ends of Student's interval of the mean along the last axis.

    Args:
        values: (..., n), finite. One value bounds nothing: the ends are infinite.
        confidence: with which it covers the mean of normal values.

    Returns:
        Low and high, each (...).

    Reference:
        Student. The probable error of a mean. Biometrika 1908.
    """
    count = values.shape[-1]
    mean = values.mean(-1)
    if count < 2:
        return np.full_like(mean, -math.inf), np.full_like(mean, math.inf)
    half = special.stdtrit(count - 1, (1 + confidence) / 2) * values.std(-1, ddof=1) / math.sqrt(count)
    return mean - half, mean + half


def median(values: Floats) -> float:
    """Return the median of (n,) values, which may be infinite; of two opposite infinities in the middle, 0."""
    ordered = np.sort(values)
    left, right = float(ordered[(len(values) - 1) // 2]), float(ordered[len(values) // 2])
    if left == right:
        return left
    return 0.0 if left == -right else left / 2 + right / 2


def median_interval(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of the sign test for the median of (n,) values, which may be infinite.

    It holds for any distribution. Its ends are two of the values, or infinite where so few allow no such interval.
    """
    ordered, count = np.sort(values), len(values)
    ranks = np.arange((count + 1) // 2)
    outside = int((2 * special.bdtr(ranks, count, 0.5) <= 1 - confidence).sum())
    if not outside:
        return -math.inf, math.inf
    return float(ordered[outside - 1]), float(ordered[count - outside])


def middle(values: Floats) -> float:
    """Return the mean of (n,) values; where one is infinite, the median; of none, NaN."""
    if not len(values):
        return math.nan
    return float(values.mean()) if np.isfinite(values).all() else median(values)


def location(values: Floats) -> tuple[float, float, float]:
    """Return :func:`middle` with its interval: Student's, or where a value is infinite the sign test's."""
    if not len(values):
        return math.nan, -math.inf, math.inf
    low, high = t_interval(values) if np.isfinite(values).all() else median_interval(values)
    return middle(values), float(low), float(high)


def share_interval(wins: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a probability of which ``wins`` of ``count`` were seen; half a win is a tie.

    Reference:
        Clopper, Pearson. The use of confidence or fiducial limits illustrated in the case of the binomial.
        Biometrika 1934.
    """
    rest = (1 - confidence) / 2
    low = 0.0 if wins <= 0 else float(special.betaincinv(wins, count - wins + 1, rest))
    high = 1.0 if wins >= count else float(special.betaincinv(wins + 1, count - wins, 1 - rest))
    return low, high


def chance_of_wins(wins: int, count: int) -> float:
    """Return the probability of at least ``wins`` heads of ``count`` fair coins."""
    return float(special.bdtrc(wins - 1, count, 0.5)) if wins > 0 else 1.0
