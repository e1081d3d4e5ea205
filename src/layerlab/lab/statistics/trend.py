"""A factor with numbers for levels: a curve with a band and one trend, in place of all pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np

from layerlab.errors import LayerlabError
from layerlab.lab.statistics.curve import peaks, slopes
from layerlab.lab.statistics.evidence import CONFIDENCE, Evidence, weigh
from layerlab.lab.statistics.intervals import location
from layerlab.lab.statistics.values import Bools, Floats, finite, flags, in_metric, prepared, rounding, threshold
from layerlab.lab.statistics.verdict import Verdict, decide, fairness

__all__ = ["Trend", "trend"]

LEVEL: Final = 1 - CONFIDENCE
"""A trend is one claim; those of several factors are several questions."""


@dataclass(frozen=True)
class Trend:
    """How a metric goes with a factor. With ``log``, slope and change are factors by which the metric is multiplied."""

    factor: str
    xs: tuple[float, ...]
    """Levels, ascending."""
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    """Of each level: mean and 95 % t interval; with ``log`` of the logarithms; where a value is infinite, the median
    with the interval of the sign test."""
    n: int
    """Replicates."""
    slope: float
    slope_low: float
    slope_high: float
    """Mean over replicates of the least-squares slope, for each doubling of the level with ``log_x``, else for each
    unit, and its 95 % interval; with basis ``sign`` the median of Theil's slopes."""
    change: float
    change_low: float
    change_high: float
    """The slope over the whole range: from the smallest to the largest level that is not left out."""
    basis: str
    """``t``, or ``sign`` where a value is infinite."""
    p_sign_flip: float | None
    """Exact, that the slope is 0; None under six replicates."""
    p_matters: float
    """That the change is no larger than the smallest that matters."""
    best: float | None
    """Level with the best mean; None where all are left out."""
    turns: bool
    """Whether the curve bends (the 95 % interval of its quadratic term excludes 0, as does its sign-flip test) so
    that the best level lies inside the range and is better than both ends by more than the smallest difference."""
    left_out: tuple[float, ...]
    """Levels of which half or more of the runs did not train: they are no part of the slope."""
    smallest_difference: float
    log: bool
    """Whether the metric's differences are ratios."""
    log_x: bool
    """Whether the slope is that for each doubling."""
    verdict: Verdict
    """``rises``, ``falls``, ``flat``, ``undecided`` or ``unfair``, of the metric itself, whichever way is better."""
    evidence: Evidence = field(repr=False, kw_only=True)
    """The change as it is judged; with ``log``, in logarithms."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values; None for what is infinite or unknown."""
        values = {one.name: finite(getattr(self, one.name)) for one in fields(self) if one.name != "evidence"}
        return {**values, "verdict": dict(vars(self.verdict))}


def trend(
    factor: str,
    xs: Sequence[float] | Floats,
    values: Sequence[Sequence[float | None]] | Floats,
    *,
    goal: str,
    smallest_difference: float,
    scale: str,
    trained: Sequence[Sequence[bool]] | Bools,
    log_x: bool,
    unfair: str = "",
) -> Trend:
    """Return how a metric goes with the levels of a factor, and the verdict.

    Args:
        factor: its name.
        xs: (levels,), at least two, different, above 0 with ``log_x``; in any order.
        values: (levels, n) figures; column by column the same replicate. None or infinity for what was never reached.
        goal: ``low`` or ``high``: which is better.
        smallest_difference: that matters between the ends; for ``log`` a factor, at least 1.
        scale: of the figures: ``linear`` or ``log``.
        trained: (levels, n) whether each run trained.
        log_x: whether the levels are steps of doubling, such as widths or learning rates.
        unfair: ``edge-of-grid`` or ``unequal-budget``, known from the design, or empty.

    Raises:
        LayerlabError: levels that allow no trend, or figures as in :func:`layerlab.lab.statistics.contrast`.
    """
    levels = np.asarray(xs, dtype=np.float64)
    _check(factor, levels, log_x)
    order = np.argsort(levels)
    trains = flags(trained)
    figures = prepared(f'factor "{factor}"', values, trains, goal, scale)
    if figures.ndim != 2 or len(figures) != len(levels):
        raise LayerlabError(
            f'factor "{factor}" has {len(levels)} levels and figures of shape {figures.shape}; expected '
            "a row for each level"
        )
    levels, figures, trains = levels[order], figures[order], trains[order]
    failed = 1 - trains.mean(-1) if trains.shape[1] else np.zeros(len(levels))
    kept = failed < 0.5
    log = scale == "log"
    smallest, error = threshold(smallest_difference, scale), rounding(scale, figures)
    x, y = (np.log2(levels) if log_x else levels)[kept], figures[kept]
    span = float(np.ptp(x)) if len(x) > 1 else math.nan
    if len(x) > 1:
        evidence = weigh(slopes(x, y) * span, smallest, error, np.isfinite(y).mean(0))
    else:
        evidence = weigh(np.empty(0), smallest, error, np.empty(0))

    bands = [location(row) for row in figures]
    sign = 1 if goal == "high" else -1
    middles = [sign * middle if keep else -math.inf for (middle, _, _), keep in zip(bands, kept, strict=True)]
    best = int(np.argmax(middles)) if kept.any() and figures.shape[1] else None
    inside = best is not None and levels[kept][0] < levels[best] < levels[kept][-1]
    turns = bool(inside) and peaks(x, sign * y, error) and _ahead_of_ends(middles, kept, smallest)
    means, lows, highs = (tuple(in_metric(value, log) for value in part) for part in zip(*bands, strict=True))
    change = (evidence.centre, evidence.low, evidence.high)
    slope, slope_low, slope_high = (in_metric(value / span, log) for value in change)
    verdict = fairness(1.0 if len(x) < 2 else 0.0, unfair)
    if verdict.kind != "unfair":
        heights = [middle for (middle, _, _), keep in zip(bands, kept, strict=True) if keep]
        verdict = _said(evidence, bool(max(heights) - min(heights) > smallest))
    return Trend(
        factor=factor,
        xs=tuple(levels.tolist()),
        means=means,
        lows=lows,
        highs=highs,
        n=figures.shape[1],
        slope=slope,
        slope_low=slope_low,
        slope_high=slope_high,
        change=in_metric(evidence.centre, log),
        change_low=in_metric(evidence.low, log),
        change_high=in_metric(evidence.high, log),
        basis=evidence.basis,
        p_sign_flip=evidence.p_sign_flip,
        p_matters=evidence.p_matters,
        best=None if best is None else float(levels[best]),
        turns=turns,
        left_out=tuple(levels[~kept].tolist()),
        smallest_difference=float(smallest_difference),
        log=log,
        log_x=log_x,
        verdict=verdict,
        evidence=evidence,
    )


def _ahead_of_ends(heights: Sequence[float], kept: Bools, smallest: float) -> bool:
    """Return whether the best level is better than both ends by more than the smallest difference that matters.

    Args:
        heights: of each level, more being better.
        kept: the levels that are not left out.
        smallest: the difference.
    """
    inner = [height for height, keep in zip(heights, kept, strict=True) if keep]
    return max(inner) - max(inner[0], inner[-1]) > smallest


def _check(factor: str, levels: Floats, log_x: bool) -> None:
    if levels.ndim != 1 or len(levels) < 2:
        raise LayerlabError(f'factor "{factor}" has one level; a trend takes at least two')
    if not np.isfinite(levels).all() or len(np.unique(levels)) < len(levels):
        raise LayerlabError(f'factor "{factor}" has the levels {levels.tolist()}; expected different finite numbers')
    if log_x and (levels <= 0).any():
        raise LayerlabError(f'factor "{factor}" has the level {levels.min():g}; doublings need levels above 0')


def _said(evidence: Evidence, uneven: bool) -> Verdict:
    verdict = decide(evidence, evidence.p_sign_flip, evidence.p_matters, 1, LEVEL)
    if verdict.kind == "better":
        return Verdict("rises" if evidence.centre > 0 else "falls")
    if verdict.kind == "equivalent":
        # A valley has no slope either.
        return Verdict("undecided", reason="not-a-line") if uneven else replace(verdict, kind="flat")
    return verdict
