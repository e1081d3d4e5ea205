"""Every network that a specification can have, in float64.

Arguments that recur:

- ``table``: a layout's table; ``parameters``, ``gradients``: vectors in its order; ``running``: means, then variances;
- ``values``, ``deltas``: working memory, (rows, points): a row holds one value (or the loss's derivative by it) for
  every point of the batch; the inputs come first, the labels are the last row of ``values``;
- ``inverse``: 1 / standard deviation of each normalised sum of this batch;
- ``count``: points in the batch.

Sums run over sources, and gradients over points, in the order of the data, so that a result depends on nothing else.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.playground.kernels.classic import EVALUATE_TEST, EVALUATE_TRAIN, LEARN
from layerlab.playground.kernels.codes import (
    ADAMW,
    ADD,
    BETA,
    BIASES,
    CONCATENATE,
    ELU,
    ELU_ALPHA,
    FACTORS,
    GAMMA,
    HATS,
    HIDDEN,
    INPUT_ROWS,
    INPUTS,
    KIND,
    L1,
    L2,
    LEAKY,
    LEAKY_SLOPE,
    LINEAR_MSE,
    LOGISTIC,
    MAXOUT,
    MEAN,
    MOMENTUM,
    NESTEROV,
    NORMALIZED,
    OUTPUT_ROWS,
    PIECES,
    RELU,
    RMSPROP,
    SGD,
    SIGMOID,
    SKIP,
    SOFTMAX_MSE,
    SUMS,
    TANH,
    TANH_MSE,
    UNITS,
    VARIANCE,
    WEIGHTS,
)
from layerlab.playground.kernels.compiler import compiled, inlined
from layerlab.playground.kernels.functions import expm1, sigmoid, tanh
from layerlab.playground.kernels.vectors import DOUBLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["compute", "drop", "gradient", "run"]

NORMALIZATION_EPSILON: Final = 1e-5
NORMALIZATION_MOMENTUM: Final = 0.1
OPTIMIZER_EPSILON: Final = 1e-8
MOMENTUM_DECAY: Final = 0.9
RMSPROP_DECAY: Final = 0.99
ADAM_SQUARE_DECAY: Final = 0.999
ADAMW_DECAY: Final = 0.01
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@inlined
def take(values: Floats, first: int, points: Floats, start: int, count: int) -> None:
    """Copy ``count`` points (features and the label) from ``start`` on to the columns from ``first`` on."""
    features = len(points) - 1
    for i in range(len(points)):
        row = i if i < features else len(values) - 1
        for p in range(count):
            values[row, first + p] = points[i, start + p]


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
def forward(
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


@inlined
def update(
    codes: Whole,
    rate: float,
    penalty_rate: float,
    parameters: Floats,
    gradients: Floats,
    first: Floats,
    second: Floats,
    dead: Flags,
    frozen: Flags,
    count: int,
    updates: int,
) -> None:
    """Make one update from summed gradients: the optimiser's step, then the penalty on the weights.

    ``first`` and ``second`` are the optimiser's moments; ``updates`` counts this one too (1 for the first).
    """
    penalty, weights, optimizer = codes[1], codes[2], codes[4]
    correction = 1.0 - MOMENTUM_DECAY**updates
    square_correction = math.sqrt(1.0 - ADAM_SQUARE_DECAY**updates)
    for k in range(len(parameters)):
        if dead[k] or frozen[k]:
            continue
        before = parameters[k]
        slope = gradients[k] / count
        if optimizer == SGD:
            # As TensorFlow Playground rounds it, which differs between weights and biases.
            after = before - (rate / count) * gradients[k] if k < weights else before - rate * gradients[k] / count
        elif optimizer == MOMENTUM or optimizer == NESTEROV:  # noqa: PLR1714, SIM109 (plain for the compiler)
            first[k] = MOMENTUM_DECAY * first[k] + slope
            after = before - rate * (slope + MOMENTUM_DECAY * first[k] if optimizer == NESTEROV else first[k])
        elif optimizer == RMSPROP:
            second[k] = RMSPROP_DECAY * second[k] + (1.0 - RMSPROP_DECAY) * slope * slope
            after = before - rate * slope / (math.sqrt(second[k]) + OPTIMIZER_EPSILON)
        else:
            start = before * (1.0 - rate * ADAMW_DECAY) if optimizer == ADAMW else before
            first[k] += (1.0 - MOMENTUM_DECAY) * (slope - first[k])
            second[k] = ADAM_SQUARE_DECAY * second[k] + (1.0 - ADAM_SQUARE_DECAY) * slope * slope
            size = math.sqrt(second[k]) / square_correction + OPTIMIZER_EPSILON
            after = start - rate / correction * (first[k] / size)
        if k < weights and penalty == L1:
            shrunk = after - (rate * penalty_rate) * (-1.0 if before < 0.0 else (1.0 if before > 0.0 else 0.0))
            dead[k] = after * shrunk < 0.0
            after = 0.0 if dead[k] else shrunk
        elif k < weights and penalty == L2:
            after -= (rate * penalty_rate) * before
        parameters[k] = after


@compiled
def compute(
    kind: int,
    table: Whole,
    parameters: Floats,
    running: Floats,
    values: Floats,
    inverse: Floats,
    points: Floats,
    rows: Whole,
    results: Floats,
) -> None:
    """Compute the rows ``rows`` of ``values`` for points (features + 1, n), in evaluation mode, into ``results``."""
    size, block = points.shape[1], values.shape[1]
    for start in range(0, size, block):
        count = min(block, size - start)
        take(values, 0, points, start, count)
        forward(kind, table, parameters, running, values, inverse, count, False, False, False)
        for k in range(len(rows)):
            for p in range(count):
                results[k, start + p] = values[rows[k], p]


@compiled
def gradient(
    kind: int,
    table: Whole,
    parameters: Floats,
    running: Floats,
    values: Floats,
    deltas: Floats,
    inverse: Floats,
    points: Floats,
    training: bool,
    gradients: Floats,
) -> None:
    """Sum the gradients over ``points`` (features + 1, n); training, with the factors of dropout as they stand."""
    count = points.shape[1]
    take(values, 0, points, 0, count)
    forward(kind, table, parameters, running, values, inverse, count, training, False, training)
    backward(kind, table, parameters, gradients, values, deltas, inverse, count, training, training)


@compiled
def run(
    codes: Whole,
    rates: Floats,
    table: Whole,
    parameters: Floats,
    gradients: Floats,
    running: Floats,
    first: Floats,
    second: Floats,
    dead: Flags,
    frozen: Flags,
    values: Floats,
    deltas: Floats,
    inverse: Floats,
    queue: Floats,
    train: Floats,
    test: Floats,
    counters: Whole,
    key: np.uint64,
    limit: int,
    history: Floats,
) -> tuple[int, int]:
    """Train as :func:`layerlab.playground.kernels.classic.run` does, whatever the network.

    Args:
        codes: batch size (0: only evaluate, once), penalty, how many parameters are weights, output, optimizer.
        rates: the penalty's, dropout, then the learning rate of each epoch, the current one first.
        key: of dropout's chances.

    Returns:
        (epochs completed, updates made)
    """
    batch, kind, last = codes[0], codes[3], len(table) - 1
    dropping = rates[1] > 0.0
    points, block = train.shape[1], values.shape[1]
    epochs = made = start = end = 0
    total = 0.0
    stage = LEARN if batch > 0 else EVALUATE_TRAIN
    while epochs < len(history) and (stage != LEARN or made < limit):
        learning = stage == LEARN
        if learning:
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
            count = waiting + end - place
            take(values, 0, queue, 0, waiting)
            take(values, waiting, train, place, end - place)
            if dropping:
                drop(table, values, count, rates[1], key, counters[2])
        else:
            data = train if stage == EVALUATE_TRAIN else test
            count = min(block, data.shape[1] - start)
            take(values, 0, data, start, count)
        forward(kind, table, parameters, running, values, inverse, count, learning, learning, learning and dropping)
        if learning:
            backward(kind, table, parameters, gradients, values, deltas, inverse, count, True, dropping)
            made += 1
            counters[0], counters[1], counters[2] = end, 0, counters[2] + 1
            update(
                codes,
                rates[2 + epochs],
                rates[0],
                parameters,
                gradients,
                first,
                second,
                dead,
                frozen,
                count,
                counters[2],
            )
            if end == points:
                counters[0] = 0
                stage = EVALUATE_TRAIN
        else:
            for p in range(count):
                total += point_loss(kind, values, table[last, OUTPUT_ROWS], table[last, SUMS], table[last, UNITS], p)
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
