"""Moving and reshaping axes."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Permute", "RepeatVector", "Reshape", "TimeDistributed"]


class Permute(nn.Module):
    """Puts the axes into another order; the batch is axis 0."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input with its axes in the new order."""
        return x.permute(self.axes)

    def extra_repr(self) -> str:
        """Return the order."""
        return ", ".join(map(str, self.axes))


class Reshape(nn.Module):
    """Gives each example another shape; one axis may be -1."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input in the new shape."""
        return x.reshape(x.shape[0], *self.shape)

    def extra_repr(self) -> str:
        """Return the shape."""
        return ", ".join(map(str, self.shape))


class RepeatVector(nn.Module):
    """Makes a sequence of one row, the same at each of its steps: (N, features) to (N, times, features)."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the row ``times`` times."""
        return x.unsqueeze(1).expand(-1, self.times, -1)

    def extra_repr(self) -> str:
        """Return how often."""
        return str(self.times)


class TimeDistributed(nn.Module):
    """Applies a layer to each step by itself.

    Args:
        layer: what is applied.
        before: puts the steps behind the batch, and the rest as ``layer`` wants it; None where they are so already.
        after: puts the result into its own order; None where it is so already.
    """

    def __init__(
        self, layer: nn.Module, before: tuple[int, ...] | None = None, after: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.layer = layer
        self.before = before
        self.after = after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what ``layer`` makes of each step."""
        if self.before is not None:
            x = x.permute(self.before)
        batch, steps = x.shape[:2]
        x = self.layer(x.flatten(0, 1))
        x = x.reshape(batch, steps, *x.shape[1:])
        return x if self.after is None else x.permute(self.after)
