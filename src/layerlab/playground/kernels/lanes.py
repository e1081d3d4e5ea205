"""Sixteen networks at once in float32: the lanes of a vector are networks of one shape.

The networks are those of :mod:`layerlab.playground.kernels.classic`. Every array has the lanes as its last axis, so
that one load brings one number of all sixteen networks, and each lane sees the same operations whoever is beside it: a
network's numbers do not depend on its company.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from layerlab.playground.kernels.classic import EVALUATE_TEST, EVALUATE_TRAIN, LEARN
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
from layerlab.playground.kernels.vectors import SINGLES, fill, load, store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Singles = NDArray[np.float32]
    Doubles = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["run"]


@inlined
def bend(kind: int, total: Singles) -> Singles:
    """Return the activation of a vector of sums."""
    result = total
    if kind == TANH:
        result = tanh(total)
    elif kind == SIGMOID:
        result = sigmoid(total)
    elif kind == RELU:
        result = positive(total)
    return result


@inlined
def forward(table: Whole, parameters: Singles, values: Singles, count: int) -> None:
    """Compute the rows of every unit from the input rows, two units and two points at a time: four sums of four loads.

    An odd point at the end has a neighbour, whose values nobody reads.
    """
    row = values.shape[1] * SINGLES
    for p in range(0, count * SINGLES, 2 * SINGLES):
        for layer in range(len(table)):
            inputs, source, target = table[layer, INPUTS], table[layer, INPUT_ROWS], table[layer, OUTPUT_ROWS]
            units, kind = table[layer, UNITS], table[layer, KIND]
            place, bias = table[layer, WEIGHTS] * SINGLES, table[layer, BIASES] * SINGLES
            begin, out = source * row + p, target * row + p
            for _ in range(units // 2):
                one = other = load(parameters, bias)
                two = second = load(parameters, bias + SINGLES)
                at, below = begin, place + inputs * SINGLES
                for _ in range(inputs):
                    left, right = load(values, at), load(values, at + SINGLES)
                    weight, lower = load(parameters, place), load(parameters, below)
                    one += weight * left
                    other += weight * right
                    two += lower * left
                    second += lower * right
                    place += SINGLES
                    below += SINGLES
                    at += row
                place = below
                store(values, out, bend(kind, one))
                store(values, out + SINGLES, bend(kind, other))
                store(values, out + row, bend(kind, two))
                store(values, out + row + SINGLES, bend(kind, second))
                bias += 2 * SINGLES
                out += 2 * row
            if units % 2 == 1:
                one = other = load(parameters, bias)
                at = begin
                for _ in range(inputs):
                    weight = load(parameters, place)
                    one += weight * load(values, at)
                    other += weight * load(values, at + SINGLES)
                    place += SINGLES
                    at += row
                store(values, out, bend(kind, one))
                store(values, out + SINGLES, bend(kind, other))


@inlined
def bend_back(kind: int, value: Singles, delta: Singles) -> Singles:
    """Return the derivative by the sum from that by the activation's value."""
    one = fill(np.float32(1.0))
    if kind == TANH:
        delta *= one - value * value
    elif kind == SIGMOID:
        delta *= value * (one - value)
    elif kind == RELU:
        delta *= slope_of_positive(value)
    return delta


@inlined
def backward(
    table: Whole, parameters: Singles, gradients: Singles, values: Singles, deltas: Singles, count: int
) -> None:
    """Sum the gradients over the batch."""
    row, output = values.shape[1] * SINGLES, table[-1, OUTPUT_ROWS]
    end = count * SINGLES
    for p in range(0, end, SINGLES):
        label = load(values, (len(values) - 1) * row + p)
        store(deltas, output * row + p, load(values, output * row + p) - label)
    for layer in range(len(table) - 1, -1, -1):
        inputs, units, kind = table[layer, INPUTS], table[layer, UNITS], table[layer, KIND]
        source, target = table[layer, INPUT_ROWS] * row, table[layer, OUTPUT_ROWS] * row
        place, bias = table[layer, WEIGHTS] * SINGLES, table[layer, BIASES] * SINGLES
        for unit in range(units):
            total = fill(np.float32(0.0))
            for at in range(target + unit * row, target + unit * row + end, SINGLES):
                delta = bend_back(kind, load(values, at), load(deltas, at))
                total += delta
                store(deltas, at, delta)
            store(gradients, bias + unit * SINGLES, total)
        of_weights(gradients, values, deltas, place, source, target, row, inputs, units, end)
        if layer > 0:
            of_inputs(parameters, deltas, place, source, target, row, inputs, units, end)


@inlined
def of_weights(
    gradients: Singles,
    values: Singles,
    deltas: Singles,
    place: int,
    source: int,
    target: int,
    row: int,
    inputs: int,
    units: int,
    end: int,
) -> None:
    """Sum the gradients of one layer's weights over the batch, two inputs at a time."""
    for unit in range(units):
        above = target + unit * row
        for i in range(0, inputs - 1, 2):
            left = right = fill(np.float32(0.0))
            at = source + i * row
            for p in range(0, end, SINGLES):
                delta = load(deltas, above + p)
                left += delta * load(values, at + p)
                right += delta * load(values, at + row + p)
            store(gradients, place, left)
            store(gradients, place + SINGLES, right)
            place += 2 * SINGLES
        if inputs % 2 == 1:
            left = fill(np.float32(0.0))
            at = source + (inputs - 1) * row
            for p in range(0, end, SINGLES):
                left += load(deltas, above + p) * load(values, at + p)
            store(gradients, place, left)
            place += SINGLES


@inlined
def of_inputs(
    parameters: Singles,
    deltas: Singles,
    place: int,
    source: int,
    target: int,
    row: int,
    inputs: int,
    units: int,
    end: int,
) -> None:
    """Sum the derivatives by one layer's inputs over its units, two inputs and two points at a time."""
    for i in range(0, inputs - 1, 2):
        for p in range(0, end, 2 * SINGLES):
            one = other = two = second = fill(np.float32(0.0))
            at, weight = target + p, place + i * SINGLES
            for _ in range(units):
                left, right = load(parameters, weight), load(parameters, weight + SINGLES)
                delta, following = load(deltas, at), load(deltas, at + SINGLES)
                one += left * delta
                other += left * following
                two += right * delta
                second += right * following
                at += row
                weight += inputs * SINGLES
            out = source + i * row + p
            store(deltas, out, one)
            store(deltas, out + SINGLES, other)
            store(deltas, out + row, two)
            store(deltas, out + row + SINGLES, second)
    if inputs % 2 == 1:
        for p in range(0, end, SINGLES):
            one = fill(np.float32(0.0))
            at, weight = target + p, place + (inputs - 1) * SINGLES
            for _ in range(units):
                one += load(parameters, weight) * load(deltas, at)
                at += row
                weight += inputs * SINGLES
            store(deltas, source + (inputs - 1) * row + p, one)


@inlined
def update(
    codes: Whole,
    rates: Singles,
    row: int,
    parameters: Singles,
    gradients: Singles,
    free: Singles,
    count: int,
) -> None:
    """Make one step of gradient descent and of the penalty at the rates of epoch ``row``.

    ``free`` is 0 for what is dead or frozen, otherwise 1; a weight dies where the L1 penalty would change its sign.
    """
    penalty, weights = codes[1], codes[2]
    rate = load(rates, row * SINGLES)
    step, shrink = rate / fill(np.float32(count)), rate * load(rates, 0)
    one, none = fill(np.float32(1.0)), fill(np.float32(0.0))
    for k in range(len(parameters)):
        at = k * SINGLES
        before, moves = load(parameters, at), load(free, at)
        after = before - step * moves * load(gradients, at)
        if k < weights and penalty == L2:
            after -= shrink * moves * before
        elif k < weights and penalty == L1:
            sign = slope_of_positive(before) - slope_of_positive(none - before)
            shrunk = after - shrink * moves * sign
            stays = one - slope_of_positive(none - after * shrunk)
            store(free, at, moves * stays)
            after = shrunk * stays
        store(parameters, at, after)


@compiled
def run(  # noqa: PLR0912, PLR0915 (a kernel is one loop)
    codes: Whole,
    rates: Singles,
    table: Whole,
    parameters: Singles,
    gradients: Singles,
    free: Singles,
    values: Singles,
    deltas: Singles,
    queue: Singles,
    train: Singles,
    test: Singles,
    losses: Doubles,
    counters: Whole,
    until: int,
    results: Singles,
    results_free: Singles,
) -> None:
    """Evaluate, then train and evaluate until row ``until`` of ``losses`` (epochs + 1, 2, lanes) or no lane is finite.

    A call goes on where the one before it stopped.

    Args:
        codes: batch size, penalty, how many parameters are weights.
        rates: (epochs + 1, lanes): the penalty's, then the learning rate of each epoch.
        table: of the layout.
        parameters, gradients, free: (parameters, lanes).
        values, deltas: (rows, even number of points, lanes), working memory.
        queue: (features + 1, points, lanes) points that wait from the epoch before.
        train, test: (features + 1, points, lanes), the labels last.
        counters: points in the queue, updates made, rows of ``losses`` filled, then for each lane its last epoch (-1
            before it has ended), then for each the updates until then.
        results, results_free: filled with each lane's ``parameters`` and ``free`` when it ended.
    """
    batch, output = codes[0], table[-1, OUTPUT_ROWS]
    points, width = train.shape[1], values.shape[1]
    waiting, made, rows = counters[0], counters[1], counters[2]
    place = start = end = running = 0
    sums = np.zeros(SINGLES)
    part = np.zeros(SINGLES, np.float32)
    ended = counters[3 : 3 + SINGLES] >= 0
    stage = EVALUATE_TRAIN if rows == 0 else LEARN
    while rows < until:
        if stage == LEARN:
            end = (place // batch + 1) * batch
            if end > points:
                keep = points - place
                left = min(waiting, queue.shape[1] - keep)
                for i in range(len(queue)):
                    for p in range(left):
                        for lane in range(SINGLES):
                            queue[i, p, lane] = queue[i, p + waiting - left, lane]
                    for p in range(keep):
                        for lane in range(SINGLES):
                            queue[i, left + p, lane] = train[i, place + p, lane]
                place, waiting = 0, left + keep
                stage = EVALUATE_TRAIN
                continue
            begin, before, count = place, waiting, waiting + end - place
        else:
            begin, before = start, 0
            count = min(width, (train if stage == EVALUATE_TRAIN else test).shape[1] - start)
        for source in range(0 if before > 0 else 1, 2):
            data = (test if stage == EVALUATE_TEST else train) if source == 1 else queue
            first, stop = (before, count) if source == 1 else (0, before)
            shift = begin - before if source == 1 else 0
            for i in range(len(data)):
                row = i if i < len(data) - 1 else len(values) - 1
                for p in range(first, stop):
                    at = (row * width + p) * SINGLES
                    store(values, at, load(data, (i * data.shape[1] + p + shift) * SINGLES))
        forward(table, parameters, values, count)
        if stage == LEARN:
            backward(table, parameters, gradients, values, deltas, count)
            update(codes, rates, rows, parameters, gradients, free, count)
            made += 1
            place, waiting = end, 0
            if end == points:
                place = 0
                stage = EVALUATE_TRAIN
            continue
        total = fill(np.float32(0.0))
        for p in range(count):
            at = (output * width + p) * SINGLES
            error = load(values, at) - load(values, ((len(values) - 1) * width + p) * SINGLES)
            total += error * error
        store(part, 0, total)
        for lane in range(SINGLES):
            sums[lane] += 0.5 * np.float64(part[lane])
        start += count
        size = train.shape[1] if stage == EVALUATE_TRAIN else test.shape[1]
        if start < size:
            continue
        for lane in range(SINGLES):
            if not ended[lane]:
                losses[rows, stage - EVALUATE_TRAIN, lane] = sums[lane] / size
            sums[lane] = 0.0
        start = 0
        if stage == EVALUATE_TRAIN:
            stage = EVALUATE_TEST
            continue
        running = 0
        for lane in range(SINGLES):
            if ended[lane]:
                continue
            finite = math.isfinite(losses[rows, 0, lane]) and (size == 0 or math.isfinite(losses[rows, 1, lane]))
            for k in range(len(parameters)):
                finite = finite and math.isfinite(parameters[k, lane])
            if not finite or rows == len(losses) - 1:
                ended[lane] = True
                counters[3 + lane] = rows
                counters[3 + SINGLES + lane] = made
                for k in range(len(parameters)):
                    results[k, lane] = parameters[k, lane]
                    results_free[k, lane] = free[k, lane]
            else:
                running += 1
        rows += 1
        stage = LEARN
        if running == 0:
            break
    counters[0], counters[1], counters[2] = waiting, made, rows
