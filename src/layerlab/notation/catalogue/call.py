"""One call of one layer, as its builder sees it: arguments, checked, and the shapes that come in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.notation.catalogue.kind import KINDS, REQUIRED, Built, Kind, Weight
from layerlab.notation.description import Layer, Shape, Value
from layerlab.notation.initialisers import initialiser
from layerlab.notation.layout import shown
from layerlab.notation.modules.batch_norm import KerasBatchNorm

__all__ = ["LARGEST_NETWORK", "Budget", "LayerCall"]

LARGEST_NETWORK = 2**30
"""Values in all weights of a network: 4 GiB in float32. A text must not be able to ask for all of the memory."""

_LARGEST_ARGUMENT = 2**31 - 1


@dataclass
class Budget:
    """What a whole text has asked for so far."""

    filename: str
    values: int = 0
    layers: int = 0


@dataclass
class LayerCall:
    """A layer, the shapes that come in, and what may still be spent."""

    layer: Layer
    shapes: tuple[Shape, ...]
    line: int
    label: str
    budget: Budget
    weights: list[Weight] = field(default_factory=list)
    """The layer's arrays in the order of Keras's ``get_weights()``."""
    constants: list[Weight] = field(default_factory=list)
    """What PyTorch's module holds and Keras's has not, frozen."""

    @property
    def kind(self) -> Kind:
        """What the catalogue knows of the layer."""
        return KINDS[self.layer.kind]

    @property
    def shape(self) -> Shape:
        """The shape of the first tensor that comes in, in Keras's order without the batch."""
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """The number of its axes."""
        return len(self.shape)

    def __getitem__(self, name: str) -> Value:
        """Return an argument, or its default."""
        return self.layer.arguments.get(name, self.kind.parameters[name])

    def given(self, name: str) -> bool:
        """Return whether the text gives an argument."""
        return name in self.layer.arguments

    def error(self, message: str) -> LayerlabError:
        """Return an error that says where."""
        return LayerlabError(f'{self.budget.filename} line {self.line}: {self.layer.kind} "{self.label}" {message}')

    def wrong(self, name: str, expected: str) -> LayerlabError:
        """Return the error of an argument whose value does not fit."""
        value = self[name]
        if value is REQUIRED:
            return self.error(f'needs the argument "{name}": {expected}')
        return self.error(f"has {name}={_brief(value)}; expected {expected}")

    def refuse(self, *names: str) -> None:
        """Refuse arguments that Keras knows and that are not read, unless they have their default."""
        for name in names:
            if self[name] != self.kind.parameters[name] and self[name] not in (None, False, 0):
                raise self.error(f"has {name}={_brief(self[name])}, which is not supported here; leave it out")

    # --- arguments -----------------------------------------------------------------------------------------------

    def whole(self, name: str, at_least: int = 1) -> int:
        """Return a whole number."""
        value = self[name]
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # 128 / 2 is written as often as 128 // 2
        if type(value) is not int or not at_least <= value <= _LARGEST_ARGUMENT:
            raise self.wrong(name, f"a whole number of at least {at_least}")
        return value

    def axes(self, name: str, dims: int, at_least: int = 1) -> tuple[int, ...]:
        """Return one whole number for each of ``dims`` axes."""
        value = self[name]
        items = list(value) if isinstance(value, (tuple, list)) else [value] * dims
        if len(items) != dims or any(
            type(item) is not int or not at_least <= item <= _LARGEST_ARGUMENT for item in items
        ):
            several = f" or {dims} of them" if dims > 1 else ""
            raise self.wrong(name, f"a whole number of at least {at_least}{several}")
        return tuple(item for item in items if isinstance(item, int))

    def pairs(self, name: str, dims: int) -> list[tuple[int, int]]:
        """Return (before, after) for each of ``dims`` axes, from one number, one for each axis, or pairs."""
        value = self[name]
        expected = f"a whole number of at least 0, {dims} of them, or {dims} pairs of (before, after)"
        if dims == 1 and isinstance(value, (tuple, list)) and all(type(item) is int for item in value):
            value = (value,) if len(value) == 2 else value
        items = list(value) if isinstance(value, (tuple, list)) else [value] * dims
        pairs: list[tuple[int, int]] = []
        for item in items:
            pair = tuple(item) if isinstance(item, (tuple, list)) else (item, item)
            match pair:
                case (int() as before, int() as after) if (
                    0 <= before <= _LARGEST_ARGUMENT and 0 <= after <= _LARGEST_ARGUMENT
                ):
                    pairs.append((int(before), int(after)))
                case _:
                    raise self.wrong(name, expected)
        if len(pairs) != dims:
            raise self.wrong(name, expected)
        return pairs

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a number between two limits."""
        value = self[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            limits = (
                ""
                if low == -math.inf
                else f" of at least {low:g}"
                if high == math.inf
                else f" from {low:g} to {high:g}"
            )
            raise self.wrong(name, f"a number{limits}")
        if not math.isfinite(value):
            raise self.wrong(name, "a finite number")
        return value

    def flag(self, name: str) -> bool:
        """Return True or False."""
        value = self[name]
        if isinstance(value, bool):
            return value
        raise self.wrong(name, "True or False")

    def choice(self, name: str, *known: str) -> str:
        """Return one of a few words."""
        value = self[name]
        if isinstance(value, str) and value.casefold() in known:
            return value.casefold()
        words = " or ".join(f'"{word}"' for word in known)
        near = did_you_mean(value, known) if isinstance(value, str) else ""
        raise self.wrong(name, words + (near if near.startswith("; did") else ""))

    # --- shapes --------------------------------------------------------------------------------------------------

    def require_rank(self, *ranks: int) -> None:
        """Refuse an input with another number of axes."""
        words = {
            1: "features",
            2: "(steps, features)",
            3: "(height, width, channels)",
            4: "(depth, height, width, channels)",
        }
        if self.rank not in ranks:
            expected = " or ".join(words[rank] for rank in ranks)
            raise self.error(f"takes {expected} and gets {shown(self.shape)}")

    def size(self, axis: int, what: str) -> int:
        """Return the length of an axis, which must be known."""
        length = self.shape[axis]
        if length is None:
            raise self.error(
                f"needs to know {what}, and its input is {shown(self.shape)}; give the Input its full shape"
            )
        return length

    def channels(self) -> int:
        """Return the length of the last axis."""
        if not self.shape:
            raise self.error("gets a single number; expected at least one axis beside the batch")
        return self.size(-1, "the number of channels")

    def channels_last(self) -> None:
        """Refuse ``data_format="channels_first"``."""
        if self["data_format"] not in (None, "channels_last"):
            raise self.wrong("data_format", '"channels_last" (Keras\'s default)')

    # --- weights -------------------------------------------------------------------------------------------------

    def weight(self, name: str, shape: Sequence[int], initializer: Value = None) -> Weight:
        """Declare an array before anything is allocated for it."""
        self.budget.values += math.prod(shape)
        if self.budget.values > LARGEST_NETWORK:
            raise self.error(
                f"brings the network to {self.budget.values:,} parameters; expected at most {LARGEST_NETWORK:,}"
            )
        if initializer is None:
            initializer = self[f"{name}_initializer"]
        try:
            make = initialiser(initializer)
        except LayerlabError as error:
            raise self.error(str(error)) from None
        weight = Weight(name, tuple(shape), make)
        self.weights.append(weight)
        return weight

    def freeze(self, module: nn.Module, attribute: str, initializer: str) -> None:
        """Keep a parameter that Keras has not at one value, as a buffer, so that nobody counts or trains it."""
        parameter: nn.Parameter = getattr(module, attribute)
        delattr(module, attribute)
        module.register_buffer(attribute, parameter.detach())
        setattr(module, attribute, parameter.detach())  # recurrent modules keep a list of their weights besides
        constant = Weight(attribute, tuple(parameter.shape), initialiser(initializer))
        constant.into(module, attribute)
        self.constants.append(constant)

    def build(self) -> Built:
        """Return the layer as PyTorch has it."""
        built = self.kind.build(self)
        if not self.flag("trainable"):
            built.module.requires_grad_(False)
            for module in built.module.modules():
                if isinstance(module, KerasBatchNorm):
                    module.frozen = True  # Keras then normalises by the running statistics in training too
        return built

    def inside(self, layer: Layer, *shapes: Shape) -> LayerCall:
        """Return the call of a layer that this one wraps; its arrays are this one's."""
        return LayerCall(layer, shapes, layer.line, self.label, self.budget, self.weights, self.constants)


def _brief(value: object) -> str:
    """Return a value as the text would have it, not too long."""
    text = (
        repr(value) if isinstance(value, (int, float, str, tuple, list, type(None))) else getattr(value, "path", None)
    )
    text = str(text) if text is not None else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
