"""Batch normalisation, written out as Algorithm 1 of its paper.

In a network use :class:`torch.nn.BatchNorm1d`, ``2d`` or ``3d``, which also keep the running mean and
variance for evaluation; the function here is what they do in training, in the paper's four lines.

The lecture prints the algorithm and, above it, one line that should say the same:
``(batch - mean(batch)) / (var(batch) + epsilon) * gamma + beta``. That line lacks the square root. It divides
by the variance where the algorithm divides by the standard deviation, so that its result is wrong by the
factor ``sqrt(var + epsilon)``: for a batch of standard deviation 4 the normalised values have standard
deviation 1/4 and not 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from layerlab.errors import LayerlabError

__all__ = ["batch_normalize"]


def batch_normalize(
    x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, epsilon: float = 1e-5
) -> Tensor:
    """Return the batch-normalising transform of a mini-batch: Algorithm 1, line by line.

    The m of the paper is every place at which a channel has a value: all examples, and all pixels of an
    image. Layer normalisation, its neighbour, takes the same steps over one example's features in place of
    one feature's examples.

    Args:
        x: the mini-batch.
        gamma: learned scale, one for each channel; 1 unless given.
        beta: learned offset, one for each channel; 0 unless given.
        epsilon: added to the variance, so that a constant channel does not divide by zero.

    Input shape:
        (N, C) or (N, C, *spatial)

    Output shape:
        as the input.

    Raises:
        LayerlabError: an input without a channel axis, one value a channel only, or a scale or offset that is
            not one number for each channel.

    Example:
        >>> x = torch.tensor([[1.0], [9.0]])  # mean 5, variance 16
        >>> batch_normalize(x).flatten()
        tensor([-1.0000,  1.0000])
        >>> ((x - x.mean()) / (x.var(correction=0) + 1e-5)).flatten()  # the lecture's line: a quarter of it
        tensor([-0.2500,  0.2500])

    Reference:
        Ioffe, Szegedy. Batch Normalization. ICML 2015, Algorithm 1.
    """
    if x.dim() < 2:
        raise LayerlabError(f"batch_normalize takes (N, C, ...), and its input has shape {tuple(x.shape)}")
    channels = x.shape[1]
    for name, value in (("gamma", gamma), ("beta", beta)):
        if value is not None and value.shape != (channels,):
            raise LayerlabError(f"{name} must have {channels} numbers, one for each channel, not {tuple(value.shape)}")
    if x.numel() == channels:
        raise LayerlabError("batch_normalize needs more than one value for each channel: one has no variance")
    places = [axis for axis in range(x.dim()) if axis != 1]
    per_channel = [-1 if axis == 1 else 1 for axis in range(x.dim())]

    mean = x.mean(places, keepdim=True)  # mini-batch mean
    variance = (x - mean).square().mean(places, keepdim=True)  # mini-batch variance, divided by m and not m - 1
    normalized = (x - mean) / torch.sqrt(variance + epsilon)  # normalise

    if gamma is not None:  # scale and shift
        normalized = gamma.view(per_channel) * normalized
    if beta is not None:
        normalized = normalized + beta.view(per_channel)
    return normalized
