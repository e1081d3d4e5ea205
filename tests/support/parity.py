"""Two implementations with the same weights: outputs and gradients compared."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.zoo import transplant

__all__ = ["agree", "randomise", "reset_dropout", "tensors"]


def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Move norms away from 1 and 0, where mistakes hide; the weights of convolutions stay as they were drawn."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            with torch.no_grad():
                part.weight.uniform_(0.5, 1.5, generator=generator)
                part.bias.uniform_(-0.2, 0.2, generator=generator)
                if part.running_mean is not None and part.running_var is not None:
                    part.running_mean.uniform_(-0.2, 0.2, generator=generator)
                    part.running_var.uniform_(0.5, 1.5, generator=generator)
    return module


def tensors(output: Any) -> Iterator[Tensor]:
    """Yield the tensors of an output in order."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list)):
        for part in output:
            yield from tensors(part)
    elif isinstance(output, dict):
        for part in output.values():
            yield from tensors(part)


def reset_dropout(module: nn.Module) -> None:
    """Switch dropout off, for comparisons in training mode."""
    for part in module.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd):
            part.p = 0.0


def agree(reference: nn.Module, ours: nn.Module, x: Tensor, *, training: bool, tolerance: float = 1e-4) -> None:
    """Transplant the weights of ``reference`` into ``ours`` and compare outputs and gradients.

    In training mode dropout is off, the batch statistics are compared too, and every output (auxiliary heads) counts.
    Each difference is relative to the largest number of its tensor.

    Raises:
        AssertionError: something differs.
    """
    reference, ours = copy.deepcopy(reference), copy.deepcopy(ours)
    pairs = transplant(reference, ours)
    for module in (reference, ours):
        reset_dropout(module)
        module.train(training)
        module.zero_grad()
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outputs = [list(tensors(module(one))) for module, one in zip((reference, ours), inputs, strict=True)]
    assert len(outputs[0]) == len(outputs[1]), f"{len(outputs[0])} outputs against {len(outputs[1])}"
    for number, (theirs, mine) in enumerate(zip(*outputs, strict=True)):
        _near(f"output {number}", theirs, mine, tolerance)
    generator = torch.Generator().manual_seed(1)
    for ways in zip(*outputs, strict=True):
        weight = torch.randn(ways[0].shape, generator=generator)
        for way in ways:
            (way * weight).sum().backward(retain_graph=True)  # type: ignore[no-untyped-call]
    _near("gradient of the input", inputs[0].grad, inputs[1].grad, tolerance)
    theirs_by_name, mine_by_name = dict(reference.named_parameters()), dict(ours.named_parameters())
    for mine_name, their_name in pairs.items():
        if mine_name in mine_by_name:
            one, other = theirs_by_name[their_name].grad, mine_by_name[mine_name].grad
            assert (one is None) == (other is None), f"{mine_name}: gradient on one side only"
            if one is not None and other is not None:
                _near(f"gradient of {mine_name}", one.reshape(other.shape), other, tolerance)
    if training:
        theirs_state, mine_state = reference.state_dict(), ours.state_dict()
        for mine_name, their_name in pairs.items():
            if "running_" in mine_name:
                _near(mine_name, theirs_state[their_name], mine_state[mine_name], tolerance)


def _near(what: str, theirs: Tensor | None, mine: Tensor | None, tolerance: float) -> None:
    assert theirs is not None and mine is not None, what
    assert theirs.shape == mine.shape, f"{what}: {tuple(theirs.shape)} against {tuple(mine.shape)}"
    assert mine.isfinite().all(), f"{what} is not finite"
    scale = theirs.abs().max().item()
    difference = (theirs - mine).abs().max().item()
    assert difference <= tolerance * scale + 1e-12, f"{what} differs by {difference:.3g} of {scale:.3g}"
