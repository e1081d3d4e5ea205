"""Partial convolution: a table says which channels see which.

Reference:
    LeCun, Bottou, Bengio, Haffner. Gradient-Based Learning Applied to Document Recognition. Proc. IEEE 1998.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.layers._arguments import whole_number

__all__ = ["PartialConv2d"]


class PartialConv2d(nn.Module):
    """A convolution whose every output channel sees the input channels of its row in a table, and has no other weights.

    With all channels in every row it is :class:`torch.nn.Conv2d`; with rows that share no channel, one with groups.

    Args:
        in_channels: channels that come in.
        table: for each channel that goes out, the numbers of those that it sees, in the order of their kernels.
        kernel_size: side of the kernels.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, len(table), H - kernel_size + 1, W - kernel_size + 1)

    Raises:
        ValueError: a size is less than 1, or a row is empty, names a channel twice, or one that there is not.

    Example:
        >>> layer = PartialConv2d(3, [(0, 1), (2,)], kernel_size=5)
        >>> layer
        PartialConv2d(3, 2, kernel_size=5, 3 of 6 kernels)
        >>> layer.weight.shape, layer.bias.shape
        (torch.Size([3, 5, 5]), torch.Size([2]))

    Reference:
        LeCun et al. Gradient-Based Learning Applied to Document Recognition. Proc. IEEE 1998, table I.
    """

    places: Tensor

    def __init__(self, in_channels: int, table: Sequence[Sequence[int]], kernel_size: int) -> None:
        super().__init__()
        self.in_channels = whole_number("in_channels", in_channels)
        self.kernel_size = whole_number("kernel_size", kernel_size)
        for number, row in enumerate(table):
            if not row or len(set(row)) < len(row) or not set(row) <= set(range(in_channels)):
                raise ValueError(
                    f"row {number} of the table must name different channels from 0 to {in_channels - 1}, at least one,"
                    f" not {tuple(row)}"
                )
        self.out_channels = whole_number("the table's length", len(table))
        self.seen = [len(row) for row in table]
        self.weight = nn.Parameter(torch.empty(sum(self.seen), kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(len(table)))
        places = [number * in_channels + seen for number, row in enumerate(table) for seen in row]
        self.register_buffer("places", torch.tensor(places))
        for kernels, bias in self.units():
            bound = 1 / math.sqrt(kernels.numel())  # as torch.nn.Conv2d
            nn.init.uniform_(kernels, -bound, bound)
            nn.init.uniform_(bias, -bound, bound)

    @torch.no_grad()
    def units(self) -> list[tuple[Tensor, Tensor]]:
        """Return kernels and bias of each channel that goes out: views, to draw them by their fan-in."""
        return list(zip(torch.split(self.weight, self.seen), torch.split(self.bias, 1), strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """Return the channels.

        The kernels are put in their places of a dense one, zeros elsewhere: few channels in groups of unequal size
        take ten times as long.
        """
        side = self.kernel_size
        dense = self.weight.new_zeros(self.out_channels * self.in_channels, side, side)
        dense = dense.index_copy(0, self.places, self.weight)
        return functional.conv2d(x, dense.view(self.out_channels, self.in_channels, side, side), self.bias)

    def extra_repr(self) -> str:
        """Return the arguments."""
        kernels = f"{sum(self.seen)} of {self.in_channels * self.out_channels} kernels"
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, {kernels}"
