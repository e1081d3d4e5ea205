"""The one word that the numbers allow: better, equivalent, undecided, or not a fair test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from layerlab.errors import LayerlabError
from layerlab.lab.statistics.evidence import Evidence
from layerlab.lab.statistics.values import known_word

__all__ = ["UNFAIR", "UNJUDGED", "Verdict", "decide", "fairness", "level_of"]

UNFAIR: Final = ("edge-of-grid", "unequal-budget")
"""Reasons that are known from the design: a tuned value is best at the end of its grid; the budgets differ."""


@dataclass(frozen=True)
class Verdict:
    """What may be said of a contrast or a trend."""

    kind: str
    """``better`` (by more than the smallest difference), ``equivalent``, ``undecided``, ``unfair``; of a trend
    ``rises`` and ``falls`` for ``better``, ``flat`` for ``equivalent``."""
    winner: str | None = None
    """``a`` or ``b`` where one is better, else None."""
    reason: str = ""
    """``exploratory``: under six pairs. ``no-pairs``: there is nothing to compare. ``leans``: undecided, yet the 95 %
    interval excludes 0. ``smaller-than-matters``: equivalent, yet they differ. ``did-not-train``: half or more of the
    runs of an arm did not. ``edge-of-grid``, ``unequal-budget``: by design. ``not-a-line``: the ends of a trend are
    alike and what lies between is not."""
    more_seeds: int | None = None
    """About how many more are needed to decide; None where that does not apply, or they are more than 1,000."""


UNJUDGED: Final = Verdict("undecided")


def level_of(confidence: float) -> float:
    """Return the level of tests at this confidence. Raises LayerlabError where it is not from 0.5 to under 1."""
    if not 0.5 <= confidence < 1:
        raise LayerlabError(f"a confidence of {confidence:g}; expected one from 0.5 to under 1, such as 0.95")
    return 1 - confidence


def fairness(failed: float, unfair: str) -> Verdict:
    """Return why it is no fair test, or :data:`UNJUDGED`.

    Args:
        failed: share of the runs that did not train, of the arm where it is larger.
        unfair: one of :data:`UNFAIR`, or empty.
    """
    if unfair:
        known_word("reason for an unfair test", unfair, UNFAIR)
    reason = "did-not-train" if failed >= 0.5 else unfair
    return Verdict("unfair", reason=reason) if reason else UNJUDGED


def decide(evidence: Evidence, p_zero: float | None, p_matters: float, claims: int, level: float) -> Verdict:
    """Return the verdict of a fair test.

    Args:
        evidence: of the advantage of ``a`` over ``b``.
        p_zero: of the sign-flip test, adjusted for all claims; None under six pairs.
        p_matters: of the test against the smallest difference, adjusted likewise.
        claims: how many are made together.
        level: of all of them.
    """
    if evidence.informative == 0:
        return Verdict("undecided", reason="no-pairs")
    if p_zero is None:
        return Verdict("undecided", reason="exploratory", more_seeds=evidence.more_seeds(level, claims))
    if max(p_zero, p_matters) <= level:
        return Verdict("better", "a" if evidence.centre > 0 else "b")
    if evidence.p_equivalent <= level:
        # That they differ at all is a claim as well, and takes its share of the level with the others.
        differ = max(p_zero, evidence.p_different) <= level
        return Verdict("equivalent", reason="smaller-than-matters" if differ else "")
    reason = "leans" if evidence.p_different <= level else ""
    return Verdict("undecided", reason=reason, more_seeds=evidence.more_seeds(level, claims))
