"""One training of an experiment, fully specified, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

__all__ = ["FORMAT", "PARTS", "Outcome", "Replicate", "Trial"]

FORMAT: Final = 1
"""Of a trial's specification: raised when the same specification would train otherwise than before."""
PARTS: Final = ("validation", "test")
"""Where a trial is scored: choices are made on the validation part, the answer on the test part."""


@dataclass(frozen=True, order=True)
class Replicate:
    """What is drawn by lot in a trial. Arms of one replicate share the split: they are compared pair by pair."""

    split: int
    """Keys the drawing of the points or the division of the images."""
    initialisation: int
    """Keys the initial weights."""
    order: int
    """Keys the order of the training examples, and dropout."""


@dataclass(frozen=True)
class Trial:
    """One training, fully specified: two trials with the same key are the same trial."""

    engine: str
    """Which engine runs it: one of :data:`layerlab.lab.engines.ENGINES`."""
    settings: Mapping[str, Any]
    """All that the engine needs to know, in JSON values: network, data, learning rate, epochs, target loss."""
    replicate: Replicate
    part: str
    """One of :data:`PARTS`."""

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as JSON values."""
        return {
            "format": FORMAT,
            "engine": self.engine,
            "settings": dict(self.settings),
            "replicate": [self.replicate.split, self.replicate.initialisation, self.replicate.order],
            "part": self.part,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Trial:
        """Return the trial of :meth:`to_dict`."""
        return cls(values["engine"], values["settings"], Replicate(*values["replicate"]), values["part"])

    @cached_property
    def key(self) -> str:
        """A digest of the full specification: what is stored under it need not be run again."""
        return hashlib.sha256(canonical(self.to_dict()).encode()).hexdigest()[:32]

    def __hash__(self) -> int:
        """Return the hash of the key."""
        return hash(self.key)


@dataclass(frozen=True)
class Outcome:
    """What came of a trial."""

    values: Mapping[str, float | None] = field(default_factory=dict)
    """Figures by name, those of :mod:`layerlab.lab.metrics`; None for what was never reached."""
    curve: Sequence[tuple[int, float | None, float | None]] = ()
    """(epoch, training loss, held-out loss) at some sixty epochs, first and last among them; None: not finite."""
    failure: str = ""
    """Why it did not train, in a few words; empty where it did. Its ``values`` then are those of what was left: a
    diverged network counts with the loss and accuracy of a network that knows nothing."""
    seconds: float = 0.0
    """That it took. Two runs of one trial agree in all but this (and in figures that are themselves times)."""

    @property
    def trained(self) -> bool:
        """Whether the network learned anything."""
        return not self.failure

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {
            "values": dict(self.values),
            "curve": [list(point) for point in self.curve],
            "failure": self.failure,
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outcome:
        """Return the outcome of :meth:`to_dict`."""
        curve = [(int(epoch), train, held_out) for epoch, train, held_out in values["curve"]]
        return cls(values["values"], curve, values["failure"], values["seconds"])


def canonical(values: object) -> str:
    """Return JSON that is the same for equal values: sorted names, no spaces, no NaN."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
