"""Several claims made together: the chance of any false one stays what a single one's would be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerlab.lab.statistics.values import Floats

__all__ = ["holm"]


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Return the adjusted p values, in the order given: those at most 0.05 may be claimed together at 5 %.

    Args:
        p_values: (m,), one for each claim that was planned.

    Example:
        >>> [round(float(p), 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]

    Reference:
        Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 1979.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted
