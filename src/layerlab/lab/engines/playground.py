"""Trials on two-dimensional tasks: small networks of the playground, trained by its compiled engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from layerlab.lab.engines import Cost, Report
from layerlab.lab.engines.playground_settings import FACTORS, settings_of, specification_of_settings
from layerlab.lab.trial import Trial
from layerlab.playground.layout import layout_of

if TYPE_CHECKING:
    from layerlab.playground.specification import Specification

__all__ = ["PlaygroundEngine", "specification_of_trial"]


class PlaygroundEngine:
    """Small networks on two-dimensional tasks.

    A trial's ``split`` draws the points and divides them, ``initialisation`` the weights, ``order`` the order of the
    training points and dropout; where ``order`` equals ``split``, the order is the one in which the playground itself
    draws the points. The two parts of an experiment never share a seed, so that no point that a choice was made on
    comes back in the answer; the spirals alone have the same points in every draw where their noise is 0.
    """

    name = "playground"

    def factors(self) -> Mapping[str, str]:
        """Return the factors that it knows, each with what it is."""
        return FACTORS

    def settings(self, factors: Mapping[str, Any], task: str) -> dict[str, Any]:
        """Return the settings of a trial with these factors on this task, every default written out.

        Raises:
            LayerlabError: an unknown factor or task, or a network that cannot be built or would never learn.
        """
        return settings_of(factors, task)

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        """Return what the network of these settings costs."""
        layout = layout_of(specification_of_settings(settings))
        return Cost(layout.parameters, layout.weights)

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Divide trials into groups of some seconds; networks of one shape, which train side by side, stay together."""
        from layerlab.lab.engines.playground_run import groups_of

        return groups_of(trials)

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
        """Train these trials, see :func:`layerlab.lab.engines.playground_run.train_trials`."""
        from layerlab.lab.engines.playground_run import train_trials

        train_trials(trials, report, threads)

    def time_step(self, settings: Mapping[str, Any], rounds: int) -> list[float]:
        """Return the seconds that one update of this network alone takes, measured ``rounds`` times."""
        from layerlab.lab.engines.playground_time import seconds_of_updates

        return seconds_of_updates(specification_of_settings(settings), rounds)


def specification_of_trial(trial: Trial) -> Specification:
    """Return the playground's specification of a trial; it is the trial's very network where ``order`` is ``split``."""
    part, replicate = trial.part, trial.replicate
    return specification_of_settings(trial.settings).with_seeds(
        f"{part}-{replicate.split}", f"{part}-weights-{replicate.initialisation}"
    )
