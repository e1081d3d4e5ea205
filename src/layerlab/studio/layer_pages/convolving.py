"""Two-dimensional convolution and its transpose, of one channel by one kernel."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated

from pydantic import BaseModel, Field

from layerlab.studio.command_error import CommandError
from layerlab.studio.layer_pages.grids import Cell, Grid, Term, grid
from layerlab.studio.layer_pages.numbers import MAX_SIDE, Matrix, Number, Padding, Request, Small
from layerlab.studio.layer_pages.refusal import refuse_much, refuse_window

__all__ = ["Convolution", "Convolved", "Transposed", "convolution", "transposed_convolution"]


class Convolution(Request):
    """An image of one channel, a kernel, and how it runs."""

    image: Matrix
    kernel: Matrix
    bias: Number = 0.0
    stride: Small = 1
    padding: Padding = 0
    dilation: Small = 1


class Convolved(BaseModel):
    """The output, and what it cost beside a fully connected layer."""

    output: Grid
    padding: tuple[tuple[int, int], tuple[int, int]]
    """Before and after, of the rows and of the columns; of the transposed convolution what is cut off."""
    weights: int
    dense_weights: int
    """Of a fully connected layer between the same two sizes."""


def convolution(request: Convolution) -> Convolved:
    """Run the kernel over the image (cross-correlation, as every network's convolution)."""
    import torch
    from torch.nn import functional

    from layerlab.layers import padding_amounts

    image, kernel, stride, dilation = request.image, request.kernel, request.stride, request.dilation
    sizes, windows = (len(image), len(image[0])), (len(kernel), len(kernel[0]))
    (top, bottom), (left, right) = (
        padding_amounts(request.padding, size, window, stride, dilation)
        for size, window in zip(sizes, windows, strict=True)
    )
    for size, window, amounts in zip(sizes, windows, ((top, bottom), (left, right)), strict=True):
        refuse_window(dilation * (window - 1) + 1, size + sum(amounts))
    padded = functional.pad(torch.tensor([[image]], dtype=torch.float64), (left, right, top, bottom))
    weight = torch.tensor([[kernel]], dtype=torch.float64)
    bias = torch.tensor([request.bias], dtype=torch.float64)
    values = functional.conv2d(padded, weight, bias, stride, dilation=dilation)[0, 0].tolist()
    refuse_much(windows[0] * windows[1] * len(values) * len(values[0]))

    def cell(row: int, column: int) -> Cell:
        terms = []
        for i, weights in enumerate(kernel):
            for j, weight in enumerate(weights):
                r, c = row * stride + i * dilation - top, column * stride + j * dilation - left
                inside = 0 <= r < sizes[0] and 0 <= c < sizes[1]
                terms.append(
                    Term(
                        value=image[r][c] if inside else 0.0,
                        source=("image", r, c),
                        weight=weight,
                        weight_source=("kernel", i, j),
                    )
                )
        return Cell(operation="sum", terms=terms, bias=request.bias)

    return Convolved(
        output=grid(values, cell),
        padding=((top, bottom), (left, right)),
        weights=windows[0] * windows[1],
        dense_weights=sizes[0] * sizes[1] * len(values) * len(values[0]),
    )


class Transposed(Request):
    """An image of one channel, a kernel, and how far apart its prints are."""

    image: Matrix
    kernel: Matrix
    bias: Number = 0.0
    stride: Small = 1
    padding: Annotated[int, Field(ge=0, le=MAX_SIDE)] = 0
    output_padding: Annotated[int, Field(ge=0, le=MAX_SIDE)] = 0
    dilation: Small = 1


def transposed_convolution(request: Transposed) -> Convolved:
    """Print the kernel into the output once for every cell of the image, multiplied by it."""
    import torch
    from torch.nn import functional

    image, kernel, stride, dilation = request.image, request.kernel, request.stride, request.dilation
    sizes, windows = (len(image), len(image[0])), (len(kernel), len(kernel[0]))
    padding, extra = request.padding, request.output_padding
    if extra >= max(stride, dilation):
        raise CommandError(
            "layers.error.output-padding",
            f"output padding {extra} must be smaller than the stride or the dilation ({max(stride, dilation)})",
            given=extra,
            limit=max(stride, dilation),
        )
    for size, window in zip(sizes, windows, strict=True):
        full = (size - 1) * stride + dilation * (window - 1) + 1 + extra
        if full - 2 * padding < 1:
            raise CommandError(
                "layers.error.crop",
                f"padding {padding} takes {2 * padding} off an output of {full}: nothing is left",
                padding=padding,
                full=full,
            )
    values = functional.conv_transpose2d(
        torch.tensor([[image]], dtype=torch.float64),
        torch.tensor([[kernel]], dtype=torch.float64),
        torch.tensor([request.bias], dtype=torch.float64),
        stride,
        padding,
        extra,
        dilation=dilation,
    )[0, 0].tolist()

    refuse_much(max(sizes[0] * sizes[1] * windows[0] * windows[1], len(values) * len(values[0])))
    terms: dict[tuple[int, int], list[Term]] = defaultdict(list)
    for r, numbers in enumerate(image):
        for c, value in enumerate(numbers):
            for i, weights in enumerate(kernel):
                for j, weight in enumerate(weights):
                    terms[r * stride + i * dilation - padding, c * stride + j * dilation - padding].append(
                        Term(value=value, source=("image", r, c), weight=weight, weight_source=("kernel", i, j))
                    )

    def cell(row: int, column: int) -> Cell:
        return Cell(operation="sum", terms=terms[row, column], bias=request.bias)

    return Convolved(
        output=grid(values, cell),
        padding=((padding, padding), (padding, padding)),
        weights=windows[0] * windows[1],
        dense_weights=sizes[0] * sizes[1] * len(values) * len(values[0]),
    )
