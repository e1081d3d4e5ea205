"""Subsampling with learned strength: what the first convolutional networks had before pooling.

Reference:
    LeCun, Bottou, Bengio, Haffner. Gradient-Based Learning Applied to Document Recognition. Proc. IEEE 1998.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.layers._arguments import whole_number

__all__ = ["Subsampling2d"]


class Subsampling2d(nn.Module):
    """The sum of each window, times a learned coefficient, plus a learned bias: one of each a channel.

    With a coefficient of 1 / kernel_size² and no bias, with which it begins, it is :class:`torch.nn.AvgPool2d`. A
    small coefficient leaves the activation behind it nearly linear (the windows are blurred), a large one makes it
    decide (an "or" or an "and" of the window, by the bias).

    Args:
        channels: of its input and output.
        kernel_size: side of the windows, and the step between them.

    Input shape:
        (N, channels, H, W)

    Output shape:
        (N, channels, H // kernel_size, W // kernel_size)

    Raises:
        ValueError: a size is less than 1.

    Example:
        >>> layer = Subsampling2d(1)
        >>> _ = nn.init.constant_(layer.coefficient, 10), nn.init.constant_(layer.bias, 0.5)
        >>> layer(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).item()
        100.5

    Reference:
        LeCun et al. Gradient-Based Learning Applied to Document Recognition. Proc. IEEE 1998, section II.B.
    """

    def __init__(self, channels: int, kernel_size: int = 2) -> None:
        super().__init__()
        self.channels = whole_number("channels", channels)
        self.kernel_size = whole_number("kernel_size", kernel_size)
        self.coefficient = nn.Parameter(torch.full((channels,), 1 / kernel_size**2))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled sums."""
        average = functional.avg_pool2d(x, self.kernel_size)
        factor = self.kernel_size**2 * self.coefficient
        return average * factor[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.channels}, kernel_size={self.kernel_size}"
