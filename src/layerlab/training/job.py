"""One run: its processes, from the first step to the finished folder."""

from __future__ import annotations

import contextlib
import copy
import multiprocessing
import os
import shlex
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from layerlab.data import Dataset
from layerlab.errors import LayerlabError
from layerlab.interrupts import Stopped, StopRequest
from layerlab.training.checkpoint import read_checkpoint
from layerlab.training.config import TrainingConfig
from layerlab.training.devices import (
    interrupt_children,
    is_launched_outside,
    last_error,
    make_fabric,
    outer_rank,
    quiet_lightning,
)
from layerlab.training.evaluation import cross_entropy
from layerlab.training.finish import finish
from layerlab.training.folder import RunFolder
from layerlab.training.loop import Callback, Loop, Plan, failure_in_words
from layerlab.training.loop_state import TrainingState
from layerlab.training.outputs import Head, LogitReader
from layerlab.training.precision import Setting
from layerlab.training.prepare import sample_batch
from layerlab.training.progress import make_progress
from layerlab.training.run import Run, load_run
from layerlab.training.start import in_a_copy, needs_a_copy, refusal_of_a_copy

if TYPE_CHECKING:
    from lightning.fabric import Fabric

__all__ = ["Job", "deterministic", "run_job"]


@dataclass
class Job:
    """A run that is about to be trained, or trained further."""

    folder: RunFolder
    model: nn.Module
    dataset: Dataset
    config: TrainingConfig
    setting: Setting
    head: Head
    device: torch.device
    document: dict[str, Any]
    """What config.json holds, or will hold."""
    callbacks: Sequence[Callback]
    shown: bool | None
    unused: bool = False
    notebook_has: str | None = None
    """What only a copy of this process has, if the run starts processes that need it."""
    resumed: bool = False


def run_job(job: Job) -> Run:
    """Train in this process, or in several, and finish."""
    several = job.config.devices * job.config.nodes > 1
    outside = several and (job.config.nodes > 1 or is_launched_outside())
    job.notebook_has = needs_a_copy(job) if several and not outside else None
    job.unused = several and (in_a_copy(_leaves_unused, job) if job.notebook_has else _leaves_unused(job))
    first = not outside or outer_rank(job.config) == 0
    with contextlib.ExitStack() as stack:
        if several and not outside:
            state = _train_in_children(job)  # the first of the children holds the folder
            stack.enter_context(job.folder.held())
        else:
            if first:
                stack.enter_context(job.folder.held())
            fabric = make_fabric(job.config, job.device, _fabric_precision(job), unused=job.unused)
            if several:
                with quiet_lightning():
                    fabric.launch()
                job.folder = RunFolder(fabric.broadcast(str(job.folder.path)))
            state = _train(fabric, job.model, job.dataset, job)
            if not first:
                fabric.barrier()
                return load_run(job.folder.path, job.model)
        device = fabric.device if not several or outside else torch.device(job.device)
        try:
            run = finish(job.folder, job.model, job.dataset, job.head, device, job.document, state)
        except KeyboardInterrupt:
            again = f"layerlab train --resume {shlex.quote(str(job.folder.path))}"
            raise Stopped(f"stopped after the last epoch; to measure and write the rest: {again}") from None
        if outside:
            fabric.barrier()
        return run


def _train(fabric: Fabric, model: nn.Module, dataset: Dataset, job: Job, *, child: bool = False) -> TrainingState:
    """Train to the end; what ends it early is written into status.json."""
    folder = job.folder
    signals = (signal.SIGINT,) if child else (signal.SIGINT, signal.SIGTERM)
    plan = Plan(job.config, job.setting, job.head, job.callbacks)
    progress = make_progress(job.shown if fabric.is_global_zero else False)
    loop: Loop | None = None
    try:
        with StopRequest(signals, patient=child) as stop:
            loop = Loop(fabric, model, dataset, plan, folder, progress, stop)
            if job.resumed:
                loop.load(read_checkpoint(folder.last))
            else:
                loop.save()
            if fabric.is_global_zero:
                # After the checkpoint: whatever has a config.json can be resumed.
                if not job.resumed:
                    folder.write_config(job.document)
                folder.write_metrics(loop.state.history)
                folder.write_status("running", epoch=loop.state.epoch, step=loop.state.step)
            return loop.run()
    except (LayerlabError, Stopped, torch.OutOfMemoryError) as error:
        step = loop.state.step if loop is not None else 0
        told = failure_in_words(error, job.config, step) if isinstance(error, torch.OutOfMemoryError) else error
        state = "stopped" if isinstance(told, Stopped) else "failed"
        with contextlib.suppress(LayerlabError):  # on a full disk the status cannot be written either
            folder.write_status(state, reason=str(told), step=step)
        raise told from (error.__cause__ if told is error else error)


def _train_in_children(job: Job) -> TrainingState:
    """Start the processes, wait for them, and read what they left."""
    copied = job.notebook_has is not None
    fabric = make_fabric(job.config, job.device, _fabric_precision(job), unused=job.unused, copied=copied)
    folder = job.folder
    folder.write_status("starting")
    try:
        with _environment_kept(), quiet_lightning(), StopRequest(then=interrupt_children):
            fabric.launch(_Child(job))
    except KeyboardInterrupt:  # a second one: nobody waits for the children any more
        for child in multiprocessing.active_children():
            child.kill()
        raise
    except Exception as error:  # a child's failure arrives as one of several kinds, with its traceback as text
        status = folder.read_status()
        if status.get("state") == "stopped":
            raise Stopped(str(status.get("reason"))) from None
        if status.get("state") == "failed":
            raise LayerlabError(str(status.get("reason"))) from None
        if job.notebook_has and (late := refusal_of_a_copy(str(error), job.notebook_has, job.config.devices)):
            raise LayerlabError(late) from error
        raise LayerlabError(f"training in {job.config.devices} processes failed: {last_error(str(error))}") from error
    status = folder.read_status()
    if status.get("state") == "stopped":
        raise Stopped(str(status.get("reason")))
    return TrainingState(**read_checkpoint(folder.last)["state"])


class _Child:
    """What each of several processes does.

    The job is an attribute, and no argument, because Lightning rebuilds arguments piece by piece. The network's
    memory is shared between the processes until the loop copies it.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, fabric: Fabric) -> None:
        """Train."""
        hold = self.job.folder.held() if fabric.is_global_zero else contextlib.nullcontext()
        # A child that ends by an interrupt never reports to its parent, which would wait for it.
        with hold, quiet_lightning(), deterministic(), contextlib.suppress(Stopped):
            _train(fabric, self.job.model, self.job.dataset, self.job, child=True)


def _fabric_precision(job: Job) -> str:
    wide = any(p.dtype == torch.float64 for p in job.model.parameters())
    return "64" if wide and job.setting.precision == "32" else job.setting.precision


def _leaves_unused(job: Job) -> bool:
    """Tell whether some parameters get no gradient, as those of a branch that is not taken."""
    images, labels = sample_batch(job.dataset, 2)
    probe = copy.deepcopy(job.model).train()
    where = next(probe.parameters())
    with torch.random.fork_rng(), LogitReader(probe, job.head) as reader:
        logits, auxiliary = reader.read(probe(images.to(where.device, where.dtype)))
        loss = sum((table.sum() for table in auxiliary), cross_entropy(job.head, logits, labels))
        loss.backward()  # type: ignore[no-untyped-call]
    return any(p.requires_grad and p.grad is None for p in probe.parameters())


@contextlib.contextmanager
def deterministic() -> Iterator[None]:
    """Let cuDNN choose the algorithms that give the same numbers each time."""
    backend = torch.backends.cudnn
    before = backend.deterministic, backend.benchmark
    backend.deterministic, backend.benchmark = True, False
    try:
        yield
    finally:
        backend.deterministic, backend.benchmark = before


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """Take back what launching leaves in the environment: the next run finds its own port."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)
