"""The steps of an optimiser for networks that each have a learning rate of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

__all__ = ["Descent"]

MOMENTUM: Final = 0.9
BETAS: Final = (0.9, 0.999)
EPSILON: Final = 1e-8


class Descent:
    """Gradient descent: plain, with momentum, or Adam; the arithmetic is that of ``torch.optim``.

    Args:
        parameters: each (lanes, ...), or of one network alone.
        kind: ``sgd``, ``momentum`` or ``adam``.
        rates: learning rate of each lane; a single number serves one network.
        decays: weight decay of each lane, added to the gradient.

    Reference:
        Kingma, Ba. Adam: A Method for Stochastic Optimization. ICLR 2015.
    """

    def __init__(
        self, parameters: Sequence[Tensor], kind: str, rates: Sequence[float], decays: Sequence[float]
    ) -> None:
        self.parameters, self.kind = list(parameters), kind
        self.rates = [_along_lanes(rates, parameter) for parameter in parameters]
        self.decays = [_along_lanes(decays, parameter) for parameter in parameters] if any(decays) else None
        self.firsts = [torch.zeros_like(parameter) for parameter in parameters] if kind != "sgd" else []
        self.seconds = [torch.zeros_like(parameter) for parameter in parameters] if kind == "adam" else []
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move every parameter against its gradient, which may be overwritten."""
        self.steps += 1
        if self.decays is not None:
            for gradient, parameter, decay in zip(gradients, self.parameters, self.decays, strict=True):
                gradient.addcmul_(parameter, decay)
        if self.kind == "adam":
            self._adam(gradients)
            return
        if self.kind == "momentum":
            for velocity, gradient in zip(self.firsts, gradients, strict=True):
                velocity.mul_(MOMENTUM).add_(gradient)
            gradients = self.firsts
        for parameter, move, rate in zip(self.parameters, gradients, self.rates, strict=True):
            parameter.addcmul_(move, rate, value=-1)

    def _adam(self, gradients: Sequence[Tensor]) -> None:
        first_scale = 1 - BETAS[0] ** self.steps
        second_scale = math.sqrt(1 - BETAS[1] ** self.steps)
        for number, gradient in enumerate(gradients):
            first, second = self.firsts[number], self.seconds[number]
            first.lerp_(gradient, 1 - BETAS[0])
            second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            spread = second.sqrt().div_(second_scale).add_(EPSILON)
            self.parameters[number].addcmul_(first / spread, self.rates[number], value=-1 / first_scale)


def _along_lanes(values: Sequence[float], parameter: Tensor) -> Tensor:
    """Return one number for each lane in a shape that multiplies the parameter."""
    if len(values) == 1:
        return torch.tensor(values[0])
    return torch.tensor(values).view(-1, *[1] * (parameter.dim() - 1))
