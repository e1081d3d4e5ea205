"""Two arms, replicate by replicate: how far one is ahead, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from layerlab.errors import LayerlabError
from layerlab.lab.statistics.evidence import Evidence, weigh
from layerlab.lab.statistics.intervals import middle, share_interval
from layerlab.lab.statistics.values import Bools, Floats, finite, flags, in_metric, prepared, rounding, threshold
from layerlab.lab.statistics.verdict import Verdict, fairness

__all__ = ["Contrast", "contrast"]


@dataclass(frozen=True)
class Contrast:
    """The advantage of arm ``a`` over arm ``b``: positive where ``a`` is better, whichever way the metric goes.

    With ``log`` the advantage is a ratio, over 1 where ``a`` is better: of times, how many times faster.
    """

    a: str
    b: str
    """Names of the arms."""
    n: int
    """Pairs, those of failed runs included."""
    mean_a: float
    mean_b: float
    """In the metric; with ``log`` the geometric means; of an arm with an infinite value, its median."""
    difference: float
    """Mean advantage of ``a``; median, with basis ``sign``."""
    low: float
    high: float
    """Its 95 % interval: Student's, or of the sign test."""
    basis: str
    """``t``, or ``sign`` where a value is infinite, for then there is no mean."""
    p_sign_flip: float | None
    """Exact, that there is no difference; of the sign test, with basis ``sign``. None under six pairs."""
    p_matters: float
    """That the difference is no larger than the smallest that matters."""
    p_better: float
    p_better_low: float
    p_better_high: float
    """How often ``a`` is better than ``b`` in a replicate, a tie counted half, and the exact 95 % interval."""
    failed_a: float
    failed_b: float
    """Share of the runs that did not train."""
    never_a: float
    never_b: float
    """Share of the runs that never reached their target: those of infinite value."""
    correlation: float | None
    """Of the pairs; None for fewer than three, or where an arm does not vary or is infinite."""
    smallest_difference: float
    """That matters; with ``log`` a factor."""
    log: bool
    """Whether differences are ratios."""
    verdict: Verdict
    """Before :func:`layerlab.lab.statistics.judge`, only whether the test is fair."""
    p_holm: float | None = None
    p_matters_holm: float | None = None
    """``p_sign_flip`` and ``p_matters``, corrected for all contrasts of the experiment."""
    evidence: Evidence = field(repr=False, kw_only=True)
    """The advantage as it is judged; with ``log``, in logarithms."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values; None for what is infinite or unknown."""
        values = {one.name: finite(getattr(self, one.name)) for one in fields(self) if one.name != "evidence"}
        return {**values, "verdict": dict(vars(self.verdict))}


def contrast(
    a_name: str,
    b_name: str,
    a: Sequence[float | None] | Floats,
    b: Sequence[float | None] | Floats,
    *,
    goal: str,
    smallest_difference: float,
    scale: str,
    trained_a: Sequence[bool] | Bools,
    trained_b: Sequence[bool] | Bools,
    unfair: str = "",
) -> Contrast:
    """Compare two arms by their pairs; :func:`layerlab.lab.statistics.judge` gives the verdict.

    Args:
        a_name: of the first arm.
        b_name: of the second.
        a: (n,) figures of the first, one a replicate; None or infinity for what was never reached.
        b: (n,) figures of the second in the same replicates.
        goal: ``low`` or ``high``: which is better.
        smallest_difference: that matters; for ``log`` a factor, at least 1.
        scale: ``linear``: figures are subtracted; ``log``: divided.
        trained_a: (n,) whether each run trained. The figures of those that did not count with the others.
        trained_b: (n,) likewise.
        unfair: ``edge-of-grid`` or ``unequal-budget``, known from the design, or empty.

    Raises:
        LayerlabError: arms of different length, no number in a run that trained, infinity in the good direction,
            a figure that has no logarithm, or an unknown word.
    """
    trains = flags(trained_a), flags(trained_b)
    first = prepared(f'arm "{a_name}"', a, trains[0], goal, scale)
    second = prepared(f'arm "{b_name}"', b, trains[1], goal, scale)
    if first.ndim != 1 or first.shape != second.shape:
        raise LayerlabError(
            f'arms "{a_name}" and "{b_name}" have figures of shapes {first.shape} and {second.shape}; expected '
            "one for each replicate"
        )
    smallest, error = threshold(smallest_difference, scale), rounding(scale, first, second)
    never = np.isinf(first) & (first == second)
    ahead = np.where(never, 0.0, np.subtract(first, second, where=~never, out=np.zeros_like(first)))
    ahead[np.abs(ahead) <= error] = 0.0
    advantages = ahead if goal == "high" else -ahead
    lost = np.isinf(first), np.isinf(second)
    evidence = weigh(advantages, smallest, error, 1 - np.mean(lost, axis=0))

    n, log = len(advantages), scale == "log"
    wins = float((advantages > 0).sum() + (advantages == 0).sum() / 2)
    failed = [float(1 - part.mean()) if n else 0.0 for part in trains]
    missed = [float(part.mean()) if n else 0.0 for part in lost]
    share_low, share_high = share_interval(wins, n)
    return Contrast(
        a=a_name,
        b=b_name,
        n=n,
        mean_a=in_metric(middle(first), log),
        mean_b=in_metric(middle(second), log),
        difference=in_metric(evidence.centre, log),
        low=in_metric(evidence.low, log),
        high=in_metric(evidence.high, log),
        basis=evidence.basis,
        p_sign_flip=evidence.p_sign_flip,
        p_matters=evidence.p_matters,
        p_better=wins / n if n else 0.5,
        p_better_low=share_low,
        p_better_high=share_high,
        failed_a=failed[0],
        failed_b=failed[1],
        never_a=missed[0],
        never_b=missed[1],
        correlation=_correlation(first, second, error),
        smallest_difference=float(smallest_difference),
        log=log,
        verdict=fairness(max(failed), unfair),
        evidence=evidence,
    )


def _correlation(first: Floats, second: Floats, error: float) -> float | None:
    if len(first) < 3 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    if min(np.ptp(first), np.ptp(second)) <= error:
        return None
    return float(np.corrcoef(first, second)[0, 1])
