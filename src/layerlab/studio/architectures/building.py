"""From what a page asked for to a network without memory and the size of its input."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from layerlab.errors import LayerlabError
from layerlab.studio.architectures.asking import MAX_NUMBERS, Network, refuse_number
from layerlab.studio.command_error import CommandError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Shapes", "build"]

MAX_MODULES = 5_000
MAX_CALLS = 3_000
"""Of layers of Keras text, each counted as often as it is called."""

Shapes = tuple[tuple[int, ...], ...]


def build(asked: Network) -> tuple[nn.Module, Shapes]:
    """Return the network on the device ``meta``, and the size of each input without the batch.

    Raises:
        CommandError: it cannot be built, or is larger than a page shows; the key says which control is to blame.
    """
    if (asked.model is None) == (asked.keras is None):
        raise CommandError(
            "architectures.error.which", "expected either the name of a model or Keras text, one of the two"
        )
    module, shapes = _from_zoo(asked) if asked.keras is None else _from_text(asked)
    count = sum(1 for _ in module.modules())
    if count > MAX_MODULES:
        raise CommandError(
            "architectures.error.large",
            f"the network has {count:,} layers; this page shows at most {MAX_MODULES:,}",
            count=count,
            limit=MAX_MODULES,
        )
    if asked.input is not None:
        shapes = (tuple(asked.input), *shapes[1:])
    for shape in shapes:
        _refuse_input(shape)
    return module, shapes


def _from_zoo(asked: Network) -> tuple[nn.Module, Shapes]:
    from layerlab.zoo import create, model_info

    name = asked.model or ""
    try:
        info = model_info(name)
    except LayerlabError as error:
        raise CommandError("architectures.error.model", str(error), reason=str(error)) from error
    for knob, value in asked.knobs.items():
        refuse_number(knob, value)
    if {"weights", "device"} & asked.knobs.keys():  # arguments of the zoo itself: a file, a machine
        raise CommandError("architectures.error.foreign", '"weights" and "device" are no knobs of a network')
    try:
        knobs: dict[str, Any] = dict(asked.knobs)
        module = create(name, device="meta", **knobs)
    except LayerlabError as error:
        reason = _reason(str(error))
        knob = _to_blame(reason, asked)
        raise CommandError("architectures.error.knob", str(error), knob=knob, reason=reason) from error
    channels, height, width = info.input_shape
    given = asked.knobs.get("in_channels", channels)
    return module, ((given if isinstance(given, int) else channels, height, width),)


def _reason(sentence: str) -> str:
    """Return what the zoo says of a value, without the part that repeats all of them."""
    return sentence.partition(": ")[2] if " cannot be built with " in sentence else sentence


def _to_blame(reason: str, asked: Network) -> str:
    """Return the knob that a sentence of the zoo is about."""
    words: list[str] = re.findall(r"\w+", reason)
    named = [word for word in words if word in asked.knobs]
    if named:
        return named[0]
    return "activation" if "activation" in words else next(iter(asked.knobs), "")


def _from_text(asked: Network) -> tuple[nn.Module, Shapes]:
    import torch

    from layerlab.notation import read_keras

    if asked.knobs:
        raise CommandError("architectures.error.text-knobs", "Keras text has no knobs: change the text itself")
    try:
        with torch.device("meta"):
            module = read_keras(asked.keras or "", "network.py")
    except LayerlabError as error:
        raise CommandError("architectures.error.text", str(error), reason=str(error)) from error
    calls = _calls(module, {})
    if calls > MAX_CALLS:
        raise CommandError(
            "architectures.error.large",
            f"the network calls {calls:,} layers; this page shows at most {MAX_CALLS:,}",
            count=calls,
            limit=MAX_CALLS,
        )
    known = list(module.input_shapes)
    if asked.input is not None:
        known[0] = tuple(asked.input)
    for shape in known:
        if None in shape:
            written = ", ".join("None" if size is None else str(size) for size in shape)
            raise CommandError(
                "architectures.error.open-input", f"the text leaves its input open, ({written}): give its size"
            )
    return module, tuple(tuple(size for size in shape if size is not None) for shape in known)


def _calls(module: nn.Module, counted: dict[int, int]) -> int:
    """Return how many layers run, those of a network inside another as often as that one is called."""
    from layerlab.notation import KerasModel

    if not isinstance(module, KerasModel):
        return 1
    if id(module) not in counted:
        children = dict(module.named_children())
        counted[id(module)] = sum(_calls(children[step.child], counted) for step in module.plan.steps)
    return counted[id(module)]


def _refuse_input(shape: tuple[int, ...]) -> None:
    numbers = 1
    for size in shape:
        numbers *= size
    if numbers > MAX_NUMBERS:
        raise CommandError(
            "architectures.error.large-input",
            f"the input has {numbers:,} numbers; this page takes at most {MAX_NUMBERS:,}",
            numbers=numbers,
            limit=MAX_NUMBERS,
        )
