"""The verdicts of all contrasts of an experiment, which share one level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from layerlab.lab.statistics.contrast import Contrast
from layerlab.lab.statistics.evidence import CONFIDENCE
from layerlab.lab.statistics.holm import holm
from layerlab.lab.statistics.verdict import decide, level_of

__all__ = ["judge"]


def judge(contrasts: Sequence[Contrast], confidence: float = CONFIDENCE) -> list[Contrast]:
    """Return the contrasts with their adjusted p values and verdicts.

    "Better" takes both the test against the smallest difference and the exact sign-flip test, each corrected for all
    contrasts by Holm's method; "equivalent" two one-sided tests, which need no correction, for none claims more than
    what was asked of it. Contrasts that are unfair or have too few pairs were planned too, and count.

    Args:
        contrasts: all that were planned, once each.
        confidence: that no claim of a difference is false.

    Raises:
        LayerlabError: a confidence that is not from 0.5 to under 1.

    References:
        Murphy, Myors. Testing the hypothesis that treatments have negligible effects. Journal of Applied Psychology
        1999. Schuirmann. A comparison of the two one-sided tests procedure and the power approach. 1987.
    """
    level = level_of(confidence)
    if not contrasts:
        return []
    signs = holm([1.0 if one.p_sign_flip is None else one.p_sign_flip for one in contrasts])
    matters = holm([one.evidence.p_matters for one in contrasts])
    judged = []
    for one, p_zero, p_matters in zip(contrasts, signs.tolist(), matters.tolist(), strict=True):
        p_holm = None if one.p_sign_flip is None else p_zero
        fair = one.verdict.kind != "unfair"
        verdict = decide(one.evidence, p_holm, p_matters, len(contrasts), level) if fair else one.verdict
        judged.append(replace(one, p_holm=p_holm, p_matters_holm=p_matters, verdict=verdict))
    return judged
