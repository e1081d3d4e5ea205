"""Batch normalisation over the batches of all processes; torch's own exists for CUDA only."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn

__all__ = ["SynchronisedBatchNorm", "synchronise_batch_norm"]


class _SumOverProcesses(torch.autograd.Function):
    """The sum over all processes; so is its gradient, as each process's loss depends on every summand."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        total = value.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


class SynchronisedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation whose mean and variance are those of the global batch.

    Takes (N, C, ...). Processes may hold different numbers of images, but every one must take part.

    Reference:
        S. Ioffe, C. Szegedy, *Batch Normalization*, 2015, Algorithm 1.
    """

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  (torch's name)
        pass

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        """Return the normalised input, of the same shape."""
        if not self.training:
            return super().forward(input)
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        axes = [axis for axis in range(x.dim()) if axis != 1]
        count = x.new_full((1,), x.numel() / x.shape[1])
        sums = _SumOverProcesses.apply(torch.cat([x.sum(axes), count]))
        number = sums[-1].detach()
        mean = sums[:-1] / number
        shape = [1, -1] + [1] * (x.dim() - 2)
        # A second reduction: E[x^2] - E[x]^2 loses the digits that are to agree with one process.
        centred = x - mean.view(shape)
        variance = _SumOverProcesses.apply(centred.square().sum(axes)) / number
        self._follow(mean, variance, number)
        output = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            output = output * self.weight.view(shape) + self.bias.view(shape)
        result: Tensor = output.to(input.dtype)
        return result

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, number: Tensor) -> None:
        """Move the running statistics, as torch's module does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        unbiased = variance * (number / (number - 1))
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), share)


def synchronise_batch_norm(model: nn.Module, device: torch.device) -> nn.Module:
    """Replace every batch normalisation of ``model`` by one over all processes; parameters are shared with it."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-any-return,no-untyped-call]
    if isinstance(model, nn.modules.batchnorm._BatchNorm):
        return _synchronised(model)
    for name, child in list(model.named_children()):
        replaced = synchronise_batch_norm(child, device)
        if replaced is not child:
            setattr(model, name, replaced)
    return model


def _synchronised(module: nn.modules.batchnorm._BatchNorm) -> SynchronisedBatchNorm:
    twin = SynchronisedBatchNorm(
        module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
    )
    twin.weight, twin.bias = module.weight, module.bias
    twin.running_mean, twin.running_var = module.running_mean, module.running_var
    twin.num_batches_tracked = module.num_batches_tracked
    twin.training = module.training
    return twin
