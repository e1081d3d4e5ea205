"""Maxout: the largest of several linear functions, learned in place of a fixed activation.

max(w1'x + b1, w2'x + b2) for two pieces. A leaky ReLU is the Maxout whose second piece is a fraction of its
first.

Reference:
    Goodfellow, Warde-Farley, Mirza, Courville, Bengio. Maxout Networks. ICML 2013.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.layers._arguments import whole_number

__all__ = ["Maxout", "MaxoutConv2d", "MaxoutLinear"]


class Maxout(nn.Module):
    """The maximum over groups of ``pieces`` neighbouring channels; it has no parameters of its own.

    Channels ``pieces*j ... pieces*j + pieces - 1`` are the pieces of unit ``j``. Put after a layer that is
    ``pieces`` times wider it is the Maxout layer. Max pooling, its neighbour, does the same over space.

    Args:
        pieces: how many channels compete for each unit.
        dim: where the channels are.

    Input shape:
        any, with a multiple of ``pieces`` along ``dim``.

    Output shape:
        as the input, with ``dim`` divided by ``pieces``.

    Raises:
        ValueError: ``pieces`` is less than 1, or ``dim`` is not a whole number.
        LayerlabError: in ``forward``, a number of channels that ``pieces`` does not divide.

    Example:
        >>> import torch
        >>> Maxout(pieces=2)(torch.tensor([[1.0, 5.0, -2.0, -3.0]]))
        tensor([[ 5., -2.]])

    Reference:
        Goodfellow et al. Maxout Networks. ICML 2013.
    """

    def __init__(self, pieces: int = 2, dim: int = 1) -> None:
        super().__init__()
        if isinstance(dim, bool) or not isinstance(dim, int):
            raise ValueError(f"dim must be a whole number, not {dim!r}")
        self.pieces = whole_number("pieces", pieces)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Return the maximum of each group of channels."""
        if not -x.dim() <= self.dim < x.dim():
            raise LayerlabError(f"Maxout has dim={self.dim} and its input has {x.dim()} dimensions")
        dim = self.dim % x.dim()
        if x.shape[dim] % self.pieces:
            raise LayerlabError(
                f"Maxout takes the maximum of every {self.pieces} channels, and {x.shape[dim]} channels are "
                f"not divisible by {self.pieces}: make the layer before it {self.pieces} times as wide"
            )
        units = x.shape[dim] // self.pieces
        return x.reshape(*x.shape[:dim], units, self.pieces, *x.shape[dim + 1 :]).amax(dim + 1)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"pieces={self.pieces}, dim={self.dim}"


class MaxoutLinear(nn.Module):
    """A dense layer whose every unit is the largest of ``pieces`` linear functions of the input.

    With one piece it is :class:`torch.nn.Linear`.

    Args:
        in_features: numbers that come in.
        out_features: numbers that go out.
        pieces: linear functions for each of them.
        bias: whether each function has a constant.

    Input shape:
        (..., in_features)

    Output shape:
        (..., out_features)

    Raises:
        ValueError: a size is less than 1.

    Example:
        >>> layer = MaxoutLinear(3, 4, pieces=5)
        >>> layer.linear
        Linear(in_features=3, out_features=20, bias=True)

    Reference:
        Goodfellow et al. Maxout Networks. ICML 2013.
    """

    def __init__(self, in_features: int, out_features: int, pieces: int = 2, bias: bool = True) -> None:
        super().__init__()
        self.in_features = whole_number("in_features", in_features)
        self.out_features = whole_number("out_features", out_features)
        self.pieces = whole_number("pieces", pieces)
        self.linear = nn.Linear(in_features, out_features * pieces, bias=bias)
        self.maxout = Maxout(pieces, dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest piece of each unit."""
        x = self.linear(x)  # ..., out_features * pieces
        x = self.maxout(x)  # ..., out_features
        return x


class MaxoutConv2d(nn.Module):
    """A convolution whose every output is the largest of ``pieces`` kernels' answers at that place.

    With one piece it is :class:`torch.nn.Conv2d`.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out.
        kernel_size: one number or (height, width).
        pieces: kernels for each channel that goes out.
        **conv: what else :class:`torch.nn.Conv2d` takes: ``stride``, ``padding``, ``dilation``, ``groups``,
            ...

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, H', W'), as of the convolution.

    Raises:
        ValueError: a size is less than 1.

    Example:
        >>> import torch
        >>> MaxoutConv2d(3, 8, 3, pieces=4, padding=1)(torch.zeros(1, 3, 10, 10)).shape
        torch.Size([1, 8, 10, 10])

    Reference:
        Goodfellow et al. Maxout Networks. ICML 2013.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        pieces: int = 2,
        **conv: Any,
    ) -> None:
        super().__init__()
        self.in_channels = whole_number("in_channels", in_channels)
        self.out_channels = whole_number("out_channels", out_channels)
        self.pieces = whole_number("pieces", pieces)
        self.convolution = nn.Conv2d(in_channels, out_channels * pieces, kernel_size, **conv)
        self.maxout = Maxout(pieces, dim=1)
        self.kernel_size = self.convolution.kernel_size
        self.stride = self.convolution.stride
        self.padding = self.convolution.padding
        self.dilation = self.convolution.dilation

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest piece of each channel at each place."""
        x = self.convolution(x)  # N, out_channels * pieces, H', W'
        x = self.maxout(x)  # N, out_channels, H', W'
        return x
