"""What a playground network that knows nothing has: the best constant output, fitted to the training labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.data_sets import Points
    from layerlab.playground.specification import Specification

    Floats = NDArray[np.float64]

__all__ = ["Constant", "best_constant"]


@dataclass(frozen=True)
class Constant:
    """The losses and the accuracy of the constant that fits the training labels best."""

    train_loss: float
    loss: float
    """Of the held-out labels."""
    accuracy: float | None
    """Of the held-out labels: the share of the class that is the most frequent in training; None for regression."""


def best_constant(specification: Specification, points: Points) -> Constant:
    """Return the best constant for the loss of ``specification``: the mean label, or the share of each class."""
    return _fitted(points, specification.problem, specification.loss, specification.classes)


@lru_cache(512)  # the arms of a replicate share their points
def _fitted(points: Points, problem: str, loss: str, count: int) -> Constant:
    train, held_out = points.train[:, 2], points.test[:, 2]
    if problem == "regression":
        mean = train.mean()
        return Constant(_squared(train - mean), _squared(held_out - mean), None)
    classes = np.array([-1.0, 1.0] if count == 2 else range(count))
    shares = (train[:, None] == classes).mean(axis=0)
    accuracy = float((held_out == classes[shares.argmax()]).mean())
    if loss == "cross-entropy":
        surprise = -np.log(np.maximum(shares, 1 / (2 * len(train))))  # a class may be missing in training
        losses = [float(surprise[np.searchsorted(classes, part)].mean()) for part in (train, held_out)]
    elif count == 2:
        losses = [_squared(part - train.mean()) for part in (train, held_out)]
    else:
        losses = [_squared((part[:, None] == classes) - shares) for part in (train, held_out)]
    return Constant(losses[0], losses[1], accuracy)


def _squared(errors: Floats) -> float:
    """Return the mean over the points of half the sum of squares."""
    return float(0.5 * (errors * errors).sum() / len(errors))
