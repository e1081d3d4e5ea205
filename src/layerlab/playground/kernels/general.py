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
from typing import TYPE_CHECKING

from layerlab.playground.kernels.backward import backward, point_loss
from layerlab.playground.kernels.classic import EVALUATE_TEST, EVALUATE_TRAIN, LEARN
from layerlab.playground.kernels.codes import OUTPUT_ROWS, SUMS, UNITS
from layerlab.playground.kernels.compiler import compiled, inlined
from layerlab.playground.kernels.dropout import drop
from layerlab.playground.kernels.forward import forward
from layerlab.playground.kernels.optimizers import update

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["compute", "gradient", "run"]


@inlined
def take(values: Floats, first: int, points: Floats, start: int, count: int) -> None:
    """Copy ``count`` points (features and the label) from ``start`` on to the columns from ``first`` on."""
    features = len(points) - 1
    for i in range(len(points)):
        row = i if i < features else len(values) - 1
        for p in range(count):
            values[row, first + p] = points[i, start + p]


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
def run(  # noqa: PLR0912, PLR0915 (a kernel is one loop)
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
