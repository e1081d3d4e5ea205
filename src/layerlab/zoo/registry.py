"""Every architecture by name: register, list, describe, create."""

from __future__ import annotations

import fnmatch
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.zoo.initialisation import DeferredDefaults
from layerlab.zoo.origin import Origin, mark_origin

__all__ = ["ModelInfo", "builder_of", "create", "knobs_of", "list_models", "model_info", "register"]

Builder = Callable[..., nn.Module]

_TOO_LARGE = ("can't allocate memory", "Storage size calculation overflowed", "Overflow when unpacking")
"""How PyTorch says that tensors are larger than any memory."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What is known of an architecture before it is built. Every figure is tested."""

    name: str
    """The name in :func:`create`."""
    title: str
    """As people say it."""
    family: str
    """The module of ``layerlab.zoo`` that holds it, such as ``resnet``."""
    year: int | None
    """Of publication, where it is known."""
    source: str
    """Authors, title, place."""
    task: str = "classification"
    """What its output means."""
    input_shape: tuple[int, int, int]
    """(channels, height, width) of the original input."""
    smallest_input: int
    """Smallest height and width that it takes, in training with its auxiliary heads too."""
    fixed_size: bool = False
    """Whether it takes its original height and width only."""
    parameters: int
    """Learned values of the network that predicts, with the default knobs."""
    auxiliary_parameters: int = 0
    """Learned values of the auxiliary heads, which are used in training only."""
    macs: int
    """Multiply-accumulates (convolution and matrix multiplication, no bias) to predict one original input."""
    idea: str
    """The one idea, in a line."""
    deviations: str
    """What differs from the paper, in a line; ``none known``."""
    parent: str | None = None
    """The name of the architecture that it grew from."""
    head: str
    """Path of the module that gives the classes; it is replaced when the network learns other ones."""
    auxiliary_heads: tuple[str, ...] = ()
    """Paths of the modules that give the classes in the auxiliary heads."""


_BUILDERS: dict[str, tuple[ModelInfo, Builder]] = {}


def register(info: ModelInfo) -> Callable[[Builder], Builder]:
    """Return a decorator that makes a builder known under ``info.name``.

    Raises:
        ValueError: the name is taken.
    """

    def keep(builder: Builder) -> Builder:
        if info.name in _BUILDERS:
            raise ValueError(f'the model "{info.name}" is registered twice')
        _BUILDERS[info.name] = (info, builder)
        return builder

    return keep


def list_models(pattern: str = "*") -> list[str]:
    """Return the names that match ``pattern`` (``*`` and ``?`` as in file names), sorted.

    Raises:
        LayerlabError: the pattern is no text.
    """
    if not isinstance(pattern, str):
        raise LayerlabError(f'models are listed by a pattern of their names, such as "resnet*", not by {pattern!r}')
    return sorted(fnmatch.filter(_BUILDERS, pattern))


def model_info(name: str) -> ModelInfo:
    """Return what is known of ``name``. Raises as :func:`create`."""
    return _find(name)[0]


def create(
    name: str,
    *,
    weights: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    **knobs: Any,
) -> nn.Module:
    """Build an architecture.

    Args:
        name: one of :func:`list_models`.
        weights: None for fresh ones; ``imagenet`` for the published ones, which are downloaded once; or a file of
            them. The head is fresh where ``num_classes`` is not that of the weights.
        device: where its tensors are made; on ``meta`` they have shapes only.
        knobs: ``num_classes``, ``in_channels`` and what else the builder takes (:func:`knobs_of` lists them).

    Returns:
        A plain PyTorch module, in training mode. Input (N, in_channels, H, W).

    Raises:
        LayerlabError: no such name, a knob that this family has not, a value that it cannot take, or weights that
            cannot be had.

    Example:
        >>> sum(p.numel() for p in create("lecture_cnn", num_classes=10).parameters())
        146058
    """
    _, builder = _find(name)
    known = knobs_of(name)
    for knob in knobs:
        if knob not in known:
            near = did_you_mean(knob, known)
            listed = "" if near.startswith("; known") else f" (it has {', '.join(known)})"
            raise LayerlabError(f'"{name}" has no knob "{knob}"{near}{listed}')
    try:
        with torch.device(device or torch.get_default_device()), DeferredDefaults():
            module = builder(**knobs)
    except (ArithmeticError, MemoryError, TypeError, ValueError, RuntimeError) as error:
        given = ", ".join(f"{knob}={value!r}" for knob, value in knobs.items())
        where = f" on device {str(device)!r}" if isinstance(error, RuntimeError) and device is not None else ""
        raise LayerlabError(
            f'"{name}" cannot be built with {given or "its defaults"}{where}: {_reason(error)}'
        ) from error
    mark_origin(module, Origin("zoo", name, dict(knobs)))
    if weights is not None:
        from layerlab.zoo.weights import load_pretrained

        load_pretrained(name, module, weights)
    return module


def knobs_of(name: str) -> list[str]:
    """Return the names of the knobs of ``name``, in the builder's order."""
    return list(inspect.signature(builder_of(name)).parameters)


def builder_of(name: str) -> Builder:
    """Return what builds ``name``: a function, or one with some knobs set (``functools.partial``)."""
    return _find(name)[1]


def _find(name: str) -> tuple[ModelInfo, Builder]:
    if not isinstance(name, str):
        raise LayerlabError(f'a model is chosen by its name, such as "resnet20", not by {name!r}')
    if name not in _BUILDERS:
        raise LayerlabError(f'no model "{name}"{did_you_mean(name, _BUILDERS)}')
    return _BUILDERS[name]


def _reason(error: Exception) -> str:
    """Return why, in a line."""
    text = " ".join(str(error).split())
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in text for words in _TOO_LARGE):
        return "it is larger than the memory"
    return text[:200]
