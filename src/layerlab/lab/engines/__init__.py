"""What trains: each engine takes trials that can run together and reports each as it ends."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.lab.trial import Outcome, Trial

__all__ = ["ENGINES", "Cost", "Engine", "Report", "engine_named"]

Report = Callable[[Trial, Outcome], None]
"""Called once for every trial as it ends; what it raises (Ctrl-C, a full disk) ends the run."""


@dataclass(frozen=True)
class Cost:
    """What a network costs, known before it trains."""

    parameters: int
    """Learned values."""
    macs: int
    """Multiply-accumulates for one example."""


class Engine(Protocol):
    """Trains one kind of network.

    An arm is described by *factors*, whose names are common to all engines (``depth``, ``width``, ``activation``,
    ``learning_rate``, ``batch_size``, ...); an engine says which it has.
    """

    name: str

    def factors(self) -> Mapping[str, str]:
        """Return the factors that it knows, each with a line that says what it is."""

    def settings(self, factors: Mapping[str, Any], task: str) -> dict[str, Any]:
        """Return the settings of a trial with these factors on this task, every default written out, JSON values.

        Raises:
            LayerlabError: an unknown factor (the nearest is named), or a network that cannot be built.
        """

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        """Return what the network of these settings costs."""

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Divide trials into groups that run together, each of some seconds; the order of work is theirs."""

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
        """Train one group. A network that fails is reported as such; only what is no network's fault is raised.

        No outcome depends on which other trials are in the group.
        """


_HOME: Final = {
    "playground": "layerlab.lab.engines.playground:PlaygroundEngine",
    "timing": "layerlab.lab.engines.timing:TimingEngine",
    "networks": "layerlab.lab.engines.networks:NetworksEngine",
    "zoo": "layerlab.lab.engines.zoo:ZooEngine",
}
ENGINES: Final = tuple(_HOME)
"""``playground``: 2-D tasks, compiled. ``timing``: how long an update of these takes, one network after another.
``networks``: small torch networks, the seeds of one shape stacked. ``zoo``: whole networks through ``fit``."""


def engine_named(name: str) -> Engine:
    """Return an engine; its imports are heavy. Raises LayerlabError where there is none of this name."""
    if name not in _HOME:
        raise LayerlabError(f'no engine "{name}"{did_you_mean(name, ENGINES)}')
    module, _, attribute = _HOME[name].partition(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)()
    return engine
