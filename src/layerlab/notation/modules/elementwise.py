"""Functions of single numbers."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["ElementwisePReLU", "GaussianDropout", "GaussianNoise", "KerasReLU", "Rescaling"]


class KerasReLU(nn.Module):
    """ReLU with a threshold, a slope below it and a ceiling.

    ``slope * (x - threshold)`` below the threshold, ``x`` above it, and never more than ``ceiling``.
    """

    def __init__(self, ceiling: float | None = None, slope: float = 0.0, threshold: float = 0.0) -> None:
        super().__init__()
        self.ceiling = ceiling
        self.slope = slope
        self.threshold = threshold

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the rectified input."""
        y = torch.where(x >= self.threshold, x, self.slope * (x - self.threshold))
        return y if self.ceiling is None else y.clamp(max=self.ceiling)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"ceiling={self.ceiling}, slope={self.slope}, threshold={self.threshold}"


class ElementwisePReLU(nn.Module):
    """PReLU with a slope for each place of the input, or of some of its axes (the others have length 1)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the rectified input."""
        return torch.where(x >= 0, x, self.weight * x)

    def extra_repr(self) -> str:
        """Return the shape of the slopes."""
        return ", ".join(map(str, self.weight.shape))


class Rescaling(nn.Module):
    """``scale * x + offset``."""

    def __init__(self, scale: float, offset: float = 0.0) -> None:
        super().__init__()
        self.scale = scale
        self.offset = offset

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the rescaled input."""
        return x * self.scale + self.offset

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"scale={self.scale}, offset={self.offset}"


class GaussianNoise(nn.Module):
    """Adds noise of this standard deviation, in training only."""

    def __init__(self, stddev: float) -> None:
        super().__init__()
        self.stddev = stddev

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input, with noise in training."""
        return x + self.stddev * torch.randn_like(x) if self.training else x

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"stddev={self.stddev}"


class GaussianDropout(nn.Module):
    """Multiplies by noise around 1 with the variance of dropout at this rate, in training only."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input, with noise in training."""
        if not self.training:
            return x
        deviation: float = (self.rate / (1 - self.rate)) ** 0.5
        return x * (1 + deviation * torch.randn_like(x))

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"rate={self.rate}"
