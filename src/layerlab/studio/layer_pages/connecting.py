"""Dense, flatten and skip: layers that decide which number meets which."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from layerlab.studio.command_error import CommandError
from layerlab.studio.layer_pages.grids import Cell, Grid, Term, grid
from layerlab.studio.layer_pages.numbers import Channels, Matrix, Request, Vector
from layerlab.studio.layer_pages.refusal import Problem

__all__ = ["Dense", "DenseOutput", "Flat", "Flatten", "Skip", "Skipped", "dense", "flatten", "skip"]


class Dense(Request):
    """Inputs, a row of weights for each output, and the outputs' biases and activation."""

    inputs: Vector
    weights: Matrix
    biases: Vector
    activation: Literal["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu"] = "linear"


class DenseOutput(BaseModel):
    """The weighted sums (outputs, 1) and the activation of each."""

    sums: Grid
    outputs: list[float]
    parameters: int


def dense(request: Dense) -> DenseOutput:
    """Return W x + b and its activation."""
    import torch

    from layerlab.layers import activation

    inputs, weights, biases = request.inputs, request.weights, request.biases
    if len(weights[0]) != len(inputs) or len(weights) != len(biases):
        raise CommandError(
            "layers.error.dense",
            f"{len(inputs)} inputs and {len(biases)} biases need {len(biases)}×{len(inputs)} weights,"
            f" not {len(weights)}×{len(weights[0])}",
            inputs=len(inputs),
            outputs=len(biases),
            rows=len(weights),
            columns=len(weights[0]),
        )
    x, w, b = (torch.tensor(numbers, dtype=torch.float64) for numbers in (inputs, weights, biases))
    sums = torch.nn.functional.linear(x, w, b)

    def cell(row: int, _: int) -> Cell:
        terms = [
            Term(value=value, source=("inputs", i, 0), weight=weights[row][i], weight_source=("weights", row, i))
            for i, value in enumerate(inputs)
        ]
        return Cell(operation="sum", terms=terms, bias=biases[row])

    return DenseOutput(
        sums=grid([[value] for value in sums.tolist()], cell),
        outputs=activation(request.activation)(sums).tolist(),
        parameters=w.numel() + b.numel(),
    )


class Flatten(Request):
    """The channels of one example."""

    channels: Channels


class Flat(BaseModel):
    """The same numbers in one row: channel after channel (PyTorch), or place after place (Keras)."""

    channels_first: Grid
    channels_last: Grid


def flatten(request: Flatten) -> Flat:
    """Lay the channels out in one row, in both orders."""
    import torch

    from layerlab.layers import ChannelsLastFlatten
    from layerlab.layers import Flatten as ChannelsFirstFlatten

    channels = request.channels
    x = torch.tensor(channels, dtype=torch.float64)[None]
    count, height, width = len(channels), len(channels[0]), len(channels[0][0])

    def cell(channel: int, row: int, column: int) -> Cell:
        term = Term(value=channels[channel][row][column], source=(f"channel{channel}", row, column))
        return Cell(operation="copy", terms=[term])

    def first(_: int, place: int) -> Cell:
        return cell(place // (height * width), place // width % height, place % width)

    def last(_: int, place: int) -> Cell:
        return cell(place % count, place // (width * count), place // count % width)

    return Flat(
        channels_first=grid(ChannelsFirstFlatten()(x).tolist(), first),
        channels_last=grid(ChannelsLastFlatten()(x).tolist(), last),
    )


class Skip(Request):
    """The input x of a block and its output F(x), a row for each channel."""

    x: Matrix
    block: Matrix


class Skipped(BaseModel):
    """Both ways to join them; ``addition`` is None, with the reason, where sizes differ."""

    addition: Grid | None
    why_not_added: Problem | None
    concatenation: Grid | None
    why_not_concatenated: Problem | None


def skip(request: Skip) -> Skipped:
    """Join a block's output with its input: F(x) + x, and [F(x), x]."""
    import torch

    from layerlab.layers import Add, Concatenate

    x, block = request.x, request.block
    shapes = (f"{len(block)}×{len(block[0])}", f"{len(x)}×{len(x[0])}")
    tensors = [torch.tensor([rows], dtype=torch.float64) for rows in (block, x)]

    def added(row: int, column: int) -> Cell:
        return Cell(
            operation="sum",
            terms=[
                Term(value=block[row][column], source=("block", row, column)),
                Term(value=x[row][column], source=("x", row, column)),
            ],
        )

    def beside(row: int, column: int) -> Cell:
        name, rows, place = ("block", block, row) if row < len(block) else ("x", x, row - len(block))
        return Cell(operation="copy", terms=[Term(value=rows[place][column], source=(name, place, column))])

    same_length = len(x[0]) == len(block[0])
    same = same_length and len(x) == len(block)
    return Skipped(
        addition=grid(Add()(*tensors)[0].tolist(), added) if same else None,
        why_not_added=None if same else _problem("layers.error.add", "addition needs two equal shapes", *shapes),
        concatenation=grid(Concatenate()(*tensors)[0].tolist(), beside) if same_length else None,
        why_not_concatenated=None
        if same_length
        else _problem("layers.error.concatenate", "concatenation along the channels needs rows of one length", *shapes),
    )


def _problem(key: str, sentence: str, block: str, x: str) -> Problem:
    return Problem(key=key, values={"block": block, "x": x}, text=f"{sentence}, not {block} and {x}")
