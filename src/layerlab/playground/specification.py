"""The specification of one playground network: its data, its layers, how it learns.

The first block of fields is TensorFlow Playground's own ("classic": :attr:`Specification.is_classic`); each of the
second adds one thing that it has not. A specification is a value: frozen, hashable, equal by its fields.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, Final

from layerlab.errors import LayerlabError, did_you_mean

__all__ = [
    "ACTIVATIONS",
    "DATASETS",
    "FEATURES",
    "INITIALIZATIONS",
    "LOSSES",
    "MAX_BATCH_SIZE",
    "MAX_CLASSES",
    "MAX_LAYERS",
    "MAX_POINTS",
    "MAX_SEED",
    "MAX_UNITS",
    "OPTIMIZERS",
    "POINT_DECIMALS",
    "PROBLEMS",
    "REGRESSION_DATASETS",
    "REGULARIZATIONS",
    "SCHEDULES",
    "Frozen",
    "Point",
    "Specification",
]

PROBLEMS: Final = ("classification", "regression")
ACTIVATIONS: Final = ("sigmoid", "tanh", "relu", "leaky_relu", "maxout", "elu", "linear")
"""The lecture's seven; leaky ReLU has slope 0.1, ELU alpha 1, Maxout two pieces."""
REGULARIZATIONS: Final = ("none", "L1", "L2")
LOSSES: Final = ("mse", "cross-entropy")
OPTIMIZERS: Final = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw")
INITIALIZATIONS: Final = ("classic", "glorot", "he", "zero")
SCHEDULES: Final = ("constant", "step", "exponential", "cosine", "warmup")
FEATURES: Final = ("x", "y", "xSquared", "ySquared", "xTimesY", "sinX", "sinY", "cosX", "cosY")
"""The inputs a network may have, in the order in which it takes them."""
DATASETS: Final[Mapping[str, tuple[int, ...]]] = {
    "circle": (2,),
    "xor": (2,),
    "gauss": (2, 3, 4, 5, 6),
    "spiral": (2, 3, 4, 5, 6),
    "moons": (2,),
    "rings": (2, 3, 4, 5, 6),
    "checkerboard": (2, 3, 4, 5, 6),
    "three-spirals": (3,),
    "points": (2, 3, 4, 5, 6),
}
"""Each data set for classification, with the numbers of classes that it can have; ``points`` are the user's own."""
REGRESSION_DATASETS: Final = ("reg-plane", "reg-gauss", "sine", "points")

MAX_LAYERS: Final = 8
MAX_UNITS: Final = 32
MAX_CLASSES: Final = 6
MAX_POINTS: Final = 2000
MAX_BATCH_SIZE: Final = MAX_POINTS
"""One larger than the training set never makes an update."""
MAX_SEED: Final = 100
"""Characters of a seed."""
POINT_DECIMALS: Final = 5
"""Decimals that a point keeps of its coordinates and label, so that a link holds it exactly."""

Point = tuple[float, float, float]
"""x, y in [-6, 6] and the label: +1 or -1 for two classes, 0, 1, 2... for more, any number for regression.

A specification rounds all three to :data:`POINT_DECIMALS` decimals.
"""
Frozen = tuple[int, int, int]
"""A weight that learning leaves alone: layer (from 0; the output layer is last), unit, source (-1: the bias)."""


@dataclass(frozen=True)
class Specification:
    """One playground network. Every field has TensorFlow Playground's default.

    Raises:
        LayerlabError: a value that no network can have, in one sentence.
    """

    problem: str = "classification"
    """``classification`` or ``regression``."""
    dataset: str = "circle"
    """The data set of classification: a key of :data:`DATASETS`."""
    regression_dataset: str = "reg-plane"
    """The data set of regression: one of :data:`REGRESSION_DATASETS`."""
    train_percent: int = 50
    """Share of the points that train, 10 to 90; the others test."""
    noise: float = 0.0
    """0 to 80, in the units of the page's slider (0 to 50)."""
    batch_size: int = 10
    """Points between two updates."""
    features: tuple[str, ...] = ("x", "y")
    """The inputs, out of :data:`FEATURES`, kept in that order; none leaves a network of biases."""
    hidden_layers: tuple[int, ...] = (4, 2)
    """Units of each hidden layer; none is a linear model."""
    activation: str = "tanh"
    """Of every hidden layer that ``activations`` does not name."""
    learning_rate: float = 0.03
    regularization: str = "none"
    """``none``, ``L1`` or ``L2``, applied to the weights after each update, never to biases."""
    regularization_rate: float = 0.0
    initialization: str = "classic"
    """``classic`` (weights uniform in [-0.5, 0.5], biases 0.1), ``glorot``, ``he`` (uniform, biases 0) or ``zero``."""
    seed: str = "0.5"
    """Keys the generator that draws the data, their order and the weights."""

    activations: tuple[str, ...] = ()
    """One for each hidden layer; empty: all have ``activation``."""
    loss: str = "mse"
    """``mse`` (halved, as classic) or ``cross-entropy`` (logistic for two classes, softmax for more)."""
    classes: int = 2
    """2 to 6; more than 2 end in a softmax."""
    optimizer: str = "sgd"
    """One of :data:`OPTIMIZERS`, with PyTorch's constants (momentum 0.9; AdamW's weight decay 0.01)."""
    batch_normalization: tuple[bool, ...] = ()
    """For each hidden layer, between its sum and its activation; empty: none."""
    skip: tuple[bool, ...] = ()
    """For each hidden layer: its input is added to its output where widths agree, else put beside it; empty: none."""
    dropout: float = 0.0
    """Share of the outputs of every hidden layer that is dropped in training, the others scaled up."""
    frozen: tuple[Frozen, ...] = ()
    """Weights and biases that learning leaves alone."""
    schedule: str = "constant"
    """How the learning rate changes over ``schedule_epochs``."""
    schedule_epochs: int = 100
    points: tuple[Point, ...] = ()
    """The user's own points, for the data set ``points``."""
    weight_seed: str = ""
    """Keys a generator of its own for the weights, so that they change and the data stay; empty: ``seed``'s goes on."""

    def __post_init__(self) -> None:
        """Bring the fields to their types and refuse what no network can have."""
        for name in ("features", "hidden_layers", "activations", "batch_normalization", "skip", "frozen", "points"):
            value = getattr(self, name)
            value = _without_arrays(value)
            if isinstance(value, str | bytes) or not isinstance(value, Sequence):
                raise LayerlabError(f"{_plain(name)} is {_shown(value)}; expected a list")
            object.__setattr__(self, name, tuple(map(_without_arrays, value)))
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in known:
                raise LayerlabError(f"unknown {_plain(name)} {_shown(value)}{did_you_mean(str(value), known)}")
        for name, (least, most) in _WHOLE.items():
            object.__setattr__(self, name, _number(name, getattr(self, name), least, most, whole=True))
        for name, (low, high) in _REAL.items():
            object.__setattr__(self, name, _number(name, getattr(self, name), low, high))
        for name in ("seed", "weight_seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, str | Real):
                raise LayerlabError(f"{_plain(name)} is {_shown(value)}; expected text or a number")
            if isinstance(value, int) and abs(value) >= 10**MAX_SEED:  # Python refuses to write the longest at all
                raise LayerlabError(f"{_plain(name)} has more than {MAX_SEED} digits; at most {MAX_SEED} characters")
            text = str(value)
            if len(text) > MAX_SEED:
                raise LayerlabError(f"{_plain(name)} has {len(text):,} characters; at most {MAX_SEED}")
            object.__setattr__(self, name, text)
        self._check_features()
        self._check_layers()
        self._check_data()
        self._check_frozen()

    def _check_features(self) -> None:
        for name in self.features:
            if name not in FEATURES:
                raise LayerlabError(f"unknown feature {_shown(name)}{did_you_mean(str(name), FEATURES)}")
        object.__setattr__(self, "features", tuple(name for name in FEATURES if name in self.features))

    def _check_layers(self) -> None:
        count = len(self.hidden_layers)
        if count > MAX_LAYERS:
            raise LayerlabError(f"{count} hidden layers; at most {MAX_LAYERS}")
        layers = tuple(
            _number(f"number of units of hidden layer {i}", units, 1, MAX_UNITS, whole=True)
            for i, units in enumerate(self.hidden_layers, 1)
        )
        object.__setattr__(self, "hidden_layers", layers)
        for name in ("activations", "batch_normalization", "skip"):
            values = getattr(self, name)
            if values and len(values) != count:
                raise LayerlabError(f"{_plain(name)} is for {len(values)} layers; the network has {count} hidden ones")
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise LayerlabError(f"unknown activation {_shown(name)}{did_you_mean(str(name), ACTIVATIONS)}")
        if set(self.activations) == {self.activation}:
            object.__setattr__(self, "activations", ())
        for name in ("batch_normalization", "skip"):
            if any(not isinstance(flag, bool | int) or flag not in (0, 1) for flag in getattr(self, name)):
                raise LayerlabError(
                    f"{_plain(name)} is {_shown(getattr(self, name))}; expected a list of true and false"
                )
            flags = tuple(map(bool, getattr(self, name)))
            object.__setattr__(self, name, flags if any(flags) else ())

    def _check_data(self) -> None:
        if self.problem == "regression":
            if self.loss != "mse":
                raise LayerlabError(f'the loss of regression is "mse", not "{self.loss}"')
            if self.classes != 2:
                raise LayerlabError("regression has no classes; leave classes at 2")
        elif self.classes not in DATASETS[self.dataset]:
            known = " or ".join(map(str, DATASETS[self.dataset]))
            raise LayerlabError(f'the data set "{self.dataset}" has {known} classes, not {self.classes}')
        if self.data_name == "points" and not self.points:
            raise LayerlabError('the data set "points" has no points; give at least one')
        if len(self.points) > MAX_POINTS:
            raise LayerlabError(f"{len(self.points):,} points; at most {MAX_POINTS:,}")
        object.__setattr__(self, "points", tuple(self._point(i, point) for i, point in enumerate(self.points, 1)))

    def _point(self, index: int, point: object) -> Point:
        if not isinstance(point, Sequence) or isinstance(point, str | bytes) or len(point) != 3:
            raise LayerlabError(f"point {index}, {_shown(point)}, is not x, y and a label")
        x = _number(f"x of point {index}", point[0], -6, 6)
        y = _number(f"y of point {index}", point[1], -6, 6)
        label = _number(f"label of point {index}", point[2], -1e6, 1e6)
        allowed = (-1.0, 1.0) if self.classes == 2 else tuple(map(float, range(self.classes)))
        if self.problem == "classification" and self.dataset == "points" and label not in allowed:
            listed = ", ".join(f"{value:g}" for value in allowed)
            raise LayerlabError(f"label {label:g} of point {index}: {self.classes} classes have the labels {listed}")
        return _kept(x), _kept(y), _kept(label)

    def _check_frozen(self) -> None:
        units, fan_in = self.units, self.fan_in
        for entry in self.frozen:
            parts = entry if isinstance(entry, Sequence) else ()
            if len(parts) != 3 or any(isinstance(part, bool) or not isinstance(part, Integral) for part in parts):
                raise LayerlabError(f"frozen weight {_shown(entry)} is not a layer, a unit and a source")
            layer, unit, source = entry
            if not (0 <= layer < len(units) and 0 <= unit < units[layer] and -1 <= source < fan_in[layer]):
                raise LayerlabError(f"frozen weight {entry}: the network has no such layer, unit and source")
        object.__setattr__(self, "frozen", tuple(sorted({tuple(map(int, entry)) for entry in self.frozen})))

    @property
    def outputs(self) -> int:
        """Units of the output layer: 1, or one a class for more than two classes."""
        return self.classes if self.problem == "classification" and self.classes > 2 else 1

    @property
    def units(self) -> tuple[int, ...]:
        """Units of every layer, the output layer last."""
        return (*self.hidden_layers, self.outputs)

    @property
    def fan_in(self) -> tuple[int, ...]:
        """Inputs of every layer, after skip connections, the output layer last."""
        widths = [len(self.features)]
        for units, skip in zip(self.hidden_layers, self.skips, strict=True):
            widths.append(units + widths[-1] if skip and units != widths[-1] else units)
        return tuple(widths)

    @property
    def layer_activations(self) -> tuple[str, ...]:
        """The activation of each hidden layer."""
        return self.activations or (self.activation,) * len(self.hidden_layers)

    @property
    def normalized(self) -> tuple[bool, ...]:
        """Whether each hidden layer has batch normalisation."""
        return self.batch_normalization or (False,) * len(self.hidden_layers)

    @property
    def skips(self) -> tuple[bool, ...]:
        """Whether each hidden layer has a skip connection."""
        return self.skip or (False,) * len(self.hidden_layers)

    @property
    def data_name(self) -> str:
        """The data set that this problem draws from."""
        return self.dataset if self.problem == "classification" else self.regression_dataset

    @property
    def is_classic(self) -> bool:
        """Whether TensorFlow Playground itself has this network."""
        plain = Specification()
        own = ("activations", "loss", "classes", "optimizer", "batch_normalization", "skip", "dropout", "frozen")
        return (
            all(getattr(self, name) == getattr(plain, name) for name in (*own, "schedule", "weight_seed"))
            and self.activation in ("relu", "tanh", "sigmoid", "linear")
            and self.initialization in ("classic", "zero")
            and self.data_name in ("circle", "xor", "gauss", "spiral", "reg-plane", "reg-gauss")
        )

    def replace(self, /, **changes: Any) -> Specification:
        """Return a copy with ``changes``; an unknown field is an error that names the nearest."""
        known = [entry.name for entry in fields(self) if entry.init]
        for name in changes:
            if name not in known:
                raise LayerlabError(f'a specification has no "{name}"{did_you_mean(name, known)}')
        return replace(self, **changes)

    def with_seeds(self, seed: str, weight_seed: str) -> Specification:
        """Return a copy with other seeds, which are texts; no other field is checked again, as :meth:`replace` does."""
        changed = copy.copy(self)
        object.__setattr__(changed, "seed", seed)
        object.__setattr__(changed, "weight_seed", weight_seed)
        return changed

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {entry.name: _plain_value(getattr(self, entry.name)) for entry in fields(self) if entry.init}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Specification:
        """Return the specification with these fields, the others at their defaults."""
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            raise LayerlabError(f"a specification is a mapping of its fields, not {_shown(values)}")
        return cls().replace(**values)


_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "problem": PROBLEMS,
    "dataset": tuple(DATASETS),
    "regression_dataset": REGRESSION_DATASETS,
    "activation": ACTIVATIONS,
    "regularization": REGULARIZATIONS,
    "initialization": INITIALIZATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
_WHOLE: Final = {
    "train_percent": (1, 99),
    "batch_size": (1, MAX_BATCH_SIZE),
    "classes": (2, MAX_CLASSES),
    "schedule_epochs": (1, 1_000_000),
}
_REAL: Final = {
    "noise": (0, 80),
    "learning_rate": (0, 1000),
    "regularization_rate": (0, 1000),
    "dropout": (0, 0.9),
}


def _number(name: str, value: object, low: float, high: float, *, whole: bool = False) -> Any:
    number = _finite(value)
    if number is None or not low <= number <= high or (whole and number != int(number)):
        kind = "whole number" if whole else "number"
        raise LayerlabError(f"{_plain(name)} is {_shown(value)}; expected a {kind} from {low:g} to {high:g}")
    return int(number) if whole else number


def _finite(value: object) -> float | None:
    """Return a number as one that can be computed with; nothing for all else, such as true or 10**400."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _kept(value: float) -> float:
    """Round to what a point keeps; a zero has no sign."""
    return round(value, POINT_DECIMALS) + 0.0


def _without_arrays(value: Any) -> Any:
    """Return a NumPy array or number as Python's own; all else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    try:
        text = str(value) if isinstance(value, Real) else repr(value)
    except (ValueError, RecursionError):  # too many digits or levels to be shown
        text = "too long to show"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain_value(value: Any) -> Any:
    return [_plain_value(part) for part in value] if isinstance(value, tuple) else value
