"""From factors to the settings of a trial with a network of the zoo, every default written out."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from layerlab.data import Dataset, dataset_info, load_data
from layerlab.data.augmentation import augmentation
from layerlab.data.registry import is_registered
from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground.checks import real, whole
from layerlab.training.config import TrainingConfig
from layerlab.training.optimisers import default_learning_rate
from layerlab.zoo import create, list_models, model_info
from layerlab.zoo.registry import builder_of, knobs_of
from layerlab.zoo.spec import read_spec

__all__ = ["FACTORS", "TRAINING", "load", "settings_of"]

TRAINING: Final[Mapping[str, str]] = {
    "learning_rate": "the highest of the schedule; a good one for the optimiser unless told",
    "batch_size": "images of an update; 32 unless told",
    "epochs": "times that it sees the training images; 10 unless told",
    "optimizer": "any of torch.optim, by name; adam unless told",
    "weight_decay": "the optimiser's own unless told",
    "augmentation": "random changes of the training images: none, light, standard, ...",
    "label_smoothing": "share of each target that is spread over all classes",
    "schedule": "of the learning rate: one-cycle, cosine, step or constant",
    "precision": "32 (the default, whose figures are the same again), bf16, 16 or auto",
}
"""Factors that are options of ``fit``, under the same name."""
FACTORS: Final[Mapping[str, str]] = {
    "model": 'a network of the zoo, with knobs or without: "resnet20:width=0.5"',
    **TRAINING,
    "size": "side of the images, or (height, width); the data's own unless told, or what the network needs",
    "target": "loss of the validation part to reach; 0.3 unless told",
    "width": "a knob of most networks: factor on all channel counts",
    "depth": "a knob of some: layers",
    "activation": "a knob of most",
    "norm": "a knob of many: batch, group, layer or none",
    "skip": "a knob of networks with skip connections",
    "dropout": "a knob of many",
}
"""Each factor with what it is; every other knob of the chosen network is one, too."""
_OF_THE_DATA: Final = ("num_classes", "in_channels")


def settings_of(factors: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the settings of a trial, every default written out, JSON values.

    Args:
        factors: ``model``, some of :data:`FACTORS`, and any knob of the model.
        task: a data set by name, or the path of a folder of class folders.

    Raises:
        LayerlabError: an unknown model, knob or data set, a value out of its range, or a network that cannot be built.
    """
    model, knobs = _model(factors)
    settings = {"model": model, "knobs": knobs, **_training(factors), **_data(task, model, factors.get("size"))}
    settings["target"] = real("target", factors.get("target", 0.3), 0, 1e6)
    augmentation(settings["augmentation"], (settings["channels"], *settings["size"]))
    create(model, device="meta", num_classes=settings["classes"], in_channels=settings["channels"], **knobs)
    return settings


def _model(factors: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name and all knobs of the network, those at their defaults too."""
    spec = factors.get("model")
    if spec is None:
        raise LayerlabError('no model is named; give one of the zoo, such as "resnet20" or "resnet20:width=0.5"')
    named = read_spec(spec) if isinstance(spec, str) else None
    if named is None:
        raise LayerlabError(f'no model "{spec}"{did_you_mean(str(spec).partition(":")[0], list_models())}')
    name, given = named
    known = [knob for knob in knobs_of(name) if knob not in _OF_THE_DATA]
    others = {"model", "size", "target", *TRAINING}
    for factor, value in factors.items():
        if factor in others:
            continue
        if factor not in known and (near := did_you_mean(factor, [*known, *others])):
            raise LayerlabError(f'"{name}" has no knob "{factor}"{near}')
        if factor in given:
            raise LayerlabError(f'{factor} is told beside "{spec}", which tells it too; expected one of the two')
        given[factor] = value
    for knob in given:
        if knob in _OF_THE_DATA:
            raise LayerlabError(f'"{spec}" tells {knob}, which follows from the data; leave it out')
    defaults = {
        knob: parameter.default
        for knob, parameter in inspect.signature(builder_of(name)).parameters.items()
        if knob in known and parameter.default is not parameter.empty
    }
    try:
        knobs: dict[str, Any] = json.loads(json.dumps({**defaults, **given}, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise LayerlabError(f'a knob of "{spec}" is no number, text, truth value or list of them: {given}') from error
    return name, knobs


def _training(factors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of ``fit``, as it checks them."""
    given = {name: factors[name] for name in TRAINING if name in factors}
    config = TrainingConfig(**{"precision": "32", **given})
    rate = default_learning_rate(config.optimizer) if config.learning_rate is None else config.learning_rate
    chosen = {name: getattr(config, name) for name in TRAINING}
    decay = None if config.weight_decay is None else float(config.weight_decay)
    smoothing = float(config.label_smoothing)
    return {**chosen, "learning_rate": float(rate), "weight_decay": decay, "label_smoothing": smoothing}


def _data(task: str, model: str, size: object) -> dict[str, Any]:
    """Return what is known of the data, with a size of the images that the network takes."""
    info = model_info(model)
    if is_registered(task) and (shape := dataset_info(task).shape) is not None:
        own, channels, classes = shape[1:], shape[0], dataset_info(task).number_of_classes
        found: dict[str, Any] = {"task": task}
    else:
        task = task if is_registered(task) else str(Path(task).expanduser().absolute()) if _exists(task) else task
        data = load(task, None, 0)
        own, channels, classes = info.input_shape[1:], data.shape[0], len(data.classes)
        found = {"task": task, "fingerprint": data.fingerprint}  # what lies at a path may change
    if size is not None:
        sides = [size, size] if isinstance(size, int) else size
        if not isinstance(sides, Sequence) or isinstance(sides, str) or len(sides) != 2:
            raise LayerlabError(f"size is {size!r}; expected a whole number, or a height and a width")
        sides = [whole("size", side, 1, 8192) for side in sides]
    elif info.fixed_size:
        sides = list(info.input_shape[1:])
    else:
        sides = [max(side, info.smallest_input) for side in own]
    return {**found, "size": sides, "channels": channels, "classes": classes}


def _exists(task: str) -> bool:
    return os.path.sep in task or Path(task).is_dir()


@lru_cache(maxsize=2)
def load(task: str, size: tuple[int, int] | None, split: int) -> Dataset:
    """Return the data with the validation part of a split: a fifth of what is not the data's own test part."""
    return load_data(task, size=size, seed=split, validation=0.2)
