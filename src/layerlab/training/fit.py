"""Train a classifier: the one call."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from layerlab.data import Dataset, load_data
from layerlab.errors import LayerlabError
from layerlab.training.checkpoint import read_checkpoint
from layerlab.training.command import command_of
from layerlab.training.config import TrainingConfig
from layerlab.training.devices import (
    interrupt_children,
    is_launched_outside,
    last_error,
    make_fabric,
    quiet_lightning,
    training_device,
)
from layerlab.training.environment import versions
from layerlab.training.evaluation import cross_entropy
from layerlab.training.finish import finish
from layerlab.training.folder import RunFolder
from layerlab.training.interrupts import Stopped, StopRequest
from layerlab.training.loop import Callback, Loop, Plan, TrainingState
from layerlab.training.optimisers import default_learning_rate, make_optimizer
from layerlab.training.outputs import Head, LogitReader
from layerlab.training.precision import Setting, choose_setting
from layerlab.training.prepare import prepare, sample_batch
from layerlab.training.progress import make_progress
from layerlab.training.randomness import untouched_generators
from layerlab.training.run import Run, load_run, rebuilt_model

if TYPE_CHECKING:
    from lightning.fabric import Fabric

__all__ = ["fit"]

_log = logging.getLogger("layerlab")


@dataclass
class _Job:
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


def fit(
    model: nn.Module | str | None = None,
    data: Dataset | str | os.PathLike[str] | None = None,
    *,
    epochs: int = TrainingConfig.epochs,
    seed: int = TrainingConfig.seed,
    batch_size: int = TrainingConfig.batch_size,
    optimizer: str = TrainingConfig.optimizer,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
    optimizer_options: dict[str, Any] | None = None,
    schedule: str = TrainingConfig.schedule,
    label_smoothing: float = TrainingConfig.label_smoothing,
    mixup: float = TrainingConfig.mixup,
    augmentation: str = TrainingConfig.augmentation,
    early_stopping: int | None = None,
    gradient_clip: float | None = None,
    validation: float = TrainingConfig.validation,
    precision: str = TrainingConfig.precision,
    memory_format: str = TrainingConfig.memory_format,
    device: str = TrainingConfig.device,
    devices: int = TrainingConfig.devices,
    nodes: int = TrainingConfig.nodes,
    strategy: str = TrainingConfig.strategy,
    checkpoint_minutes: float = TrainingConfig.checkpoint_minutes,
    output: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    size: int | Sequence[int] | None = None,
    channels: int | None = None,
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    download: bool = True,
) -> Run:
    """Train a classifier on images and return the run; everything about it is also in its folder.

    With the same seed on the same machine the numbers are the same, and so they are when the run was killed and
    resumed in between. The caller's random generators are left as they were.

    Args:
        model: an ``nn.Module``, or what :func:`layerlab.zoo.resolve` understands: a zoo name, a file of Keras text,
            ``package.module:callable``. It takes (N, C, H, W) and gives logits or probabilities (N, classes).
        data: a name, a path, or a :class:`layerlab.data.Dataset`.
        epochs: see :class:`TrainingConfig`, as for everything down to ``checkpoint_minutes``.
        seed: of everything that is drawn.
        batch_size: over all devices.
        optimizer: any of ``torch.optim`` by name.
        learning_rate: highest of the schedule.
        weight_decay: of the optimiser.
        momentum: of the optimiser.
        optimizer_options: further arguments of the optimiser.
        schedule: of the learning rate.
        label_smoothing: share of the target.
        mixup: alpha.
        augmentation: by name.
        early_stopping: patience in epochs.
        gradient_clip: largest norm.
        validation: share of the training part.
        precision: number format.
        memory_format: layout of images.
        device: kind of device.
        devices: how many on each machine.
        nodes: how many machines.
        strategy: how they share the work.
        checkpoint_minutes: between checkpoints inside an epoch.
        output: the run folder, which must be new; default ``runs/MODEL-DATA``, with a counter.
        resume: a run folder to go on with. Everything is taken from it; ``model`` is needed only where the folder
            cannot say how it is built, and options that were left at their defaults are those of the run.
        progress: whether to show a bar; default: on a terminal.
        callbacks: each is called with the record of every finished epoch.
        size: side of the images, or (height, width); default: the network's or the data's own.
        channels: 1 or 3; likewise.
        root: where downloads are kept.
        workers: processes that read image files.
        skip_bad: leave out images that cannot be read.
        download: whether data may be fetched.

    Raises:
        LayerlabError: what was given cannot be used, the loss became NaN, or the disk is full.
        Stopped: Ctrl-C or SIGTERM; a checkpoint was written and the text says how to go on.

    Example:
        >>> run = fit("lecture_cnn", "mnist5k", epochs=10, seed=0)  # doctest: +SKIP
        >>> run.metrics["test_accuracy"]  # doctest: +SKIP
        0.978
    """
    config = TrainingConfig(
        epochs=epochs,
        seed=seed,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        momentum=momentum,
        optimizer_options=dict(optimizer_options or {}),
        schedule=schedule,
        label_smoothing=label_smoothing,
        mixup=mixup,
        augmentation=augmentation,
        early_stopping=early_stopping,
        gradient_clip=gradient_clip,
        validation=validation,
        precision=precision,
        memory_format=memory_format,
        device=device,
        devices=devices,
        nodes=nodes,
        strategy=strategy,
        checkpoint_minutes=checkpoint_minutes,
    )
    options = {
        "size": size,
        "channels": channels,
        "root": None if root is None else os.fspath(root),
        "workers": workers,
        "skip_bad": skip_bad or None,
        "download": None if download else False,
    }
    with untouched_generators(), _deterministic():
        if resume is not None:
            return _resume(resume, model, data, config, options, output, callbacks, progress)
        return _start(model, data, config, options, output, callbacks, progress)


def _start(
    model: nn.Module | str | None,
    data: Dataset | str | os.PathLike[str] | None,
    config: TrainingConfig,
    options: dict[str, Any],
    output: str | os.PathLike[str] | None,
    callbacks: Sequence[Callback],
    shown: bool | None,
) -> Run:
    """Begin a new run."""
    if model is None or data is None:
        raise LayerlabError(
            f"there is no {'model' if model is None else 'data'} to train {'' if model is None else 'on'}".strip()
        )
    device = training_device(config)
    config_with_rate = _with_learning_rate(config)
    prepared = prepare(model, data, config, options)
    network, dataset = prepared.model, prepared.dataset
    dataset.augmentation(config.augmentation)
    make_optimizer(config_with_rate, network.parameters())
    images, labels = sample_batch(dataset, max(config.batch_size // (config.devices * config.nodes), 1))
    setting = choose_setting(config, network, prepared.head, images, labels, device)

    folder = _new_folder(output, prepared.name, dataset.name)
    origin = prepared.origin
    name_of_data = str(dataset.reproduce.get("name_or_path", dataset.name))
    document = {
        "command": command_of(origin.name if origin else None, name_of_data, config, options),
        "model": origin.to_dict() if origin else {"kind": "unknown", "name": prepared.name},
        "data": {"name": dataset.name, "reproduce": dataset.reproduce, "fingerprint": dataset.fingerprint},
        "preprocessing": dataset.preprocess.to_dict(),
        "classes": dataset.classes,
        "training": config.to_dict(),
        "resolved": {
            **asdict(setting),
            "device": device.type,
            "learning_rate": config_with_rate.learning_rate,
            "head": asdict(prepared.head),
        },
        "seed": config.seed,
        "versions": versions(device),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    job = _Job(folder, network, dataset, config_with_rate, setting, prepared.head, device, document, callbacks, shown)
    job.unused = config.devices * config.nodes > 1 and _leaves_unused(job)
    return _run(job)


def _resume(
    path: str | os.PathLike[str],
    model: nn.Module | str | None,
    data: Dataset | str | os.PathLike[str] | None,
    given: TrainingConfig,
    options: dict[str, Any],
    output: str | os.PathLike[str] | None,
    callbacks: Sequence[Callback],
    shown: bool | None,
) -> Run:
    """Go on with a run."""
    folder = RunFolder.existing(path)
    document = folder.read_config()
    recorded = TrainingConfig.from_dict(document["training"])
    _refuse_conflicts(folder, document, recorded, given, model, data, options, output)
    own = model if isinstance(model, nn.Module) else None
    if folder.is_finished():
        _log.warning('"%s" is finished: its %d epochs are done', folder.path, recorded.epochs)
        return load_run(folder.path, own)
    resolved = document["resolved"]
    device = training_device(replace(recorded, device=resolved["device"]))
    dataset = data if isinstance(data, Dataset) else load_data(**document["data"]["reproduce"])
    if dataset.fingerprint != document["data"]["fingerprint"]:
        raise LayerlabError(
            f'the data "{dataset.name}" has changed since "{folder.path}" began: start a new run, or put it back'
        )
    job = _Job(
        folder=folder,
        model=own or rebuilt_model(folder, document),
        dataset=dataset,
        config=replace(recorded, learning_rate=resolved["learning_rate"]),
        setting=Setting(resolved["precision"], resolved["memory_format"]),
        head=Head(**resolved["head"]),
        device=device,
        document=document,
        callbacks=callbacks,
        shown=shown,
        resumed=True,
    )
    read_checkpoint(folder.last)  # a cut file is told before any process starts
    job.unused = recorded.devices * recorded.nodes > 1 and _leaves_unused(job)
    return _run(job)


def _run(job: _Job) -> Run:
    """Train in this process, or in several, and finish."""
    several = job.config.devices * job.config.nodes > 1
    outside = several and (job.config.nodes > 1 or is_launched_outside())
    first = not outside or _outer_rank(job.config) == 0
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


def _train(fabric: Fabric, model: nn.Module, dataset: Dataset, job: _Job, *, child: bool = False) -> TrainingState:
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


def _train_in_children(job: _Job) -> TrainingState:
    """Start the processes, wait for them, and read what they left."""
    fabric = make_fabric(job.config, job.device, _fabric_precision(job), unused=job.unused)
    folder = job.folder
    model, dataset = job.model, job.dataset
    # Network and data travel as arguments of their own, where Lightning takes them out of shared memory.
    parcel = replace(job, model=nn.Identity(), dataset=None, callbacks=tuple(job.callbacks))  # type: ignore[arg-type]
    try:
        with _environment_kept(), quiet_lightning(), StopRequest(then=interrupt_children):
            fabric.launch(_child, model, dataset, parcel)
    except Exception as error:  # a child's failure arrives as one of several kinds, with its traceback as text
        status = folder.read_status()
        if status.get("state") == "stopped":
            raise Stopped(str(status.get("reason"))) from None
        if status.get("state") == "failed":
            raise LayerlabError(str(status.get("reason"))) from None
        raise LayerlabError(f"training in {job.config.devices} processes failed: {last_error(str(error))}") from error
    return TrainingState(**read_checkpoint(folder.last)["state"])


def _child(fabric: Fabric, model: nn.Module, dataset: Dataset, job: _Job) -> None:
    """Train as one of several processes."""
    with quiet_lightning(), _deterministic():
        _train(fabric, model, dataset, job, child=True)


def _fabric_precision(job: _Job) -> str:
    wide = any(p.dtype == torch.float64 for p in job.model.parameters())
    return "64" if wide and job.setting.precision == "32" else job.setting.precision


def _new_folder(output: str | os.PathLike[str] | None, model: str, data: str) -> RunFolder:
    """Make the run folder; where several processes run this line, the first does."""
    if is_launched_outside() and _outer_rank(None) != 0:
        return RunFolder("")
    return RunFolder.create(output, model, data)


def _outer_rank(config: TrainingConfig | None) -> int:
    """Return which of the processes this is, where something outside has started them."""
    for name in ("RANK", "SLURM_PROCID"):
        if name in os.environ:
            return int(os.environ[name])
    devices = config.devices if config is not None else 1
    return int(os.environ.get("NODE_RANK", 0)) * devices + int(os.environ.get("LOCAL_RANK", 0))


def _with_learning_rate(config: TrainingConfig) -> TrainingConfig:
    if config.learning_rate is not None:
        return config
    return replace(config, learning_rate=default_learning_rate(config.optimizer))


def _refuse_conflicts(
    folder: RunFolder,
    document: dict[str, Any],
    recorded: TrainingConfig,
    given: TrainingConfig,
    model: nn.Module | str | None,
    data: Dataset | str | os.PathLike[str] | None,
    options: dict[str, Any],
    output: str | os.PathLike[str] | None,
) -> None:
    """Refuse what would make another run of the one that is resumed."""
    start = "start a new run for that"
    name = given.conflict_with(recorded)
    if name == "epochs":
        raise LayerlabError(
            f'"{folder.path}" was planned for {recorded.epochs} epochs, and so was its learning rate;'
            f" epochs={given.epochs} does not fit: {start}"
        )
    if name is not None:
        raise LayerlabError(
            f'"{folder.path}" was begun with {name}={getattr(recorded, name)!r} and goes on with it;'
            f" {name}={getattr(given, name)!r} does not fit: {start}"
        )
    own = document["model"].get("name") if isinstance(document["model"], dict) else None
    if isinstance(model, str) and model != own and Path(model).name != own:
        raise LayerlabError(f'"{folder.path}" trains "{own}", not "{model}": {start}')
    reproduce = document["data"]["reproduce"]
    known = (document["data"]["name"], reproduce.get("name_or_path"))
    if data is not None and not isinstance(data, Dataset) and os.fspath(data) not in known:
        if os.path.abspath(data) not in known:
            raise LayerlabError(f'"{folder.path}" trains on "{known[0]}", not on "{data}": {start}')
    for option in ("size", "channels"):
        value = options[option]
        value = [value, value] if option == "size" and isinstance(value, int) else value
        if value is not None and (list(value) if option == "size" else value) != reproduce.get(option):
            raise LayerlabError(f'"{folder.path}" has {option}={reproduce.get(option)}, not {value}: {start}')
    if output is not None and os.path.abspath(output) != os.path.abspath(folder.path):
        raise LayerlabError(f'a resumed run stays in its folder "{folder.path}"; "{output}" is another: leave it out')


def _leaves_unused(job: _Job) -> bool:
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
def _deterministic() -> Iterator[None]:
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
