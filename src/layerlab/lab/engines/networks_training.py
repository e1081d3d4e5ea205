"""A whole training of small networks, from the first weights to what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.lab.engines.curve import curve, epochs_kept
from layerlab.lab.engines.networks_lanes import Lanes, updates_of_epoch
from layerlab.lab.trial import Outcome, Trial

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GivenUpError", "failure_of", "train"]

KEPT: Final = 0.9
"""A network whose training loss is still this share of that of one that knows nothing has not learned."""
EXPLODED: Final = 10.0
"""One whose training loss is so many times it has diverged, whether or not it is still a number."""


class GivenUpError(Exception):
    """Training was given up half way."""


def train(trials: Sequence[Trial], *, stacked: bool, stop: Callable[[], bool] = lambda: False) -> list[Outcome]:
    """Train networks together; see :class:`~layerlab.lab.engines.networks_lanes.Lanes`.

    Args:
        trials: of one shape; a single one unless ``stacked``.
        stacked: whether to stack them.
        stop: whether to give up; asked before every update.

    Raises:
        GivenUpError: where ``stop`` said so.
    """
    start = time.perf_counter()
    lanes, epochs = Lanes(trials, stacked=stacked), trials[0].settings["epochs"]
    data, kept = lanes.data, set(epochs_kept(epochs))
    losses = np.full((epochs + 1, len(lanes.trials), 2), np.nan)
    accuracies = train_accuracies = np.zeros(len(lanes.trials))
    for epoch in range(epochs + 1):
        for rows, labels in lanes.batches(epoch) if epoch else ():
            if stop():
                raise GivenUpError
            lanes.network.train()
            lanes.update(rows, labels)
        losses[epoch, :, 1], accuracies = lanes.evaluate(data.held_out, data.held_out_labels)
        if epoch in kept:
            losses[epoch, :, 0], train_accuracies = lanes.evaluate(data.train, data.labels)
        if not np.isfinite(losses[epoch, :, 1]).any():
            break  # what is no number never becomes one again
    updates = updates_of_epoch(data.train.shape[1], lanes.batch_size)
    seconds = (time.perf_counter() - start) / len(trials)
    figures = zip(trials, losses.swapaxes(0, 1), accuracies.tolist(), train_accuracies.tolist(), strict=False)
    return [_outcome(*each, updates=updates, classes=lanes.classes, seconds=seconds) for each in figures]


def _outcome(
    trial: Trial,
    losses: NDArray[np.float64],
    accuracy: float,
    train_accuracy: float,
    *,
    updates: int,
    classes: int,
    seconds: float,
) -> Outcome:
    """Return what came of a training whose losses are (epochs + 1, 2); a diverged network counts as knowing nothing."""
    nothing = math.log(classes)
    failure = failure_of(losses, nothing)
    train_loss, loss = losses[-1].tolist()
    reached = np.flatnonzero(losses[1:, 1] <= trial.settings["target"])
    epoch = int(reached[0]) + 1 if len(reached) else None
    if failure.startswith("diverged"):
        train_loss = loss = nothing
        accuracy = train_accuracy = 1 / classes
        epoch = None
    values: dict[str, float | None] = {
        "loss": loss,
        "train_loss": train_loss,
        "gap": loss - train_loss,
        "accuracy": accuracy,
        "train_accuracy": train_accuracy,
        "epochs_to_target": epoch,
        "steps_to_target": None if epoch is None else epoch * updates,
    }
    return Outcome(values, curve(losses), failure, seconds)


def failure_of(losses: NDArray[np.float64], nothing: float) -> str:
    """Return why a network did not train, or an empty text.

    Args:
        losses: (epochs + 1, 2), of the training and of the held-out part; not every training loss need be there.
        nothing: the loss of one that knows nothing.
    """
    last = losses[-1, 0]
    if math.isfinite(last) and last < EXPLODED * nothing:
        return "did not learn" if last >= KEPT * nothing else ""
    calm = np.flatnonzero(losses[:, 1] < EXPLODED * nothing)
    return f"diverged in epoch {min(int(calm[-1]) + 1 if len(calm) else 1, len(losses) - 1)}"
