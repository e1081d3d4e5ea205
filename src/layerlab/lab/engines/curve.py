"""The learning curve that is kept of a trial: few epochs, spread evenly over the logarithm, and both ends."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["curve", "epochs_kept"]

KEPT: Final = 60
"""Epochs of a curve, about."""


@lru_cache(64)
def epochs_kept(epochs: int) -> tuple[int, ...]:
    """Return the epochs of a curve, rising: 0, some sixty evenly spread over the logarithm, ``epochs``."""
    if epochs <= KEPT:
        return tuple(range(epochs + 1))
    return (0, *np.unique(np.geomspace(1, epochs, KEPT).round().astype(np.int64)).tolist())


def curve(losses: NDArray[np.float64]) -> list[tuple[int, float | None, float | None]]:
    """Return a learning curve as an outcome keeps it.

    Args:
        losses: (epochs + 1, 2), of the training and of the held-out part, before the first epoch and after each.

    Returns:
        (epoch, training loss, held-out loss) for each of :func:`epochs_kept`; None where a loss is not finite.
    """
    kept = epochs_kept(len(losses) - 1)
    return [
        (epoch, train if math.isfinite(train) else None, held_out if math.isfinite(held_out) else None)
        for epoch, (train, held_out) in zip(kept, losses[list(kept)].tolist(), strict=True)
    ]
