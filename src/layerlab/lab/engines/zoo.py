"""Trials with whole networks of the zoo, trained as ``fit`` trains them."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError
from layerlab.lab.engines import Cost, Report
from layerlab.lab.engines.curve import epochs_kept
from layerlab.lab.engines.trial_folder import trial_folder
from layerlab.lab.engines.zoo_settings import FACTORS, TRAINING, load, settings_of
from layerlab.lab.trial import Outcome, Trial

if TYPE_CHECKING:
    from torch import nn

    from layerlab.training import Run

__all__ = ["ZooEngine"]

KEPT: Final = 0.9
"""A network whose training loss is still this share of that of one that knows nothing has not learned."""
_WEIGHTS: Final = 0x6C6162
"""With a trial's ``initialisation`` the key of its first weights."""
_DIVERGED: Final = re.compile(r"(?:became (?:nan|-?inf)|is no longer finite)\b.* in epoch (\d+)")
"""How ``fit`` says so."""
AT_ONCE: Final = 2
"""Trials of a group for each process: one that ends early has another to go on with."""
MAX_PROCESSES: Final = 16
"""Each needs about a gigabyte."""
_FAILED: Final = "the network failed in training"
"""How ``fit`` says that a layer refused its input."""


class ZooEngine:
    """Networks of the zoo, trained by :func:`layerlab.training.fit` on any data set.

    A trial's ``split`` divides what is not the data's own test part into a training and a validation part,
    ``initialisation`` draws the weights, ``order`` the order of the images, augmentation and dropout. The test part is
    the data's own, the same for every trial of the test part; a trial of the validation part never touches it. Both
    keep the epoch of the lowest validation loss.
    """

    name = "zoo"

    def factors(self) -> Mapping[str, str]:
        """Return the factors that it knows, each with what it is; every knob of the chosen network is one, too."""
        return FACTORS

    def settings(self, factors: Mapping[str, Any], task: str) -> dict[str, Any]:
        """Return the settings of a trial with these factors on this task, every default written out.

        Raises:
            LayerlabError: an unknown model, knob or data set, a value out of its range, or a network that cannot be
                built.
        """
        return settings_of(factors, task)

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        """Return what the network of these settings costs, in prediction."""
        from layerlab.anatomy import dissect

        network = _network(settings, device="meta")
        totals = dissect(network.eval(), (settings["channels"], *settings["size"])).totals
        return Cost(totals.parameters, totals.macs)

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Return so many trials together as keep this machine's cores busy; a graphics card has one after another."""
        size = AT_ONCE * _processes(None)
        return [list(trials[start : start + size]) for start in range(0, len(trials), size)]

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
        """Train these trials, each on one core, in a process for each core; on a graphics card one after another.

        A sum depends on how many cores share it, hence the one.
        """
        processes = min(_processes(threads), len(trials))
        if processes > 1:
            from layerlab.lab.engines.processes import train_in_processes

            train_in_processes(train_alone, trials, report, processes)
            return
        for trial in trials:
            report(trial, train_alone(trial))


def _processes(threads: int | None) -> int:
    import torch

    if torch.cuda.is_available():
        return 1
    return min(threads or MAX_PROCESSES, os.cpu_count() or 1)


def train_alone(trial: Trial) -> Outcome:
    """Train one trial on one core or the graphics card and return what came of it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(trial)
    finally:
        torch.set_num_threads(before)


def _network(settings: Mapping[str, Any], device: str | None = None) -> nn.Module:
    from layerlab.zoo import create

    classes, channels = settings["classes"], settings["channels"]
    return create(settings["model"], device=device, num_classes=classes, in_channels=channels, **settings["knobs"])


def _train(trial: Trial) -> Outcome:
    from layerlab.training import fit
    from layerlab.training.randomness import seed_everything, untouched_generators

    start = time.perf_counter()
    settings, replicate = trial.settings, trial.replicate
    data = load(settings["task"], tuple(settings["size"]), replicate.split)
    if trial.part == "validation":
        data = replace(data, test=data.validation)
    with untouched_generators():
        seed_everything(replicate.initialisation, _WEIGHTS)
        network = _network(settings)
    history: list[dict[str, Any]] = []
    run, failure = None, ""
    with trial_folder() as folder:
        try:
            run = fit(
                network,
                data,
                seed=replicate.order,
                **{name: settings[name] for name in TRAINING},
                memory_format="contiguous",  # not what was measured to be faster here and now
                output=folder / "run",
                progress=False,
                callbacks=(history.append,),
            )
        except LayerlabError as error:
            failure = _failure(str(error))
            if not failure:
                raise
    values = _values(settings, history, run, len(data.train))
    if run is not None and (values["train_loss"] or 0) >= KEPT * math.log(settings["classes"]):
        failure = "did not learn"
    kept = set(epochs_kept(settings["epochs"]))
    curve = [(row["epoch"], row["train_loss"], row["val_loss"]) for row in history if row["epoch"] in kept]
    return Outcome(values, curve, failure, time.perf_counter() - start)


def _failure(told: str) -> str:
    """Return why the network did not train, or an empty text where it is no network's fault."""
    if found := _DIVERGED.search(told):
        return f"diverged in epoch {found[1]}"
    return told if told.startswith(_FAILED) else ""


def _values(
    settings: Mapping[str, Any], history: Sequence[Mapping[str, Any]], run: Run | None, images: int
) -> dict[str, float | None]:
    """Return the figures of the best epoch; without a run those of a network that knows nothing.

    The training loss is the mean over its epoch, while the network was learning, as is its accuracy.
    """
    nothing, guess = math.log(settings["classes"]), 1 / settings["classes"]
    loss, train_loss, accuracy, train_accuracy = nothing, nothing, guess, guess
    reached = None
    if run is not None:
        best = history[run.metrics["best_epoch"] - 1]
        loss, accuracy = run.metrics["test_loss"], run.metrics["test_accuracy"]
        train_loss, train_accuracy = best["train_loss"], best["train_accuracy"]
        reached = next((row["epoch"] for row in history if row["val_loss"] <= settings["target"]), None)
    return {
        "loss": loss,
        "train_loss": train_loss,
        "gap": loss - train_loss,
        "accuracy": accuracy,
        "train_accuracy": train_accuracy,
        "epochs_to_target": reached,
        "steps_to_target": None if reached is None else reached * math.ceil(images / settings["batch_size"]),
    }
