"""The loss of any network and the backward pass, in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from layerlab.playground.kernels.codes import (
    ADD,
    BIASES,
    ELU,
    ELU_ALPHA,
    FACTORS,
    HIDDEN,
    INPUT_ROWS,
    INPUTS,
    KIND,
    LEAKY,
    LEAKY_SLOPE,
    LINEAR_MSE,
    LOGISTIC,
    MAXOUT,
    NORMALIZED,
    OUTPUT_ROWS,
    PIECES,
    RELU,
    SIGMOID,
    SKIP,
    SOFTMAX_MSE,
    SUMS,
    TANH,
    TANH_MSE,
    UNITS,
    WEIGHTS,
)
from layerlab.playground.kernels.compiler import inlined
from layerlab.playground.kernels.normalization import normalize_backward

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["backward", "point_loss"]


@inlined
def derive(kind: int, values: Floats, deltas: Floats, source: int, target: int, count: int) -> None:
    """Put the derivative by row ``source`` into its deltas, from the activation's row ``target`` and its deltas."""
    if kind == MAXOUT:
        for p in range(count):
            second = values[source + 1, p] > values[source, p]
            deltas[source, p] = 0.0 if second else deltas[target, p]
            deltas[source + 1, p] = deltas[target, p] if second else 0.0
    else:
        below = 0.0 if kind == RELU else (LEAKY_SLOPE if kind == LEAKY else 1.0)
        for p in range(count):
            value = values[target, p]
            slope = below if value <= 0.0 else 1.0
            slope = value + ELU_ALPHA if (kind == ELU) & (value <= 0.0) else slope
            slope = 1.0 - value * value if kind == TANH else slope
            slope = value * (1.0 - value) if kind == SIGMOID else slope
            deltas[source, p] = deltas[target, p] * slope


@inlined
def point_loss(kind: int, values: Floats, row: int, sums: int, units: int, p: int) -> float:
    """Return the loss of point ``p``, from the output layer's rows and its sums."""
    label = values[len(values) - 1, p]
    loss = 0.0
    if kind <= TANH_MSE:
        error = values[row, p] - label
        loss = 0.5 * (error * error)
    elif kind == LOGISTIC:
        wrong = -label * values[sums, p]
        loss = max(wrong, 0.0) + math.log1p(math.exp(-abs(wrong)))
    elif kind == SOFTMAX_MSE:
        for unit in range(units):
            error = values[row + unit, p] - (1.0 if label == unit else 0.0)
            loss += 0.5 * (error * error)
    else:
        most = values[sums, p]
        for unit in range(1, units):
            most = max(most, values[sums + unit, p])
        for unit in range(units):
            loss += math.exp(values[sums + unit, p] - most)
        loss = math.log(loss) + (most - values[sums + int(label), p])
    return loss


@inlined
def start_backward(kind: int, table: Whole, values: Floats, deltas: Floats, count: int) -> None:
    """Put the loss's derivative by the output layer's sums into their deltas."""
    last = len(table) - 1
    row, units, sums = table[last, OUTPUT_ROWS], table[last, UNITS], table[last, SUMS]
    for p in range(count):
        label, value = values[len(values) - 1, p], values[row, p]
        if kind == LINEAR_MSE:
            deltas[sums, p] = value - label
        elif kind == TANH_MSE:
            deltas[sums, p] = (value - label) * (1.0 - value * value)
        elif kind == LOGISTIC:
            deltas[sums, p] = value - (1.0 if label > 0.0 else 0.0)
        else:
            mean = 0.0
            for unit in range(units):
                error = values[row + unit, p] - (1.0 if label == unit else 0.0)
                deltas[sums + unit, p] = error
                mean += error * values[row + unit, p]
            if kind == SOFTMAX_MSE:
                for unit in range(units):
                    deltas[sums + unit, p] = values[row + unit, p] * (deltas[sums + unit, p] - mean)


@inlined
def backward(
    kind: int,
    table: Whole,
    parameters: Floats,
    gradients: Floats,
    values: Floats,
    deltas: Floats,
    inverse: Floats,
    count: int,
    training: bool,
    dropping: bool,
) -> None:
    """Sum the gradients of every parameter over the batch into ``gradients``."""
    start_backward(kind, table, values, deltas, count)
    last = len(table) - 1
    for layer in range(last, -1, -1):
        inputs, units, pieces = table[layer, INPUTS], table[layer, UNITS], table[layer, PIECES]
        source, sums = table[layer, INPUT_ROWS], table[layer, SUMS]
        hidden, output, skip = table[layer, HIDDEN], table[layer, OUTPUT_ROWS], table[layer, SKIP]
        if layer < last:
            for unit in range(units):
                for p in range(count):
                    factor = values[table[layer, FACTORS] + unit, p] if dropping else 1.0
                    deltas[hidden + unit, p] = deltas[output + unit, p] * factor
                derive(table[layer, KIND], values, deltas, sums + unit * pieces, hidden + unit, count)
        if table[layer, NORMALIZED]:
            normalize_backward(table, layer, parameters, gradients, values, deltas, inverse, count, training)
        beside = output if skip == ADD else output + units
        for i in range(inputs):
            for p in range(count):
                deltas[source + i, p] = deltas[beside + i, p] if skip else 0.0
        for j in range(units * pieces):
            total = 0.0
            for p in range(count):
                total += deltas[sums + j, p]
            gradients[table[layer, BIASES] + j] = total
            for i in range(inputs):
                place = table[layer, WEIGHTS] + j * inputs + i
                weight = parameters[place]
                total = 0.0
                for p in range(count):
                    total += deltas[sums + j, p] * values[source + i, p]
                    deltas[source + i, p] += weight * deltas[sums + j, p]
                gradients[place] = total
