"""Depthwise-separable convolution: space first, channel by channel, and then the channels, place by place."""

from __future__ import annotations

from torch import Tensor, nn

from layerlab.layers._arguments import Axes, per_axis, whole_number
from layerlab.layers.padding import Padding, split_padding

__all__ = ["SeparableConv2d"]


class SeparableConv2d(nn.Module):
    """A depthwise convolution followed by a pointwise (1x1) one.

    A full convolution, its neighbour, has ``kernel*kernel*in*out`` weights; this one has
    ``kernel*kernel*in*multiplier + in*multiplier*out``: for a 3x3 kernel and many channels about nine times
    fewer. Nothing stands between the two; Xception and MobileNet, which put a normalisation there, write it
    out.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out.
        kernel_size: of the depthwise convolution: one number or (height, width).
        stride: of the depthwise convolution.
        padding: as :func:`~layerlab.layers.convolution` takes it.
        dilation: of the depthwise convolution.
        depth_multiplier: kernels for each channel that comes in.
        bias: whether each channel that goes out has a constant.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, H', W')

    Raises:
        ValueError: an argument out of its range.

    Example:
        >>> layer = SeparableConv2d(64, 128, 3, padding=1)
        >>> sum(weight.numel() for weight in layer.parameters())  # 3*3*64 + 64*128 + 128
        8896

    Reference:
        Chollet. Xception: Deep Learning with Depthwise Separable Convolutions. CVPR 2017.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Axes,
        stride: Axes = 1,
        padding: Padding = "valid",
        dilation: Axes = 1,
        depth_multiplier: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels = whole_number("in_channels", in_channels)
        self.out_channels = whole_number("out_channels", out_channels)
        self.depth_multiplier = whole_number("depth_multiplier", depth_multiplier)
        self.kernel_size = per_axis("kernel_size", kernel_size, 2)
        self.stride = per_axis("stride", stride, 2)
        self.dilation = per_axis("dilation", dilation, 2)

        before, amounts = split_padding(padding, self.kernel_size, self.stride, self.dilation)
        self.pad = before if before is not None else nn.Identity()
        middle = in_channels * depth_multiplier
        self.depthwise = nn.Conv2d(
            in_channels,
            middle,
            (self.kernel_size[0], self.kernel_size[1]),
            (self.stride[0], self.stride[1]),
            (amounts[0], amounts[1]),
            (self.dilation[0], self.dilation[1]),
            groups=in_channels,
            bias=False,
        )
        self.pointwise = nn.Conv2d(middle, out_channels, 1, bias=bias)
        self.padding = padding if isinstance(padding, str) and before is not None else self.depthwise.padding

    def forward(self, x: Tensor) -> Tensor:
        """Return the channels mixed after each was convolved by itself."""
        x = self.pad(x)
        x = self.depthwise(x)  # N, in_channels * depth_multiplier, H', W'
        x = self.pointwise(x)  # N, out_channels, H', W'
        return x
