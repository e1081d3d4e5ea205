"""One run: its processes, from the first step to the finished folder."""

from __future__ import annotations

import contextlib
import copy
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from layerlab.data import Dataset
from layerlab.errors import LayerlabError
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
from layerlab.training.interrupts import Stopped, StopRequest
from layerlab.training.loop import Callback, Loop, Plan, TrainingState
from layerlab.training.outputs import Head, LogitReader
from layerlab.training.precision import Setting
from layerlab.training.prepare import sample_batch
from layerlab.training.progress import make_progress
from layerlab.training.run import Run, load_run

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
    resumed: bool = False


def run_job(job: Job) -> Run:
    """Train in this process, or in several, and finish."""
    several = job.config.devices * job.config.nodes > 1
    job.unused = several and _leaves_unused(job)
    outside = several and (job.config.nodes > 1 or is_launched_outside())
    first = not outside or outer_rank(job.config) == 0
    with contextlib.ExitStack() as stack:
        if first:
            stack.enter_context(job.folder.held())
        if several and not outside:
            state = _train_in_children(job)
        else:
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
        run = finish(job.folder, job.model, job.dataset, job.head, device, job.document, state)
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
        if isinstance(error, torch.OutOfMemoryError):
            error = LayerlabError(
                f"the device has no memory left for batches of {job.config.batch_size}: choose a smaller batch size"
            )
        step = loop.state.step if loop is not None else 0
        state = "stopped" if isinstance(error, Stopped) else "failed"
        with contextlib.suppress(LayerlabError):  # on a full disk the status cannot be written either
            folder.write_status(state, reason=str(error), step=step)
        raise error


def _train_in_children(job: Job) -> TrainingState:
    """Start the processes, wait for them, and read what they left."""
    fabric = make_fabric(job.config, job.device, _fabric_precision(job), unused=job.unused)
    folder = job.folder
    model, dataset = job.model, job.dataset
    # Network and data travel as arguments of their own, where Lightning takes them out of shared memory.
    parcel = replace(job, model=nn.Identity(), dataset=None, callbacks=tuple(job.callbacks))  # type: ignore[arg-type]
    try:
        with _environment_kept(), quiet_lightning(), StopRequest(then=interrupt_children):
            launch: Any = fabric.launch  # its annotation knows functions of one argument only
            launch(_child, model, dataset, parcel)
    except Exception as error:  # a child's failure arrives as one of several kinds, with its traceback as text
        status = folder.read_status()
        if status.get("state") == "stopped":
            raise Stopped(str(status.get("reason"))) from None
        if status.get("state") == "failed":
            raise LayerlabError(str(status.get("reason"))) from None
        raise LayerlabError(f"training in {job.config.devices} processes failed: {last_error(str(error))}") from error
    return TrainingState(**read_checkpoint(folder.last)["state"])


def _child(fabric: Fabric, model: nn.Module, dataset: Dataset, job: Job) -> None:
    """Train as one of several processes."""
    with quiet_lightning(), deterministic():
        _train(fabric, model, dataset, job, child=True)


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
