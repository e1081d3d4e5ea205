"""Transposed convolution (the lecture's deconvolution) with the output sizes of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional

from layerlab.layers._arguments import Axes, chain, per_axis, whole_number
from layerlab.layers.convolution import activation_along
from layerlab.layers.geometry import transposed_crop

__all__ = ["Crop", "transposed_convolution"]

_CONVOLUTIONS: tuple[type[nn.Module], ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Crop(nn.Module):
    """Takes off the edges: padding's opposite.

    Args:
        amounts: one (before, after) for each spatial axis.

    Input shape:
        (N, C, *spatial)

    Output shape:
        the same with each spatial axis shorter by ``before + after``.

    Raises:
        ValueError: an amount is not a whole number of at least 0.

    Example:
        >>> import torch
        >>> Crop([(0, 1), (2, 0)])(torch.zeros(1, 1, 5, 5)).shape
        torch.Size([1, 1, 4, 3])
    """

    def __init__(self, amounts: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.amounts = tuple(per_axis("amounts", pair, 2, at_least=0) for pair in amounts)

    def forward(self, x: Tensor) -> Tensor:
        """Return the middle."""
        return functional.pad(x, [-amount for pair in reversed(self.amounts) for amount in pair])

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"amounts={self.amounts}"


def transposed_convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: Axes,
    stride: Axes = 1,
    padding: Literal["valid", "same"] | Axes = "valid",
    output_padding: Axes | None = None,
    dilation: Axes = 1,
    *,
    bias: bool = True,
    dims: int = 2,
    activation: str | None = None,
    **options: Any,
) -> nn.Module:
    """Return a transposed convolution followed by its activation.

    It is the gradient of the convolution with the same arguments, used forwards, so that it makes images
    larger. With ``same`` the output is ``size * stride``; PyTorch's own module alone cannot say so where
    ``kernel - stride`` is odd, and a :class:`Crop` then follows it. Without a crop and an activation the
    result is PyTorch's own module.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out, after the activation.
        kernel_size: one number, or one for each axis.
        stride: one number, or one for each axis.
        padding: ``valid``, ``same``, or PyTorch's numbers: how much is taken off each side.
        output_padding: how much longer the output is made at its end; what Keras takes unless given.
        dilation: one number, or one for each axis.
        bias: whether each channel has a constant.
        dims: 1, 2 or 3 spatial axes.
        activation: its name (see :func:`~layerlab.layers.activation`); ``None`` and ``linear`` mean none.
        **options: of the activation.

    Input shape:
        (N, in_channels, *spatial)

    Output shape:
        (N, out_channels, *spatial'), each side as :func:`~layerlab.layers.transposed_output_size` says.

    Raises:
        ValueError: an argument out of its range.
        LayerlabError: an unknown activation or option, or an output padding that is too large.

    Example:
        >>> import torch
        >>> transposed_convolution(8, 4, 3, stride=2, padding="same")(torch.zeros(1, 8, 7, 7)).shape
        torch.Size([1, 4, 14, 14])

    Reference:
        Dumoulin, Visin. A guide to convolution arithmetic for deep learning. 2016, chapter 4.
    """
    if dims not in (1, 2, 3):
        raise ValueError(f"dims must be 1, 2 or 3, not {dims!r}")
    kernel = per_axis("kernel_size", kernel_size, dims)
    steps = per_axis("stride", stride, dims)
    gaps = per_axis("dilation", dilation, dims)
    for name, value in (("in_channels", in_channels), ("out_channels", out_channels)):
        whole_number(name, value)
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(f'padding must be "valid", "same", a number or numbers, not "{padding}"')
        sides: Sequence[str | int] = (padding,) * dims
    else:
        sides = per_axis("padding", padding, dims, at_least=0)
    longer = (None,) * dims if output_padding is None else per_axis("output_padding", output_padding, dims, 0)

    crops = [transposed_crop(*axis) for axis in zip(kernel, steps, sides, longer, gaps, strict=True)]
    act, wider = activation_along(1, activation, options)
    conv = _CONVOLUTIONS[dims - 1](
        in_channels,
        out_channels * wider,
        kernel,
        steps,
        padding=tuple(before for before, _ in crops),
        output_padding=tuple(max(0, before - after) for before, after in crops),
        dilation=gaps,
        bias=bias,
    )
    rest = [(0, max(0, after - before)) for before, after in crops]
    return chain(convolution=conv, crop=Crop(rest) if any(map(any, rest)) else None, activation=act)
