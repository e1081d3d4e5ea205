"""Global pooling: one number for each channel, whatever the size of the image.

It asks *whether* a pattern was seen and not *where*, and it has no parameters, so that it replaced the
flattening and the large dense layers of the first networks.

Reference:
    Lin, Chen, Yan. Network In Network. ICLR 2014, section 3.2.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError

__all__ = ["GlobalAveragePool1d", "GlobalAveragePool2d", "GlobalMaxPool1d", "GlobalMaxPool2d"]


class _GlobalPool(nn.Module):
    """What the four have in common: which axes are pooled."""

    dims: ClassVar[int]

    def __init__(self, keepdim: bool = False) -> None:
        super().__init__()
        self.keepdim = keepdim

    def axes(self, x: Tensor) -> tuple[int, ...]:
        """Return the spatial axes of ``x``."""
        if x.dim() != self.dims + 2:
            expected = ("(N, C, L)", "(N, C, H, W)")[self.dims - 1]
            raise LayerlabError(f"{type(self).__name__} takes {expected}, and its input has shape {tuple(x.shape)}")
        return tuple(range(2, x.dim()))

    def extra_repr(self) -> str:
        """Return the argument when it is not the default."""
        return "keepdim=True" if self.keepdim else ""


class _GlobalAveragePool(_GlobalPool):
    """The mean over space."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of each channel."""
        axes = self.axes(x)
        if x.dtype == torch.float16:  # whose largest number a sum soon passes
            return x.mean(axes, keepdim=self.keepdim)
        # The gradient of torch's mean is written out for every pixel with the channels first, whatever the layout of
        # the image, and what comes before then meets two layouts: ten times slower than the gradient of a sum, which
        # stays one number a channel.
        return x.sum(axes, keepdim=self.keepdim) / x.shape[2:].numel()


class _GlobalMaxPool(_GlobalPool):
    """The maximum over space."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest number of each channel."""
        return x.amax(self.axes(x), keepdim=self.keepdim)


class GlobalAveragePool1d(_GlobalAveragePool):
    """The mean of each channel of a sequence.

    :class:`torch.nn.AdaptiveAvgPool1d` with output size 1, its neighbour, keeps the axis of length 1.

    Args:
        keepdim: keep the pooled axis with length 1.

    Input shape:
        (N, C, L)

    Output shape:
        (N, C), or (N, C, 1) with ``keepdim``.

    Raises:
        LayerlabError: in ``forward``, an input with another number of axes.

    Example:
        >>> import torch
        >>> GlobalAveragePool1d()(torch.tensor([[[1.0, 2.0, 6.0]]]))
        tensor([[3.]])

    Reference:
        Lin, Chen, Yan. Network In Network. ICLR 2014.
    """

    dims = 1


class GlobalAveragePool2d(_GlobalAveragePool):
    """The mean of each channel of an image.

    :class:`torch.nn.AdaptiveAvgPool2d` with output size 1, its neighbour, keeps both axes with length 1.

    Args:
        keepdim: keep the pooled axes with length 1.

    Input shape:
        (N, C, H, W)

    Output shape:
        (N, C), or (N, C, 1, 1) with ``keepdim``.

    Raises:
        LayerlabError: in ``forward``, an input with another number of axes.

    Example:
        >>> import torch
        >>> GlobalAveragePool2d()(torch.ones(2, 128, 11, 11)).shape
        torch.Size([2, 128])

    Reference:
        Lin, Chen, Yan. Network In Network. ICLR 2014.
    """

    dims = 2


class GlobalMaxPool1d(_GlobalMaxPool):
    """The largest number of each channel of a sequence.

    It keeps the strongest answer alone, where :class:`GlobalAveragePool1d` weighs all places alike.

    Args:
        keepdim: keep the pooled axis with length 1.

    Input shape:
        (N, C, L)

    Output shape:
        (N, C), or (N, C, 1) with ``keepdim``.

    Raises:
        LayerlabError: in ``forward``, an input with another number of axes.

    Example:
        >>> import torch
        >>> GlobalMaxPool1d()(torch.tensor([[[1.0, 2.0, 6.0]]]))
        tensor([[6.]])
    """

    dims = 1


class GlobalMaxPool2d(_GlobalMaxPool):
    """The largest number of each channel of an image.

    It keeps the strongest answer alone, where :class:`GlobalAveragePool2d` weighs all places alike.

    Args:
        keepdim: keep the pooled axes with length 1.

    Input shape:
        (N, C, H, W)

    Output shape:
        (N, C), or (N, C, 1, 1) with ``keepdim``.

    Raises:
        LayerlabError: in ``forward``, an input with another number of axes.

    Example:
        >>> import torch
        >>> GlobalMaxPool2d(keepdim=True)(torch.ones(2, 8, 5, 5)).shape
        torch.Size([2, 8, 1, 1])
    """

    dims = 2
