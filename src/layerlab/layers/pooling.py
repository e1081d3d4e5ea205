"""Max and average pooling with the ``same`` padding of Keras; without padding PyTorch's own modules do.

The padding takes no part: it is never the largest, and an average is over the numbers that are there. So it is
in Keras, but for its PyTorch backend, which averages the repeated edge in where the two sides are padded differently.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.layers._arguments import Axes, per_axis
from layerlab.layers.padding import SamePadding, is_padded

__all__ = ["SameAvgPool1d", "SameAvgPool2d", "SameMaxPool1d", "SameMaxPool2d"]


class _SamePool(nn.Module):
    """What the four have in common: the window and its padding."""

    dims: ClassVar[int]

    def __init__(self, kernel_size: Axes, stride: Axes | None = None) -> None:
        super().__init__()
        self.kernel_size = per_axis("kernel_size", kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else per_axis("stride", stride, self.dims)
        self.padding = "same"
        self.dilation = (1,) * self.dims

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


class _SameMaxPool(_SamePool):
    """Max pooling; the padding is minus infinity, so that it is never the largest."""

    def __init__(self, kernel_size: Axes, stride: Axes | None = None) -> None:
        super().__init__(kernel_size, stride)
        self.pad = SamePadding(self.kernel_size, self.stride, value=-torch.inf)

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest number of each window."""
        pool = (functional.max_pool1d, functional.max_pool2d)[self.dims - 1]
        return pool(self.pad(x), self.kernel_size, self.stride)


class _SameAvgPool(_SamePool):
    """Average pooling over the numbers that are there: the padding is not counted."""

    def __init__(self, kernel_size: Axes, stride: Axes | None = None) -> None:
        super().__init__(kernel_size, stride)
        self.pad = SamePadding(self.kernel_size, self.stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of each window."""
        pool = (functional.avg_pool1d, functional.avg_pool2d)[self.dims - 1]
        mean = pool(self.pad(x), self.kernel_size, self.stride)
        if not is_padded(self.pad.amounts(x)):
            return mean
        there = self.pad(torch.ones_like(x.narrow(-self.dims - 1, 0, 1)))
        return mean / pool(there, self.kernel_size, self.stride)


class SameMaxPool1d(_SameMaxPool):
    """Max pooling of a sequence to ``ceil(size / stride)`` places.

    :class:`torch.nn.MaxPool1d`, its neighbour, drops the places of a last window that is not whole.

    Args:
        kernel_size: length of the window.
        stride: step of the window; its length unless given.

    Input shape:
        (N, C, L)

    Output shape:
        (N, C, ceil(L / stride))

    Raises:
        ValueError: an argument is not a whole number of at least 1.

    Example:
        >>> SameMaxPool1d(2)(torch.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[2., 3.]]])
    """

    dims = 1


class SameMaxPool2d(_SameMaxPool):
    """Max pooling of an image to ``ceil(size / stride)`` places a side.

    :class:`torch.nn.MaxPool2d`, its neighbour, drops the rows and columns of a last window that is not whole.

    Args:
        kernel_size: one number or (height, width).
        stride: step of the window; its size unless given.

    Input shape:
        (N, C, H, W)

    Output shape:
        (N, C, ceil(H / stride), ceil(W / stride))

    Raises:
        ValueError: an argument is not a whole number of at least 1.

    Example:
        >>> SameMaxPool2d(2)(torch.zeros(1, 8, 7, 7)).shape
        torch.Size([1, 8, 4, 4])
    """

    dims = 2


class SameAvgPool1d(_SameAvgPool):
    """Average pooling of a sequence to ``ceil(size / stride)`` places; padding is not counted.

    :class:`torch.nn.AvgPool1d`, its neighbour, pads both sides alike and counts the padding unless told
    otherwise.

    Args:
        kernel_size: length of the window.
        stride: step of the window; its length unless given.

    Input shape:
        (N, C, L)

    Output shape:
        (N, C, ceil(L / stride))

    Raises:
        ValueError: an argument is not a whole number of at least 1.

    Example:
        >>> SameAvgPool1d(2)(torch.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[1.5000, 3.0000]]])
    """

    dims = 1


class SameAvgPool2d(_SameAvgPool):
    """Average pooling of an image to ``ceil(size / stride)`` places a side; padding is not counted.

    :class:`torch.nn.AvgPool2d`, its neighbour, pads both sides alike and counts the padding unless told
    otherwise.

    Args:
        kernel_size: one number or (height, width).
        stride: step of the window; its size unless given.

    Input shape:
        (N, C, H, W)

    Output shape:
        (N, C, ceil(H / stride), ceil(W / stride))

    Raises:
        ValueError: an argument is not a whole number of at least 1.

    Example:
        >>> SameAvgPool2d(2)(torch.ones(1, 1, 3, 3))
        tensor([[[[1., 1.],
                  [1., 1.]]]])
    """

    dims = 2
