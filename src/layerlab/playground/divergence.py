"""Why a run's numbers left the finite, and which change would have kept them: found by running again, not guessed."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layerlab.playground.network import Network, Snapshot
from layerlab.playground.random_numbers import Random

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.history import History
    from layerlab.playground.specification import Specification

    Floats = NDArray[np.float64]

__all__ = ["Divergence", "Remedy", "explain"]

LEARNING_RATES: Final = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001, 0.00001)
"""Those that the page offers, the largest first."""
LOWER_RATES: Final = 5
"""How many lower learning rates are tried."""
WORK: Final = 40_000_000
"""Multiplications, about, that one try may cost (some 50 ms); a costly network is tried from a later epoch."""
MARGIN: Final = 5
"""Epochs past the divergence that a try must at least reach."""
STATES: Final = 4
"""Updates before the divergence that are looked at."""
WORSE: Final = 10.0
"""A try whose loss ends so many times higher than it began has kept nothing."""
LARGE: Final = 1e4
"""A try has not kept weights that are larger than this and grew tenfold in its second half: it has put off the end."""


@dataclass(frozen=True)
class Remedy:
    """A change with which the same run stayed finite."""

    changes: dict[str, Any]
    """The fields of the specification, as :meth:`Session.change` takes them."""
    from_epoch: int
    """The epoch of the run from which it was run again."""
    epochs: int
    """For how many epochs it was run; the divergence came earlier."""
    train_loss: float
    test_loss: float
    """At their end."""


@dataclass(frozen=True)
class Divergence:
    """The moment in which a run's numbers left the finite."""

    sentence: str
    """All of it in one English sentence."""
    step: int
    """The update, counted from 1, after which a number was no longer finite."""
    epoch: int
    """The epoch, counted from 1, in which it was made."""
    layer: int
    """The one that had the largest number just before, from 0; the output layer is the last."""
    largest_weight: float
    """Size of that layer's largest weight or bias just before."""
    largest_gradient: float
    """Size of its largest gradient just before, while it was still a number."""
    remedy: Remedy | None
    """The first change, of those that were tried, that kept the run finite."""
    tried: tuple[dict[str, Any], ...]
    """The changes that were tried, in order."""


def explain(network: Network, before: Snapshot, history: History) -> Divergence:
    """Find out where a run diverged and what would have helped. The network stays as it is.

    Args:
        network: that has diverged.
        before: its state some epochs or updates earlier, still finite.
        history: the states of the run.
    """
    now = network.snapshot()
    try:
        states = _last_finite(network, before, now.epoch - before.epoch + 1)
        last = states[-1]
        for state in reversed(states):  # the last updates often overflow in the gradient already
            network.restore(state)
            gradients = network.gradients(network.points.train)
            slopes = [_largest(layer.weights, layer.biases) for layer in gradients.layers]
            weights = [_largest(layer.weights, layer.biases) for layer in network.layers]
            if max(slopes) < sys.float_info.max:
                break
    finally:
        network.restore(now)
    # Not where the first NaN stands: an overflow at one layer reaches the others as infinity times zero.
    layer = max(range(len(weights)), key=lambda number: max(weights[number], slopes[number]))
    step, epoch = int(last.counters[2]) + 1, last.epoch + 1
    remedy, tried = _search(network, history, epoch)
    return Divergence(
        sentence=_sentence(network, step, epoch, layer, weights[layer], slopes[layer], remedy, len(tried)),
        step=step,
        epoch=epoch,
        layer=layer,
        largest_weight=weights[layer],
        largest_gradient=slopes[layer],
        remedy=remedy,
        tried=tried,
    )


def _last_finite(network: Network, before: Snapshot, epochs: int) -> list[Snapshot]:
    """Return the last states before the update that made a number infinite: looked for by epochs, then by updates."""
    network.restore(before)
    start = before
    for _ in range(epochs):
        if not _is_finite(network, network.run(1)):
            break
        start = network.snapshot()
    network.restore(start)
    states = deque([start], maxlen=STATES)
    while True:
        made, borders = network.run_minibatches(1)
        if not made or borders or not _is_finite(network, [row[1:] for row in borders]):
            return list(states)
        states.append(network.snapshot())


def _is_finite(network: Network, losses: Floats | list[tuple[float, float]]) -> bool:
    rows = np.asarray(losses, np.float64).reshape(-1, 2)
    finite = np.isfinite(rows[:, 0]).all() and not np.isinf(rows[:, 1]).any()
    return bool(finite and np.isfinite(network.parameters).all())


def _largest(*arrays: Floats) -> float:
    """Return the largest size; what is not finite counts as the largest number that there is."""
    top = sys.float_info.max
    return max((float(np.nan_to_num(np.abs(a), nan=top, posinf=top).max()) for a in arrays if a.size), default=0.0)


def _search(network: Network, history: History, epoch: int) -> tuple[Remedy | None, tuple[dict[str, Any], ...]]:
    """Run again with one change after another until one keeps the numbers finite."""
    start, epochs = _span(network, history, epoch)
    tried: list[dict[str, Any]] = []
    for changes in _candidates(network.specification):
        tried.append(changes)
        other = _changed(network, start, changes)
        begun = other.evaluate()[0]
        other.run(epochs // 2)
        halfway = _largest(other.parameters)
        losses = other.run(epochs - epochs // 2) if other.finite else np.empty((0, 2))
        complete = other.epoch == start.epoch + epochs and _is_finite(other, losses)
        if complete and losses[-1, 0] <= WORSE * begun and _largest(other.parameters) <= max(LARGE, 10 * halfway):
            return Remedy(changes, start.epoch, epochs, float(losses[-1, 0]), float(losses[-1, 1])), tuple(tried)
    return None, tuple(tried)


def _span(network: Network, history: History, epoch: int) -> tuple[Snapshot, int]:
    """Return where to begin again (the run's start, if that is cheap) and for how many epochs: past the divergence."""
    affordable = max(2 * MARGIN, WORK // network.work)
    start = history.nearest(0)
    if epoch - start.epoch + MARGIN > affordable:
        start = history.before(max(0, epoch + MARGIN - affordable))
    needed = epoch - start.epoch
    specification = network.specification
    if specification.schedule == "warmup":  # a rate that is still rising proves nothing
        needed = max(needed, min(specification.schedule_epochs - start.epoch, affordable - MARGIN))
    return start, needed + max(MARGIN, min(affordable - needed, max(4 * MARGIN, needed // 5)))


def _candidates(specification: Specification) -> Iterator[dict[str, Any]]:
    """Yield the changes to try: the smallest intervention first."""
    rate = specification.learning_rate
    lower = [value for value in LEARNING_RATES if value < 0.9 * rate][:LOWER_RATES]
    yield from ({"learning_rate": value} for value in lower or (rate / 10, rate / 100))
    if specification.regularization != "none":
        yield {"regularization": "none"}
    if set(specification.layer_activations) - {"tanh", "sigmoid"}:
        yield {"activation": "tanh", "activations": ()}
    if specification.optimizer != "adam":
        yield {"optimizer": "adam"}
    if lower:
        yield {"learning_rate": lower[-1] / 100}


def _changed(network: Network, start: Snapshot, changes: dict[str, Any]) -> Network:
    """Return a network with ``changes``, in the state ``start`` as far as it fits."""
    specification = network.specification.replace(**changes)
    other = Network(specification, network.points, Random(specification.seed))
    if specification.optimizer == network.specification.optimizer and other.parameters.shape == start.parameters.shape:
        other.restore(start)
    elif other.parameters.shape == start.parameters.shape:
        other.parameters[:], other.running[:], other.dead[:] = start.parameters, start.running, start.dead
    return other


def _sentence(
    network: Network,
    step: int,
    epoch: int,
    layer: int,
    weight: float,
    gradient: float,
    remedy: Remedy | None,
    tried: int,
) -> str:
    where = "the output layer" if layer == len(network.layers) - 1 else f"hidden layer {layer + 1}"
    what = (
        f"update {step:,} (epoch {epoch:,}) left the finite numbers, {where} in front: just before, its largest weight"
        f" was {weight:.3g} and its largest gradient {gradient:.3g}"
    )
    if remedy is None:
        return f"{what}; none of the {tried} changes that were tried kept the run finite"
    words = " and ".join(
        f"{name.replace('_', ' ')} {value if isinstance(value, str) else f'{value:g}'}"
        + f" instead of {_shown(getattr(network.specification, name))}"
        for name, value in remedy.changes.items()
        if name != "activations"
    )
    return (
        f"{what}; with {words} the same run stayed finite for {remedy.epochs:,} epochs"
        f" (training loss {remedy.train_loss:.3g})"
    )


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
