"""From what a person names to a network and data that fit each other, or one sentence that says why they do not."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from layerlab.data import Dataset, dataset_info, list_datasets, load_data
from layerlab.errors import LayerlabError
from layerlab.notation import KerasModel
from layerlab.training.config import TrainingConfig
from layerlab.training.outputs import Head, read_head
from layerlab.training.parts import head_of
from layerlab.training.randomness import seed_everything
from layerlab.zoo import ModelInfo, Origin, input_shape_of, model_info, origin_of, read_spec, resolve, zoo_name
from layerlab.zoo.weights import WeightsInfo, load_file, load_pretrained, require_channels, weights_info, weights_of
from layerlab.zoo.weights_published import PUBLISHED, InputRecipe

__all__ = ["Prepared", "check_network", "prepare", "sample_batch"]

_log = logging.getLogger("layerlab")

_INITIAL_WEIGHTS = 0x696E
_COLOURS = (1, 3)
_NAMED_CLASSES = 5

Source = str | os.PathLike[str]


@dataclass(frozen=True)
class Prepared:
    """A network and data that fit."""

    model: nn.Module
    dataset: Dataset
    head: Head

    @property
    def origin(self) -> Origin | None:
        """What builds the network again, where it is known."""
        return origin_of(self.model)

    @property
    def name(self) -> str:
        """What the network is called."""
        return self.origin.name if self.origin is not None else type(self.model).__name__


def prepare(
    model: nn.Module | str,
    data: Dataset | Source,
    config: TrainingConfig,
    options: Mapping[str, Any],
) -> Prepared:
    """Load the data, build the network, and check that they fit.

    Args:
        model: a network, or what :func:`layerlab.zoo.resolve` understands.
        data: a data set, or what :func:`layerlab.data.load_data` understands.
        config: seed, validation share, and the weights to begin with.
        options: further arguments of ``load_data``; what is not given follows from the network.

    Raises:
        LayerlabError: they do not fit, or either cannot be had.
    """
    if not isinstance(model, (str, nn.Module)):
        raise LayerlabError(f"the model is {type(model).__name__}; expected a torch.nn.Module or a name")
    early = model if isinstance(model, nn.Module) else _built_before_data(model, config)
    about = _about_weights(early, model, config)
    hints = _hints(early, model, data, options)
    if about is not None and about.recipe is not None:
        if isinstance(data, Dataset):
            _warn_of_other_numbers(data, about, about.recipe)
        else:
            hints = _hints_of_weights(about.recipe, options)
    dataset = _load(data, config, options, hints)
    if isinstance(early, nn.Module):
        network = early
    else:
        seed_everything(config.seed, _INITIAL_WEIGHTS)
        network = resolve(str(model), num_classes=len(dataset.classes), in_channels=dataset.shape[0])
    dataset = _with_channels(network, dataset, data, config, {**hints, **_given(options)})
    if config.weights is not None:
        _load_weights(network, config.weights, dataset)
    return Prepared(network, dataset, check_network(network, dataset))


def check_network(model: nn.Module, dataset: Dataset) -> Head:
    """Return how the network's output is to be read.

    Raises:
        LayerlabError: nothing in it learns, or it does not fit the data.
    """
    name, shape = _name(model), dataset.shape
    parameters = list(model.parameters())
    if not parameters:
        raise LayerlabError(f'"{name}" has no parameters, so there is nothing to train')
    if not any(parameter.requires_grad for parameter in parameters):
        raise LayerlabError(f'every parameter of "{name}" is frozen (requires_grad is False): nothing to train')
    narrow = next((p.dtype for p in parameters if p.dtype in (torch.float16, torch.bfloat16)), None)
    if narrow is not None:
        raise LayerlabError(
            f'"{name}" has {str(narrow).removeprefix("torch.")} weights, in which small steps are lost; call'
            ' .float() on it and choose precision="bf16"'
        )
    images, _ = sample_batch(dataset, 2)
    try:
        head = read_head(model, images.to(parameters[0].device, _floating(parameters)))
    except LayerlabError as error:
        raise LayerlabError(f'"{name}": {error}') from error
    except Exception as error:  # whatever a network raises for an input that it cannot take
        raise LayerlabError(_cannot_take(model, name, shape, error)) from error
    if head.classes != len(dataset.classes):
        raise LayerlabError(
            f'"{name}" gives {head.width} output{"s" if head.width > 1 else ""} and "{dataset.name}" has'
            f" {len(dataset.classes)} classes ({_listed(dataset.classes)}): build it with {len(dataset.classes)}"
        )
    return head


def sample_batch(dataset: Dataset, size: int) -> tuple[Tensor, Tensor]:
    """Return the first ``size`` images and labels of the training part."""
    images, labels = next(iter(dataset.train.batches(min(size, len(dataset.train)))))
    return images, labels


def _built_before_data(spec: str, config: TrainingConfig) -> nn.Module | None:
    """Build Keras text at once: it names its own classes and input; the others wait for the data's."""
    if zoo_name(spec) is not None or (":" in spec and not Path(spec).is_file()):
        return None
    seed_everything(config.seed, _INITIAL_WEIGHTS)
    return resolve(spec)


def _about_weights(early: nn.Module | None, spec: nn.Module | str, config: TrainingConfig) -> WeightsInfo | None:
    """Return what is known of the weights to begin with. Raises LayerlabError: they cannot be for this network."""
    if config.weights is None:
        return None if early is None else weights_of(early)
    if isinstance(early, KerasModel):
        raise LayerlabError(
            f'the weights "{config.weights}" are for a network of PyTorch, and "{_name(early)}" comes from Keras text:'
            " load its own with layerlab.load_keras_weights"
        )
    name = _zoo_name(early, spec)
    if name is not None:
        about = weights_info(name, config.weights)
        require_channels(name, _knobs(early, spec), about)
        return about
    if config.weights in PUBLISHED:
        called = spec if isinstance(spec, str) else _name(spec)
        raise LayerlabError(
            f'there are no weights "{config.weights}" for "{called}", which is not of the zoo: name a network of'
            " layerlab models, or give a file of its weights"
        )
    return None


def _load_weights(network: nn.Module, weights: str, dataset: Dataset) -> None:
    """Load the weights to begin with; the head is new where the classes are."""
    name = _zoo_name(network, network)
    if name is not None:
        load_pretrained(name, network, weights, classes=tuple(dataset.classes))
    else:
        load_file(network, weights, (head_of(network, len(dataset.classes)),))


def _zoo_name(early: nn.Module | None, spec: nn.Module | str) -> str | None:
    """Return the name of a network of the zoo, whether it is built or only named."""
    if early is None:
        return zoo_name(str(spec))
    origin = origin_of(early)
    return origin.name if origin is not None and origin.kind == "zoo" else None


def _hints_of_weights(recipe: InputRecipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the images that the weights expect, as arguments of ``load_data``; a size of the person's own wins."""
    hints = {name: value for name, value in asdict(recipe).items() if name != "light_on_dark"}
    if options.get("channels") not in (None, recipe.channels):
        return {"size": recipe.size}  # the network's first layer will be said not to fit
    given = options.get("size")
    sides = [given, given] if isinstance(given, int) else list(given) if given is not None else list(recipe.size)
    if recipe.resize is not None and given is not None:
        square = len(set(sides)) == 1 and isinstance(sides[0], int)
        hints["resize"] = round(recipe.resize * sides[0] / recipe.size[0]) if square else None
    return {name: value for name, value in hints.items() if value is not None}


def _warn_of_other_numbers(dataset: Dataset, about: WeightsInfo, recipe: InputRecipe) -> None:
    if (tuple(dataset.mean), tuple(dataset.std)) != (recipe.mean, recipe.std):
        _log.warning(
            'the weights "%s" were trained with mean %s and deviation %s, and "%s" is loaded with others already;'
            " give its name or path instead, or load it with these",
            about.label,
            recipe.mean,
            recipe.std,
            dataset.name,
        )


def _hints(
    model: nn.Module | None, spec: nn.Module | str, data: Dataset | Source, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return size and channels that the network needs, as arguments of ``load_data``."""
    if isinstance(data, Dataset):
        return {}
    free = _is_free_in_size(data)
    if not free and options.get("size") is None and (name := _zoo_name(model, spec)) is not None:
        enlarged = _enlarged(model_info(name), _knobs(model, spec), str(data))
    else:
        enlarged = {}
    if model is None:
        named = zoo_name(spec) if isinstance(spec, str) else None
        return {"size": model_info(named).input_shape[1:]} if named is not None and free else enlarged
    shape = input_shape_of(model)
    if shape is None or len(shape) != 3:
        return enlarged
    hints: dict[str, Any] = dict(enlarged)
    channels, *size = shape
    if channels in _COLOURS:
        hints["channels"] = channels
    if None not in size and (free or isinstance(model, KerasModel)):
        hints["size"] = tuple(size)
    return hints


def _knobs(model: nn.Module | None, spec: nn.Module | str) -> Mapping[str, Any]:
    """Return the knobs of a network of the zoo, whether it is built or only named."""
    origin = None if model is None else origin_of(model)
    if origin is not None:
        return origin.arguments
    named = read_spec(spec) if isinstance(spec, str) else None
    return {} if named is None else named[1]


def _enlarged(info: ModelInfo, knobs: Mapping[str, Any], data: str) -> dict[str, Any]:
    """Return the size for images of a data set that are too small for a network of the zoo, or not of its one size."""
    shape = dataset_info(data).shape
    if shape is None or "stem" in knobs:  # another stem takes smaller images
        return {}
    own = shape[1:]
    if info.fixed_size:
        needed = info.input_shape[1:]
    else:
        needed = (max(own[0], info.smallest_input), max(own[1], info.smallest_input))
    if needed == own:
        return {}
    _log.warning(
        'the images of "%s" are scaled from %dx%d to %dx%d, which is %s "%s" takes',
        data,
        *own,
        *needed,
        "what" if info.fixed_size else "the least that",
        info.name,
    )
    return {"size": needed}


def _is_free_in_size(data: Source) -> bool:
    """Tell whether the images have no size of their own, as those of a folder."""
    registered = {info.name for info in list_datasets()}
    return str(data) not in registered or dataset_info(str(data)).shape is None


def _load(
    data: Dataset | Source, config: TrainingConfig, options: Mapping[str, Any], hints: Mapping[str, Any]
) -> Dataset:
    given = _given(options)
    if isinstance(data, Dataset):
        if given:
            raise LayerlabError(f"{', '.join(sorted(given))}: a data set that is loaded already takes no such option")
        return data
    if not isinstance(data, (str, os.PathLike)):
        raise LayerlabError(f"the data is {type(data).__name__}; expected a name, a path or a Dataset of layerlab.data")
    return load_data(data, **{"seed": config.seed, "validation": config.validation, **hints, **given})


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _with_channels(
    model: nn.Module,
    dataset: Dataset,
    data: Dataset | Source,
    config: TrainingConfig,
    options: Mapping[str, Any],
) -> Dataset:
    """Load grey images as colour ones, or the reverse, where the network's first convolution wants them so."""
    wanted = _channels_of(model)
    has = dataset.shape[0]
    if wanted is None or wanted == has:
        return dataset
    if wanted in _COLOURS and not isinstance(data, Dataset) and options.get("channels") is None:
        return _load(data, config, {**options, "channels": wanted, "size": dataset.shape[1:]}, {})
    raise LayerlabError(
        f'"{_name(model)}" takes images of {wanted} channel{"s" if wanted > 1 else ""} and "{dataset.name}" has {has}'
        + (f": load it with channels={wanted}" if wanted in _COLOURS else f": build the network with {has}")
    )


def _channels_of(model: nn.Module) -> int | None:
    """Return the channels of the images that the network takes, where that can be seen."""
    shape = input_shape_of(model)
    if shape is not None:
        return shape[0] if len(shape) == 3 else None
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)
    if first is None or is_lazy(first.weight):
        return None
    return first.in_channels


def _cannot_take(model: nn.Module, name: str, shape: tuple[int, ...], error: Exception) -> str:
    from layerlab.anatomy import diagnose_input

    try:
        diagnosis = diagnose_input(model, shape)
    except Exception:  # the diagnosis is a courtesy; its own failure must not hide the network's
        diagnosis = None
    if diagnosis:
        return diagnosis
    size = "x".join(map(str, shape))
    return f'"{name}" cannot take images of {size}: {type(error).__name__}: {" ".join(str(error).split())[:200]}'


def _floating(parameters: list[nn.Parameter]) -> torch.dtype:
    return next((p.dtype for p in parameters if p.is_floating_point()), torch.float32)


def _name(model: nn.Module) -> str:
    origin = origin_of(model)
    return origin.name if origin is not None else type(model).__name__


def _listed(classes: list[str]) -> str:
    more = f" and {len(classes) - _NAMED_CLASSES} more" if len(classes) > _NAMED_CLASSES else ""
    return ", ".join(classes[:_NAMED_CLASSES]) + more
