"""How a network is trained: every choice in one record, checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["BACKBONE", "DEVICES", "HEAD", "MEMORY_FORMATS", "PRECISIONS", "SCHEDULES", "STRATEGIES", "TrainingConfig"]

SCHEDULES = ("one-cycle", "cosine", "step", "constant")
PRECISIONS = ("auto", "32", "bf16", "16")
MEMORY_FORMATS = ("auto", "contiguous", "channels_last")
DEVICES = ("auto", "cpu", "cuda", "mps")
STRATEGIES = ("auto", "ddp", "fsdp")
BACKBONE, HEAD = "backbone", "head"

_CHOICES = {
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "memory_format": MEMORY_FORMATS,
    "device": DEVICES,
    "strategy": STRATEGIES,
}
_COUNTS = ("epochs", "batch_size", "devices", "nodes")


@dataclass(frozen=True)
class TrainingConfig:
    """Every choice of a training run.

    Raises:
        LayerlabError: a value out of its range, or two that exclude each other.
    """

    epochs: int = 10
    """Passes over the training part."""
    seed: int = 0
    """Of initial weights, order, split, dropout and augmentation."""
    batch_size: int = 32
    """Images a step, over all devices together."""
    optimizer: str = "adam"
    """Any of ``torch.optim``, by name."""
    learning_rate: float | None = None
    """The highest of the schedule; None: a good one for the optimiser."""
    weight_decay: float | None = None
    """None: the optimiser's own."""
    momentum: float | None = None
    """Of optimisers that have one; None: a good one (0.9 for SGD)."""
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the optimiser."""
    schedule: str = "one-cycle"
    """How the learning rate goes: ``one-cycle``, ``cosine``, ``step`` (a tenth after each third) or ``constant``."""
    label_smoothing: float = 0.0
    """Share of each target that is spread evenly over all classes."""
    mixup: float = 0.0
    """Alpha of the Beta distribution by which pairs of images are mixed; 0: no mixing."""
    augmentation: str = "none"
    """Random changes of the training images, by name."""
    early_stopping: int | None = None
    """Stop after so many epochs without a lower validation loss; None: never."""
    gradient_clip: float | None = None
    """Largest norm of the gradient; None: no limit."""
    validation: float = 0.1
    """Share of the training part that is kept for validation."""
    precision: str = "auto"
    """``32``, ``bf16``, ``16`` (CUDA), or ``auto``: the fastest of those measured that keeps the loss."""
    memory_format: str = "auto"
    """``contiguous``, ``channels_last``, or ``auto``: measured."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``mps``, or ``auto``: the best there is."""
    devices: int = 1
    """Processes on each machine, one a device."""
    nodes: int = 1
    """Machines."""
    strategy: str = "auto"
    """How several devices share the work: ``ddp`` (each holds the network) or ``fsdp`` (each holds a part)."""
    checkpoint_minutes: float = 5.0
    """A checkpoint is also written inside an epoch after so many minutes."""
    weights: str | None = None
    """What the network begins with: ``imagenet`` (the published weights), a file of weights, or a run folder."""
    freeze: str | None = None
    """Parts that do not learn: ``backbone`` (all but the head), or paths of modules, separated by commas."""
    backbone_learning_rate: float | None = None
    """The highest learning rate of all but the head; None: that of the rest."""
    learning_rates: dict[str, float] = field(default_factory=dict)
    """The highest learning rate of single parts, by the paths of their modules; the schedule scales each."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in _COUNTS:
            self._require(name, _is_whole(getattr(self, name)) and getattr(self, name) >= 1, "a whole number from 1")
        self._require("seed", _is_whole(self.seed) and 0 <= self.seed < 2**63, "a whole number from 0 to 2**63 - 1")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                near = did_you_mean(str(value), choices)
                raise LayerlabError(f"{name} {value!r} is none of {', '.join(choices)}{near if 'did' in near else ''}")
        for name in ("optimizer", "augmentation"):
            self._require(name, isinstance(getattr(self, name), str), "a name")
        for name in ("learning_rate", "gradient_clip"):
            self._require(name, _is_number(getattr(self, name), 0, open_below=True), "a number above 0")
        self._require("momentum", _is_number(self.momentum, 0, 1), "from 0 up to, not including, 1")
        for name in ("weight_decay", "mixup"):
            self._require(name, _is_number(getattr(self, name), 0), "a number from 0")
        self._require("label_smoothing", _is_number(self.label_smoothing, 0, 1), "from 0 up to, not including, 1")
        self._require(
            "validation", _is_number(self.validation, 0, 1, open_below=True), "between 0 and 1, both excluded"
        )
        patience = self.early_stopping
        self._require(
            "early_stopping", patience is None or (_is_whole(patience) and patience >= 1), "a whole number from 1"
        )
        self._require("checkpoint_minutes", _is_number(self.checkpoint_minutes, 0), "a number from 0")
        self._check_parts()
        self._refuse_combinations()

    def _check_parts(self) -> None:
        self._require("weights", self.weights is None or _is_name(self.weights), "imagenet, or a path")
        good = self.freeze is None or (isinstance(self.freeze, str) and all(map(_is_name, self.freeze.split(","))))
        self._require("freeze", good, 'names of parts, e.g. "backbone" or "layer1,layer2"')
        rate = self.backbone_learning_rate
        self._require("backbone_learning_rate", _is_number(rate, 0, open_below=True), "a number above 0")
        rates = self.learning_rates
        good = isinstance(rates, dict) and all(
            _is_name(part) and value is not None and _is_number(value, 0, open_below=True)
            for part, value in rates.items()
        )
        self._require("learning_rates", good, "a number above 0 for each part, e.g. {'layer4': 1e-4}")
        if self.backbone_learning_rate is not None and BACKBONE in rates:
            raise LayerlabError('backbone_learning_rate is given, and learning_rates["backbone"]: leave one out')
        for part in self.rates_of_parts:
            if part in self.frozen_parts:
                raise LayerlabError(f'"{part}" is frozen and is given a learning rate: leave one of the two out')

    @property
    def frozen_parts(self) -> tuple[str, ...]:
        """The parts that do not learn."""
        return tuple(part.strip() for part in self.freeze.split(",")) if self.freeze else ()

    @property
    def rates_of_parts(self) -> dict[str, float]:
        """The highest learning rate of each part that has one of its own."""
        given = {} if self.backbone_learning_rate is None else {BACKBONE: self.backbone_learning_rate}
        return {**self.learning_rates, **given}

    def _refuse_combinations(self) -> None:
        world = self.devices * self.nodes
        if self.batch_size % world:
            raise LayerlabError(
                f"batch_size {self.batch_size} cannot be shared equally by {world} processes; the nearest that can:"
                f" {max(world, round(self.batch_size / world) * world)}"
            )
        if self.strategy == "fsdp" and self.device in ("cpu", "mps"):
            raise LayerlabError(f'strategy "fsdp" needs CUDA devices and device is "{self.device}"; use strategy "ddp"')
        if self.strategy == "fsdp" and (self.frozen_parts or self.rates_of_parts):
            raise LayerlabError(
                'strategy "fsdp" joins the parameters of several parts, so that none can be frozen or have a rate of'
                ' its own; use strategy "ddp"'
            )
        if self.precision == "16" and self.device == "cpu":
            raise LayerlabError('precision "16" needs a CUDA device; on the processor use "bf16" or "auto"')

    def _require(self, name: str, fine: bool, expected: str) -> None:
        if not fine:
            raise LayerlabError(f"{name} is {getattr(self, name)!r}; expected {expected}")

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> TrainingConfig:
        """Return the record that :meth:`to_dict` wrote.

        Raises:
            LayerlabError: ``data`` is something else.
        """
        known = {entry.name for entry in fields(cls)}
        if not isinstance(data, Mapping):
            raise LayerlabError(f"the training settings are {type(data).__name__}; expected what Layerlab wrote")
        for name in data:
            if name not in known:
                raise LayerlabError(f'no training setting "{name}"{did_you_mean(str(name), known)}')
        return cls(**data)

    @classmethod
    def default(cls, name: str) -> Any:
        """Return the default of the field ``name``."""
        entry = next(entry for entry in fields(cls) if entry.name == name)
        return entry.default if entry.default is not MISSING else {}

    def conflict_with(self, recorded: TrainingConfig) -> str | None:
        """Return the first field that was set here, differs from its default and from ``recorded``; or None."""
        for entry in fields(self):
            mine = getattr(self, entry.name)
            if mine != getattr(recorded, entry.name) and mine != self.default(entry.name):
                return entry.name
        return None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object, low: float, high: float | None = None, *, open_below: bool = False) -> bool:
    """Tell whether ``value`` is None or a finite number in [low, high) (or (low, high))."""
    if value is None:
        return True
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    above = value > low if open_below else value >= low
    return above and value < (high if high is not None else float("inf"))
