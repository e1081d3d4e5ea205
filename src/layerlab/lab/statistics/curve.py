"""The shape of a curve in each replicate: how steep it is, and whether it bends."""

from __future__ import annotations

import numpy as np

from layerlab.lab.statistics.evidence import CONFIDENCE, FEWEST
from layerlab.lab.statistics.intervals import median, t_interval
from layerlab.lab.statistics.sign_flip import sign_flip
from layerlab.lab.statistics.values import Floats

__all__ = ["peaks", "slopes"]


def slopes(x: Floats, y: Floats) -> Floats:
    """Return the slope of each replicate.

    Args:
        x: (levels,), at least two, ascending.
        y: (levels, n). Where one is infinite there are no least squares: then all slopes are Theil's, the median over
            pairs of levels, those left aside that both never reached their target.

    Returns:
        (n,), may be infinite; 0 where no pair of levels has a finite value.

    Reference:
        Theil. A rank-invariant method of linear and polynomial regression analysis. 1950.
    """
    if np.isfinite(y).all():
        centred = x - x.mean()
        steep: Floats = centred @ (y - y.mean(0)) / (centred @ centred)
        return steep
    first, second = np.triu_indices(len(x), 1)
    never = np.isinf(y[first]) & np.isinf(y[second])
    rises = np.subtract(y[second], y[first], where=~never, out=np.zeros_like(y[first]))
    pairwise = rises / (x[second] - x[first])[:, None]
    found = [median(pairs[~idle]) if not idle.all() else 0.0 for pairs, idle in zip(pairwise.T, never.T, strict=True)]
    return np.array(found)


def peaks(x: Floats, y: Floats, error: float) -> bool:
    """Return whether the curves bend downwards: the interval of their quadratic term lies below 0, and the sign-flip
    test agrees.

    Args:
        x: (levels,); fewer than three bend nowhere.
        y: (levels, n); with infinite values, or under six replicates, nothing is said.
        error: of rounding.
    """
    if len(x) < 3 or y.shape[1] < FEWEST or not np.isfinite(y).all():
        return False
    scaled = 2 * (x - x.min()) / np.ptp(x) - 1
    bends = (np.linalg.pinv(np.vander(scaled, 3)) @ y)[0]
    return bool(t_interval(bends, CONFIDENCE)[1] < -error) and sign_flip(bends) <= 1 - CONFIDENCE
