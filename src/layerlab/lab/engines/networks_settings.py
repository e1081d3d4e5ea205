"""From factors to the settings of a trial with a small network, every default written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from layerlab.data import dataset_info, list_datasets
from layerlab.errors import LayerlabError, did_you_mean
from layerlab.layers import activation_names
from layerlab.layers.activations import canonical_name
from layerlab.playground.checks import real, whole

__all__ = ["EVER_HELD_OUT", "FACTORS", "VALIDATION", "settings_of", "tasks", "training_images"]

EVER_HELD_OUT: Final = 0.4
"""Share of the images, the same for ever, that no trial of the validation part sees."""
VALIDATION: Final = 0.2
"""Share of the other images that a trial of the validation part is scored on."""

MOST_LAYERS: Final = 100
MOST_UNITS: Final = 8192
MOST_EPOCHS: Final = 100_000

FACTORS: Final[Mapping[str, str]] = {
    "network": "mlp (dense layers) or cnn (3x3 convolutions); mlp unless told",
    "depth": "hidden layers, of a cnn convolutions; 2 unless told",
    "width": "units of each, of a cnn channels; 32, of a cnn 16, unless told",
    "layers": "units or channels of each, a list, instead of depth and width",
    "activation": "of the hidden layers: sigmoid, tanh, relu, leaky_relu, maxout, elu, linear, ...",
    "norm": "none or batch: normalisation after every hidden layer's weights",
    "skip": "whether every hidden layer that keeps its shape adds its input to its output",
    "dropout": "share of every hidden layer's outputs that is dropped in training, 0 to 0.9",
    "head": "of a cnn: gap (global average pooling, one dense layer) or flatten (a hidden dense layer between)",
    "head_width": "of a cnn with head flatten: units of its hidden dense layer; 64 unless told",
    "pooling": "of a cnn: max, average or none; halves the image twice at most",
    "convolution": "of a cnn: full or separable",
    "initialization": "default (PyTorch's own), he or glorot",
    "optimizer": "sgd, momentum (0.9) or adam",
    "learning_rate": "above 0, up to 1000; 0.1, of momentum 0.01, of adam 0.001, unless told",
    "weight_decay": "times the weights is added to their gradient",
    "batch_size": "images of an update",
    "epochs": "times that it sees the training images",
    "target": "held-out loss to reach",
    "train_share": "share of the training images that is used, above 0, up to 1",
    "noise": "standard deviation of what is added to every pixel of every image, where that of the pixels is 1",
    "label_noise": "share of the training labels that is exchanged for another, 0 to 1",
}
"""Each factor with what it is."""
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "network": ("mlp", "cnn"),
    "norm": ("none", "batch"),
    "initialization": ("default", "he", "glorot"),
    "optimizer": ("sgd", "momentum", "adam"),
}
_OF_CONVOLUTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "head": ("gap", "flatten"),
    "pooling": ("max", "average", "none"),
    "convolution": ("full", "separable"),
}
"""Factors of a cnn alone, the default first, as above."""
_RATES: Final = {"sgd": 0.1, "momentum": 0.01, "adam": 0.001}
_UNFIT: Final = ("prelu", "softmax", "log_softmax")
"""Activations that have weights of their own or are none of hidden layers."""


def tasks() -> tuple[str, ...]:
    """Return the data sets that need nothing, all in memory."""
    return tuple(info.name for info in list_datasets() if info.needs == "nothing")


def settings_of(factors: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the settings of a trial, every default written out, JSON values.

    Args:
        factors: some of :data:`FACTORS`.
        task: one of :func:`tasks`.

    Raises:
        LayerlabError: an unknown factor or task, a value out of its range, or a network that cannot be built.
    """
    if task not in tasks():
        raise LayerlabError(f'small networks have no task "{task}"{did_you_mean(str(task), tasks())}')
    for name in factors:
        if name not in FACTORS:
            raise LayerlabError(f'small networks have no factor "{name}"{did_you_mean(str(name), FACTORS)}')
    settings: dict[str, Any] = {"task": task}
    settings |= {name: _choice(name, factors, choices) for name, choices in _CHOICES.items()}
    convolutional = settings["network"] == "cnn"
    settings["layers"] = _layers(factors, convolutional)
    settings["activation"] = _activation(factors.get("activation", "relu"))
    settings["skip"] = _skip(factors.get("skip", False), settings["layers"], task, convolutional)
    settings["dropout"] = real("dropout", factors.get("dropout", 0), 0, 0.9)
    settings |= _convolutional(factors) if convolutional else _none_of_convolutions(factors)
    settings |= _training(factors, settings["optimizer"])
    _check_batches(settings)
    return settings


def training_images(settings: Mapping[str, Any]) -> int:
    """Return how many images train in a trial of the validation part, about; in one of the test part there are more."""
    images = sum(dataset_info(settings["task"]).sizes or ()) * (1 - EVER_HELD_OUT) * (1 - VALIDATION)
    return int(images * settings["train_share"])


def _training(factors: Mapping[str, Any], optimizer: str) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "learning_rate": real("learning_rate", factors.get("learning_rate", _RATES[optimizer]), 0, 1000),
        "weight_decay": real("weight_decay", factors.get("weight_decay", 0), 0, 1000),
        "batch_size": whole("batch_size", factors.get("batch_size", 32), 1, 1_000_000),
        "epochs": whole("epochs", factors.get("epochs", 20), 1, MOST_EPOCHS),
        "target": real("target", factors.get("target", 0.3), 0, 1e6),
        "train_share": real("train_share", factors.get("train_share", 1), 0, 1),
        "noise": real("noise", factors.get("noise", 0), 0, 1000),
        "label_noise": real("label_noise", factors.get("label_noise", 0), 0, 1),
    }
    for name in ("learning_rate", "train_share"):
        if not settings[name]:
            raise LayerlabError(f"{name} is 0, with which nothing is learned; expected a number above 0")
    return settings


def _choice(name: str, factors: Mapping[str, Any], choices: Sequence[str]) -> str:
    value = factors.get(name, choices[0])
    if not isinstance(value, str) or value not in choices:
        raise LayerlabError(f"{name} is {value!r}; expected {', '.join(choices[:-1])} or {choices[-1]}")
    return value


def _layers(factors: Mapping[str, Any], convolutional: bool) -> list[int]:
    fewest = 1 if convolutional else 0
    if "layers" not in factors:
        depth = whole("depth", factors.get("depth", 2), fewest, MOST_LAYERS)
        return [whole("width", factors.get("width", 16 if convolutional else 32), 1, MOST_UNITS)] * depth
    if "depth" in factors or "width" in factors:
        raise LayerlabError("layers is told beside depth or width; expected either the list or these")
    layers = factors["layers"]
    if isinstance(layers, str | bytes) or not isinstance(layers, Sequence):
        raise LayerlabError(f"layers is {layers!r}; expected a list")
    whole("number of layers", len(layers), fewest, MOST_LAYERS)
    return [whole("units of a layer", units, 1, MOST_UNITS) for units in layers]


def _activation(value: object) -> str:
    name = canonical_name(value)
    if name in _UNFIT:
        fit = [known for known in activation_names() if known not in _UNFIT]
        raise LayerlabError(
            f'the activation "{name}" is none of hidden layers without weights of its own; known: {fit}'
        )
    return name


def _skip(value: object, layers: Sequence[int], task: str, convolutional: bool) -> bool:
    if not isinstance(value, bool | int) or value not in (0, 1):
        raise LayerlabError(f"skip is {value!r}; expected true or false")
    channels, height, width = dataset_info(task).shape or (0, 0, 0)
    inputs = [channels if convolutional else channels * height * width, *layers]
    if value and not any(before == units for before, units in zip(inputs, layers, strict=False)):
        raise LayerlabError(
            "no hidden layer is as wide as its input, so that no skip connection can be added; give two layers the"
            " same width, or skip false"
        )
    return bool(value)


def _convolutional(factors: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {name: _choice(name, factors, choices) for name, choices in _OF_CONVOLUTIONS.items()}
    units = whole("head_width", factors.get("head_width", 64), 1, MOST_UNITS)
    return {**settings, "head_width": units if settings["head"] == "flatten" else 0}


def _none_of_convolutions(factors: Mapping[str, Any]) -> dict[str, Any]:
    for name in (*_OF_CONVOLUTIONS, "head_width"):
        if name in factors:
            raise LayerlabError(f"{name} is a factor of convolutional networks; give network cnn, or leave it out")
    return {}


def _check_batches(settings: Mapping[str, Any]) -> None:
    batch, task, fewest = settings["batch_size"], settings["task"], training_images(settings)
    if batch > fewest:
        raise LayerlabError(
            f"batch size {batch:,} of {fewest:,} training images of {task}: an epoch would be less than one update; at"
            f" most {fewest:,}"
        )
    if batch == 1 and settings["norm"] == "batch":
        raise LayerlabError("batch normalisation of one image; give batch_size 2 or more, or norm none")
