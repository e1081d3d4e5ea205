"""Max and average pooling over matrices, and over whole channels."""

from __future__ import annotations

from pydantic import BaseModel

from layerlab.studio.command_error import CommandError
from layerlab.studio.layer_pages.grids import Cell, Grid, Operation, Place, Term, grid
from layerlab.studio.layer_pages.numbers import Channels, Matrix, Padding, Request, Small
from layerlab.studio.layer_pages.refusal import refuse_much, refuse_window

__all__ = ["GlobalPool", "GlobalPooled", "Pool", "Pooled", "global_pooling", "pooling"]


class Pool(Request):
    """Two matrices and the window that runs over both; padding takes no part in either."""

    maximum: Matrix
    average: Matrix
    kernel: Small
    stride: Small
    padding: Padding = 0


class Pooled(BaseModel):
    """The largest number, and the mean, of every window."""

    maximum: Grid
    average: Grid


def pooling(request: Pool) -> Pooled:
    """Pool one matrix by its largest numbers and the other by its means."""
    return Pooled(
        maximum=_pool("maximum", "max", request.maximum, request),
        average=_pool("average", "mean", request.average, request),
    )


def _pool(name: str, operation: Operation, matrix: list[list[float]], request: Pool) -> Grid:
    import torch
    from torch import nn

    from layerlab.layers import SameAvgPool2d, SameMaxPool2d, padding_amounts

    kernel, stride, padding = request.kernel, request.stride, request.padding
    height, width = len(matrix), len(matrix[0])
    before = [padding_amounts(padding, size, kernel, stride) for size in (height, width)]
    for size, amounts in zip((height, width), before, strict=True):
        refuse_window(kernel, size + sum(amounts))
    layer: nn.Module
    if padding == "same":
        layer = (SameMaxPool2d if operation == "max" else SameAvgPool2d)(kernel, stride)
    elif padding > kernel // 2:
        raise CommandError(
            "layers.error.pool-padding",
            f"padding {padding} is more than half of the window, {kernel}: some windows would hold padding only",
            padding=padding,
            kernel=kernel,
        )
    elif operation == "max":
        layer = nn.MaxPool2d(kernel, stride, padding)
    else:
        layer = nn.AvgPool2d(kernel, stride, padding, count_include_pad=False)
    values = layer(torch.tensor([[matrix]], dtype=torch.float64))[0, 0].tolist()
    refuse_much(kernel * kernel * len(values) * len(values[0]))

    def cell(row: int, column: int) -> Cell:
        rows = range(row * stride - before[0][0], row * stride - before[0][0] + kernel)
        columns = range(column * stride - before[1][0], column * stride - before[1][0] + kernel)
        there = [(r, c) for r in rows for c in columns if 0 <= r < height and 0 <= c < width]
        return Cell(operation=operation, terms=[Term(value=matrix[r][c], source=(name, r, c)) for r, c in there])

    return grid(values, cell)


class GlobalPool(Request):
    """The channels of one example: one row each for a sequence."""

    channels: Channels


class GlobalPooled(BaseModel):
    """One number a channel: (channels, 1)."""

    average: Grid
    maximum: Grid


def global_pooling(request: GlobalPool) -> GlobalPooled:
    """Return the mean and the largest number of every channel, by the 1D layers where a channel is one row."""
    import torch

    from layerlab.layers import GlobalAveragePool1d, GlobalAveragePool2d, GlobalMaxPool1d, GlobalMaxPool2d

    channels = request.channels
    x = torch.tensor(channels, dtype=torch.float64)[None]
    is_sequence = len(channels[0]) == 1
    average = GlobalAveragePool1d()(x[:, :, 0]) if is_sequence else GlobalAveragePool2d()(x)
    maximum = GlobalMaxPool1d()(x[:, :, 0]) if is_sequence else GlobalMaxPool2d()(x)

    def made_of(operation: Operation, channel: int) -> Cell:
        places: list[tuple[float, Place]] = [
            (value, (f"channel{channel}", r, c))
            for r, row in enumerate(channels[channel])
            for c, value in enumerate(row)
        ]
        return Cell(operation=operation, terms=[Term(value=value, source=place) for value, place in places])

    return GlobalPooled(
        average=grid(average.T.tolist(), lambda row, _: made_of("mean", row)),
        maximum=grid(maximum.T.tolist(), lambda row, _: made_of("max", row)),
    )
