"""The figures of an arm as the statistics take them: checked, logs where differences are ratios, infinite for never."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["GOALS", "SCALES", "Bools", "Floats", "flags", "known_word", "prepared", "rounding", "threshold"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
GOALS: Final = ("low", "high")
SCALES: Final = ("linear", "log")


def prepared(name: str, values: Sequence[Any] | Floats, trained: Bools, goal: str, scale: str) -> Floats:
    """Return the figures of an arm, or their logarithms.

    Args:
        name: such as ``arm "relu"``, for the errors.
        values: of any shape; None, or infinity in the bad direction, for what was never reached.
        trained: of that shape. Of a run that did not train, NaN counts as never.
        goal: ``low`` or ``high``: which is better.
        scale: ``linear`` or ``log``.

    Raises:
        LayerlabError: another shape; no number in a run that trained; infinity in the good direction; on a log scale
            a number that has no logarithm.
    """
    known_word("goal", goal, GOALS)
    known_word("scale", scale, SCALES)
    never = math.inf if goal == "low" else -math.inf
    given = np.asarray(values, dtype=object)
    if given.shape != trained.shape:
        raise LayerlabError(f"{name} has figures of shape {given.shape} and {trained.shape} flags of training")
    none = np.array([value is None for value in given.flat], dtype=np.bool_).reshape(given.shape)
    figures = np.where(none, never, given).astype(np.float64)
    missing = np.isnan(figures)
    if (missing & trained).any():
        raise LayerlabError(
            f"{name} has no number in replicate {_first(missing & trained)}, which trained; expected a figure, or None "
            "for what was never reached"
        )
    figures[missing] = never
    if (figures == -never).any():
        raise LayerlabError(
            f"{name} has the figure {-never} in replicate {_first(figures == -never)}, where "
            f"{goal} is better; expected a finite one"
        )
    if scale == "linear":
        return figures
    without = ~(figures > 0) & np.isfinite(figures)
    if without.any():
        raise LayerlabError(
            f"{name} has the figure {figures[without][0]:g} in replicate {_first(without)}; ratios need figures above 0"
        )
    return np.log(figures, out=figures, where=np.isfinite(figures))


def flags(trained: Sequence[Any] | Bools) -> Bools:
    """Return the flags as an array."""
    return np.asarray(trained, dtype=np.bool_)


def threshold(smallest_difference: float, scale: str) -> float:
    """Return the smallest difference that matters in the unit of :func:`prepared`: on a log scale, its logarithm.

    Raises:
        LayerlabError: it is negative, or as a factor under 1, or not finite.
    """
    least = 1.0 if scale == "log" else 0.0
    if not (math.isfinite(smallest_difference) and smallest_difference >= least):
        kind = "factor, at least 1" if scale == "log" else "difference, at least 0"
        raise LayerlabError(f"the smallest difference that matters is {smallest_difference:g}; expected a {kind}")
    return math.log(smallest_difference) if scale == "log" else float(smallest_difference)


def rounding(scale: str, *figures: Floats) -> float:
    """Return how far two figures of :func:`prepared` may lie apart by rounding alone: nearer ones tie."""
    largest = max(float(np.abs(part[np.isfinite(part)]).max(initial=float(scale == "log"))) for part in figures)
    return 4 * float(np.finfo(np.float64).eps) * largest


def in_metric(value: float, log: bool) -> float:
    """Return a figure of :func:`prepared`, or a difference of two, as the metric has it."""
    if not log:
        return value
    return math.inf if value > 709 else math.exp(value)


def finite(value: Any) -> Any:
    """Return a field as a JSON value: None for what is infinite or unknown, tuples as lists."""
    if isinstance(value, tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def known_word(what: str, word: str, known: Sequence[str]) -> None:
    """Raise LayerlabError where ``word`` is not among ``known``."""
    if word not in known:
        raise LayerlabError(f'no {what} "{word}"{did_you_mean(word, known)}')


def _first(where: Bools) -> int:
    """Return the first replicate (last axis), counted from 1."""
    return int(np.argwhere(where)[0][-1]) + 1
