"""Networks of one shape as one: their weights stacked, a lane for each, so that one operation serves them all.

A dense layer of many networks is one batched matrix product. Activations, skips and dropout go element by element and
serve stacked values as they are. Convolutions do not gain: with weights of their own for each lane they become grouped
convolutions, which take longer than one network after another.

Every layer's width is filled up to a multiple of :data:`ALIGNED` by units whose weights are and stay zero. Without
them the lanes would begin at uneven addresses, by which a matrix product chooses its way: the last bits of a network
would depend on its lane.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["StackedBatchNorm", "StackedLinear", "fill_lane", "stack"]

ALIGNED: Final = 16
"""Numbers of a cache line, and of the widest vectors of a processor."""


class StackedLinear(nn.Module):
    """The dense layers of ``lanes`` networks.

    Input shape:
        (lanes, N, in_features), filled up or not

    Output shape:
        (lanes, N, out_features), filled up
    """

    def __init__(self, linear: nn.Linear, lanes: int) -> None:
        super().__init__()
        self.inputs, outputs = _filled_up(linear.in_features), _filled_up(linear.out_features)
        self.weight = nn.Parameter(torch.zeros(lanes, outputs, self.inputs))
        self.bias = nn.Parameter(torch.zeros(lanes, 1, outputs))
        if self.inputs > linear.in_features:
            # A unit that fills up may still give something: a sigmoid of zero is a half.
            own = (torch.arange(self.inputs) < linear.in_features).float()
            self.weight.register_hook(own.mul)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        """Return each lane's weights times its input, plus its bias."""
        if x.shape[-1] < self.inputs:
            x = functional.pad(x, (0, self.inputs - x.shape[-1]))
        return torch.baddbmm(self.bias, x, self.weight.mT)  # lanes, N, out_features


class StackedBatchNorm(nn.Module):
    """The batch normalisations of ``lanes`` networks: each lane by its own batch.

    Input shape:
        (lanes, N, features), filled up

    Output shape:
        as the input.

    Reference:
        Ioffe, Szegedy. Batch Normalization. ICML 2015.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: nn.BatchNorm1d, lanes: int) -> None:
        super().__init__()
        shape = (lanes, 1, _filled_up(norm.num_features))
        self.weight, self.bias = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.zeros(shape))
        self.eps, self.momentum = norm.eps, norm.momentum or 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return each lane's values with mean 0 and deviation 1, scaled and shifted."""
        if not self.training:
            return torch.addcmul(self.bias, x - self.running_mean, self.weight * (self.running_var + self.eps).rsqrt())
        variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)  # lanes, 1, features
        with torch.no_grad():
            unbiased = variance * (x.shape[1] / (x.shape[1] - 1))
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(unbiased, self.momentum)
        return torch.addcmul(self.bias, x - mean, self.weight * (variance + self.eps).rsqrt())


def stack(network: nn.Module, lanes: int) -> nn.Module:
    """Turn a dense network, in place, into ``lanes`` networks of its shape; :func:`fill_lane` gives them weights.

    Input shape:
        (lanes, N, channels, height, width)

    Output shape:
        (lanes, N, classes), filled up
    """
    for name, module in network.named_children():
        if isinstance(module, nn.Linear):
            setattr(network, name, StackedLinear(module, lanes))
        elif isinstance(module, nn.BatchNorm1d):
            setattr(network, name, StackedBatchNorm(module, lanes))
        else:
            stack(module, lanes)
    return network


def fill_lane(stacked: nn.Module, lane: int, network: nn.Module) -> None:
    """Copy the weights and running statistics of a plain network into one lane."""
    plain = network.state_dict()
    for name, values in stacked.state_dict().items():
        own = plain[name]
        values[lane][(..., *map(slice, own.shape))] = own


def _filled_up(units: int) -> int:
    return -(-units // ALIGNED) * ALIGNED
