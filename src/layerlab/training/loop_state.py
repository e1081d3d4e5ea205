"""How far a run has come, and the checkpoints that hold it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from layerlab.errors import LayerlabError
from layerlab.training.checkpoint import load_state, write_checkpoint
from layerlab.training.folder import RunFolder

if TYPE_CHECKING:
    from lightning.fabric.plugins.precision import Precision
    from lightning.fabric.wrappers import _FabricModule

__all__ = ["Checkpoints", "TrainingState", "not_finite"]

_FORMAT = 1


@dataclass
class TrainingState:
    """How far a run has come. With the weights and the optimiser it is all that a checkpoint holds."""

    epoch: int = 0
    """Finished epochs."""
    batch: int = 0
    """Finished batches of the current one."""
    step: int = 0
    """Finished steps of the run."""
    loss_sum: float = 0.0
    """Over the images of the current epoch, as are the next two."""
    correct: float = 0.0
    seen: float = 0.0
    seconds: float = 0.0
    """Spent on the steps of the current epoch."""
    history: list[dict[str, Any]] = field(default_factory=list)
    learning_rate: float = 0.0
    """Of the last step."""
    best_epoch: int = 0
    best_loss: float = math.inf
    stale: int = 0
    """Epochs since the best one."""
    finished: bool = False


@dataclass(frozen=True)
class Checkpoints:
    """What of a run is saved, and its way to the run folder and back."""

    folder: RunFolder
    model: nn.Module
    wrapped: _FabricModule
    """The network as Fabric wraps it."""
    optimizer: Optimizer
    schedule: LRScheduler
    precision: Precision
    sharded: bool
    """Whether each process holds a share of the weights only."""

    def gathered(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the state of network and optimiser, whole; every process must call it."""
        if not self.sharded:
            return self.model.state_dict(), self.optimizer.state_dict()
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict

        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        return get_state_dict(self.wrapped._forward_module, self.optimizer, options=options)

    def write(self, model: dict[str, Any], optimizer: dict[str, Any], state: TrainingState, *, best: bool) -> None:
        """Write ``last.ckpt`` and, where the epoch is the best so far, ``best.ckpt`` before it.

        In this order a process that is killed in between resumes from the older ``last.ckpt``, comes to the same
        best epoch again, and writes the same file.
        """
        if best:
            content = {"format": _FORMAT, "model": model, "epoch": state.best_epoch, "val_loss": state.best_loss}
            write_checkpoint(self.folder.best, content)
        content = {
            "format": _FORMAT,
            "model": model,
            "optimizer": optimizer,
            "schedule": self.schedule.state_dict(),
            "precision": self.precision.state_dict(),
            "state": asdict(state),
        }
        write_checkpoint(self.folder.last, content)

    def load(self, content: dict[str, Any]) -> TrainingState:
        """Go back to what :meth:`write` wrote into ``last.ckpt``. Raises LayerlabError: another version wrote it."""
        if content.get("format") != _FORMAT or "state" not in content:
            raise LayerlabError(f'"{self.folder.last}" was not written by this version of Layerlab')
        if self.sharded:
            self._scatter(content)
        else:
            load_state(self.folder.last, self.model, content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
        self.schedule.load_state_dict(content["schedule"])
        self.precision.load_state_dict(content["precision"])
        return TrainingState(**content["state"])

    def _scatter(self, content: dict[str, Any]) -> None:
        from torch.distributed.checkpoint.state_dict import StateDictOptions, set_state_dict

        set_state_dict(
            self.wrapped._forward_module,
            self.optimizer,
            model_state_dict=content["model"],
            optim_state_dict=content["optimizer"],
            options=StateDictOptions(full_state_dict=True),
        )


def not_finite(weights: dict[str, Any]) -> str | None:
    """Return the name of a tensor that holds NaN or infinity, if there is one."""
    for name, value in weights.items():
        if isinstance(value, Tensor) and value.is_floating_point() and not bool(value.isfinite().all()):
            return name
    return None
