"""The forward pass of any network, in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from layerlab.playground.kernels.codes import (
    ADD,
    BIASES,
    CONCATENATE,
    ELU,
    FACTORS,
    HIDDEN,
    INPUT_ROWS,
    INPUTS,
    KIND,
    LEAKY,
    LOGISTIC,
    MAXOUT,
    NORMALIZED,
    OUTPUT_ROWS,
    PIECES,
    RELU,
    SIGMOID,
    SKIP,
    SUMS,
    TANH,
    UNITS,
    WEIGHTS,
)
from layerlab.playground.kernels.compiler import inlined
from layerlab.playground.kernels.functions import elu, leaky, positive, sigmoid, tanh, where_larger
from layerlab.playground.kernels.normalization import normalize
from layerlab.playground.kernels.vectors import DOUBLES, fill, load, store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["forward"]


@inlined
def activate(kind: int, values: Floats, at: int, width: int) -> Floats:
    """Return the activation of the sums at flat place ``at`` (for Maxout, of those and of the next row's)."""
    total = load(values, at)
    if kind == TANH:
        total = tanh(total)
    elif kind == SIGMOID:
        total = sigmoid(total)
    elif kind == RELU:
        total = positive(total)
    elif kind == LEAKY:
        total = leaky(total)
    elif kind == ELU:
        total = elu(total)
    elif kind == MAXOUT:
        second = load(values, at + width)
        total = where_larger(total, second, second, total)
    return total  # type: ignore[no-any-return]


@inlined
def softmax(values: Floats, row: int, units: int, count: int) -> None:
    """Turn ``units`` rows of sums into probabilities, in place."""
    for p in range(count):
        most = values[row, p]
        for unit in range(1, units):
            most = max(most, values[row + unit, p])
        total = 0.0
        for unit in range(units):
            values[row + unit, p] = math.exp(values[row + unit, p] - most)
            total += values[row + unit, p]
        for unit in range(units):
            values[row + unit, p] /= total


@inlined
def forward(  # noqa: PLR0912 (a kernel is one loop)
    kind: int,
    table: Whole,
    parameters: Floats,
    running: Floats,
    values: Floats,
    inverse: Floats,
    count: int,
    training: bool,
    remember: bool,
    dropping: bool,
) -> None:
    """Compute every row of ``values`` from the input rows; the output layer's rows hold what the loss compares."""
    last, width = len(table) - 1, values.shape[1]
    for layer in range(len(table)):
        inputs, units, pieces = table[layer, INPUTS], table[layer, UNITS], table[layer, PIECES]
        source, sums = table[layer, INPUT_ROWS], table[layer, SUMS]
        hidden, output = table[layer, HIDDEN], table[layer, OUTPUT_ROWS]
        for j in range(units * pieces):
            bias, place = parameters[table[layer, BIASES] + j], table[layer, WEIGHTS] + j * inputs
            for p in range(0, count, DOUBLES):
                total = fill(bias)
                for i in range(inputs):
                    total += fill(parameters[place + i]) * load(values, (source + i) * width + p)
                store(values, (sums + j) * width + p, total)
        if table[layer, NORMALIZED]:
            normalize(table, layer, parameters, running, values, inverse, count, training, remember)
        for unit in range(units):
            for p in range(0, count, DOUBLES):
                total = activate(table[layer, KIND], values, (sums + unit * pieces) * width + p, width)
                store(values, (hidden + unit) * width + p, total)
                if dropping and layer < last:
                    total *= load(values, (table[layer, FACTORS] + unit) * width + p)
                if table[layer, SKIP] == ADD:
                    total += load(values, (source + unit) * width + p)
                store(values, (output + unit) * width + p, total)
        if table[layer, SKIP] == CONCATENATE:
            for i in range(inputs):
                for p in range(0, count, DOUBLES):
                    store(values, (output + units + i) * width + p, load(values, (source + i) * width + p))
    if kind > LOGISTIC:
        softmax(values, table[last, OUTPUT_ROWS], table[last, UNITS], count)
