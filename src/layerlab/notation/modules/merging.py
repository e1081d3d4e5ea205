"""Several tensors into one, element by element."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Average", "Maximum", "Minimum", "Multiply", "Subtract"]


class Subtract(nn.Module):
    """The first input minus the second."""

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the difference."""
        return first - second


class Multiply(nn.Module):
    """The product of its inputs."""

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the product."""
        product = inputs[0]
        for x in inputs[1:]:
            product = product * x
        return product


class Average(nn.Module):
    """The mean of its inputs."""

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the mean."""
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return total / len(inputs)


class Maximum(nn.Module):
    """The largest of its inputs."""

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the maximum."""
        largest = inputs[0]
        for x in inputs[1:]:
            largest = torch.maximum(largest, x)
        return largest


class Minimum(nn.Module):
    """The smallest of its inputs."""

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the minimum."""
        smallest = inputs[0]
        for x in inputs[1:]:
            smallest = torch.minimum(smallest, x)
        return smallest
