"""The networks of TensorFlow Playground in float64: one small kernel, soon compiled, and quick.

One output unit, halved squared error, plain gradient descent, layers that only add up and bend. ``values`` holds one
row for each input and each unit (and a last one for the labels), ``deltas`` the loss's derivative by it. Points are
computed in whole groups of a vector; what fills up the last group never reaches a gradient or a loss.

Additions have TensorFlow Playground's order (bias, then source by source; gradients point by point) and its rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

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
from layerlab.playground.kernels.compiler import compiled, inlined
from layerlab.playground.kernels.functions import positive, sigmoid, slope_of_positive, tanh
from layerlab.playground.kernels.vectors import DOUBLES, fill, load, store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["compute", "paint", "run"]

LEARN: Final = 0
EVALUATE_TRAIN: Final = 1
EVALUATE_TEST: Final = 2


@inlined
def forward(table: Whole, parameters: Floats, values: Floats, count: int) -> None:
    """Compute the rows of every unit from the input rows."""
    width = values.shape[1]
    for p in range(0, count, DOUBLES):
        for layer in range(len(table)):
            inputs, source, target = table[layer, INPUTS], table[layer, INPUT_ROWS], table[layer, OUTPUT_ROWS]
            place, kind = table[layer, WEIGHTS], table[layer, KIND]
            for unit in range(table[layer, UNITS]):
                total = fill(parameters[table[layer, BIASES] + unit])
                for i in range(inputs):
                    total += fill(parameters[place + i]) * load(values, (source + i) * width + p)
                place += inputs
                if kind == TANH:
                    total = tanh(total)
                elif kind == SIGMOID:
                    total = sigmoid(total)
                elif kind == RELU:
                    total = positive(total)
                store(values, (target + unit) * width + p, total)


@inlined
def backward(table: Whole, parameters: Floats, gradients: Floats, values: Floats, deltas: Floats, count: int) -> None:  # noqa: PLR0912 (a kernel is one loop)
    """Sum the gradients over the batch."""
    width, output = values.shape[1], table[-1, OUTPUT_ROWS]
    for p in range(0, count, DOUBLES):
        error = load(values, output * width + p) - load(values, (len(values) - 1) * width + p)
        store(deltas, output * width + p, error)
    for layer in range(len(table) - 1, -1, -1):
        inputs, source, target = table[layer, INPUTS], table[layer, INPUT_ROWS], table[layer, OUTPUT_ROWS]
        units, place, kind = table[layer, UNITS], table[layer, WEIGHTS], table[layer, KIND]
        for unit in range(units):
            row = (target + unit) * width
            for p in range(row, row + count, DOUBLES):
                value = load(values, p)
                slope = fill(1.0)
                if kind == TANH:
                    slope = slope - value * value
                elif kind == SIGMOID:
                    slope = value * (slope - value)
                elif kind == RELU:
                    slope = slope_of_positive(value)
                store(deltas, p, load(deltas, p) * slope)
            total = 0.0
            for p in range(count):
                total += deltas[target + unit, p]
            gradients[table[layer, BIASES] + unit] = total
            for i in range(inputs):
                total = 0.0
                for p in range(count):
                    total += deltas[target + unit, p] * values[source + i, p]
                gradients[place + unit * inputs + i] = total
        if layer > 0:
            for i in range(inputs):
                for p in range(0, count, DOUBLES):
                    delta = fill(0.0)
                    for unit in range(units):
                        weight = parameters[place + unit * inputs + i]
                        delta += fill(weight) * load(deltas, (target + unit) * width + p)
                    store(deltas, (source + i) * width + p, delta)


@inlined
def update(
    codes: Whole,
    rate: float,
    penalty_rate: float,
    parameters: Floats,
    gradients: Floats,
    dead: Flags,
    frozen: Flags,
    count: int,
) -> None:
    """Make one step of gradient descent and of the penalty, rounded as TensorFlow Playground does."""
    penalty, weights = codes[1], codes[2]
    step, shrink = rate / count, rate * penalty_rate
    for k in range(len(parameters)):
        if dead[k] or frozen[k]:
            continue
        before = parameters[k]
        if k >= weights:
            parameters[k] = before - rate * gradients[k] / count
            continue
        after = before - step * gradients[k]
        if penalty == L1:
            shrunk = after - shrink * (-1.0 if before < 0.0 else (1.0 if before > 0.0 else 0.0))
            dead[k] = after * shrunk < 0.0
            after = 0.0 if dead[k] else shrunk
        elif penalty == L2:
            after -= shrink * before
        parameters[k] = after


@compiled
def run(  # noqa: PLR0912, PLR0915 (a kernel is one loop)
    codes: Whole,
    rates: Floats,
    table: Whole,
    parameters: Floats,
    gradients: Floats,
    dead: Flags,
    frozen: Flags,
    values: Floats,
    deltas: Floats,
    queue: Floats,
    train: Floats,
    test: Floats,
    counters: Whole,
    limit: int,
    history: Floats,
) -> tuple[int, int]:
    """Train until ``history`` (epochs, 2) is full of losses, ``limit`` updates are made or a number is not finite.

    Args:
        codes: batch size (0: only evaluate, once), penalty, how many parameters are weights.
        rates: the penalty's, then the learning rate of each epoch, the current one first.
        table: of the layout, with the output layer's activation.
        parameters, gradients, dead, frozen: vectors in the layout's order.
        values, deltas: working memory.
        queue: (features + 1, capacity) points that wait from the epoch before.
        train, test: (features + 1, points), the labels last.
        counters: points done in this epoch, points in the queue, updates made; all brought up to date.

    Returns:
        (epochs completed, updates made)
    """
    batch, output = codes[0], table[-1, OUTPUT_ROWS]
    points, block = train.shape[1], values.shape[1]
    epochs = made = start = end = waiting = 0
    total = 0.0
    # Training and evaluation share the one place where values are computed: half the code to compile.
    stage = LEARN if batch > 0 else EVALUATE_TRAIN
    while epochs < len(history) and (stage != LEARN or made < limit):
        if stage == LEARN:
            place, waiting = counters[0], counters[1]
            end = (place // batch + 1) * batch
            if end > points:
                keep = points - place
                left = min(waiting, queue.shape[1] - keep)
                for i in range(len(queue)):
                    for p in range(left):
                        queue[i, p] = queue[i, p + waiting - left]
                    for p in range(keep):
                        queue[i, left + p] = train[i, place + p]
                counters[0], counters[1] = 0, left + keep
                stage = EVALUATE_TRAIN
                continue
            begin, count = place, waiting + end - place
        else:
            waiting, begin = 0, start
            count = min(block, (train if stage == EVALUATE_TRAIN else test).shape[1] - start)
        for source in range(0 if waiting > 0 else 1, 2):
            data = (test if stage == EVALUATE_TEST else train) if source == 1 else queue
            to = waiting if source == 1 else 0
            shift = begin - to if source == 1 else 0
            for i in range(len(data)):
                row = i if i < len(data) - 1 else len(values) - 1
                for p in range(to, count if source == 1 else waiting):
                    values[row, p] = data[i, p + shift]
        forward(table, parameters, values, count)
        if stage == LEARN:
            backward(table, parameters, gradients, values, deltas, count)
            update(codes, rates[1 + epochs], rates[0], parameters, gradients, dead, frozen, count)
            made += 1
            counters[0], counters[1], counters[2] = end, 0, counters[2] + 1
            if end == points:
                counters[0] = 0
                stage = EVALUATE_TRAIN
        else:
            for p in range(count):
                error = values[output, p] - values[len(values) - 1, p]
                total += 0.5 * (error * error)
            start += count
            size = train.shape[1] if stage == EVALUATE_TRAIN else test.shape[1]
            if start < size:
                continue
            history[epochs, stage - EVALUATE_TRAIN] = total / size
            finite = math.isfinite(total)
            total, start = 0.0, 0
            if stage == EVALUATE_TRAIN:
                stage = EVALUATE_TEST
                continue
            finite = finite and math.isfinite(history[epochs, 0])
            for k in range(len(parameters)):
                finite = finite and math.isfinite(parameters[k])
            epochs += 1
            stage = LEARN
            if not finite or batch == 0:
                break
    return epochs, made


@compiled
def compute(table: Whole, parameters: Floats, values: Floats, points: Floats, rows: Whole, results: Floats) -> None:
    """Compute the rows ``rows`` of ``values`` for points (features + 1, n), into ``results`` (rows, n)."""
    size, block = points.shape[1], values.shape[1]
    for start in range(0, size, block):
        count = min(block, size - start)
        for i in range(len(points) - 1):
            for p in range(count):
                values[i, p] = points[i, start + p]
        forward(table, parameters, values, count)
        for k in range(len(rows)):
            for p in range(count):
                results[k, start + p] = values[rows[k], p]


@compiled
def paint(values: Floats, painted: NDArray[np.uint8]) -> None:
    """Turn each value v in [-1, 1] into the byte round(127.5 (v + 1)), what is beyond into the nearest; NaN: 128."""
    for k in range(len(values)):
        for p in range(values.shape[1]):
            value = 127.5 * (values[k, p] + 1.0)
            value = 0.0 if value < 0.0 else value
            value = 255.0 if value > 255.0 else value
            painted[k, p] = np.uint8(np.rint(value)) if value == value else np.uint8(128)  # noqa: PLR0124
