"""What a handful of seeds can show: quartiles, exact intervals and paired comparisons.

Two networks with the same seed get the same data, so they are compared seed by seed. The interval is that of the sign
test: it holds for any distribution of losses, and those of small networks are far from normal (some seeds learn, some
never do).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from layerlab.lab.statistics.intervals import median, median_interval

__all__ = [
    "CONFIDENCE",
    "Comparison",
    "compare",
    "pairwise_confidence",
    "quartiles",
    "seeds_needed",
    "unbeaten",
]

CONFIDENCE: Final = 0.95
"""Of the intervals of a lesson, all comparisons of one question taken together."""

Floats = npt.NDArray[np.float64]


def quartiles(values: Floats) -> Floats:
    """Return the lower quartile, the median and the upper quartile along the last axis.

    Args:
        values: (..., n); infinity counts as larger than all others.

    Returns:
        (3, ...), interpolated between neighbours; infinite where a neighbour that counts is.
    """
    ordered = np.sort(values, axis=-1)
    found = []
    for share in (0.25, 0.5, 0.75):
        place = (ordered.shape[-1] - 1) * share
        below = ordered[..., math.floor(place)]
        above = ordered[..., math.ceil(place)]
        with np.errstate(invalid="ignore"):
            between = below + (above - below) * (place - math.floor(place))
        found.append(np.where(np.isfinite(above), between, below if place == math.floor(place) else above))
    return np.stack(found)


def seeds_needed(confidence: float = CONFIDENCE) -> int:
    """Return the smallest number of seeds with which the interval of the median can exclude anything."""
    return math.ceil(1 - math.log2(1 - confidence) - 1e-9)


@dataclass(frozen=True)
class Comparison:
    """How a quantity of one network relates to another's over the same seeds; less is better."""

    ratio: float
    """The median over the seeds of first / second; infinite where it has no finite value."""
    low: float
    high: float
    """The interval of that median."""
    wins: int
    """Seeds in which the first had less."""
    losses: int
    """Seeds in which it had more; the others tied."""

    @property
    def verdict(self) -> str:
        """``less`` or ``more`` where the interval excludes equality, else ``open``."""
        return "less" if self.high < 1 else "more" if self.low > 1 else "open"

    @property
    def is_finite(self) -> bool:
        """Whether ratio and interval can be printed."""
        return all(map(math.isfinite, (self.ratio, self.low, self.high))) and self.low > 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the verdict."""
        return {**vars(self), "verdict": self.verdict}


def compare(first: Floats, second: Floats, confidence: float = CONFIDENCE) -> Comparison:
    """Compare two positive quantities seed by seed.

    Args:
        first: (seeds,), positive or infinite.
        second: likewise; two infinities tie.
        confidence: of the interval.
    """
    with np.errstate(invalid="ignore"):
        steps = np.nan_to_num(np.log(first) - np.log(second), nan=0.0, posinf=math.inf, neginf=-math.inf)
    low, high = median_interval(steps, confidence)
    middle = median(steps)
    return Comparison(_raised(middle), _raised(low), _raised(high), int((steps < 0).sum()), int((steps > 0).sum()))


def pairwise_confidence(arms: int) -> float:
    """Return the confidence of one pair's interval with which all pairs of ``arms`` keep :data:`CONFIDENCE`."""
    return 1 - (1 - CONFIDENCE) / max(1, arms * (arms - 1) // 2)


def unbeaten(losses: Floats) -> tuple[int, ...]:
    """Return the arms that no other arm beats.

    Args:
        losses: (arms, seeds). An arm beats another where its loss is smaller by the interval of their pair, which is
            wide enough for all pairs together.
    """
    confidence = pairwise_confidence(len(losses))
    best = [
        arm
        for arm, mine in enumerate(losses)
        if not any(compare(other, mine, confidence).verdict == "less" for other in losses)
    ]
    return tuple(best) or tuple(range(len(losses)))


def _raised(step: float) -> float:
    return math.inf if step > 700 else math.exp(step)
