"""Training of small networks: some of one shape together, each with its own images, order, weights and rate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.data.randomness import ORDER, permutation
from layerlab.lab.engines.curve import curve, epochs_kept
from layerlab.lab.engines.descent import Descent
from layerlab.lab.engines.networks_data import Division, Images, divide, generator, load
from layerlab.lab.engines.small_networks import Dropout, build, initialise
from layerlab.lab.engines.stacked import fill_lane, stack
from layerlab.lab.trial import PARTS, Outcome, Trial

__all__ = ["LANES", "batches", "steps_of_epoch", "train_one", "train_stacked"]

LANES: Final = 16
"""Networks of a stack, always: a trial's last bits may follow from it."""
KEPT: Final = 0.9
"""A network whose training loss is still this share of that of one that knows nothing has not learned."""
EXPLODED: Final = 10.0
"""One whose training loss is so many times it has diverged, whether or not it is still a number."""
CHUNK: Final = 512
"""Images that are evaluated at once."""

Stop = Callable[[], bool]
"""Whether to give up; asked before every epoch."""


def train_stacked(trials: Sequence[Trial], stop: Stop = lambda: False) -> list[Outcome]:
    """Train at most :data:`LANES` dense networks of one shape together.

    Args:
        trials: alike in all but replicate, learning rate and weight decay.
        stop: see :data:`Stop`.
    """
    start = time.perf_counter()
    images = load(trials[0].settings["task"])
    shape = images.pixels.shape[1:]
    lanes = [*trials, *[trials[-1]] * (LANES - len(trials))]  # the last fills up
    plain = build(trials[0].settings, shape, images.classes)
    network = stack(build(trials[0].settings, shape, images.classes), LANES)
    for lane, trial in enumerate(lanes[: len(trials)]):
        _initialise(plain, trial)
        fill_lane(network, lane, plain)
    for lane in range(len(trials), LANES):
        fill_lane(network, lane, plain)
    outcomes = _train(network, lanes, images, network, stop)[: len(trials)]
    seconds = (time.perf_counter() - start) / len(trials)
    return [Outcome(each.values, each.curve, each.failure, seconds) for each in outcomes]


def train_one(trial: Trial, stop: Stop = lambda: False) -> Outcome:
    """Train one network by itself."""
    start = time.perf_counter()
    images = load(trial.settings["task"])
    network = build(trial.settings, images.pixels.shape[1:], images.classes)
    _initialise(network, trial)

    def forward(x: Tensor) -> Tensor:
        logits: Tensor = network(x.squeeze(0))
        return logits.unsqueeze(0)

    outcome = _train(network, [trial], images, forward, stop)[0]
    return Outcome(outcome.values, outcome.curve, outcome.failure, time.perf_counter() - start)


def steps_of_epoch(images: int, batch_size: int) -> int:
    """Return the updates of an epoch. A last batch of one image is left out: batch norm has no deviation of it."""
    return images // batch_size + (images % batch_size > 1 or images % batch_size == batch_size)


def batches(count: int, batch_size: int) -> Iterator[slice]:
    """Yield the places of each update of an epoch in the order of the images."""
    for step in range(steps_of_epoch(count, batch_size)):
        yield slice(step * batch_size, (step + 1) * batch_size)


@dataclass(frozen=True)
class _Data:
    """The images of all lanes: one table, and each lane's rows of it."""

    table: Tensor
    """(rows, C, H, W)."""
    train: Tensor
    """(lanes, n), int64: rows."""
    labels: Tensor
    """(lanes, n), perhaps exchanged."""
    held_out: Tensor
    """(lanes, m), int64: rows."""
    held_out_labels: Tensor
    """(lanes, m)."""

    @classmethod
    def of(cls, trials: Sequence[Trial], images: Images) -> _Data:
        divisions = [divide(trial, images) for trial in trials]
        rows = torch.tensor([0] * len(trials))
        table = images.pixels
        if any(division.pixels is not images.pixels for division in divisions):  # each lane's own noise
            table = torch.cat([division.pixels for division in divisions])
            rows = torch.arange(len(trials)) * len(images.pixels)

        def stacked(values: Callable[[Division], Tensor]) -> Tensor:
            return torch.stack([values(division) for division in divisions])

        return cls(
            table,
            stacked(lambda division: division.train) + rows[:, None],
            stacked(lambda division: division.labels),
            stacked(lambda division: division.held_out) + rows[:, None],
            stacked(lambda division: images.labels[division.held_out]),
        )

    def inputs(self, rows: Tensor) -> Tensor:
        """Return the images of each lane's rows: (lanes, n, C, H, W)."""
        return self.table.index_select(0, rows.reshape(-1)).view(*rows.shape, *self.table.shape[1:])


def _train(
    network: nn.Module, trials: Sequence[Trial], images: Images, forward: Callable[[Tensor], Tensor], stop: Stop
) -> list[Outcome]:
    """Train a network of one lane for each trial, and return what came of them."""
    settings, data = trials[0].settings, _Data.of(trials, images)
    epochs, batch_size = settings["epochs"], settings["batch_size"]
    for number, module in enumerate(network.modules()):
        if isinstance(module, Dropout):
            module.generators = [generator("dropout", number, each.part, each.replicate.order) for each in trials]
    parameters = list(network.parameters())
    rates, decays = ([trial.settings[name] for trial in trials] for name in ("learning_rate", "weight_decay"))
    descent = Descent(parameters, settings["optimizer"], rates, decays)

    losses = np.full((epochs + 1, len(trials), 2), np.nan)
    kept = set(epochs_kept(epochs))
    for epoch in range(epochs + 1):
        if epoch:
            order = torch.stack([_order(trial, data.train.shape[1], epoch) for trial in trials])
            rows, labels = data.train.gather(1, order), data.labels.gather(1, order)
            network.train()
            for batch in batches(rows.shape[1], batch_size):
                logits = forward(data.inputs(rows[:, batch]))  # lanes, batch_size, classes
                wanted = labels[:, batch].reshape(-1)
                # The sum over the lanes of each one's mean: a lane's gradient knows nothing of the others.
                loss = functional.cross_entropy(logits.flatten(0, 1), wanted, reduction="sum") / batch_size_of(logits)
                descent.step(torch.autograd.grad(loss, parameters))
        if stop():
            break
        network.eval()
        losses[epoch, :, 1], accuracies = _evaluate(forward, data, data.held_out, data.held_out_labels)
        if epoch in kept:
            losses[epoch, :, 0], train_accuracies = _evaluate(forward, data, data.train, data.labels)
    steps = steps_of_epoch(data.train.shape[1], batch_size)
    return [
        _outcome(trial, losses[:, lane], accuracies[lane], train_accuracies[lane], steps, images.classes)
        for lane, trial in enumerate(trials)
    ]


def batch_size_of(logits: Tensor) -> int:
    """Return how many images each lane has."""
    return logits.shape[1]


def _initialise(network: nn.Module, trial: Trial) -> None:
    draw = generator("weights", trial.part, trial.replicate.initialisation)
    initialise(network, trial.settings["initialization"], draw)


def _order(trial: Trial, count: int, epoch: int) -> Tensor:
    return permutation(count, ORDER, trial.replicate.order, epoch, PARTS.index(trial.part))


@torch.no_grad()
def _evaluate(
    forward: Callable[[Tensor], Tensor], data: _Data, rows: Tensor, labels: Tensor
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], list[float]]:
    """Return each lane's mean loss, and its share of right answers."""
    losses, right = torch.zeros(len(rows), dtype=torch.float64), torch.zeros(len(rows), dtype=torch.int64)
    for some, wanted in zip(torch.split(rows, CHUNK, 1), torch.split(labels, CHUNK, 1), strict=True):
        logits = forward(data.inputs(some))
        each = functional.cross_entropy(logits.flatten(0, 1), wanted.reshape(-1), reduction="none")
        losses += each.view(wanted.shape).double().sum(1)
        right += (logits.argmax(2) == wanted).sum(1)
    count = rows.shape[1]
    return (losses / count).numpy(), (right.double() / count).tolist()


def _outcome(
    trial: Trial,
    losses: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    accuracy: float,
    train_accuracy: float,
    steps: int,
    classes: int,
) -> Outcome:
    """Return what came of a training whose losses are (epochs + 1, 2); a diverged network counts as knowing nothing."""
    nothing = math.log(classes)
    failure = _failure(losses, nothing)
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
        "steps_to_target": None if epoch is None else epoch * steps,
    }
    return Outcome(values, curve(losses), failure)


def _failure(losses: np.ndarray[tuple[int, int], np.dtype[np.float64]], nothing: float) -> str:
    """Return why the network did not train; ``nothing``: the loss of one that knows nothing."""
    last = losses[-1, 0]
    if not math.isfinite(last) or last >= EXPLODED * nothing:
        calm = np.flatnonzero(losses[:, 1] < EXPLODED * nothing)
        return f"diverged in epoch {min(int(calm[-1]) + 1 if len(calm) else 1, len(losses) - 1)}"
    return "did not learn" if last >= KEPT * nothing else ""
