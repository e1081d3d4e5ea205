"""Exact tests of paired differences: were the arms the same, each difference could as well have the other sign.

The sum of n differences is compared with those under all 2^n signs. They are never listed: every sum is one of the
first half of the differences plus one of the second half, and of 2^(n/2) sorted sums those that are large enough are
counted by bisection. So n = 40 takes under a second, and no answer depends on drawn signs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from layerlab.lab.statistics.intervals import chance_of_wins
from layerlab.lab.statistics.values import Floats

__all__ = ["EXACT", "sign_flip", "sign_test"]

EXACT: Final = 36
"""Up to so many differences all signs are counted; of more, :data:`DRAWS` draws with a fixed seed."""
DRAWS: Final = 99_999


def sign_flip(differences: Floats) -> float:
    """Return the two-sided p value of the sign-flip test.

    Args:
        differences: (n,), finite, n at least 1. Zeros count on neither side.

    Reference:
        Fisher. The design of experiments, section 21. 1935.
    """
    seen = abs(float(differences.sum())) - 1e-12 * float(np.abs(differences).sum())
    if seen <= 0:
        return 1.0
    if len(differences) > EXACT:
        signs = np.random.default_rng(0).integers(0, 2, (DRAWS, len(differences)), dtype=np.int8)
        sums = (2 * signs - 1) @ differences
        return float(((np.abs(sums) >= seen).sum() + 1) / (DRAWS + 1))
    half = len(differences) // 2
    first, second = _sums(differences[:half]), np.sort(_sums(differences[half:]))
    reached = len(second) * len(first) - int(np.searchsorted(second, seen - first).sum())
    return 2 * reached / 2.0 ** len(differences)


def sign_test(differences: Floats) -> float:
    """Return the two-sided p value of the sign test of (n,) differences, which may be infinite; zeros do not count."""
    above, below = int((differences > 0).sum()), int((differences < 0).sum())
    return min(1.0, 2 * chance_of_wins(max(above, below), above + below))


def _sums(values: Floats) -> Floats:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums
