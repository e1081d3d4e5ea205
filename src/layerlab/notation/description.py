"""What a piece of Keras source says, as plain data: layers, the tensors between them, networks.

The reader makes these from text and the builder makes PyTorch modules from these; the writers read them too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "KerasObject",
    "Layer",
    "LibraryName",
    "Network",
    "Shape",
    "Tensor",
    "Unknown",
    "Value",
    "automatic_name",
    "first_unknown",
]

Shape = tuple[int | None, ...]
"""A shape in Keras's order, channels last, without the batch. None is an axis of any length."""


@dataclass(frozen=True)
class Unknown:
    """A value that cannot be computed from the text. It is an error only when a layer needs it."""

    source: ast.AST | str
    """What is not known: the expression, or words for it."""
    line: int
    called: str | None = None
    """The name that was called, when the value is the result of calling something that is not read."""

    @property
    def reason(self) -> str:
        """What is not known, in the words of the text."""
        text = self.source if isinstance(self.source, str) else " ".join(ast.unparse(self.source).split())
        return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True)
class LibraryName:
    """A dotted name that is not assigned in the text, such as ``keras.layers.Dense`` or ``tf.nn.relu``."""

    path: str

    @property
    def last(self) -> str:
        """The part after the last dot."""
        return self.path.rpartition(".")[2]

    @property
    def modules(self) -> list[str]:
        """The parts before the last dot."""
        return self.path.split(".")[:-1]


@dataclass(frozen=True)
class KerasObject:
    """A Keras object that is not a layer, such as ``keras.initializers.HeNormal(seed=0)``."""

    path: str
    positional: tuple[Value, ...] = ()
    named: tuple[tuple[str, Value], ...] = ()


@dataclass(eq=False)
class Layer:
    """One layer as the text makes it. Calling it twice shares its weights, so that its identity matters."""

    kind: str
    """The Keras class, by its first name (``MaxPooling2D``, not ``MaxPool2D``)."""
    arguments: dict[str, Value] = field(default_factory=dict)
    """What the text gives, by name; defaults are in the catalogue."""
    line: int = 0
    network: Network | None = None
    """The network inside, for a Sequential or a Model that is used as a layer."""
    order: int = 0
    """How many layers the text makes before it; Keras counts its automatic names so."""

    @property
    def name(self) -> str | None:
        """The name that the text gives, if it gives one."""
        name = self.arguments.get("name")
        return name if isinstance(name, str) else None


@dataclass(eq=False)
class Tensor:
    """What one call of one layer gives."""

    layer: Layer
    inputs: tuple[Tensor, ...]
    line: int


@dataclass(eq=False)
class Network:
    """A Sequential, as a list of layers, or a Model, as tensors from inputs to outputs."""

    kind: Literal["Sequential", "Functional"]
    line: int
    name: str | None = None
    layers: list[Layer] = field(default_factory=list)
    """Of a Sequential; its Input, where it has one, is the first."""
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    several_outputs: bool = False
    """Whether the outputs were given as a list."""
    order: int = 0
    """As of a layer."""
    as_layer: Layer | None = None
    """The one layer that stands for this network wherever it is used inside another."""

    def layer(self) -> Layer:
        """Return the layer that stands for this network inside another."""
        if self.as_layer is None:
            arguments: dict[str, Value] = {} if self.name is None else {"name": self.name}
            self.as_layer = Layer(self.kind, arguments, self.line, self, self.order)
        return self.as_layer


Value = (
    None
    | bool
    | int
    | float
    | str
    | tuple["Value", ...]
    | list["Value"]
    | dict[str, "Value"]
    | Unknown
    | LibraryName
    | KerasObject
    | Layer
    | Tensor
    | Network
)
"""What an expression of the text can be."""


def first_unknown(value: Value) -> Unknown | LibraryName | None:
    """Return the first part of ``value`` that is not known, looking into tuples, lists and dictionaries."""
    for part in _parts(value):
        if isinstance(part, (Unknown, LibraryName)):
            return part
    return None


def _parts(value: Value) -> Iterator[Value]:
    """Yield ``value`` and everything in it."""
    yield value
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _parts(item)


def automatic_name(kind: str) -> str:
    """Return the name that Keras gives to the first layer of a class.

    Example:
        >>> automatic_name("MaxPooling2D"), automatic_name("LeakyReLU")
        ('max_pooling2d', 'leaky_re_lu')
    """
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
