"""The five kinds of module of Inception v3: for each size of map, and for the ways between them.

Christian Szegedy and four others, *Rethinking the Inception Architecture for Computer Vision*, CVPR 2016, figures 5 to
7 and 10. The network that they make is in inception.py. Sizes in comments are those of an image of 299 x 299.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from layerlab.zoo.convolution_unit import ConvolutionUnit
from layerlab.zoo.knobs import scaled

__all__ = ["Module8", "Module17", "Module35", "To8", "To17"]


class Module35(nn.Module):
    """Four branches on 35 x 35: 1x1; 1x1, 5x5; 1x1, 3x3, 3x3; average, 1x1 (the paper's figure 5).

    Args:
        in_channels: channels of the input.
        projected: channels behind the average.
        width: factor on the channels of every branch.
        activation: after every convolution, by name.
        norm: after every convolution, by name.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, H, W), by default 224 channels and those behind the average.

    Raises:
        ValueError: a knob out of range.
    """

    def __init__(self, in_channels: int, projected: int, width: float, activation: str, norm: str) -> None:
        super().__init__()
        w = partial(scaled, width=width)
        unit = partial(ConvolutionUnit, activation=activation, norm=norm)

        self.branch1x1 = unit(in_channels, w(64))

        self.branch5x5_1 = unit(in_channels, w(48))
        self.branch5x5_2 = unit(w(48), w(64), 5)

        self.branch3x3dbl_1 = unit(in_channels, w(64))
        self.branch3x3dbl_2 = unit(w(64), w(96), 3)
        self.branch3x3dbl_3 = unit(w(96), w(96), 3)

        self.branch_pool = unit(in_channels, w(projected))

        self.projected = w(projected)
        self.out_channels = 2 * w(64) + w(96) + w(projected)

    def forward(self, x: Tensor) -> Tensor:
        """Return the four answers behind one another."""
        one = self.branch1x1(x)  # 64, 35, 35
        five = self.branch5x5_2(self.branch5x5_1(x))  # 64, 35, 35
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))  # 96, 35, 35
        pool = self.branch_pool(avg_pool2d(x, 3, stride=1, padding=1))  # projected, 35, 35
        x = torch.cat([one, five, double, pool], 1)  # out_channels, 35, 35
        return x


class To17(nn.Module):
    """From 35 x 35 to 17 x 17: 3x3/2; 1x1, 3x3, 3x3/2; maximum 3x3/2 (the paper's figure 10).

    Args: as :class:`Module35`, without ``projected``.

    Output shape: (N, out_channels, (H - 1) / 2, (W - 1) / 2), by default 480 channels more than it is given.
    """

    def __init__(self, in_channels: int, width: float, activation: str, norm: str) -> None:
        super().__init__()
        w = partial(scaled, width=width)
        unit = partial(ConvolutionUnit, activation=activation, norm=norm)

        self.branch3x3 = unit(in_channels, w(384), 3, stride=2, padding=0)

        self.branch3x3dbl_1 = unit(in_channels, w(64))
        self.branch3x3dbl_2 = unit(w(64), w(96), 3)
        self.branch3x3dbl_3 = unit(w(96), w(96), 3, stride=2, padding=0)

        self.out_channels = w(384) + w(96) + in_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the three answers behind one another."""
        one = self.branch3x3(x)  # 384, 17, 17
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))  # 96, 35, 35
        double = self.branch3x3dbl_3(double)  # 96, 17, 17
        pool = max_pool2d(x, 3, stride=2)  # 288, 17, 17
        x = torch.cat([one, double, pool], 1)  # 768, 17, 17
        return x


class Module17(nn.Module):
    """Four branches on 17 x 17: 1x1; 1x1, 1x7, 7x1; 1x1, 7x1, 1x7, 7x1, 1x7; average, 1x1 (figure 6).

    Args: as :class:`Module35`, with ``flat``, the channels between the flat kernels, for ``projected``.

    Output shape: (N, out_channels, H, W), by default 768 channels.
    """

    def __init__(self, in_channels: int, flat: int, width: float, activation: str, norm: str) -> None:
        super().__init__()
        w = partial(scaled, width=width)
        unit = partial(ConvolutionUnit, activation=activation, norm=norm)

        self.branch1x1 = unit(in_channels, w(192))

        self.branch7x7_1 = unit(in_channels, w(flat))
        self.branch7x7_2 = unit(w(flat), w(flat), (1, 7))
        self.branch7x7_3 = unit(w(flat), w(192), (7, 1))

        self.branch7x7dbl_1 = unit(in_channels, w(flat))
        self.branch7x7dbl_2 = unit(w(flat), w(flat), (7, 1))
        self.branch7x7dbl_3 = unit(w(flat), w(flat), (1, 7))
        self.branch7x7dbl_4 = unit(w(flat), w(flat), (7, 1))
        self.branch7x7dbl_5 = unit(w(flat), w(192), (1, 7))

        self.branch_pool = unit(in_channels, w(192))

        self.flat = w(flat)
        self.out_channels = 4 * w(192)

    def forward(self, x: Tensor) -> Tensor:
        """Return the four answers behind one another."""
        one = self.branch1x1(x)  # 192, 17, 17
        seven = self.branch7x7_2(self.branch7x7_1(x))  # flat, 17, 17
        seven = self.branch7x7_3(seven)  # 192, 17, 17
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))  # flat, 17, 17
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))  # 192, 17, 17
        pool = self.branch_pool(avg_pool2d(x, 3, stride=1, padding=1))  # 192, 17, 17
        x = torch.cat([one, seven, double, pool], 1)  # 768, 17, 17
        return x


class To8(nn.Module):
    """From 17 x 17 to 8 x 8: 1x1, 3x3/2; 1x1, 1x7, 7x1, 3x3/2; maximum 3x3/2.

    Args: as :class:`Module35`, without ``projected``.

    Output shape: (N, out_channels, (H - 1) / 2, (W - 1) / 2), by default 512 channels more than it is given.
    """

    def __init__(self, in_channels: int, width: float, activation: str, norm: str) -> None:
        super().__init__()
        w = partial(scaled, width=width)
        unit = partial(ConvolutionUnit, activation=activation, norm=norm)

        self.branch3x3_1 = unit(in_channels, w(192))
        self.branch3x3_2 = unit(w(192), w(320), 3, stride=2, padding=0)

        self.branch7x7x3_1 = unit(in_channels, w(192))
        self.branch7x7x3_2 = unit(w(192), w(192), (1, 7))
        self.branch7x7x3_3 = unit(w(192), w(192), (7, 1))
        self.branch7x7x3_4 = unit(w(192), w(192), 3, stride=2, padding=0)

        self.out_channels = w(320) + w(192) + in_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the three answers behind one another."""
        three = self.branch3x3_1(x)  # 192, 17, 17
        three = self.branch3x3_2(three)  # 320, 8, 8
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))  # 192, 17, 17
        seven = self.branch7x7x3_4(seven)  # 192, 8, 8
        pool = max_pool2d(x, 3, stride=2)  # 768, 8, 8
        x = torch.cat([three, seven, pool], 1)  # 1280, 8, 8
        return x


class Module8(nn.Module):
    """Six branches on 8 x 8: 1x1; 1x1, then 1x3 and 3x1; 1x1, 3x3, then 1x3 and 3x1; average, 1x1 (figure 7).

    Args: as :class:`Module35`, without ``projected``.

    Output shape: (N, out_channels, H, W), by default 2048 channels.
    """

    def __init__(self, in_channels: int, width: float, activation: str, norm: str) -> None:
        super().__init__()
        w = partial(scaled, width=width)
        unit = partial(ConvolutionUnit, activation=activation, norm=norm)

        self.branch1x1 = unit(in_channels, w(320))

        self.branch3x3_1 = unit(in_channels, w(384))
        self.branch3x3_2a = unit(w(384), w(384), (1, 3))
        self.branch3x3_2b = unit(w(384), w(384), (3, 1))

        self.branch3x3dbl_1 = unit(in_channels, w(448))
        self.branch3x3dbl_2 = unit(w(448), w(384), 3)
        self.branch3x3dbl_3a = unit(w(384), w(384), (1, 3))
        self.branch3x3dbl_3b = unit(w(384), w(384), (3, 1))

        self.branch_pool = unit(in_channels, w(192))

        self.out_channels = w(320) + 4 * w(384) + w(192)

    def forward(self, x: Tensor) -> Tensor:
        """Return the six answers behind one another."""
        one = self.branch1x1(x)  # 320, 8, 8

        three = self.branch3x3_1(x)  # 384, 8, 8
        three = torch.cat([self.branch3x3_2a(three), self.branch3x3_2b(three)], 1)  # 768, 8, 8

        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))  # 384, 8, 8
        double = torch.cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], 1)  # 768, 8, 8

        pool = self.branch_pool(avg_pool2d(x, 3, stride=1, padding=1))  # 192, 8, 8
        x = torch.cat([one, three, double, pool], 1)  # 2048, 8, 8
        return x
