"""Batch normalisation of a layer's sums, forward and backward, with PyTorch's constants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from layerlab.playground.kernels.codes import BETA, GAMMA, HATS, MEAN, PIECES, SUMS, UNITS, VARIANCE
from layerlab.playground.kernels.compiler import inlined

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["normalize", "normalize_backward"]

NORMALIZATION_EPSILON: Final = 1e-5
NORMALIZATION_MOMENTUM: Final = 0.1


@inlined
def normalize(
    table: Whole,
    layer: int,
    parameters: Floats,
    running: Floats,
    values: Floats,
    inverse: Floats,
    count: int,
    training: bool,
    remember: bool,
) -> None:
    """Normalise the sums of a layer in place; the normalised values before scale and shift stay in their own rows."""
    for j in range(table[layer, UNITS] * table[layer, PIECES]):
        row, hats = table[layer, SUMS] + j, table[layer, HATS] + j
        at_mean, at_variance = table[layer, MEAN] + j, table[layer, VARIANCE] + j
        mean, variance = running[at_mean], running[at_variance]
        if training:
            mean = 0.0
            for p in range(count):
                mean += values[row, p]
            mean /= count
            variance = 0.0
            for p in range(count):
                variance += (values[row, p] - mean) * (values[row, p] - mean)
            if remember:
                spread = variance / (count - 1 if count > 1 else 1)
                running[at_mean] += NORMALIZATION_MOMENTUM * (mean - running[at_mean])
                running[at_variance] += NORMALIZATION_MOMENTUM * (spread - running[at_variance])
            variance /= count
        scale = 1.0 / math.sqrt(variance + NORMALIZATION_EPSILON)
        inverse[at_mean] = scale
        gamma, beta = parameters[table[layer, GAMMA] + j], parameters[table[layer, BETA] + j]
        for p in range(count):
            hat = (values[row, p] - mean) * scale
            values[hats, p] = hat
            values[row, p] = gamma * hat + beta


@inlined
def normalize_backward(
    table: Whole,
    layer: int,
    parameters: Floats,
    gradients: Floats,
    values: Floats,
    deltas: Floats,
    inverse: Floats,
    count: int,
    training: bool,
) -> None:
    """Take the deltas of a layer's normalised sums back to its sums, and sum the gradients of scale and shift."""
    for j in range(table[layer, UNITS] * table[layer, PIECES]):
        row, hats = table[layer, SUMS] + j, table[layer, HATS] + j
        scale_sum = shift_sum = 0.0
        for p in range(count):
            scale_sum += deltas[row, p] * values[hats, p]
            shift_sum += deltas[row, p]
        gradients[table[layer, GAMMA] + j] = scale_sum
        gradients[table[layer, BETA] + j] = shift_sum
        factor = parameters[table[layer, GAMMA] + j] * inverse[table[layer, MEAN] + j]
        through = 1.0 / count if training else 0.0  # fixed statistics have no derivative
        for p in range(count):
            back = (shift_sum + values[hats, p] * scale_sum) * through
            deltas[row, p] = factor * (deltas[row, p] - back)
