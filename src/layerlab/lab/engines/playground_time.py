"""How long an update of a playground network takes: one network alone, in double precision, nothing but updates."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.playground.data_sets import Points, generate
from layerlab.playground.network import Network
from layerlab.playground.random_numbers import Random

if TYPE_CHECKING:
    from layerlab.playground.specification import Specification

__all__ = ["seconds_of_updates"]

SECONDS: Final = 0.004
"""Of a round, about: a thousand times the clock's grain and the cost of a call."""
FIRST: Final = 20
"""Updates that are made to see how many a round should have."""
POINTS: Final = 8000
"""Training points of a round, at most: they stay in a processor's second cache."""


def seconds_of_updates(specification: Specification, rounds: int) -> list[float]:
    """Return the seconds that an update took, the mean of each of ``rounds`` short rounds.

    The training points are repeated until a round does not reach the end of an epoch, where losses would be computed.
    """
    random = Random(specification.seed)
    points = generate(specification, random)
    batch = specification.batch_size
    train = np.resize(points.train, (max(POINTS, (FIRST + 1) * batch), 3))
    points = Points(train, points.test[:0])
    network = Network(specification, points, random)
    most = len(train) // batch - 1
    _updates(network, points, FIRST)
    count = max(1, min(most, int(SECONDS / _updates(network, points, FIRST))))
    return [_updates(network, points, count) for _ in range(rounds)]


def _updates(network: Network, points: Points, count: int) -> float:
    """Return the seconds of one of ``count`` updates from the first point on."""
    network.set_points(points)
    start = time.perf_counter()
    made, _ = network.run_minibatches(count)
    return (time.perf_counter() - start) / made
