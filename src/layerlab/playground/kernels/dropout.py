"""Dropout's chances: a hash of the place, so that they depend on nothing that happened before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.playground.kernels.codes import FACTORS, UNITS
from layerlab.playground.kernels.compiler import compiled, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["drop"]

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@inlined
def mix(value: np.uint64) -> np.uint64:
    """Return 64 bits that look like chance, a different word for each word (the finaliser of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def drop(table: Whole, values: Floats, count: int, rate: float, key: np.uint64, iteration: int) -> None:
    """Fill the rows of dropout's factors: 0, or 1 / (1 - rate), by place alone: update, layer, unit, point."""
    start = mix(key + np.uint64(iteration) * GOLDEN)
    for layer in range(len(table) - 1):
        for unit in range(table[layer, UNITS]):
            base = mix(start + np.uint64(layer * 1024 + unit + 1) * GOLDEN)
            row = table[layer, FACTORS] + unit
            for point in range(count):
                chance = np.float64(mix(base + np.uint64(point) * GOLDEN) >> np.uint64(11)) * 2.0**-53
                values[row, point] = 0.0 if chance < rate else 1.0 / (1.0 - rate)
