"""The codes of a layout as plain constants, which the compiler reads faster than enumerations."""

from __future__ import annotations

from typing import Final

from layerlab.playground.layout import SKIP_ADD, SKIP_CONCATENATE, Activation, Column, Optimizer, Output, Regularization

__all__ = [
    "ADAM",
    "ADAMW",
    "ADD",
    "BETA",
    "BIASES",
    "CONCATENATE",
    "ELU",
    "ELU_ALPHA",
    "FACTORS",
    "GAMMA",
    "HATS",
    "HIDDEN",
    "INPUTS",
    "INPUT_ROWS",
    "KIND",
    "L1",
    "L2",
    "LEAKY",
    "LEAKY_SLOPE",
    "LINEAR",
    "LINEAR_MSE",
    "LOGISTIC",
    "MAXOUT",
    "MEAN",
    "MOMENTUM",
    "NESTEROV",
    "NORMALIZED",
    "OUTPUT_ROWS",
    "PIECES",
    "RELU",
    "RMSPROP",
    "SGD",
    "SIGMOID",
    "SKIP",
    "SOFTMAX_CROSS_ENTROPY",
    "SOFTMAX_MSE",
    "SUMS",
    "TANH",
    "TANH_MSE",
    "UNITS",
    "VARIANCE",
    "WEIGHTS",
    "WIDTH",
]

INPUTS: Final = int(Column.INPUTS)
UNITS: Final = int(Column.UNITS)
PIECES: Final = int(Column.PIECES)
KIND: Final = int(Column.ACTIVATION)
NORMALIZED: Final = int(Column.NORMALIZED)
SKIP: Final = int(Column.SKIP)
WEIGHTS: Final = int(Column.WEIGHTS)
BIASES: Final = int(Column.BIASES)
GAMMA: Final = int(Column.GAMMA)
BETA: Final = int(Column.BETA)
MEAN: Final = int(Column.MEAN)
VARIANCE: Final = int(Column.VARIANCE)
INPUT_ROWS: Final = int(Column.INPUT_ROW)
SUMS: Final = int(Column.SUM_ROW)
HATS: Final = int(Column.HAT_ROW)
HIDDEN: Final = int(Column.HIDDEN_ROW)
FACTORS: Final = int(Column.FACTOR_ROW)
OUTPUT_ROWS: Final = int(Column.OUTPUT_ROW)
WIDTH: Final = int(Column.WIDTH)

ADD: Final = SKIP_ADD
CONCATENATE: Final = SKIP_CONCATENATE

LINEAR: Final = int(Activation.LINEAR)
TANH: Final = int(Activation.TANH)
SIGMOID: Final = int(Activation.SIGMOID)
RELU: Final = int(Activation.RELU)
LEAKY: Final = int(Activation.LEAKY_RELU)
ELU: Final = int(Activation.ELU)
MAXOUT: Final = int(Activation.MAXOUT)
LEAKY_SLOPE: Final = 0.1
ELU_ALPHA: Final = 1.0

LINEAR_MSE: Final = int(Output.LINEAR_MSE)
TANH_MSE: Final = int(Output.TANH_MSE)
LOGISTIC: Final = int(Output.LOGISTIC)
SOFTMAX_MSE: Final = int(Output.SOFTMAX_MSE)
SOFTMAX_CROSS_ENTROPY: Final = int(Output.SOFTMAX_CROSS_ENTROPY)

L1: Final = int(Regularization.L1)
L2: Final = int(Regularization.L2)

SGD: Final = int(Optimizer.SGD)
MOMENTUM: Final = int(Optimizer.MOMENTUM)
NESTEROV: Final = int(Optimizer.NESTEROV)
RMSPROP: Final = int(Optimizer.RMSPROP)
ADAM: Final = int(Optimizer.ADAM)
ADAMW: Final = int(Optimizer.ADAMW)
