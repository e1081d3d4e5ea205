"""Networks that have each a specification of their own, trained side by side: sixteen to a vector, on all cores."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layerlab.playground.kernels import lanes
from layerlab.playground.kernels.vectors import SINGLES
from layerlab.playground.layout import Regularization, layout_of
from layerlab.playground.network import Network, is_plain, learning_rates
from layerlab.playground.specification import Specification

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

__all__ = ["Job", "Training", "shape_of", "train_each"]

SLICE: Final = 100_000_000
"""Multiplications, about, between two looks at whether to go on (some 0.1 s)."""
BLOCK: Final = 34
"""Points of sixteen networks that are evaluated at once; they stay in a processor's nearest cache."""


@dataclass(frozen=True, eq=False)
class Job:
    """One network to train."""

    specification: Specification
    epochs: int
    create: Callable[[], Network]
    """Returns the new network of this specification; called in the thread that trains it."""


@dataclass(frozen=True, eq=False)
class Training:
    """What came of a job."""

    network: Network
    """As training left it."""
    losses: Doubles
    """(epochs + 1, 2): loss of the training and of the test points, epoch 0 first; NaN after the network diverged,
    and for test points that there are none of."""
    diverged: int
    """The epoch after which a loss or a weight was no longer finite, or -1."""
    seconds: float
    """That it took one core: of networks in one vector, each its share."""


Ended = Callable[[list[tuple[int, Training]]], object]
"""Called with the jobs, by index, that end together, in the thread that waits; what it raises ends the training."""
Work = Callable[[Event], list[Training] | None]
"""Trains some jobs, unless the event is set meanwhile."""


def train_each(jobs: Sequence[Job], ended: Ended, precision: str = "double", threads: int | None = None) -> None:
    """Train every job's network. No result depends on which others are trained beside it.

    Args:
        jobs: the networks, in the order in which work begins, except that those of one shape go together.
        ended: is given each result as it comes.
        precision, threads: as in :func:`layerlab.playground.many.train`.
    """
    together: dict[tuple[Any, ...], list[int]] = {}
    for index, job in enumerate(jobs):
        shape = shape_of(job.specification) if precision == "single" else None
        together.setdefault((index,) if shape is None else (job.epochs, *shape), []).append(index)
    tasks: list[tuple[list[int], Work]] = []
    for key, members in together.items():
        if len(key) == 1:
            tasks.append((members, partial(_in_double, jobs[members[0]])))
            continue
        for group in (members[start : start + SINGLES] for start in range(0, len(members), SINGLES)):
            tasks.append((group, partial(_in_lanes, [jobs[index] for index in group])))
    _in_threads(tasks, threads, ended)


def shape_of(specification: Specification) -> tuple[Any, ...] | None:
    """Return what networks must have in common to be trained in one vector, or None where one can only be alone.

    Their data, weights, learning rates, schedules and strengths of the penalty may differ, and so may the features, of
    which only the number counts.
    """
    layout = layout_of(specification)
    if not is_plain(specification, layout):
        return None
    points = specification.problem, specification.train_percent, len(specification.points)
    return layout.table.tobytes(), specification.batch_size, specification.regularization, *points


def _in_double(job: Job, stop: Event) -> list[Training] | None:
    """Train one network in float64."""
    start = time.perf_counter()
    network, epochs = job.create(), job.epochs
    losses = np.full((epochs + 1, 2), np.nan)
    losses[0] = network.evaluate()
    for first, end in _slices(network, epochs):
        history = network.run(end - first)
        losses[1 + first : 1 + first + len(history)] = history
        if not np.isfinite(history[-1:, 0]).all() or not network.finite:
            return [Training(network, losses, network.epoch, time.perf_counter() - start)]
        if stop.is_set():
            return None
    return [Training(network, losses, -1, time.perf_counter() - start)]


def _in_lanes(jobs: list[Job], stop: Event) -> list[Training] | None:
    """Train up to sixteen networks of one shape in float32, each in its lane."""
    start = time.perf_counter()
    networks, epochs = [job.create() for job in jobs], jobs[0].epochs
    first = networks[0]
    # Lanes without a network repeat the last one, so that the vectors are always full.
    filled = networks + networks[-1:] * (SINGLES - len(networks))

    def stacked(arrays: list[NDArray[Any]]) -> NDArray[np.float32]:
        return np.stack(arrays, axis=-1, dtype=np.float32)

    parameters = stacked([network.parameters for network in filled])
    train, test = (
        stacked([getattr(network, name) for network in filled]) for name in ("train_columns", "test_columns")
    )
    free = 1 - stacked([network.frozen for network in filled])
    specifications = [network.specification for network in filled]
    rates = [np.append(one.regularization_rate, learning_rates(one, 0, epochs)) for one in specifications]
    specification, layout, size = first.specification, first.layout, train.shape[1]
    batch = min(specification.batch_size, size)
    width = max(BLOCK, 2 * batch)  # even: the kernel takes two points at a time
    width += 2 if width % 8 == 0 else 0  # rows a power of two apart would push each other out of the nearest cache
    losses = np.full((epochs + 1, 2, SINGLES), np.nan)
    counters = np.repeat([0, -1, 0], [3, SINGLES, SINGLES])
    results, results_free = np.empty_like(parameters), np.empty_like(free)
    arguments = (
        np.array([specification.batch_size, Regularization[specification.regularization.upper()], layout.weights]),
        stacked(rates),
        layout.table,
        parameters,
        np.empty_like(parameters),
        free,
        np.zeros((layout.rows, width, SINGLES), np.float32),
        np.zeros((layout.rows, width, SINGLES), np.float32),
        np.zeros((len(train), size, SINGLES), np.float32),
        train,
        test,
        losses,
        counters,
    )
    last = counters[3 : 3 + SINGLES]
    lanes.run(*arguments, 1, results, results_free)
    for _, end in _slices(first, epochs):
        if (last >= 0).all():
            break
        if stop.is_set():
            return None
        lanes.run(*arguments, end + 1, results, results_free)
    trainings, seconds = [], (time.perf_counter() - start) / len(jobs)
    for lane, network in enumerate(networks):
        dead = (results_free[:, lane] == 0) & ~network.frozen
        network.take_up(results[:, lane], dead, int(last[lane]), int(counters[3 + SINGLES + lane]))
        diverged = last[lane] < epochs or not np.isfinite(losses[-1, 0, lane]) or not network.finite
        trainings.append(Training(network, losses[:, :, lane], int(last[lane]) if diverged else -1, seconds))
    return trainings


def _slices(network: Network, epochs: int) -> Iterator[tuple[int, int]]:
    """Yield the first epoch and the end of each piece of a training."""
    size = max(1, SLICE // network.work)
    for first in range(0, epochs, size):
        yield first, min(first + size, epochs)


def _in_threads(tasks: list[tuple[list[int], Work]], threads: int | None, ended: Ended) -> None:
    """Do all tasks; when ``ended``, a task or Ctrl-C raises, end what is being trained and raise that."""
    stop = Event()
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        try:
            members = {pool.submit(work, stop): group for group, work in tasks}
            pending = set(members)
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    ended(list(zip(members.pop(future), future.result() or (), strict=True)))
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
