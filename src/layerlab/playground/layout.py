"""Where each number of a network lies: one flat vector of parameters, one table that the kernels read.

The vector holds the weights of all layers (layer by layer, unit by unit, piece by piece, source by source), then all
biases, then the scales (gamma) and the shifts (beta) of batch normalisation. The working memory of a kernel is a matrix
of which a row holds one value of one unit for every point of a batch.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.specification import Specification

__all__ = ["Activation", "Column", "Layout", "Optimizer", "Output", "Regularization", "layout_of"]


class Activation(IntEnum):
    """Code of the activation of a hidden layer; the first four are the classic ones."""

    LINEAR = 0
    TANH = 1
    SIGMOID = 2
    RELU = 3
    LEAKY_RELU = 4
    ELU = 5
    MAXOUT = 6


class Output(IntEnum):
    """Code of the output layer: what it computes and what the loss is."""

    LINEAR_MSE = 0
    TANH_MSE = 1
    LOGISTIC = 2
    SOFTMAX_MSE = 3
    SOFTMAX_CROSS_ENTROPY = 4


OUTPUT_ACTIVATIONS: Final = {
    Output.LINEAR_MSE: Activation.LINEAR,
    Output.TANH_MSE: Activation.TANH,
    Output.LOGISTIC: Activation.SIGMOID,
    Output.SOFTMAX_MSE: Activation.LINEAR,  # the softmax, which takes all units at once, follows
    Output.SOFTMAX_CROSS_ENTROPY: Activation.LINEAR,
}


class Regularization(IntEnum):
    """Code of the penalty on the weights."""

    NONE = 0
    L1 = 1
    L2 = 2


class Optimizer(IntEnum):
    """Code of the optimiser."""

    SGD = 0
    MOMENTUM = 1
    NESTEROV = 2
    RMSPROP = 3
    ADAM = 4
    ADAMW = 5


class Column(IntEnum):
    """Columns of a layout's table; each row of the table is one layer, the output layer last."""

    INPUTS = 0
    UNITS = 1
    PIECES = 2
    ACTIVATION = 3
    NORMALIZED = 4
    SKIP = 5
    WEIGHTS = 6
    BIASES = 7
    GAMMA = 8
    BETA = 9
    MEAN = 10
    VARIANCE = 11
    INPUT_ROW = 12
    SUM_ROW = 13
    HAT_ROW = 14
    HIDDEN_ROW = 15
    FACTOR_ROW = 16
    OUTPUT_ROW = 17
    WIDTH = 18


SKIP_NONE: Final = 0
SKIP_ADD: Final = 1
SKIP_CONCATENATE: Final = 2


@lru_cache(256)
def _layout(*architecture: Any) -> Layout:
    return Layout(*architecture)


def layout_of(specification: Specification) -> Layout:
    """Return the layout of a specification; those of one architecture share it."""
    return _layout(
        specification.features,
        specification.units,
        specification.layer_activations,
        specification.normalized,
        specification.skips,
        specification.problem,
        specification.loss,
    )


class Layout:
    """The places of one architecture's numbers; made by :func:`layout_of`.

    Args:
        features, units, activations, normalized, skips, problem, loss: the specification's.
    """

    def __init__(
        self,
        features: tuple[str, ...],
        units: tuple[int, ...],
        activations: tuple[str, ...],
        normalized: tuple[bool, ...],
        skips: tuple[bool, ...],
        problem: str,
        loss: str,
    ) -> None:
        self.output = _output(problem, loss, units[-1])
        """What the output layer computes."""
        codes = [Activation[name.upper()] for name in activations]
        pieces = [2 if code == Activation.MAXOUT else 1 for code in codes] + [1]
        table: NDArray[np.int64] = np.zeros((len(pieces), len(Column)), np.int64)
        weights = biases = scales = 0
        width, row = len(features), len(features)
        input_row = 0
        for entry, size, count, code, scaled, skip in zip(
            table,
            units,
            pieces,
            [*codes, OUTPUT_ACTIVATIONS[self.output]],
            (*normalized, False),
            (*skips, False),
            strict=True,
        ):
            sums = size * count
            kind = SKIP_NONE if not skip else SKIP_ADD if size == width else SKIP_CONCATENATE
            entry[: Column.WEIGHTS] = width, size, count, code, scaled, kind
            entry[Column.WEIGHTS], entry[Column.BIASES], entry[Column.GAMMA] = weights, biases, scales
            entry[Column.INPUT_ROW] = input_row
            weights, biases = weights + sums * width, biases + sums
            scales += sums if scaled else 0
            width = size + width if kind == SKIP_CONCATENATE else size
            entry[Column.WIDTH] = width
            for column, rows in (
                (Column.SUM_ROW, sums),
                (Column.HAT_ROW, sums if scaled else 0),
                (Column.HIDDEN_ROW, size),
                (Column.FACTOR_ROW, size),
                (Column.OUTPUT_ROW, width),
            ):
                entry[column], row = row, row + rows
            input_row = entry[Column.OUTPUT_ROW]
        self.weights, self.biases, self.scales = weights, biases, scales
        """How many of each there are."""
        table[:, Column.BIASES] += weights
        table[:, Column.MEAN] = table[:, Column.GAMMA]
        table[:, Column.VARIANCE] = table[:, Column.GAMMA] + scales
        table[:, Column.GAMMA] += weights + biases
        table[:, Column.BETA] = table[:, Column.GAMMA] + scales
        self.table = table
        """(layers, columns): see :class:`Column`."""
        self.parameters = weights + biases + 2 * scales
        """Length of the vector of parameters."""
        self.rows = row + 1
        """Rows of the working memory: the inputs, each layer's, the labels."""
        self.is_plain = bool(
            self.output in (Output.LINEAR_MSE, Output.TANH_MSE)
            and (table[:, Column.ACTIVATION] <= Activation.RELU).all()
            and not table[:, [Column.NORMALIZED, Column.SKIP]].any()
        )
        """Whether all its layers are classic: one output, squared error, nothing between sum and activation."""


def _output(problem: str, loss: str, outputs: int) -> Output:
    if problem == "regression":
        return Output.LINEAR_MSE
    entropy = loss == "cross-entropy"
    if outputs > 1:
        return Output.SOFTMAX_CROSS_ENTROPY if entropy else Output.SOFTMAX_MSE
    return Output.LOGISTIC if entropy else Output.TANH_MSE
