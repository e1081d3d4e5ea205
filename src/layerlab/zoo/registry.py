"""Every architecture by name: register, list, describe, create."""

from __future__ import annotations

import fnmatch
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.zoo.origin import Origin, mark_origin

__all__ = ["ModelInfo", "create", "knobs_of", "list_models", "model_info", "register"]

Builder = Callable[..., nn.Module]


@dataclass(frozen=True)
class ModelInfo:
    """What is known of an architecture before it is built. Every figure is tested."""

    name: str
    """The name in :func:`create`."""
    title: str
    """As people say it."""
    year: int | None
    """Of publication, where it is known."""
    source: str
    """Authors, title, place."""
    task: str
    """What its output means."""
    input_shape: tuple[int, int, int]
    """(channels, height, width) of the original input."""
    smallest_input: int
    """Smallest height and width that it takes."""
    parameters: int
    """Learned values, with the default knobs."""
    macs: int
    """Multiply-accumulates (convolution and matrix multiplication, no bias) for one original input."""
    idea: str
    """The one idea, in a line."""


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
    """Return the names that match ``pattern`` (``*`` and ``?`` as in file names), sorted."""
    return sorted(fnmatch.filter(_BUILDERS, pattern))


def model_info(name: str) -> ModelInfo:
    """Return what is known of ``name``. Raises as :func:`create`."""
    return _find(name)[0]


def create(name: str, **knobs: Any) -> nn.Module:
    """Build an architecture with fresh weights.

    Args:
        name: one of :func:`list_models`.
        knobs: ``num_classes``, ``in_channels`` and what else the builder takes (``layerlab models`` lists them).

    Returns:
        A plain PyTorch module, in training mode. Input (N, in_channels, H, W).

    Raises:
        LayerlabError: no such name, a knob that this family has not, or a value that it cannot take.

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
        module = builder(**knobs)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{knob}={value!r}" for knob, value in knobs.items())
        raise LayerlabError(f'"{name}" cannot be built with {given or "its defaults"}: {error}') from error
    mark_origin(module, Origin("zoo", name, dict(knobs)))
    return module


def knobs_of(name: str) -> list[str]:
    """Return the names of the knobs of ``name``, in the builder's order."""
    return list(inspect.signature(_find(name)[1]).parameters)


def _find(name: str) -> tuple[ModelInfo, Builder]:
    if name not in _BUILDERS:
        raise LayerlabError(f'no model "{name}"{did_you_mean(name, _BUILDERS)}')
    return _BUILDERS[name]
