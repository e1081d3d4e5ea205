"""Padding that keeps ``ceil(size / stride)`` windows: the ``same`` of Keras and TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.errors import LayerlabError
from layerlab.layers._arguments import Axes, per_axis, whole_number
from layerlab.layers.geometry import same_padding

__all__ = ["Padding", "SamePadding", "is_padded", "split_padding"]

Padding = Literal["valid", "same"] | int | Sequence[int] | Sequence[tuple[int, int]]
"""``valid`` (none), ``same``, one number, one number for each axis, or one (before, after) for each axis."""

_PADS: tuple[type[nn.Module], ...] = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)


class SamePadding(nn.Module):
    """Pads so that the window that follows gives ``ceil(size / stride)`` outputs.

    How much depends on the size of the input, and an odd remainder goes to the right and the bottom.
    PyTorch's own ``padding="same"`` refuses a stride above 1, and a padding given as a number is the same on
    both sides.

    Args:
        kernel_size: of the window that follows; a tuple has one number for each spatial axis.
        stride: of the window that follows.
        dilation: of the window that follows.
        value: what to pad with.
        dims: the number of spatial axes; needed only if no argument is a tuple and the input is not an image.

    Input shape:
        (N, C, *spatial) or (C, *spatial), with ``dims`` spatial axes.

    Output shape:
        the same with each spatial axis longer by what :func:`~layerlab.layers.same_padding` says.

    Raises:
        ValueError: an argument is not a whole number of at least 1, or ``dims`` is not 1, 2 or 3.
        LayerlabError: in ``forward``, an input with another number of axes.

    Example:
        >>> import torch
        >>> SamePadding(3, stride=2)(torch.ones(1, 1, 4, 5)).shape  # 4 -> 2 windows, 5 -> 3 windows
        torch.Size([1, 1, 5, 7])
    """

    def __init__(
        self,
        kernel_size: Axes,
        stride: Axes = 1,
        dilation: Axes = 1,
        value: float = 0.0,
        dims: int | None = None,
    ) -> None:
        super().__init__()
        tuples = [len(item) for item in (kernel_size, stride, dilation) if isinstance(item, Sequence)]
        self.dims = dims if dims is not None else (tuples or [2])[0]
        if self.dims not in (1, 2, 3):
            raise ValueError(f"the number of spatial axes must be 1, 2 or 3, not {self.dims!r}")
        self.kernel_size = per_axis("kernel_size", kernel_size, self.dims)
        self.stride = per_axis("stride", stride, self.dims)
        self.dilation = per_axis("dilation", dilation, self.dims)
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        """Return the padded input; the input itself when no padding is needed."""
        pads = self.amounts(x)
        flat = [amount for pair in reversed(pads) for amount in pair]  # functional.pad starts at the last axis
        return functional.pad(x, flat, value=self.value) if is_padded(pads) else x

    def amounts(self, x: Tensor) -> list[tuple[int, int]]:
        """Return (before, after) for each spatial axis of ``x``."""
        if x.dim() not in (self.dims + 1, self.dims + 2):
            raise LayerlabError(
                f"SamePadding for {self.dims} spatial axes takes (N, C, *spatial), and its input has shape "
                f"{tuple(x.shape)}"
            )
        sizes = x.shape[-self.dims :]
        windows = zip(sizes, self.kernel_size, self.stride, self.dilation, strict=True)
        return [_amounts(size, kernel, stride, dilation) for size, kernel, stride, dilation in windows]

    def extra_repr(self) -> str:
        """Return the arguments."""
        text = f"kernel_size={self.kernel_size}, stride={self.stride}, dilation={self.dilation}"
        return text if self.value == 0 else f"{text}, value={self.value}"


def is_padded(pads: list[tuple[int, int]]) -> bool:
    """Return whether there is any padding, as far as is known: under ``torch.export`` a size may be left open."""
    return any(not isinstance(amount, int) or amount > 0 for pair in pads for amount in pair)


def _amounts(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return :func:`same_padding`, and the same arithmetic in symbols for a size that is left open."""
    if isinstance(size, int):
        return same_padding(size, kernel, stride, dilation)
    outputs = -(-size // stride)
    total = torch.sym_max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2


def split_padding(
    padding: Padding, kernel_size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[nn.Module | None, tuple[int, ...]]:
    """Return what a convolution of PyTorch needs for ``padding``: a module before it, if any, and its
    numbers.

    The module is needed where the two sides differ; ``same`` with stride 1 and odd kernels is plain numbers.

    Raises:
        ValueError: ``padding`` is none of the forms.
    """
    dims = len(kernel_size)
    none = (0,) * dims
    if padding == "valid":
        return None, none
    if padding == "same":
        totals = [size * (kernel - 1) for size, kernel in zip(dilation, kernel_size, strict=True)]
        if all(step == 1 for step in stride) and not any(total % 2 for total in totals):
            return None, tuple(total // 2 for total in totals)
        return SamePadding(kernel_size, stride, dilation), none
    if isinstance(padding, str):
        raise ValueError(f'padding must be "valid", "same", a number or numbers, not "{padding}"')
    if isinstance(padding, Sequence) and padding and all(isinstance(item, Sequence) for item in padding):
        return _two_sided(cast("Sequence[Sequence[int]]", padding), dims), none
    return None, per_axis("padding", padding, dims, at_least=0)


def _two_sided(padding: Sequence[Sequence[int]], dims: int) -> nn.Module:
    """Return the zero padding of one (before, after) for each axis."""
    if len(padding) != dims or any(len(pair) != 2 for pair in padding):
        raise ValueError(f"padding must have one (before, after) for each of {dims} axes, not {padding!r}")
    flat = [whole_number("padding", amount, at_least=0) for pair in reversed(padding) for amount in pair]
    return _PADS[dims - 1](tuple(flat))
