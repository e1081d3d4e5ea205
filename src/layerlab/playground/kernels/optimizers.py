"""The update that each optimiser makes, with PyTorch's constants, and the penalty on the weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from layerlab.playground.kernels.codes import ADAMW, L1, L2, MOMENTUM, NESTEROV, RMSPROP, SGD
from layerlab.playground.kernels.compiler import inlined

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Whole = NDArray[np.int64]

__all__ = ["update"]

OPTIMIZER_EPSILON: Final = 1e-8
MOMENTUM_DECAY: Final = 0.9
RMSPROP_DECAY: Final = 0.99
ADAM_SQUARE_DECAY: Final = 0.999
ADAMW_DECAY: Final = 0.01


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
