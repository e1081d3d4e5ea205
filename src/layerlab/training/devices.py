"""Devices and processes: Lightning's Fabric, made quietly."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from layerlab.errors import LayerlabError
from layerlab.training.config import TrainingConfig

if TYPE_CHECKING:
    from lightning.fabric import Fabric

__all__ = [
    "interrupt_children",
    "is_launched_outside",
    "last_error",
    "make_fabric",
    "outer_rank",
    "quiet_lightning",
    "training_device",
]

_PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
_LOGGERS = ("lightning", "lightning.fabric", "lightning.pytorch", "lightning.fabric.utilities.rank_zero")
# Lightning's advice to those who write their own scripts; none of it concerns a person who calls fit().
_ADVICE = (
    r".*does not have many workers.*",
    r".*torch\.cuda\.amp\.GradScaler.*",
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*`srun` command is available.*",
)


def training_device(config: TrainingConfig) -> torch.device:
    """Return the kind of device that ``config`` asks for.

    Raises:
        LayerlabError: this machine has none, or too few.
    """
    kind = config.device
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda" and not torch.cuda.is_available():
        raise LayerlabError('device "cuda" is not there: torch finds no CUDA device; use "auto" or "cpu"')
    if kind == "mps" and not torch.backends.mps.is_available():
        raise LayerlabError('device "mps" is not there: it needs a Mac with Apple silicon; use "auto" or "cpu"')
    if kind == "cuda" and config.devices > torch.cuda.device_count():
        raise LayerlabError(f"devices is {config.devices} and this machine has {torch.cuda.device_count()}")
    if kind == "mps" and config.devices * config.nodes > 1:
        raise LayerlabError(f'device "mps" is a single one; devices is {config.devices} and nodes {config.nodes}')
    if kind != "cuda" and config.strategy == "fsdp":
        raise LayerlabError(f'strategy "fsdp" needs CUDA devices and this run is on "{kind}"; use "ddp"')
    if kind != "cuda" and config.precision == "16":
        raise LayerlabError(f'precision "16" needs a CUDA device and this run is on "{kind}"; use "bf16" or "auto"')
    return torch.device(kind)


def is_launched_outside() -> bool:
    """Tell whether torchrun, SLURM or a parent process has started this one as one of several."""
    return "LOCAL_RANK" in os.environ or "SLURM_PROCID" in os.environ


def make_fabric(
    config: TrainingConfig, device: torch.device, precision: str, *, unused: bool = False, copied: bool = False
) -> Fabric:
    """Return Lightning's Fabric for ``config``.

    Args:
        config: devices, nodes and strategy.
        device: the kind of device.
        precision: ``32``, ``bf16``, ``16``, or ``64`` for networks that compute in float64.
        unused: whether some parameters get no gradient, which DDP must be told.
        copied: whether the processes that this one starts have to be copies of it.
    """
    with quiet_lightning():
        from lightning.fabric import Fabric
        from lightning.fabric.strategies.ddp import DDPStrategy

        from layerlab.training.processes import ProcessesStrategy

        several = config.devices * config.nodes > 1
        strategy: Any = "auto"
        if several and config.strategy == "fsdp":
            strategy = "fsdp"
        elif several and config.nodes == 1 and not is_launched_outside():
            strategy = ProcessesStrategy(start_method="fork" if copied else "spawn", find_unused_parameters=unused)
        elif several:
            strategy = DDPStrategy(start_method="popen", find_unused_parameters=unused)
        return Fabric(
            accelerator=device.type,
            devices=config.devices,
            num_nodes=config.nodes,
            strategy=strategy,
            precision=_PRECISIONS.get(precision, "64-true"),  # type: ignore[arg-type]
        )


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hold back Lightning's greetings and its advice, each by name; warnings of others pass."""
    import lightning.fabric  # noqa: F401  (sets the levels of its loggers when it is first imported)

    before = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        for message in _ADVICE:
            warnings.filterwarnings("ignore", message=message)
        try:
            for name in before:
                logging.getLogger(name).setLevel(logging.WARNING)
            yield
        finally:
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)


def interrupt_children() -> None:
    """Pass a person's wish to stop on to the processes that train."""
    for child in multiprocessing.active_children():
        if child.pid is not None:
            os.kill(child.pid, signal.SIGINT)


def outer_rank(config: TrainingConfig | None) -> int:
    """Return which of the processes this is, where something outside has started them."""
    for name in ("RANK", "SLURM_PROCID"):
        if name in os.environ:
            return int(os.environ[name])
    devices = config.devices if config is not None else 1
    return int(os.environ.get("NODE_RANK", "0")) * devices + int(os.environ.get("LOCAL_RANK", "0"))


def last_error(text: str) -> str:
    """Return the sentence of the LayerlabError in a child's traceback, or its last line."""
    found = re.findall(r"^layerlab\.errors\.LayerlabError: (.*)$", text, re.MULTILINE)
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return found[-1] if found else (lines[-1].strip() if lines else "a training process ended")
