"""The networks of TensorFlow Playground in float64: small, soon compiled, and quick.

One output unit, halved squared error, plain gradient descent, layers that only add up and bend. ``values`` holds one
row for each input and each unit, and ``deltas`` the loss's derivative by it. Points are computed in whole groups of
``LANES``, so that each loop becomes vectors; what the points that fill up the last group hold is never read.

Additions have TensorFlow Playground's order (bias, then source by source; gradients point by point) and its rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from layerlab.playground.kernels.codes import (
    BIASES,
    INPUT_ROWS,
    INPUTS,
    KIND,
    L1,
    L2,
    OUTPUT_ROWS,
    RELU,
    SIGMOID,
    TANH,
    UNITS,
    WEIGHTS,
)
from layerlab.playground.kernels.compiler import compiled
from layerlab.playground.kernels.functions import sigmoid, tanh

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["LANES", "evaluate", "run"]

LANES: Final = 8


@compiled
def forward(table: Whole, parameters: Floats, values: Floats, count: int) -> None:
    """Compute the rows of every unit from the input rows, for ``count`` points filled up to whole groups."""
    count = (count + LANES - 1) // LANES * LANES
    for layer in range(len(table)):
        inputs, source, target = table[layer, INPUTS], table[layer, INPUT_ROWS], table[layer, OUTPUT_ROWS]
        place = table[layer, WEIGHTS]
        kind = table[layer, KIND]
        for unit in range(target, target + table[layer, UNITS]):
            bias = parameters[table[layer, BIASES] + unit - target]
            for p in range(count):
                values[unit, p] = bias
            for i in range(source, source + inputs):
                weight = parameters[place]
                place += 1
                for p in range(count):
                    values[unit, p] += weight * values[i, p]
            if kind == TANH:
                for p in range(count):
                    values[unit, p] = tanh(values[unit, p])
            elif kind == SIGMOID:
                for p in range(count):
                    values[unit, p] = sigmoid(values[unit, p])
            elif kind == RELU:
                for p in range(count):
                    values[unit, p] = 0.0 if values[unit, p] < 0.0 else values[unit, p]


@compiled
def backward(table: Whole, parameters: Floats, gradients: Floats, values: Floats, deltas: Floats, count: int) -> None:
    """Sum the gradients over the batch, from the deltas of the output layer's row."""
    for layer in range(len(table) - 1, -1, -1):
        inputs, source, target = table[layer, INPUTS], table[layer, INPUT_ROWS], table[layer, OUTPUT_ROWS]
        place = table[layer, WEIGHTS]
        kind = table[layer, KIND]
        if layer:
            for i in range(source, source + inputs):
                for p in range(count):
                    deltas[i, p] = 0.0
        for unit in range(target, target + table[layer, UNITS]):
            total = 0.0
            for p in range(count):
                value = values[unit, p]
                slope = 1.0
                if kind == TANH:
                    slope = 1.0 - value * value
                elif kind == SIGMOID:
                    slope = value * (1.0 - value)
                elif kind == RELU:
                    slope = 0.0 if value <= 0.0 else 1.0
                deltas[unit, p] *= slope
                total += deltas[unit, p]
            gradients[table[layer, BIASES] + unit - target] = total
            for i in range(source, source + inputs):
                total = 0.0
                for p in range(count):
                    total += deltas[unit, p] * values[i, p]
                gradients[place] = total
                if layer:
                    weight = parameters[place]
                    for p in range(count):
                        deltas[i, p] += weight * deltas[unit, p]
                place += 1


@compiled
def update(
    penalty: int,
    rate: float,
    penalty_rate: float,
    weights: int,
    parameters: Floats,
    gradients: Floats,
    dead: NDArray[np.bool_],
    frozen: NDArray[np.bool_],
    count: int,
) -> None:
    """Make one step of gradient descent and of the penalty, rounded as TensorFlow Playground does."""
    step, shrink = rate / count, rate * penalty_rate
    for k in range(weights):
        if dead[k] or frozen[k]:
            continue
        before = parameters[k]
        after = before - step * gradients[k]
        if penalty == L1:
            shrunk = after - shrink * (-1.0 if before < 0.0 else (1.0 if before > 0.0 else 0.0))
            dead[k] = after * shrunk < 0.0
            after = 0.0 if dead[k] else shrunk
        elif penalty == L2:
            after -= shrink * before
        parameters[k] = after
    for k in range(weights, len(parameters)):
        if not frozen[k]:
            parameters[k] -= rate * gradients[k] / count


@compiled
def evaluate(table: Whole, parameters: Floats, values: Floats, inputs: Floats, labels: Floats) -> float:
    """Return the mean loss of the points ``inputs`` (features, points); NaN without points."""
    total = 0.0
    count, block, row = inputs.shape[1], values.shape[1], table[-1, OUTPUT_ROWS]
    for start in range(0, count, block):
        part = min(block, count - start)
        for i in range(len(inputs)):
            for p in range(part):
                values[i, p] = inputs[i, start + p]
        forward(table, parameters, values, part)
        for p in range(part):
            error = values[row, p] - labels[start + p]
            total += 0.5 * (error * error)
    return total / count


@compiled
def run(
    codes: Whole,
    rates: Floats,
    table: Whole,
    parameters: Floats,
    gradients: Floats,
    dead: NDArray[np.bool_],
    frozen: NDArray[np.bool_],
    values: Floats,
    deltas: Floats,
    queue: Floats,
    train: Floats,
    labels: Floats,
    test: Floats,
    test_labels: Floats,
    counters: Whole,
    limit: int,
    history: Floats,
) -> tuple[int, int]:
    """Train until ``history`` (epochs, 2) is full of losses, ``limit`` updates are made or a number is not finite.

    Args:
        codes: (unused), (unused), penalty, batch size, how many parameters are weights.
        rates: (unused), penalty's rate, then the learning rate of each epoch, the current one first.
        queue: (features + 1, capacity) points that wait from the epoch before: their inputs and labels.
        train: (features, points), with ``labels``; test likewise.
        counters: points done in this epoch, points in the queue, updates made; all brought up to date.

    Returns:
        (epochs completed, updates made)
    """
    batch = codes[3]
    features, points = train.shape
    row = table[-1, OUTPUT_ROWS]
    epochs = made = 0
    while made < limit and epochs < len(history):
        place, waiting = counters[0], counters[1]
        end = (place // batch + 1) * batch
        if end <= points:
            count = waiting + end - place
            for i in range(features):
                for p in range(waiting):
                    values[i, p] = queue[i, p]
                for p in range(end - place):
                    values[i, waiting + p] = train[i, place + p]
            forward(table, parameters, values, count)
            for p in range(waiting):
                deltas[row, p] = values[row, p] - queue[features, p]
            for p in range(end - place):
                deltas[row, waiting + p] = values[row, waiting + p] - labels[place + p]
            backward(table, parameters, gradients, values, deltas, count)
            update(codes[2], rates[2 + epochs], rates[1], codes[4], parameters, gradients, dead, frozen, count)
            counters[0], counters[1], counters[2] = end, 0, counters[2] + 1
            made += 1
        else:
            wait(queue, train, labels, counters)
        if counters[0] == points:
            counters[0] = 0
            history[epochs, 0] = evaluate(table, parameters, values, train, labels)
            history[epochs, 1] = evaluate(table, parameters, values, test, test_labels)
            finite = math.isfinite(history[epochs, 0]) and (len(test_labels) == 0 or math.isfinite(history[epochs, 1]))
            for k in range(len(parameters)):
                finite = finite and math.isfinite(parameters[k])
            epochs += 1
            if not finite:
                break
    return epochs, made


@compiled
def wait(queue: Floats, train: Floats, labels: Floats, counters: Whole) -> None:
    """Put the rest of the epoch into the queue, which keeps its newest points, and end the epoch."""
    features, points = train.shape
    keep = points - counters[0]
    shift = max(0, counters[1] + keep - queue.shape[1])
    waiting = max(0, counters[1] - shift)
    for i in range(features + 1):
        for p in range(waiting):
            queue[i, p] = queue[i, p + shift]
        for p in range(keep):
            queue[i, waiting + p] = train[i, counters[0] + p] if i < features else labels[counters[0] + p]
    counters[0], counters[1] = points, waiting + keep
