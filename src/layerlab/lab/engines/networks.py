"""Trials with small torch networks on images in memory: dense ones stacked, convolutional ones one after another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import lru_cache
from threading import Event
from typing import Any, Final

from layerlab.lab.engines import Cost, Report
from layerlab.lab.engines.networks_settings import FACTORS, settings_of, training_images
from layerlab.lab.trial import Outcome, Replicate, Trial, canonical

__all__ = ["NetworksEngine"]

GROUP: Final = 3.0
"""Seconds of a group's work, about, on one core; but it has something for every core."""
OF_A_LANE: Final = ("learning_rate", "weight_decay", "target")
"""Settings that may differ within a stack."""
UPDATE: Final = 5e-4
"""Seconds of an update, about, apart from its arithmetic."""
MAC: Final = 2e-10
"""Seconds of a multiply-accumulate, about."""
SLICE: Final = 0.02
"""Seconds, about, over which an update is timed once."""


class NetworksEngine:
    """Small dense and convolutional networks on data sets in memory.

    A trial's ``split`` divides the images (and draws the noise), ``initialisation`` draws the weights, ``order`` the
    order of the images and dropout. Which images are held out is told in
    :mod:`layerlab.lab.engines.networks_data`. Every training runs on one core: a sum depends on how many share it.
    """

    name = "networks"

    def factors(self) -> Mapping[str, str]:
        """Return the factors that it knows, each with what it is."""
        return FACTORS

    def settings(self, factors: Mapping[str, Any], task: str) -> dict[str, Any]:
        """Return the settings of a trial with these factors on this task, every default written out.

        Raises:
            LayerlabError: an unknown factor or task, a value out of its range, or a network that cannot be built.
        """
        return settings_of(factors, task)

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        """Return what the network of these settings costs."""
        return _cost(_shared(settings))

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Divide trials into groups of some seconds; those that can be stacked are not parted."""
        groups: list[list[Trial]] = []
        group: list[Trial] = []
        work, units, longest = 0.0, 0, os.cpu_count() or 1
        for unit in _units(trials):
            group += unit
            work, units = work + self._seconds(unit), units + 1
            if work >= GROUP and units >= longest:
                groups.append(group)
                group, work, units = [], 0.0, 0
        return [*groups, group] if group else groups

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
        """Train these trials on so many cores, all of them unless told; none of their bits depends on it.

        A network diverged when its training loss ends no number or at ten times that of one that knows nothing, whose
        figures are then its own, and it never reached the target; one whose loss ends at nine tenths of it or more did
        not learn.
        """
        import torch

        from layerlab.lab.engines.networks_data import load
        from layerlab.lab.engines.networks_training import train

        over = Event()

        def work(unit: list[Trial]) -> list[Outcome]:
            torch.set_num_threads(1)  # it is each thread's own
            return train(unit, stacked=_is_stacked(unit[0]), stop=over.is_set)

        for task in {trial.settings["task"] for trial in trials}:
            load(task)
        before = torch.get_num_threads()
        try:
            with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
                try:
                    running = {pool.submit(work, unit): unit for unit in _units(trials)}
                    for done in as_completed(running):
                        for trial, outcome in zip(running[done], done.result(), strict=True):
                            report(trial, outcome)
                finally:
                    over.set()
                    pool.shutdown(cancel_futures=True)
        finally:
            torch.set_num_threads(before)

    def time_step(self, settings: Mapping[str, Any], rounds: int) -> list[float]:
        """Return the seconds of one update of a single network, not stacked, measured ``rounds`` times."""
        import itertools
        import time

        from layerlab.lab.engines.networks_lanes import Lanes

        lanes = Lanes([Trial(self.name, settings, Replicate(0, 0, 0), "validation")], stacked=False)
        batches = itertools.cycle(list(lanes.batches(1)))
        lanes.network.train()

        def seconds(updates: int) -> float:
            start = time.perf_counter()
            for rows, labels in itertools.islice(batches, updates):
                lanes.update(rows, labels)
            return (time.perf_counter() - start) / updates

        seconds(3)  # the first ones are slower
        updates = max(1, round(SLICE / seconds(3)))
        return [seconds(updates) for _ in range(rounds)]

    def _seconds(self, unit: Sequence[Trial]) -> float:
        """Return about how long a unit takes on one core."""
        settings = unit[0].settings
        images = training_images(settings) * settings["epochs"]
        arithmetic = 3 * MAC * self.cost(settings).macs * images * len(unit)
        return float(UPDATE * images / settings["batch_size"] + arithmetic)


def _shared(settings: Mapping[str, Any]) -> str:
    """Return the settings that the lanes of a stack have in common."""
    return canonical({name: value for name, value in settings.items() if name not in OF_A_LANE})


@lru_cache(maxsize=1024)
def _cost(shared: str) -> Cost:
    import torch

    from layerlab.data import dataset_info
    from layerlab.lab.engines.small_networks import build, macs_of

    settings = json.loads(shared)
    info = dataset_info(settings["task"])
    shape = info.shape or (0, 0, 0)
    with torch.device("meta"):
        network = build(settings, shape, info.number_of_classes)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Cost(parameters, macs_of(network, shape))


def _is_stacked(trial: Trial) -> bool:
    return bool(trial.settings["network"] == "mlp")


def _units(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    """Yield trials that are trained together."""
    from layerlab.lab.engines.networks_lanes import LANES

    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault(f"{trial.part} {_shared(trial.settings)}", []).append(trial)
    for some in alike.values():
        size = LANES if _is_stacked(some[0]) else 1
        yield from (some[start : start + size] for start in range(0, len(some), size))
