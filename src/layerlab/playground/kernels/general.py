"""Every network that a specification can have, in float64: forward, backward, update, whole epochs.

Arguments that recur:

- ``table``: a layout's table; ``parameters``, ``gradients``: vectors in its order; ``running``: means, then variances;
- ``values``, ``deltas``: working memory, (rows, points): a row holds one value (or the loss's derivative by it) for
  every point of the batch, and rows 0, 1, ... of ``values`` hold the inputs;
- ``inverse``: 1 / standard deviation of each normalised sum of this batch;
- ``count``: points in the batch.

Sums run over sources, and gradients over points, in the order of the data, so that a result depends on nothing else.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

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

__all__ = ["backward", "drop", "evaluate", "forward", "losses", "run", "update"]

NORMALIZATION_EPSILON = 1e-5
NORMALIZATION_MOMENTUM = 0.1
OPTIMIZER_EPSILON = 1e-8
MOMENTUM_DECAY = 0.9
RMSPROP_DECAY = 0.99
ADAM_SQUARE_DECAY = 0.999
ADAMW_DECAY = 0.01


@njit(cache=True, nogil=True, error_model="numpy")
def mix(value):
    """Return 64 bits that look like chance, a different word for each word (the finaliser of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True, error_model="numpy")
def drop(table, values, count, rate, key, iteration):
    """Fill the rows of dropout's factors: 0, or 1 / (1 - rate), by place alone: update, layer, unit, point."""
    step = np.uint64(0x9E3779B97F4A7C15)
    start = mix(key + np.uint64(iteration) * step)
    for layer in range(len(table) - 1):
        for unit in range(table[layer, UNITS]):
            base = mix(start + np.uint64(layer * 1024 + unit + 1) * step)
            row = table[layer, FACTORS] + unit
            for point in range(count):
                chance = np.float64(mix(base + np.uint64(point) * step) >> np.uint64(11)) * 2.0**-53
                values[row, point] = 0.0 if chance < rate else 1.0 / (1.0 - rate)


@njit(cache=True, nogil=True, error_model="numpy")
def activate(kind, values, source, target, count):
    """Put the activation of row ``source`` into row ``target`` (for Maxout, of the two rows from ``source``)."""
    if kind == TANH:
        for p in range(count):
            values[target, p] = math.tanh(values[source, p])
    elif kind == SIGMOID:
        for p in range(count):
            values[target, p] = 1.0 / (1.0 + math.exp(-values[source, p]))
    elif kind == RELU:
        for p in range(count):
            value = values[source, p]
            values[target, p] = 0.0 if value < 0.0 else value
    elif kind == LEAKY:
        for p in range(count):
            value = values[source, p]
            values[target, p] = LEAKY_SLOPE * value if value < 0.0 else value
    elif kind == ELU:
        for p in range(count):
            value = values[source, p]
            values[target, p] = ELU_ALPHA * math.expm1(value) if value < 0.0 else value
    elif kind == MAXOUT:
        for p in range(count):
            first, second = values[source, p], values[source + 1, p]
            values[target, p] = second if second > first else first
    else:
        for p in range(count):
            values[target, p] = values[source, p]


@njit(cache=True, nogil=True, error_model="numpy")
def derive(kind, values, deltas, source, target, count):
    """Put the derivative by row ``source`` into its deltas, from the activation's row ``target`` and its deltas."""
    if kind == TANH:
        for p in range(count):
            deltas[source, p] = deltas[target, p] * (1.0 - values[target, p] * values[target, p])
    elif kind == SIGMOID:
        for p in range(count):
            deltas[source, p] = deltas[target, p] * (values[target, p] * (1.0 - values[target, p]))
    elif kind == RELU:
        for p in range(count):
            deltas[source, p] = deltas[target, p] * (0.0 if values[target, p] <= 0.0 else 1.0)
    elif kind == LEAKY:
        for p in range(count):
            deltas[source, p] = deltas[target, p] * (LEAKY_SLOPE if values[target, p] <= 0.0 else 1.0)
    elif kind == ELU:
        for p in range(count):
            deltas[source, p] = deltas[target, p] * (values[target, p] + ELU_ALPHA if values[target, p] <= 0.0 else 1.0)
    elif kind == MAXOUT:
        for p in range(count):
            second = values[source + 1, p] > values[source, p]
            deltas[source, p] = 0.0 if second else deltas[target, p]
            deltas[source + 1, p] = deltas[target, p] if second else 0.0
    else:
        for p in range(count):
            deltas[source, p] = deltas[target, p]


@njit(cache=True, nogil=True, error_model="numpy")
def normalize(layer, parameters, running, values, inverse, count, training, remember):
    """Normalise the sums of a layer in place; the normalised values before scale and shift stay in their own rows."""
    for j in range(layer[UNITS] * layer[PIECES]):
        row, place = layer[SUMS] + j, layer[MEAN] + j
        mean, variance = running[place], running[layer[VARIANCE] + j]
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
                running[place] += NORMALIZATION_MOMENTUM * (mean - running[place])
                running[layer[VARIANCE] + j] += NORMALIZATION_MOMENTUM * (spread - running[layer[VARIANCE] + j])
            variance /= count
        inverse[place] = 1.0 / math.sqrt(variance + NORMALIZATION_EPSILON)
        gamma, beta = parameters[layer[GAMMA] + j], parameters[layer[BETA] + j]
        for p in range(count):
            hat = (values[row, p] - mean) * inverse[place]
            values[layer[HATS] + j, p] = hat
            values[row, p] = gamma * hat + beta


@njit(cache=True, nogil=True, error_model="numpy")
def forward(table, parameters, running, values, inverse, count, training, remember, dropping):
    """Compute every row of ``values`` from the input rows; the output layer's sums are its last rows."""
    for index in range(len(table)):
        layer = table[index]
        inputs, source, sums, hidden, output = (
            layer[INPUTS],
            layer[INPUT_ROWS],
            layer[SUMS],
            layer[HIDDEN],
            layer[OUTPUT_ROWS],
        )
        for j in range(layer[UNITS] * layer[PIECES]):
            bias = parameters[layer[BIASES] + j]
            for p in range(count):
                values[sums + j, p] = bias
            for i in range(inputs):
                weight = parameters[layer[WEIGHTS] + j * inputs + i]
                for p in range(count):
                    values[sums + j, p] += weight * values[source + i, p]
        if layer[NORMALIZED]:
            normalize(layer, parameters, running, values, inverse, count, training, remember)
        for unit in range(layer[UNITS]):
            activate(layer[KIND], values, sums + unit * layer[PIECES], hidden + unit, count)
            if dropping and index < len(table) - 1:
                for p in range(count):
                    values[output + unit, p] = values[hidden + unit, p] * values[layer[FACTORS] + unit, p]
            else:
                for p in range(count):
                    values[output + unit, p] = values[hidden + unit, p]
            if layer[SKIP] == ADD:
                for p in range(count):
                    values[output + unit, p] += values[source + unit, p]
        if layer[SKIP] == CONCATENATE:
            for i in range(inputs):
                for p in range(count):
                    values[output + layer[UNITS] + i, p] = values[source + i, p]


@njit(cache=True, nogil=True, error_model="numpy")
def finish(kind, table, values, count):
    """Turn the output layer's sums, in its output rows, into what the loss compares: tanh, probabilities."""
    row, units = table[-1, OUTPUT_ROWS], table[-1, UNITS]
    if kind == TANH_MSE:
        activate(TANH, values, row, row, count)
    elif kind == LOGISTIC:
        activate(SIGMOID, values, row, row, count)
    elif kind != LINEAR_MSE:
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


@njit(cache=True, nogil=True, error_model="numpy")
def losses(kind, table, values, labels, count, loss):
    """Put the loss of each point into ``loss``, after :func:`finish`."""
    row, units, sums = table[-1, OUTPUT_ROWS], table[-1, UNITS], table[-1, SUMS]
    for p in range(count):
        if kind in (LINEAR_MSE, TANH_MSE):
            error = values[row, p] - labels[p]
            loss[p] = 0.5 * error * error
        elif kind == LOGISTIC:
            value = -labels[p] * values[sums, p]
            loss[p] = max(value, 0.0) + math.log1p(math.exp(-abs(value)))
        elif kind == SOFTMAX_MSE:
            loss[p] = 0.0
            for unit in range(units):
                error = values[row + unit, p] - (1.0 if labels[p] == unit else 0.0)
                loss[p] += 0.5 * error * error
        else:
            most = values[sums, p]
            for unit in range(1, units):
                most = max(most, values[sums + unit, p])
            total = 0.0
            for unit in range(units):
                total += math.exp(values[sums + unit, p] - most)
            loss[p] = math.log(total) + most - values[sums + int(labels[p]), p]


@njit(cache=True, nogil=True, error_model="numpy")
def start_backward(kind, table, values, deltas, labels, count):
    """Put the loss's derivative by the output layer's sums into their deltas, after :func:`finish`."""
    row, units, sums = table[-1, OUTPUT_ROWS], table[-1, UNITS], table[-1, SUMS]
    for p in range(count):
        if kind == LINEAR_MSE:
            deltas[sums, p] = values[row, p] - labels[p]
        elif kind == TANH_MSE:
            deltas[sums, p] = (values[row, p] - labels[p]) * (1.0 - values[row, p] * values[row, p])
        elif kind == LOGISTIC:
            deltas[sums, p] = values[row, p] - (1.0 if labels[p] > 0.0 else 0.0)
        else:
            mean = 0.0
            for unit in range(units):
                error = values[row + unit, p] - (1.0 if labels[p] == unit else 0.0)
                deltas[sums + unit, p] = error
                mean += error * values[row + unit, p]
            if kind == SOFTMAX_MSE:
                for unit in range(units):
                    deltas[sums + unit, p] = values[row + unit, p] * (deltas[sums + unit, p] - mean)


@njit(cache=True, nogil=True, error_model="numpy")
def normalize_backward(layer, parameters, gradients, values, deltas, inverse, count, training):
    """Take the deltas of a layer's normalised sums back to its sums, and sum the gradients of scale and shift."""
    for j in range(layer[UNITS] * layer[PIECES]):
        row, hats = layer[SUMS] + j, layer[HATS] + j
        scale_sum = shift_sum = 0.0
        for p in range(count):
            scale_sum += deltas[row, p] * values[hats, p]
            shift_sum += deltas[row, p]
        gradients[layer[GAMMA] + j] = scale_sum
        gradients[layer[BETA] + j] = shift_sum
        factor = parameters[layer[GAMMA] + j] * inverse[layer[MEAN] + j]
        for p in range(count):
            delta = deltas[row, p]
            if training:
                delta -= shift_sum / count + values[hats, p] * (scale_sum / count)
            deltas[row, p] = factor * delta


@njit(cache=True, nogil=True, error_model="numpy")
def backward(kind, table, parameters, gradients, values, deltas, inverse, labels, count, training, dropping):
    """Sum the gradients of every parameter over the batch into ``gradients``, after :func:`finish`."""
    start_backward(kind, table, values, deltas, labels, count)
    for index in range(len(table) - 1, -1, -1):
        layer = table[index]
        inputs, source, sums, hidden, output = (
            layer[INPUTS],
            layer[INPUT_ROWS],
            layer[SUMS],
            layer[HIDDEN],
            layer[OUTPUT_ROWS],
        )
        if index < len(table) - 1:
            for unit in range(layer[UNITS]):
                for p in range(count):
                    deltas[hidden + unit, p] = deltas[output + unit, p]
                if dropping:
                    for p in range(count):
                        deltas[hidden + unit, p] *= values[layer[FACTORS] + unit, p]
                derive(layer[KIND], values, deltas, sums + unit * layer[PIECES], hidden + unit, count)
        if layer[NORMALIZED]:
            normalize_backward(layer, parameters, gradients, values, deltas, inverse, count, training)
        for i in range(inputs):
            for p in range(count):
                if layer[SKIP] == ADD:
                    deltas[source + i, p] = deltas[output + i, p]
                elif layer[SKIP] == CONCATENATE:
                    deltas[source + i, p] = deltas[output + layer[UNITS] + i, p]
                else:
                    deltas[source + i, p] = 0.0
        for j in range(layer[UNITS] * layer[PIECES]):
            total = 0.0
            for p in range(count):
                total += deltas[sums + j, p]
            gradients[layer[BIASES] + j] = total
            for i in range(inputs):
                total = 0.0
                for p in range(count):
                    total += deltas[sums + j, p] * values[source + i, p]
                gradients[layer[WEIGHTS] + j * inputs + i] = total
                weight = parameters[layer[WEIGHTS] + j * inputs + i]
                for p in range(count):
                    deltas[source + i, p] += weight * deltas[sums + j, p]


@njit(cache=True, nogil=True, error_model="numpy")
def update(
    optimizer, penalty, rate, penalty_rate, weights, parameters, gradients, first, second, dead, frozen, count, updates
):
    """Make one update from summed gradients: the optimiser's step, then the penalty on the first ``weights`` ones.

    ``first`` and ``second`` are the optimiser's moments; ``updates`` counts this one too (1 for the first).
    """
    correction = 1.0 - MOMENTUM_DECAY**updates
    square_root = math.sqrt(1.0 - ADAM_SQUARE_DECAY**updates)
    for k in range(len(parameters)):
        if dead[k] or frozen[k]:
            continue
        before = parameters[k]
        gradient = gradients[k] / count
        if optimizer == SGD:
            # As TensorFlow Playground rounds it, which differs between weights and biases.
            after = before - (rate / count) * gradients[k] if k < weights else before - rate * gradients[k] / count
        elif optimizer in (MOMENTUM, NESTEROV):
            first[k] = MOMENTUM_DECAY * first[k] + gradient
            after = before - rate * (gradient + MOMENTUM_DECAY * first[k] if optimizer == NESTEROV else first[k])
        elif optimizer == RMSPROP:
            second[k] = RMSPROP_DECAY * second[k] + (1.0 - RMSPROP_DECAY) * gradient * gradient
            after = before - rate * gradient / (math.sqrt(second[k]) + OPTIMIZER_EPSILON)
        else:
            start = before * (1.0 - rate * ADAMW_DECAY) if optimizer == ADAMW else before
            first[k] += (1.0 - MOMENTUM_DECAY) * (gradient - first[k])
            second[k] = ADAM_SQUARE_DECAY * second[k] + (1.0 - ADAM_SQUARE_DECAY) * gradient * gradient
            size = math.sqrt(second[k]) / square_root + OPTIMIZER_EPSILON
            after = start - rate / correction * (first[k] / size)
        if k < weights:
            if penalty == L1:
                slope = -1.0 if before < 0.0 else (1.0 if before > 0.0 else 0.0)
                shrunk = after - (rate * penalty_rate) * slope
                dead[k] = after * shrunk < 0.0
                after = 0.0 if dead[k] else shrunk
            elif penalty == L2:
                after -= (rate * penalty_rate) * before
        parameters[k] = after


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(kind, table, parameters, running, values, inverse, inputs, labels, loss):
    """Return the mean loss of the points ``inputs`` (features, points), in evaluation mode; NaN without points."""
    total = 0.0
    count, block = inputs.shape[1], values.shape[1]
    for start in range(0, count, block):
        part = min(block, count - start)
        for i in range(len(inputs)):
            for p in range(part):
                values[i, p] = inputs[i, start + p]
        forward(table, parameters, running, values, inverse, part, False, False, False)
        finish(kind, table, values, part)
        losses(kind, table, values, labels[start:], part, loss)
        for p in range(part):
            total += loss[p]
    return total / count


@njit(cache=True, nogil=True, error_model="numpy")
def run(
    codes,
    rates,
    table,
    parameters,
    gradients,
    running,
    first,
    second,
    dead,
    frozen,
    values,
    deltas,
    inverse,
    queue,
    train,
    labels,
    test,
    test_labels,
    loss,
    counters,
    key,
    limit,
    history,
):
    """Train until ``history`` (epochs, 2) is full of losses, ``limit`` updates are made or a number is not finite.

    Args:
        codes: output, optimizer, penalty, batch size, how many parameters are weights.
        rates: dropout, penalty's rate, then the learning rate of each epoch, the current one first.
        queue: (features + 1, capacity) points that wait from the epoch before: their inputs and labels.
        train, test: (features, points); with their labels.
        counters: points done in this epoch, points in the queue, updates made; all brought up to date.

    Returns:
        (epochs completed, updates made)
    """
    kind, optimizer, penalty, batch, weights = codes[0], codes[1], codes[2], codes[3], codes[4]
    dropout, penalty_rate = rates[0], rates[1]
    features, points = train.shape
    epochs = made = 0
    while made < limit and epochs < len(history):
        place, waiting = counters[0], counters[1]
        end = (place // batch + 1) * batch
        if end <= points:
            for i in range(features):
                for p in range(waiting):
                    values[i, p] = queue[i, p]
                for p in range(end - place):
                    values[i, waiting + p] = train[i, place + p]
            for p in range(waiting):
                loss[p] = queue[features, p]
            for p in range(end - place):
                loss[waiting + p] = labels[place + p]
            count = waiting + end - place
            if dropout > 0.0:
                drop(table, values, count, dropout, key, counters[2])
            forward(table, parameters, running, values, inverse, count, True, True, dropout > 0.0)
            finish(kind, table, values, count)
            backward(kind, table, parameters, gradients, values, deltas, inverse, loss, count, True, dropout > 0.0)
            update(
                optimizer,
                penalty,
                rates[2 + epochs],
                penalty_rate,
                weights,
                parameters,
                gradients,
                first,
                second,
                dead,
                frozen,
                count,
                counters[2] + 1,
            )
            counters[0], counters[1], counters[2] = end, 0, counters[2] + 1
            made += 1
        else:
            keep = points - place
            shift = max(0, waiting + keep - queue.shape[1])
            waiting = max(0, waiting - shift)
            for i in range(features + 1):
                for p in range(waiting):
                    queue[i, p] = queue[i, p + shift]
                for p in range(keep):
                    queue[i, waiting + p] = train[i, place + p] if i < features else labels[place + p]
            counters[1] = waiting + keep
            counters[0] = points
        if counters[0] == points:
            counters[0] = 0
            history[epochs, 0] = evaluate(kind, table, parameters, running, values, inverse, train, labels, loss)
            history[epochs, 1] = evaluate(kind, table, parameters, running, values, inverse, test, test_labels, loss)
            finite = math.isfinite(history[epochs, 0]) and (len(test_labels) == 0 or math.isfinite(history[epochs, 1]))
            for k in range(len(parameters)):
                finite = finite and math.isfinite(parameters[k])
            epochs += 1
            if not finite:
                break
    return epochs, made
