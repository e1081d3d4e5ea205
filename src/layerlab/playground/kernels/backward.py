"""The loss of any network and the backward pass, in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from layerlab.playground.kernels.codes import (
    ADD,
    BIASES,
    ELU,
    FACTORS,
    HIDDEN,
    INPUT_ROWS,
    INPUTS,
    KIND,
    LEAKY,
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
from layerlab.playground.kernels.functions import slope_of_elu, slope_of_leaky, slope_of_positive, where_larger
from layerlab.playground.kernels.normalization import normalize_backward
from layerlab.playground.kernels.vectors import DOUBLES, fill, load, store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["backward", "point_loss"]


@inlined
def derive(kind: int, values: Floats, deltas: Floats, source: int, target: int, delta: Floats, width: int) -> None:
    """Put the derivative by the sums at ``source`` into their deltas.

    Args:
        source, target: flat places of the sums and of their activation.
        delta: the derivative by the activation.
    """
    value = load(values, target)
    one = fill(1.0)
    if kind == TANH:
        delta = delta * (one - value * value)
    elif kind == SIGMOID:
        delta = delta * (value * (one - value))
    elif kind == RELU:
        delta = delta * slope_of_positive(value)
    elif kind == LEAKY:
        delta = delta * slope_of_leaky(value)
    elif kind == ELU:
        delta = delta * slope_of_elu(value)
    elif kind == MAXOUT:
        first, second = load(values, source), load(values, source + width)
        passed = where_larger(first, second, delta, fill(0.0))
        store(deltas, source + width, passed)
        delta = delta - passed
    store(deltas, source, delta)


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
def backward(  # noqa: PLR0912 (a kernel is one loop)
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
    last, width = len(table) - 1, values.shape[1]
    for layer in range(last, -1, -1):
        inputs, units, pieces = table[layer, INPUTS], table[layer, UNITS], table[layer, PIECES]
        source, sums = table[layer, INPUT_ROWS], table[layer, SUMS]
        hidden, output, skip = table[layer, HIDDEN], table[layer, OUTPUT_ROWS], table[layer, SKIP]
        if layer < last:
            for unit in range(units):
                for p in range(0, count, DOUBLES):
                    delta = load(deltas, (output + unit) * width + p)
                    if dropping:
                        delta *= load(values, (table[layer, FACTORS] + unit) * width + p)
                    at, to = (sums + unit * pieces) * width + p, (hidden + unit) * width + p
                    derive(table[layer, KIND], values, deltas, at, to, delta, width)
        if table[layer, NORMALIZED]:
            normalize_backward(table, layer, parameters, gradients, values, deltas, inverse, count, training)
        beside = output if skip == ADD else output + units
        place = table[layer, WEIGHTS]
        for i in range(inputs):
            for p in range(0, count, DOUBLES):
                delta = fill(0.0)
                if skip:
                    delta = load(deltas, (beside + i) * width + p)
                for j in range(units * pieces):
                    delta += fill(parameters[place + j * inputs + i]) * load(deltas, (sums + j) * width + p)
                store(deltas, (source + i) * width + p, delta)
        for j in range(units * pieces):
            total = 0.0
            for p in range(count):
                total += deltas[sums + j, p]
            gradients[table[layer, BIASES] + j] = total
            for i in range(inputs):
                total = 0.0
                for p in range(count):
                    total += deltas[sums + j, p] * values[source + i, p]
                gradients[place + j * inputs + i] = total
