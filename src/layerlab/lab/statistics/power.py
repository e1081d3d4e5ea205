"""What n pairs can show, and how many pairs a difference needs, before anything has run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from scipy import special  # type: ignore[import-untyped]

from layerlab.errors import LayerlabError

__all__ = ["LEVEL", "POWER", "detectable", "effect_seeds", "equivalence_seeds", "seeds_needed", "sign_seeds"]

POWER: Final = 0.8
LEVEL: Final = 0.05
MOST: Final = 2**20
"""Seeds: what needs more is not searched for."""


def detectable(n: int, sd: float = 1.0, power: float = POWER, level: float = LEVEL) -> float:
    """Return the smallest mean difference that a paired t test of n pairs finds with this power.

    A verdict of "better by more than the smallest difference" needs that difference on top.

    Args:
        n: pairs; fewer than two show nothing: infinity.
        sd: standard deviation of the differences; 1 gives the answer in its units.
        power: probability with which it is found.
        level: of the two-sided test.

    Raises:
        LayerlabError: a standard deviation that is negative or not finite, or a power or level that is no probability.

    Example:
        >>> round(detectable(10), 2)
        1.0
    """
    _check(sd, power, level)
    if n < 2:
        return math.inf
    critical = special.stdtrit(n - 1, 1 - level / 2)
    return float(special.nctdtrinc(n - 1, 1 - power, critical)) * sd / math.sqrt(n)


def seeds_needed(effect: float, sd: float, power: float = POWER, level: float = LEVEL) -> int:
    """Return the smallest number of pairs with which :func:`detectable` is at most ``effect``.

    Raises:
        LayerlabError: an effect so small that a million pairs do not show it, or what :func:`detectable` refuses.
    """
    _check(sd, power, level)
    needed = effect_seeds(effect, sd, level, power)
    if not math.isfinite(needed):
        raise LayerlabError(
            f"a difference of {effect:g} takes more than a million seeds to show where the standard "
            f"deviation is {sd:g}; expected a larger one"
        )
    return int(needed)


def effect_seeds(effect: float, sd: float, level: float, power: float = POWER) -> float:
    """Return what :func:`seeds_needed` does; infinite for more than a million."""
    return _first(lambda n: 0 < abs(effect) >= detectable(n, sd, power, level))


def equivalence_seeds(mean: float, smallest: float, sd: float, level: float, power: float = POWER) -> float:
    """Return how many pairs two one-sided t tests need to place ``mean`` within ± ``smallest``, which is larger."""

    def chance(distance: float, n: int) -> float:
        """Of one test to reject: a noncentral t of that distance above the critical value."""
        critical = special.stdtrit(n - 1, 1 - level)
        return 1 - float(special.nctdtr(n - 1, distance * math.sqrt(n) / sd, critical))

    return _first(lambda n: sd == 0 or chance(smallest - mean, n) + chance(smallest + mean, n) - 1 >= power)


def sign_seeds(share: float, level: float, power: float = POWER) -> float:
    """Return about how many pairs a one-sided sign test needs where ``share`` of them win; infinite for half or less.

    Reference:
        Noether. Sample size determination for some common nonparametric tests. JASA 1987.
    """
    if share <= 0.5:
        return math.inf
    return float((special.ndtri(1 - level) + special.ndtri(power)) / (2 * share - 1)) ** 2


def _first(enough: Callable[[int], bool]) -> float:
    """Return the smallest number from 2 on that is enough, as are all above it; infinite where :data:`MOST` is not."""
    high = 2
    while not enough(high):
        high *= 2
        if high > MOST:
            return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check(sd: float, power: float, level: float) -> None:
    if not (math.isfinite(sd) and sd >= 0):
        raise LayerlabError(f"the standard deviation of the differences is {sd:g}; expected a finite one, at least 0")
    if not 0 < level < power < 1:
        raise LayerlabError(f"a power of {power:g} at level {level:g}; expected 0 < level < power < 1")
