"""What paired differences say of one question: is the difference beyond, or within, the smallest that matters.

Finite differences are judged by their mean, with Student's t. Where one is infinite, for an arm never reached its
target, there is no mean: then their median is judged, with the sign test, which asks only on which side each lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from layerlab.lab.statistics.intervals import chance_of_wins, location, median, median_interval, t_tail
from layerlab.lab.statistics.power import effect_seeds, equivalence_seeds, sign_seeds
from layerlab.lab.statistics.sign_flip import sign_flip, sign_test
from layerlab.lab.statistics.values import Floats

__all__ = ["CONFIDENCE", "FEWEST", "MOST_SEEDS", "Evidence", "weigh"]

CONFIDENCE: Final = 0.95
"""Of every interval."""
FEWEST: Final = 6
"""Pairs; of fewer, not even all with one sign are significant: 2 / 2^5 > 0.05. They are exploratory."""
MOST_SEEDS: Final = 1000
"""More are not proposed to anyone."""


@dataclass(frozen=True)
class Evidence:
    """Of n differences, in the unit in which they are subtracted (logarithms, where they are ratios)."""

    basis: str
    """``t``: mean and t tests; ``sign``: median and sign tests, for a difference is infinite."""
    n: int
    informative: int
    """How many of them have a finite value on at least one side."""
    smallest: float
    """The smallest difference that matters, at least 0."""
    centre: float
    """Mean or median; NaN of none."""
    low: float
    high: float
    """Its 95 % interval."""
    sd: float | None
    """Standard deviation of the differences; None for fewer than two, or basis ``sign``."""
    p_sign_flip: float | None
    """Exact, that there is no difference: of the sign-flip test, or of the sign test; None under six."""
    p_different: float
    """Of the interval: at most 0.05 where the 95 % interval excludes 0."""
    p_matters: float
    """Two-sided, that the difference is at most ``smallest`` either way; the centre says which way."""
    p_equivalent: float
    """That the difference is at least ``smallest`` one way or other; at most 0.05 where the 90 % interval is within."""
    shares: tuple[float, float] = (0.5, 0.5)
    """With basis ``sign``: of the differences beyond ``smallest``, on the side with more of them; and of those within,
    as seen from the side with fewer."""

    def more_seeds(self, level: float, claims: int) -> int | None:
        """Return about how many more pairs would decide, were the truth what was seen; at least as many as any
        decision takes; None for more than :data:`MOST_SEEDS`.

        Args:
            level: at which claims are made together.
            claims: how many are; the strictest share of the level goes to each.
        """
        # Even when all have one sign, the sign-flip test of n pairs gives no less than 2 / 2^n.
        fewest = max(FEWEST, math.ceil(1 + math.log2(claims / level) - 1e-9))
        # The spread of fewer pairs says too little to plan by.
        needed = max(fewest, min(self._beyond_and_within(level / claims, level))) if self.n >= FEWEST else fewest
        return max(1, math.ceil(needed) - self.n) if needed - self.n <= MOST_SEEDS else None

    def _beyond_and_within(self, strict: float, level: float) -> tuple[float, float]:
        if self.basis == "sign":
            return sign_seeds(self.shares[0], strict / 2), sign_seeds(self.shares[1], level)
        gap = abs(self.centre) - self.smallest
        if self.sd is None or not math.isfinite(gap) or gap == 0:
            return math.inf, math.inf
        if gap > 0:
            return effect_seeds(gap, self.sd, strict), math.inf
        return math.inf, equivalence_seeds(self.centre, self.smallest, self.sd, level)


def weigh(differences: Floats, smallest: float, error: float, reached: Floats) -> Evidence:
    """Weigh differences against the smallest that matters.

    Args:
        differences: (n,), positive where the first is larger; may be infinite.
        smallest: at least 0.
        error: of rounding: their standard error is taken for no smaller, so that equal differences decide nothing by
            the last bit.
        reached: (n,) share of the figures behind each difference that are finite. Where none is, the pair counts
            against every claim; where some are and some are not, nothing is equivalent.
    """
    if (reached == 1).all():
        return _by_mean(differences, smallest, error)
    return _by_median(differences, smallest, reached)


def _by_mean(differences: Floats, smallest: float, error: float) -> Evidence:
    n = len(differences)
    centre, low, high = location(differences)
    if n < 2:
        return Evidence("t", n, n, smallest, centre, low, high, None, None, 1.0, 1.0, 1.0)
    wide = max(float(differences.std(ddof=1)) / math.sqrt(n), error)
    return Evidence(
        basis="t",
        n=n,
        informative=n,
        smallest=smallest,
        centre=centre,
        low=low,
        high=high,
        sd=wide * math.sqrt(n),
        p_sign_flip=sign_flip(differences) if n >= FEWEST else None,
        p_different=min(1.0, 2 * t_tail(abs(centre), wide, n - 1)),
        p_matters=min(1.0, 2 * t_tail(abs(centre) - smallest, wide, n - 1)),
        p_equivalent=t_tail(smallest - abs(centre), wide, n - 1),
    )


def _by_median(differences: Floats, smallest: float, reached: Floats) -> Evidence:
    n = len(differences)
    low, high = median_interval(differences)
    sided = max(int((differences > 0).sum()), int((differences < 0).sum()))
    beyond = max(int((differences > smallest).sum()), int((differences < -smallest).sum()))
    within = 0
    if not ((reached > 0) & (reached < 1)).any():
        # Medians may be alike of arms of which only one always arrives: that is no equivalence.
        told = differences[reached > 0]
        within = min(int((told > -smallest).sum()), int((told < smallest).sum()))
    return Evidence(
        basis="sign",
        n=n,
        informative=int((reached > 0).sum()),
        smallest=smallest,
        centre=median(differences),
        low=low,
        high=high,
        sd=None,
        p_sign_flip=sign_test(differences) if n >= FEWEST else None,
        p_different=min(1.0, 2 * chance_of_wins(sided, n)),
        p_matters=min(1.0, 2 * chance_of_wins(beyond, n)),
        p_equivalent=chance_of_wins(within, n),
        # Drawn towards even by half a pair, so that a perfect score is not taken for certainty.
        shares=((beyond + 0.5) / (n + 1), (within + 0.5) / (n + 1)),
    )
