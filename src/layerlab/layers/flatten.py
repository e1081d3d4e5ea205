"""Flattening an image into one row of numbers, in PyTorch's order and in Keras's."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import Flatten

from layerlab.errors import LayerlabError

__all__ = ["ChannelsLastFlatten", "Flatten"]


class ChannelsLastFlatten(nn.Module):
    """Flattens with the channels as the fastest index, as Keras does.

    :class:`torch.nn.Flatten`, its neighbour, goes through one whole channel after another. The numbers are
    the same in another order, so that the weights of the dense layer that follows fit only the order they
    learned.

    Input shape:
        (N, C, *spatial)

    Output shape:
        (N, C * product of spatial)

    Raises:
        LayerlabError: in ``forward``, an input without a channel axis.

    Example:
        >>> import torch
        >>> ChannelsLastFlatten()(torch.tensor([[[1, 2], [10, 20]]]))  # two channels of length two
        tensor([[ 1, 10,  2, 20]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return one row for each example."""
        if x.dim() < 2:
            raise LayerlabError(f"ChannelsLastFlatten takes (N, C, ...), and its input has shape {tuple(x.shape)}")
        return x.movedim(1, -1).flatten(1)
