"""Trials with small torch networks on images in memory: dense ones stacked, convolutional ones one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from layerlab.lab.engines import Cost, Report
from layerlab.lab.engines.networks_settings import FACTORS, settings_of
from layerlab.lab.trial import Outcome, Trial, canonical

__all__ = ["NetworksEngine"]


class NetworksEngine:
    """Small dense and convolutional networks on data sets in memory.

    A trial's ``split`` divides the images (and draws the noise), ``initialisation`` draws the weights, ``order`` the
    order of the images and dropout. Which images are held out is told in
    :mod:`layerlab.lab.engines.networks_data`.
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
        import torch

        from layerlab.data import dataset_info
        from layerlab.lab.engines.small_networks import build, macs_of

        info = dataset_info(settings["task"])
        shape = info.shape or (0, 0, 0)
        with torch.device("meta"):
            network = build(settings, shape, info.number_of_classes)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        return Cost(parameters, macs_of(network, shape))

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Divide trials into groups of some seconds."""
        return _units(trials)

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:  # noqa: ARG002
        """Train these trials."""
        import torch

        from layerlab.lab.engines.networks_training import train_one, train_stacked

        before = torch.get_num_threads()
        torch.set_num_threads(1)  # sums do not depend on how many threads share them
        try:
            for unit in _units(trials):
                stacked = unit[0].settings["network"] == "mlp"
                outcomes: list[Outcome] = train_stacked(unit) if stacked else [train_one(unit[0])]
                for trial, outcome in zip(unit, outcomes, strict=True):
                    report(trial, outcome)
        finally:
            torch.set_num_threads(before)


def _units(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Divide trials into those that are trained together."""
    from layerlab.lab.engines.networks_training import LANES

    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        own = ("learning_rate", "weight_decay")
        shared = {name: value for name, value in trial.settings.items() if name not in own}
        alike.setdefault(canonical([shared, trial.part]), []).append(trial)
    units = []
    for some in alike.values():
        size = LANES if some[0].settings["network"] == "mlp" else 1
        units += [some[start : start + size] for start in range(0, len(some), size)]
    return units
