"""Networks of one shape that take their updates together: each with its own images, order, weights and rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from layerlab.data.randomness import ORDER, permutation
from layerlab.lab.engines.descent import Descent
from layerlab.lab.engines.networks_data import Division, Images, divide, generator, load
from layerlab.lab.engines.small_networks import Dropout, build, initialise
from layerlab.lab.engines.stacked import fill_lane, stack
from layerlab.lab.trial import PARTS, Trial

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LANES", "Data", "Lanes", "updates_of_epoch"]

LANES: Final = 20
"""Networks of a stack, always: how a batched product is computed, and so its last bits, may depend on their number."""
CHUNK: Final = 256
"""Images that are evaluated at once."""


def updates_of_epoch(images: int, batch_size: int) -> int:
    """Return the updates of an epoch. A last batch of one image is left out: it has no deviation for batch norm."""
    return images // batch_size + (images % batch_size > 1)


@dataclass(frozen=True)
class Data:
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
    def of(cls, trials: Sequence[Trial], images: Images) -> Data:
        """Return the images of these trials."""
        divisions = [divide(trial, images) for trial in trials]
        table, shift = images.pixels, torch.zeros(len(trials), 1, dtype=torch.int64)
        if trials[0].settings["noise"]:  # each lane has its own
            table = torch.cat([division.pixels for division in divisions])
            shift = torch.arange(len(trials))[:, None] * len(images.pixels)

        def stacked(values: Callable[[Division], Tensor]) -> Tensor:
            return torch.stack([values(division) for division in divisions])

        return cls(
            table,
            stacked(lambda division: division.train) + shift,
            stacked(lambda division: division.labels),
            stacked(lambda division: division.held_out) + shift,
            stacked(lambda division: images.labels[division.held_out]),
        )

    def inputs(self, rows: Tensor) -> Tensor:
        """Return the images of each lane's rows: (lanes, n, C, H, W)."""
        return self.table.index_select(0, rows.reshape(-1)).view(*rows.shape, *self.table.shape[1:])


class Lanes:
    """Some networks in training: stacked, always :data:`LANES` of them, or a single one as it is.

    Args:
        trials: alike in all but replicate, learning rate, weight decay and target.
        stacked: whether to stack them (dense networks only); the last one fills the lanes that are left. Otherwise
            there is one.
    """

    def __init__(self, trials: Sequence[Trial], *, stacked: bool) -> None:
        settings = trials[0].settings
        images = load(settings["task"])
        self.trials = [*trials, *[trials[-1]] * (LANES - len(trials))] if stacked else [trials[0]]
        self.classes = images.classes
        self.data = Data.of(self.trials, images)
        plain = build(settings, images.pixels.shape[1:], images.classes)
        network = stack(build(settings, images.pixels.shape[1:], images.classes), LANES) if stacked else plain
        for lane, trial in enumerate(self.trials):
            initialise(plain, settings["initialization"], _generator("weights", trial, trial.replicate.initialisation))
            if stacked:
                fill_lane(network, lane, plain)
        for number, module in enumerate(network.modules()):
            if isinstance(module, Dropout):
                module.generators = [
                    _generator(f"dropout {number}", trial, trial.replicate.order) for trial in self.trials
                ]
        self.network: nn.Module = network if stacked else _OneLane(network)
        self.parameters = list(network.parameters())
        rates, decays = ([trial.settings[name] for trial in self.trials] for name in ("learning_rate", "weight_decay"))
        self.descent = Descent(self.parameters, settings["optimizer"], rates, decays)
        self.batch_size: int = settings["batch_size"]

    def batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield rows and labels, each (lanes, batch size), of every update of an epoch from 1."""
        count = self.data.train.shape[1]
        order = torch.stack([_order(trial, count, epoch) for trial in self.trials])
        rows, labels = self.data.train.gather(1, order), self.data.labels.gather(1, order)
        for number in range(updates_of_epoch(count, self.batch_size)):
            batch = slice(number * self.batch_size, (number + 1) * self.batch_size)
            yield rows[:, batch], labels[:, batch]

    def update(self, rows: Tensor, labels: Tensor) -> None:
        """Take one step of every network on its images; the network must be in training mode."""
        logits = self._logits(rows)
        self.descent.step(torch.autograd.grad(logits, self.parameters, _slope(logits.detach(), labels)))

    def _logits(self, rows: Tensor) -> Tensor:
        """Return (lanes, N, classes); a stack gives more, which fill up."""
        logits: Tensor = self.network(self.data.inputs(rows))
        return logits[..., : self.classes]

    @torch.no_grad()
    def evaluate(self, rows: Tensor, labels: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each lane's mean cross-entropy, and its share of right answers, over its rows, (lanes, n)."""
        self.network.eval()
        losses, right = torch.zeros(len(rows), dtype=torch.float64), torch.zeros(len(rows), dtype=torch.float64)
        for some, wanted in zip(torch.split(rows, CHUNK, 1), torch.split(labels, CHUNK, 1), strict=True):
            logits = self._logits(some).mT  # lanes, classes, N
            losses -= torch.log_softmax(logits, 1).gather(1, wanted[:, None]).double().sum((1, 2))
            right += (logits.argmax(1) == wanted).sum(1)
        return (losses / rows.shape[1]).numpy(), (right / rows.shape[1]).numpy()


class _OneLane(nn.Module):
    """A plain network as a stack of one.

    Input shape:
        (1, N, channels, height, width)

    Output shape:
        (1, N, classes)
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's logits."""
        logits: Tensor = self.network(x.squeeze(0))
        return logits.unsqueeze(0)


def _slope(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of each lane's mean cross-entropy with respect to its logits: (lanes, N, classes).

    No lane's knows of the others. Softmax along a last axis as short as the classes takes ten times as long as along
    another, hence the transposition.
    """
    shares = torch.softmax(logits.mT, 1)  # lanes, classes, N
    shares.scatter_add_(1, labels[:, None], shares.new_full((), -1).expand(len(labels), 1, labels.shape[1]))
    return shares.div_(labels.shape[1]).mT


def _generator(purpose: str, trial: Trial, key: int) -> torch.Generator:
    return generator(purpose, trial.part, key)


def _order(trial: Trial, count: int, epoch: int) -> Tensor:
    return permutation(count, ORDER, trial.replicate.order, epoch, PARTS.index(trial.part))
