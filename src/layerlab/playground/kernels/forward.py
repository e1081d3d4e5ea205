"""The forward pass of any network, in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from layerlab.playground.kernels.codes import (
    ADD,
    BIASES,
    CONCATENATE,
    ELU,
    ELU_ALPHA,
    FACTORS,
    HIDDEN,
    INPUT_ROWS,
    INPUTS,
    KIND,
    LEAKY,
    LEAKY_SLOPE,
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
from layerlab.playground.kernels.functions import expm1, sigmoid, tanh
from layerlab.playground.kernels.normalization import normalize
from layerlab.playground.kernels.vectors import DOUBLES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["forward"]


@inlined
def activate(kind: int, values: Floats, source: int, target: int, count: int) -> None:
    """Put the activation of row ``source`` into row ``target`` (for Maxout, of the two rows from ``source``)."""
    count = (count + DOUBLES - 1) // DOUBLES * DOUBLES
    if kind == TANH:
        for p in range(count):
            values[target, p] = tanh(values[source, p])
    elif kind == SIGMOID:
        for p in range(count):
            values[target, p] = sigmoid(values[source, p])
    elif kind == ELU:
        for p in range(count):
            value = values[source, p]
            bent = ELU_ALPHA * expm1(0.0 if value > 0.0 else value)
            values[target, p] = value if value > 0.0 else bent
    elif kind == MAXOUT:
        for p in range(count):
            first, second = values[source, p], values[source + 1, p]
            values[target, p] = second if second > first else first
    else:
        slope = 0.0 if kind == RELU else (LEAKY_SLOPE if kind == LEAKY else 1.0)
        for p in range(count):
            value = values[source, p]
            values[target, p] = slope * value if value < 0.0 else value


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
    last = len(table) - 1
    for layer in range(len(table)):
        inputs, units, pieces = table[layer, INPUTS], table[layer, UNITS], table[layer, PIECES]
        source, sums = table[layer, INPUT_ROWS], table[layer, SUMS]
        hidden, output = table[layer, HIDDEN], table[layer, OUTPUT_ROWS]
        for j in range(units * pieces):
            bias = parameters[table[layer, BIASES] + j]
            for p in range(count):
                values[sums + j, p] = bias
            for i in range(inputs):
                weight = parameters[table[layer, WEIGHTS] + j * inputs + i]
                for p in range(count):
                    values[sums + j, p] += weight * values[source + i, p]
        if table[layer, NORMALIZED]:
            normalize(table, layer, parameters, running, values, inverse, count, training, remember)
        for unit in range(units):
            activate(table[layer, KIND], values, sums + unit * pieces, hidden + unit, count)
            if dropping and layer < last:
                for p in range(count):
                    values[output + unit, p] = values[hidden + unit, p] * values[table[layer, FACTORS] + unit, p]
            else:
                for p in range(count):
                    values[output + unit, p] = values[hidden + unit, p]
            if table[layer, SKIP] == ADD:
                for p in range(count):
                    values[output + unit, p] += values[source + unit, p]
        if table[layer, SKIP] == CONCATENATE:
            for i in range(inputs):
                for p in range(count):
                    values[output + units + i, p] = values[source + i, p]
    if kind > LOGISTIC:
        softmax(values, table[last, OUTPUT_ROWS], table[last, UNITS], count)
