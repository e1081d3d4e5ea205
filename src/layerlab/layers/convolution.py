"""Convolution and dense layers with their activation, in the few words of a Keras layer."""

from __future__ import annotations

from typing import Any

from torch import nn

from layerlab.layers._arguments import Axes, chain, per_axis, whole_number
from layerlab.layers.activations import activation as make_activation
from layerlab.layers.activations import canonical_name
from layerlab.layers.padding import Padding, split_padding

__all__ = ["activation_along", "convolution", "dense"]

_CONVOLUTIONS: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def dense(
    in_features: int, out_features: int, activation: str | None = None, *, bias: bool = True, **options: Any
) -> nn.Module:
    """Return a dense (fully connected) layer followed by its activation.

    Without an activation it is :class:`torch.nn.Linear` itself; with one, an ``nn.Sequential`` of ``dense``
    and ``activation``. ``maxout`` works like any other name: the layer is made ``pieces`` times wider.

    Args:
        in_features: numbers that come in.
        out_features: numbers that go out, after the activation.
        activation: its name (see :func:`~layerlab.layers.activation`); ``None`` and ``linear`` mean none.
        bias: whether each output has a constant.
        **options: of the activation.

    Input shape:
        (..., in_features)

    Output shape:
        (..., out_features)

    Raises:
        ValueError: a size is less than 1.
        LayerlabError: an unknown activation or option.

    Example:
        >>> dense(128, 10, activation="softmax")
        Sequential(
          (dense): Linear(in_features=128, out_features=10, bias=True)
          (activation): Softmax(dim=-1)
        )
    """
    whole_number("in_features", in_features)
    whole_number("out_features", out_features)
    act, wider = activation_along(-1, activation, options)
    return chain(dense=nn.Linear(in_features, out_features * wider, bias=bias), activation=act)


def convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: Axes,
    stride: Axes = 1,
    padding: Padding = "valid",
    dilation: Axes = 1,
    groups: int = 1,
    *,
    bias: bool = True,
    dims: int = 2,
    activation: str | None = None,
    **options: Any,
) -> nn.Module:
    """Return a convolution followed by its activation.

    Without an activation it is PyTorch's own module; with one, an ``nn.Sequential`` of ``convolution`` and
    ``activation``. Where the two sides are padded differently (``same`` with a stride, say) a ``padding``
    comes before.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out, after the activation.
        kernel_size: one number, or one for each axis.
        stride: one number, or one for each axis.
        padding: ``valid`` (none), ``same`` (``ceil(size / stride)`` places go out), one number, one number
            for each axis, or one (before, after) for each axis.
        dilation: one number, or one for each axis.
        groups: in how many groups the channels are kept apart.
        bias: whether each channel has a constant.
        dims: 1, 2 or 3 spatial axes.
        activation: its name (see :func:`~layerlab.layers.activation`); ``None`` and ``linear`` mean none.
        **options: of the activation.

    Input shape:
        (N, in_channels, *spatial)

    Output shape:
        (N, out_channels, *spatial'), each side as :func:`~layerlab.layers.output_size` says.

    Raises:
        ValueError: an argument out of its range.
        LayerlabError: an unknown activation or option.

    Example:
        >>> convolution(1, 64, 3, activation="relu")
        Sequential(
          (convolution): Conv2d(1, 64, kernel_size=(3, 3), stride=(1, 1))
          (activation): ReLU()
        )
    """
    if dims not in (1, 2, 3):
        raise ValueError(f"dims must be 1, 2 or 3, not {dims!r}")
    kernel = per_axis("kernel_size", kernel_size, dims)
    steps = per_axis("stride", stride, dims)
    gaps = per_axis("dilation", dilation, dims)
    for name, value in (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)):
        whole_number(name, value)
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"groups must divide the channels, and {in_channels} in and {out_channels} out are not divisible "
            f"by {groups}"
        )

    before, amounts = split_padding(padding, kernel, steps, gaps)
    act, wider = activation_along(1, activation, options)
    conv = _CONVOLUTIONS[dims - 1](in_channels, out_channels * wider, kernel, steps, amounts, gaps, groups, bias=bias)
    return chain(padding=before, convolution=conv, activation=act)


def activation_along(dim: int, name: str | None, options: dict[str, Any]) -> tuple[nn.Module | None, int]:
    """Return the activation (softmax and maxout along ``dim``) and the factor on the width before it."""
    if name is None:
        name = "linear"
    if canonical_name(name) in ("softmax", "log_softmax", "maxout"):
        options = {"dim": dim, **options}
    act = make_activation(name, **options)
    if isinstance(act, nn.Identity):
        return None, 1
    return act, getattr(act, "pieces", 1)
