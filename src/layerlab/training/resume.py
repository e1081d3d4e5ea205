"""Going on with a run that was stopped, killed, or is finished."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from layerlab.data import Dataset, load_data
from layerlab.errors import LayerlabError
from layerlab.training.checkpoint import read_checkpoint
from layerlab.training.config import TrainingConfig
from layerlab.training.devices import training_device
from layerlab.training.folder import RunFolder
from layerlab.training.job import Job, run_job
from layerlab.training.loop import Callback
from layerlab.training.outputs import Head
from layerlab.training.parts import Parts
from layerlab.training.precision import Setting
from layerlab.training.run import Run, load_run, rebuilt_model
from layerlab.zoo import Origin

__all__ = ["resume_run"]

_log = logging.getLogger("layerlab")


def resume_run(
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
        run = load_run(folder.path, own)
        _log.warning('"%s" is finished: its %d epochs are done', folder.path, len(run.history))
        return run
    resolved = document["resolved"]
    device = training_device(replace(recorded, device=resolved["device"]))
    dataset = data if isinstance(data, Dataset) else load_data(**document["data"]["reproduce"])
    if dataset.fingerprint != document["data"]["fingerprint"]:
        raise LayerlabError(
            f'the data "{dataset.name}" has changed since "{folder.path}" began: start a new run, or put it back'
        )
    network = own or rebuilt_model(folder, document)
    Parts(network, recorded, resolved["head"]["width"]).freeze()
    job = Job(
        folder=folder,
        model=network,
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
    return run_job(job)


def _named(origin: Any) -> str | None:
    """Return the word that names the run's network on the command line."""
    if not isinstance(origin, dict):
        return None
    return str(Origin.from_dict(origin)) if origin.get("kind") == "zoo" else origin.get("name")


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
    own = _named(document["model"])
    if isinstance(model, str) and model != own and Path(model).name != own:
        raise LayerlabError(f'"{folder.path}" trains "{own}", not "{model}": {start}')
    reproduce = document["data"]["reproduce"]
    known = (document["data"]["name"], reproduce.get("name_or_path"))
    named = () if data is None or isinstance(data, Dataset) else (os.fspath(data), str(Path(data).absolute()))
    if named and not set(named) & set(known):
        raise LayerlabError(f'"{folder.path}" trains on "{known[0]}", not on "{data}": {start}')
    for option in ("size", "channels"):
        value = options[option]
        value = [value, value] if option == "size" and isinstance(value, int) else value
        if value is not None and (list(value) if option == "size" else value) != reproduce.get(option):
            raise LayerlabError(f'"{folder.path}" has {option}={reproduce.get(option)}, not {value}: {start}')
    if output is not None and Path(output).absolute() != folder.path.absolute():
        raise LayerlabError(f'a resumed run stays in its folder "{folder.path}"; "{output}" is another: leave it out')
