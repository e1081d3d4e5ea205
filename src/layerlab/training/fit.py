"""Train a classifier: the one call."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import nn

from layerlab.data import Dataset
from layerlab.errors import LayerlabError
from layerlab.training.command import command_of
from layerlab.training.config import TrainingConfig
from layerlab.training.devices import is_launched_outside, outer_rank, training_device
from layerlab.training.environment import versions
from layerlab.training.folder import RunFolder
from layerlab.training.job import Job, deterministic, run_job
from layerlab.training.loop import Callback
from layerlab.training.optimisers import default_learning_rate, make_optimizer
from layerlab.training.parts import Parts
from layerlab.training.precision import choose_setting
from layerlab.training.prepare import prepare, sample_batch
from layerlab.training.randomness import untouched_generators
from layerlab.training.resume import resume_run
from layerlab.training.run import Run
from layerlab.zoo.weights import forget_weights, weights_of
from layerlab.zoo.weights_published import PUBLISHED

__all__ = ["fit"]

_log = logging.getLogger("layerlab")
_one_at_a_time = threading.RLock()
"""Two runs in two threads would draw from the same random generators, and neither could be repeated."""
_NAMED_SKIPPED = 3


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
    weights: str | os.PathLike[str] | None = None,
    freeze: str | Sequence[str] | None = None,
    backbone_learning_rate: float | None = None,
    learning_rates: dict[str, float] | None = None,
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
        weights: to begin with: ``imagenet`` (the published ones of a network of the zoo), a file, or a run folder.
            The head is new where the classes are others, and images are prepared as the weights expect them.
        freeze: parts that do not learn: ``backbone`` (all but the head), or paths of modules, ``"layer1,layer2"`` or a
            list. Their batch norms keep their statistics.
        backbone_learning_rate: highest of the schedule for all but the head.
        learning_rates: the same for single parts, by their paths: ``{"layer4": 1e-4, "fc": 1e-3}``.
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
        weights=_recorded_weights(weights),
        freeze=freeze if freeze is None or isinstance(freeze, str) else ",".join(freeze),
        backbone_learning_rate=backbone_learning_rate,
        learning_rates=dict(learning_rates or {}),
    )
    options = {
        "size": size,
        "channels": channels,
        "root": None if root is None else os.fspath(root),
        "workers": workers,
        "skip_bad": skip_bad or None,
        "download": None if download else False,
    }
    with _one_at_a_time, untouched_generators(), deterministic():
        if resume is not None:
            return resume_run(resume, model, data, config, options, output, callbacks, progress)
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
    if dataset.skipped:
        named = ", ".join(dataset.skipped[:_NAMED_SKIPPED]) + (", ..." if len(dataset.skipped) > _NAMED_SKIPPED else "")
        _log.warning(
            '%d images of "%s" cannot be read and are left out (%s)', len(dataset.skipped), dataset.name, named
        )
    parts = Parts(network, config, prepared.head.width)
    parts.freeze()
    make_optimizer(config_with_rate, parts.groups())
    images, labels = sample_batch(dataset, max(config.batch_size // (config.devices * config.nodes), 1))
    setting = choose_setting(config, network, prepared.head, images, labels, device)

    folder = _new_folder(output, prepared.name, dataset.name)
    origin = prepared.origin
    begun = config if config.weights is not None else replace(config, weights=_built_with(network))
    forget_weights(network)
    name_of_data = str(dataset.reproduce.get("name_or_path", dataset.name))
    document = {
        "command": command_of(str(origin) if origin else None, name_of_data, begun, options),
        "model": origin.to_dict() if origin else {"kind": "unknown", "name": prepared.name},
        "data": {
            "name": dataset.name,
            "reproduce": dataset.reproduce,
            "fingerprint": dataset.fingerprint,
            "skipped": dataset.skipped,
        },
        "preprocessing": dataset.preprocess.to_dict(),
        "classes": dataset.classes,
        "training": begun.to_dict(),
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
    job = Job(folder, network, dataset, config_with_rate, setting, prepared.head, device, document, callbacks, shown)
    return run_job(job)


def _built_with(network: nn.Module) -> str | None:
    """Return what names the weights that a given network was built with."""
    about = weights_of(network)
    return None if about is None else _recorded_weights(about.label)


def _recorded_weights(weights: str | os.PathLike[str] | None) -> str | None:
    """Return what names the weights from any folder."""
    if weights is None or weights in PUBLISHED:
        return None if weights is None else str(weights)
    path = Path(weights).expanduser()
    return str(path.absolute()) if path.exists() else os.fspath(weights)


def _new_folder(output: str | os.PathLike[str] | None, model: str, data: str) -> RunFolder:
    """Make the run folder; where several processes run this line, the first does."""
    if is_launched_outside() and outer_rank(None) != 0:
        return RunFolder("")
    return RunFolder.create(output, model, data)


def _with_learning_rate(config: TrainingConfig) -> TrainingConfig:
    if config.learning_rate is not None:
        return config
    return replace(config, learning_rate=default_learning_rate(config.optimizer))
