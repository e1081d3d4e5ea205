"""Batch normalisation that remembers what Keras remembers.

For its running variance Keras averages the variance of the batch (divided by m), PyTorch the estimate of the
population's (divided by m - 1). What comes out in training is the same; in evaluation the two differ by the factor
m / (m - 1), with m the batch size times the pixels: 2 % for 50 rows of features, nothing to speak of for images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["KerasBatchNorm", "KerasBatchNorm1d", "KerasBatchNorm2d", "KerasBatchNorm3d"]


class KerasBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Divides the batch's variance by m in ``running_var`` too; ``frozen`` layers keep to their running statistics."""

    frozen = False

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's name
        """Return the normalised input; in training, update the running mean and variance."""
        mean, variance, momentum = self.running_mean, self.running_var, self.momentum
        if self.frozen:
            return F.batch_norm(input, mean, variance, self.weight, self.bias, False, 0.0, self.eps)
        if not self.training or mean is None or variance is None or momentum is None:
            return super().forward(input)
        count = input.numel() / input.shape[1]
        if count == 1:
            return self._one_value(input, mean, variance, momentum)
        # With momentum 1 the batch's own statistics come back; the running ones are then free to change before the
        # backward pass, which keeps what it was given.
        own_mean, own_variance = torch.zeros_like(mean), torch.zeros_like(variance)
        output = F.batch_norm(input, own_mean, own_variance, self.weight, self.bias, True, 1.0, self.eps)
        with torch.no_grad():
            mean.lerp_(own_mean, momentum)
            variance.lerp_(own_variance * ((count - 1) / count), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        return output

    def _one_value(
        self,
        x: torch.Tensor,
        mean: torch.Tensor,
        variance: torch.Tensor,
        momentum: float,
    ) -> torch.Tensor:
        """Normalise one value for each channel, which PyTorch refuses: its variance is 0, and the result is beta."""
        with torch.no_grad():
            mean.lerp_(x.reshape(mean.shape), momentum)
            variance.mul_(1 - momentum)
        output = x - x.detach()
        if self.weight is None or self.bias is None:
            return output
        shape = [-1 if axis == 1 else 1 for axis in range(x.dim())]
        return output * self.weight.view(shape) + self.bias.view(shape)


class KerasBatchNorm1d(KerasBatchNorm, nn.BatchNorm1d):
    """:class:`torch.nn.BatchNorm1d` with Keras's running variance."""


class KerasBatchNorm2d(KerasBatchNorm, nn.BatchNorm2d):
    """:class:`torch.nn.BatchNorm2d` with Keras's running variance."""


class KerasBatchNorm3d(KerasBatchNorm, nn.BatchNorm3d):
    """:class:`torch.nn.BatchNorm3d` with Keras's running variance."""
