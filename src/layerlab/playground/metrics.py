"""How well a network does, in numbers that a person knows: accuracy, confusion matrix, R²."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.network import Network

    Floats = NDArray[np.float64]

__all__ = ["Metrics", "PartMetrics", "measure"]


@dataclass(frozen=True)
class PartMetrics:
    """The metrics of one part of the data; what does not apply is None, as everything is of a part without points."""

    accuracy: float | None = None
    """Share of the points whose class is the likeliest one."""
    confusion: list[list[int]] | None = None
    """Points of the row's class (in the order of :attr:`Metrics.labels`) that were taken for the column's."""
    r2: float | None = None
    """1 - (squared errors) / (squared distances of the labels from their mean)."""


@dataclass(frozen=True)
class Metrics:
    """The metrics of the training points and of the test points."""

    labels: list[int] | None
    """The classes; None for regression."""
    train: PartMetrics
    test: PartMetrics


def measure(network: Network) -> Metrics:
    """Return the metrics of a network as it is.

    Accuracy counts an output of exactly 0 as the class +1, as the discretised map does.
    """
    specification = network.specification
    if specification.problem == "regression":
        parts = [PartMetrics(r2=_r2(network, part)) for part in (network.points.train, network.points.test)]
        return Metrics(None, *parts)
    labels = [-1, 1] if specification.classes == 2 else list(range(specification.classes))
    parts = [_classified(network, part, labels) for part in (network.points.train, network.points.test)]
    return Metrics(labels, *parts)


def _classified(network: Network, points: Floats, labels: list[int]) -> PartMetrics:
    if not len(points):
        return PartMetrics()
    outputs = network.outputs(points[:, :2])
    guessed = outputs.argmax(axis=1) if len(labels) > 2 else (outputs[:, 0] >= 0).astype(np.int64)
    true = np.searchsorted(labels, points[:, 2])
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (true, guessed), 1)
    return PartMetrics(accuracy=float(np.trace(confusion) / len(points)), confusion=confusion.tolist())


def _r2(network: Network, points: Floats) -> float | None:
    if not len(points):
        return None
    labels = points[:, 2]
    with np.errstate(all="ignore"):  # a diverged network has no R²
        errors = float(np.sum((network.outputs(points[:, :2])[:, 0] - labels) ** 2))
        spread = float(np.sum((labels - labels.mean()) ** 2))
    return 1 - errors / spread if spread > 0 and math.isfinite(errors) else None
