"""Why a network cannot take an input, in one sentence, with the input that it could take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from layerlab.anatomy.probe import OutOfTime, Probe
from layerlab.anatomy.record import Failure, Shape
from layerlab.anatomy.text import sizes
from layerlab.errors import LayerlabError

__all__ = ["explain_failure", "layout_advice", "plain_failure"]

_SECONDS = 1.5
_LARGEST = 4096
_SPEAK_FOR_THEMSELVES = (RuntimeError, ValueError, TypeError, AssertionError)
_TORCH_SAYS_TOO_SMALL = ("Output size is too small", "greater than actual input size")


@dataclass(frozen=True)
class _TooSmall:
    text: str


@dataclass(frozen=True)
class _Mismatch:
    """``got`` of ``noun`` where ``expected`` are needed."""

    text: str
    noun: str
    expected: int
    got: int


def explain_failure(module: nn.Module, failure: Failure, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Return the sentence for a failure whose cause is the input's size, or ``None`` for another cause.

    Args:
        module: the whole network.
        failure: where its forward raised.
        args: the positional arguments that it was given; sizes are searched when there is one tensor.
        kwargs: its arguments by name.
    """
    cause = _cause(failure)
    if cause is None:
        return None
    layout = layout_advice(module, args)
    if layout is not None and isinstance(cause, _Mismatch):
        return f"{cause.text}; {layout}"
    probe = Probe.of(module, args, kwargs, _SECONDS)
    if isinstance(cause, _TooSmall):
        advice = _smallest_input(probe, min(args[0].shape[2:])) if probe else None
        return cause.text + (f"; {advice}" if advice else "")
    advice = _fitting_input(probe, failure.path, cause) if probe and cause.noun == "features" else None
    return cause.text + (f"; {advice}" if advice else "")


def layout_advice(module: nn.Module, args: Sequence[Any]) -> str | None:
    """Return the advice for an image whose size lacks the channels or has them last; ``None`` for any other input."""
    convolution = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    if convolution is None or len(args) != 1 or not isinstance(args[0], torch.Tensor):
        return None
    channels, size = convolution.in_channels, tuple(args[0].shape[1:])
    match size:
        case (height, width):
            return f"the size of an image has its channels first: ({channels}, {height}, {width})"
        case (height, width, last) if last == channels != height:
            return f"the size of an image has its channels first: ({channels}, {height}, {width})"
    return None


def plain_failure(failure: Failure) -> str:
    """Return the sentence for a failure of another kind: the module, what it got, torch's own first line."""
    if isinstance(failure.error, LayerlabError):
        return str(failure.error)
    message = " ".join(str(failure.error).split("\n", maxsplit=1)[0].split())
    if not message or not isinstance(failure.error, _SPEAK_FOR_THEMSELVES):
        message = f"{type(failure.error).__name__}{': ' if message else ''}{message}"
    got = " and ".join(sizes(shape) for shape in failure.inputs) or "the input"
    return f"{_named(failure)} cannot take {got}: {message}"


def _named(failure: Failure) -> str:
    return f'{failure.kind} "{failure.path}"' if failure.path else failure.kind


# What went wrong, from the shapes


def _cause(failure: Failure) -> _TooSmall | _Mismatch | None:
    if not failure.inputs or not failure.inputs[0]:
        return None
    shape, settings, name = failure.inputs[0], failure.settings, _named(failure)
    for noun, setting, got in _expectations(shape, settings):
        expected = settings[setting]
        if isinstance(expected, int) and got != expected:
            wanted = f"{expected} {noun if expected != 1 else noun.removesuffix('s')}"
            return _Mismatch(f"{name} expects {wanted} and gets {got}", noun, expected, got)
    smallest = _smallest_own_input(shape, settings)
    if smallest is None:
        if any(words in str(failure.error) for words in _TORCH_SAYS_TOO_SMALL):
            return _TooSmall(f"{name} gets {sizes(shape[2:])}, which is too small for a window inside it")
        return None
    space, least = shape[-len(smallest) :], sizes(smallest)
    kernel = settings["kernel_size"]
    shown = kernel if isinstance(kernel, int) else kernel[0] if len(set(kernel)) == 1 else sizes(kernel)
    return _TooSmall(f"{name} gets {sizes(space)} and has kernel {shown}: its input must be at least {least}")


def _expectations(shape: Shape, settings: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Return what a layer expects: the noun, the setting that says how many, how many there are."""
    last = shape[-1]
    found = [("features", name, last) for name in ("in_features", "input_size") if name in settings]
    kernel = settings.get("kernel_size")
    if "in_channels" in settings and kernel is not None:
        axis = -len(kernel) - 1 if isinstance(kernel, tuple) else 1
        if len(shape) >= abs(axis):
            found.append(("channels", "in_channels", shape[axis]))
    if "num_features" in settings and len(shape) > 1:
        found.append(("channels", "num_features", shape[1]))
    return found


def _smallest_own_input(shape: Shape, settings: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Return the smallest size along each axis that a window fits into, or ``None`` if it does fit."""
    kernel = settings.get("kernel_size")
    if kernel is None or ("output_padding" in settings and any(_several(settings["output_padding"], 1))):
        return None
    count = len(kernel) if isinstance(kernel, tuple) else min(2, len(shape) - 2)
    if count < 1 or len(shape) <= count:
        return None
    kernels, dilations = _several(kernel, count), _several(settings.get("dilation", 1), count)
    padding = settings.get("padding", 0)
    paddings = [0] * count if isinstance(padding, str) else _several(padding, count)
    least = tuple(max(d * (k - 1) + 1 - 2 * p, 1) for k, d, p in zip(kernels, dilations, paddings, strict=True))
    space = shape[-count:]
    return least if any(size < need for size, need in zip(space, least, strict=True)) else None


def _several(value: Any, count: int) -> list[int]:
    return list(value) if isinstance(value, tuple) else [value] * count


# What would do: the network runs on shapes only, for one size after another


def _first_size(is_enough: Callable[[int], bool], low: int = 0) -> int | None:
    """Return the smallest size for which a condition that stays true holds, by doubling and halving.

    It is known not to hold for ``low``.
    """
    high = max(2 * low, 1)
    while not is_enough(high):
        low, high = high, 2 * high
        if high > _LARGEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _smallest_input(probe: Probe, too_small: int) -> str | None:
    """Return the advice for a too small input: the first size at which no window is too large."""

    def fits(size: int) -> bool:
        failure = probe(size)
        return failure is None or not isinstance(_cause(failure), _TooSmall)

    try:
        size = _first_size(fits, too_small)
        if size is None:
            return None
        failure = probe(size)
        if failure is None:
            return f"smallest input {probe.square(size)}"
        cause = _cause(failure)
        if isinstance(cause, _Mismatch) and cause.noun == "features":
            return _fitting_input(probe, failure.path, cause)
    except OutOfTime:
        pass
    return None


def _fitting_input(probe: Probe, path: str, mismatch: _Mismatch) -> str | None:
    """Return the advice for a layer after the flattening: the input that gives as many features as it has."""

    def features(size: int) -> int:
        """Return how many features arrive at the layer; those that do not arrive are too few."""
        failure = probe(size)
        if failure is None:
            return mismatch.expected
        cause = _cause(failure)
        return cause.got if isinstance(cause, _Mismatch) and failure.path == path else 0

    try:
        size = _first_size(lambda size: features(size) >= mismatch.expected)
        if size is None or features(size) != mismatch.expected:
            return None
        if probe(size) is None:
            return f"the network takes inputs of {probe.square(size)}"
    except OutOfTime:
        pass
    return None
