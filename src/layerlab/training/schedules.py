"""How the learning rate goes over the steps of a run."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, OneCycleLR, StepLR

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.training.config import SCHEDULES

__all__ = ["make_schedule"]

_WARM_UP = 0.3
_SHORTEST_CYCLE = 8
_STAGES = 3
_DROP = 0.1


def make_schedule(name: str, optimizer: Optimizer, total_steps: int, *, cycle_momentum: bool = True) -> LRScheduler:
    """Return a schedule that is advanced once after each of ``total_steps`` optimiser steps.

    Args:
        name: ``one-cycle`` (up for 30 % of the steps, then down to almost 0; momentum goes the other way),
            ``cosine`` (down along half a cosine), ``step`` (a tenth after each third) or ``constant``.
        optimizer: its learning rate is the highest of the schedule.
        total_steps: of the whole run.
        cycle_momentum: whether ``one-cycle`` moves the momentum too; where a person chose one, it stays.

    Raises:
        LayerlabError: no such schedule.

    Reference:
        L. Smith, N. Topin, *Super-Convergence*, 2018; I. Loshchilov, F. Hutter, *SGDR*, 2017.
    """
    match name:
        case "one-cycle":
            group = optimizer.param_groups[0]
            # Shorter cycles have no step between their ends, where torch divides by zero.
            return OneCycleLR(
                optimizer,
                max_lr=[entry["lr"] for entry in optimizer.param_groups],
                total_steps=max(total_steps, _SHORTEST_CYCLE),
                pct_start=_WARM_UP,
                cycle_momentum=cycle_momentum and ("betas" in group or bool(group.get("momentum"))),
            )
        case "cosine":
            return CosineAnnealingLR(optimizer, T_max=total_steps)
        case "step":
            return StepLR(optimizer, step_size=math.ceil(total_steps / _STAGES), gamma=_DROP)
        case "constant":
            return ConstantLR(optimizer, factor=1.0, total_iters=0)
    raise LayerlabError(f'no schedule "{name}"{did_you_mean(name, SCHEDULES)}')
