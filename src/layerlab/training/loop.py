"""The training loop: steps, epochs, when to save, and everything that can end them.

It runs on Lightning's Fabric, which brings devices, processes and precision and leaves the loop to us: a run must go
on from any step, however it was killed, to the very numbers of a run that was not.
"""

from __future__ import annotations

import copy
import math
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from layerlab.data import Dataset
from layerlab.errors import LayerlabError
from layerlab.interrupts import Stopped, StopRequest
from layerlab.training.config import TrainingConfig
from layerlab.training.evaluation import Evaluation, evaluate, evaluation_batch_size
from layerlab.training.folder import RunFolder
from layerlab.training.loop_state import Checkpoints, TrainingState, not_finite
from layerlab.training.optimisers import make_optimizer
from layerlab.training.outputs import Head, LogitReader
from layerlab.training.parts import Parts
from layerlab.training.precision import Setting, to_layout
from layerlab.training.progress import Quiet
from layerlab.training.randomness import seed_everything
from layerlab.training.schedules import make_schedule
from layerlab.training.synchronised import synchronise_batch_norm
from layerlab.training.task import Classification, criterion_of

if TYPE_CHECKING:
    from lightning.fabric import Fabric
    from lightning.fabric.wrappers import _FabricOptimizer

__all__ = ["Loop", "Plan", "failure_in_words"]

_STEPS_BETWEEN_LOOKS = 10

Callback = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    config: TrainingConfig
    setting: Setting
    head: Head
    callbacks: Sequence[Callback] = ()
    """Each is called with the record of every finished epoch."""


class Loop:
    """Trains one network to the end of its plan.

    Args:
        fabric: launched.
        model: the network; trained in place on a single device.
        dataset: train and validation parts are used.
        plan: what to do.
        folder: where checkpoints go.
        progress: what the person sees.
        stop: whether the person wants to stop.
    """

    def __init__(
        self,
        fabric: Fabric,
        model: nn.Module,
        dataset: Dataset,
        plan: Plan,
        folder: RunFolder,
        progress: Quiet,
        stop: StopRequest,
    ) -> None:
        self.fabric, self.dataset, self.plan, self.folder = fabric, dataset, plan, folder
        self.progress, self.stop = progress, stop
        self.config = plan.config
        self.state = TrainingState()
        self.rank, self.world = fabric.global_rank, fabric.world_size

        if self.world > 1:
            model = synchronise_batch_norm(copy.deepcopy(model), fabric.device)
        to_layout(model, plan.setting)
        self.model = model
        self.task = Classification(plan.head, self.config, criterion_of(model))
        self.parts = Parts(model, self.config, plan.head.width)
        self.parts.freeze()
        self.sharded = self.config.strategy == "fsdp" and self.world > 1
        self.wrapped = fabric.setup_module(model)
        groups = self.parts.groups() if self.parts.have_rates else self.wrapped.parameters()
        inner = make_optimizer(self.config, groups)
        self.schedule = make_schedule(
            self.config.schedule, inner, self.total_steps, cycle_momentum=self.config.momentum is None
        )
        self.inner = inner
        self.optimizer = cast("_FabricOptimizer", fabric.setup_optimizers(inner))
        precision = fabric.strategy.precision
        self.checkpoints = Checkpoints(folder, model, self.wrapped, inner, self.schedule, precision, self.sharded)

        self._augmentation = dataset.augmentation(self.config.augmentation)
        self._layout = plan.setting.layout
        self._pending: list[tuple[Tensor, Tensor, int]] = []
        # Reading a number from a GPU waits for it; on the processor it is there.
        self._fold_every = 1 if fabric.device.type == "cpu" else 2 * _STEPS_BETWEEN_LOOKS
        self._count = len(dataset.train)
        self._saved_at = time.monotonic()

    # ---- sizes

    @property
    def drops_last(self) -> bool:
        """Whether a last batch of one image (or fewer than processes) is left out: it has no variance."""
        rest = len(self.dataset.train) % self.config.batch_size
        return 0 < rest < max(2, self.fabric.world_size) and len(self.dataset.train) > self.config.batch_size

    @property
    def batches_per_epoch(self) -> int:
        """Steps of one epoch."""
        full, rest = divmod(len(self.dataset.train), self.config.batch_size)
        return full + (rest > 0 and not self.drops_last)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.config.epochs * self.batches_per_epoch

    # ---- the run

    def run(self) -> TrainingState:
        """Train until the plan is done.

        Raises:
            LayerlabError: the loss is no number, the disk is full, or a file of the data cannot be read.
            Stopped: a person wished so; a checkpoint is written.
        """
        self.progress.start(self.config.epochs, self.total_steps, self.state.step)
        try:
            while not self.state.finished:
                self._train_epoch()
                self._close_epoch(self._validate())
        finally:
            self.progress.close()
        return self.state

    def _train_epoch(self) -> None:
        state, config = self.state, self.config
        batches = self.dataset.train.batches(
            config.batch_size,
            shuffle=True,
            seed=config.seed,
            epoch=state.epoch,
            rank=self.rank,
            world=self.world,
            drop_last=self.drops_last,
            transform=self._augmentation,
            memory_format=self._layout,
            start=state.batch,
        )
        self.wrapped.train()
        self.parts.settle()
        began = time.perf_counter()
        with LogitReader(self.model, self.plan.head) as reader:
            for images, labels in batches:
                self._step(images, labels, reader)
                now = time.perf_counter()
                state.seconds += now - began
                began = now
                self._look_around()
        self._fold()

    def _step(self, images: Tensor, labels: Tensor, reader: LogitReader) -> None:
        """Take one step of the optimiser."""
        state, config = self.state, self.config
        seed_everything(config.seed, state.epoch, state.batch, self.rank)
        images = self.fabric.to_device(images)
        labels = self.fabric.to_device(labels)
        images, target = self.task.mix(images, labels, state.epoch, state.batch)
        try:
            output = self.wrapped(images)
        except (RuntimeError, ValueError) as error:  # what torch's layers raise for an input of theirs
            raise failure_in_words(error, config, state.step) from error
        logits, auxiliary = reader.read(output)
        plain, loss = self.task.loss(logits, auxiliary, target)

        # Processes average their gradients; weighted so, the average is that of the one global batch.
        whole = min(config.batch_size, self._count - state.batch * config.batch_size)
        share = self.world * len(labels) / whole
        self.optimizer.zero_grad()
        self.fabric.backward(loss if share == 1 else loss * share)
        if config.gradient_clip is not None:
            self.fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=config.gradient_clip)
        state.learning_rate = float(self.inner.param_groups[0]["lr"])
        self.optimizer.step()
        if state.step + 1 < self.total_steps:
            self.schedule.step()

        correct = (self.plan.head.predictions(logits.detach()) == labels).sum()
        self._pending.append((plain.detach(), correct, len(labels)))
        state.batch += 1
        state.step += 1

    def _look_around(self) -> None:
        """Between two steps: note figures, save when it is time, stop when a person wishes."""
        if len(self._pending) >= self._fold_every:
            self._fold()
        save = time.monotonic() - self._saved_at >= 60 * self.config.checkpoint_minutes
        stop = self.stop.pending
        if self.world > 1:  # all must do the same at the same step
            if self.state.batch % _STEPS_BETWEEN_LOOKS:
                return
            save, stop = self._agree(save, stop)
        if stop:
            self._stop()
        elif save:
            self.save()

    def _stop(self) -> None:
        self.save()
        state = self.state
        raise Stopped(
            f"stopped in epoch {state.epoch + 1}, after step {state.step}; to go on:"
            f" layerlab train --resume {shlex.quote(str(self.folder.path))}"
        )

    def _fold(self) -> None:
        """Add what the last steps measured to the epoch's figures, and check it."""
        state = self.state
        for loss, correct, count in self._pending:
            value = loss.item()
            if not math.isfinite(value):
                step = state.step - len(self._pending) + 1
                self._give_up(f"the loss became {value}", step)
            state.loss_sum += value * count
            state.correct += correct.item()
            state.seen += count
        self._pending.clear()
        if state.seen and state.seconds:
            speed = state.seen * self.world / state.seconds
            self.progress.step(
                state.epoch + 1, state.step, state.loss_sum / state.seen, state.correct / state.seen, speed
            )

    def _give_up(self, what: str, step: int) -> None:
        kept = f"the checkpoint of {self._last_saved()} is kept" if self.folder.last.exists() else "nothing was kept"
        rate = self.inner.param_groups[0]["lr"]
        raise LayerlabError(
            f"{what} in epoch {self.state.epoch + 1}, step {step}: training stops and {kept} in"
            f' "{self.folder.path}"; start again with a lower learning rate'
            f" (it was {float(rate):.3g}) or a gradient clip"
        )

    def _last_saved(self) -> str:
        history = self.state.history
        return f"epoch {history[-1]['epoch']}" if history else "the start"

    def _validate(self) -> Evaluation:
        size = evaluation_batch_size(self.config.batch_size, self.dataset.shape, self.fabric.device, self.world)
        batches = self.dataset.validation.batches(size, rank=self.rank, world=self.world, memory_format=self._layout)
        found = evaluate(
            self.wrapped if self.sharded else self.model,
            self.plan.head,
            batches,
            self.fabric.device,
            forward=self._forward,
            interrupted=lambda: self.world == 1 and self.stop.pending,
        )
        if found is None:
            self._stop()
            raise RuntimeError  # _stop raises; this is for the reader and the type checker
        return found

    def _forward(self, images: Tensor) -> Any:
        """Run the network under the run's precision; by itself, as no process may wait for another here."""
        if self.sharded:
            return self.wrapped(images)
        precision = self.fabric.strategy.precision
        with precision.forward_context():
            return self.model(precision.convert_input(images))

    def _close_epoch(self, validation: Evaluation) -> None:
        """Write the epoch's record and checkpoints."""
        state, config = self.state, self.config
        loss_sum, correct, seen = self._global_sums()
        if not math.isfinite(validation.loss):
            self._give_up(f"the validation loss became {validation.loss}", state.step)
        record = {
            "epoch": state.epoch + 1,
            "train_loss": loss_sum / seen,
            "train_accuracy": correct / seen,
            "val_loss": validation.loss,
            "val_accuracy": validation.accuracy,
            "learning_rate": state.learning_rate,
            "seconds": state.seconds,
            "images_per_second": seen / state.seconds if state.seconds else 0.0,
        }
        state.history.append(record)
        state.epoch += 1
        state.batch = 0
        state.loss_sum = state.correct = state.seen = state.seconds = 0.0
        improved = validation.loss < state.best_loss or not state.best_epoch
        if improved:
            state.best_loss, state.best_epoch, state.stale = validation.loss, state.epoch, 0
        else:
            state.stale += 1
        patient = config.early_stopping is None or state.stale < config.early_stopping
        state.finished = state.epoch == config.epochs or not patient
        self.save(best=improved)
        if self.rank == 0:
            self.folder.write_metrics(state.history)
            self.folder.write_status("running", epoch=state.epoch, step=state.step)
            self.progress.epoch(record)
            for callback in self.plan.callbacks:
                callback(dict(record))

    # ---- several processes

    def _agree(self, *flags: bool) -> list[bool]:
        """Return, for each flag, whether any process has it set."""
        mine = torch.tensor([float(flag) for flag in flags], device=self.fabric.device)
        total: Any = self.fabric.all_reduce(mine, reduce_op="sum")
        return [value > 0 for value in total.tolist()]

    def _global_sums(self) -> tuple[float, float, float]:
        """Return the epoch's sums over all processes; rank 0 then holds them, the others nothing."""
        state = self.state
        if self.world > 1:
            dtype = torch.float32 if self.fabric.device.type == "mps" else torch.float64
            mine = torch.tensor([state.loss_sum, state.correct, state.seen], dtype=dtype, device=self.fabric.device)
            total: Any = self.fabric.all_reduce(mine, reduce_op="sum")
            sums = total.tolist()
            state.loss_sum, state.correct, state.seen = sums if self.rank == 0 else (0.0, 0.0, 0.0)
            return sums[0], sums[1], sums[2]
        return state.loss_sum, state.correct, state.seen

    # ---- checkpoints

    def save(self, *, best: bool = False) -> None:
        """Write ``last.ckpt`` and, where the epoch is the best so far, ``best.ckpt`` before it."""
        self._fold()
        self._global_sums()
        model, optimizer = self.checkpoints.gathered()
        if self.rank == 0:
            lost = not_finite(model)
            if lost is not None:  # a good checkpoint is not overwritten by one that is lost
                self._give_up(f'"{lost}" is no longer finite', self.state.step)
            self.checkpoints.write(model, optimizer, self.state, best=best)
        self._saved_at = time.monotonic()

    def load(self, content: dict[str, Any]) -> None:
        """Go back to what :meth:`save` wrote."""
        self.state = self.checkpoints.load(content)
        if self.rank:
            self.state.loss_sum = self.state.correct = self.state.seen = 0.0


def failure_in_words(error: Exception, config: TrainingConfig, step: int) -> LayerlabError:
    """Return in one sentence what a network raised in training."""
    text = " ".join(str(error).split())
    if isinstance(error, torch.OutOfMemoryError) or "not enough memory" in text:
        return LayerlabError(f"there is no memory left for batches of {config.batch_size}: choose a smaller batch size")
    return LayerlabError(f"the network failed in training, after step {step}: {type(error).__name__}: {text[:200]}")
