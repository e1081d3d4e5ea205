"""How the learning rate changes from epoch to epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.specification import Specification

    Floats = NDArray[np.float64]

__all__ = ["learning_rates"]


def learning_rates(specification: Specification, first: int, epochs: int) -> Floats:
    """Return the learning rate of ``epochs`` epochs from number ``first`` on, by the specification's schedule."""
    epoch = np.arange(first, first + epochs, dtype=np.float64)
    part = epoch / specification.schedule_epochs
    factors: dict[str, Floats] = {
        "constant": np.ones(epochs),
        "step": 0.1 ** np.floor(3 * part),
        "exponential": 0.01**part,
        "cosine": (1 + np.cos(np.pi * np.minimum(part, 1.0))) / 2,
        "warmup": np.minimum(1.0, (epoch + 1) / specification.schedule_epochs),
    }
    return specification.learning_rate * factors[specification.schedule]
