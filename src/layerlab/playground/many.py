"""Any number of networks at once: every specification with every seed, on all cores."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground import checks
from layerlab.playground.data_sets import Points, generate
from layerlab.playground.kernels import lanes
from layerlab.playground.kernels.vectors import SINGLES
from layerlab.playground.layout import Regularization, layout_of
from layerlab.playground.link import specification_of
from layerlab.playground.network import Network, is_plain, learning_rates
from layerlab.playground.random_numbers import Random
from layerlab.playground.specification import Specification

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["PRECISIONS", "Trained", "train"]

PRECISIONS: Final = ("double", "single")
MAX_NETWORKS: Final = 100_000
MAX_EPOCHS: Final = 1_000_000
MAX_LOSSES: Final = 250_000_000
"""Networks times epochs of one call: 4 GB of losses."""
MAX_THREADS: Final = 1024
SLICE: Final = 100_000_000
"""Multiplications, about, between two looks at whether to go on (some 0.1 s)."""
BLOCK: Final = 32
"""Points of sixteen networks that are evaluated at once; they stay in a processor's nearest cache."""

Progress = Callable[[int, int], object]
"""Called with the networks that are done and all of them; what it raises ends the training."""


@dataclass(frozen=True)
class Trained:
    """What :func:`train` gives: the losses and, on demand, the networks."""

    specifications: list[Specification]
    seeds: list[str]
    losses: NDArray[np.float64]
    """(specifications, seeds, epochs + 1, 2): loss of the training and of the test points, epoch 0 first; NaN after a
    network diverged, and for test points that there are none of."""
    diverged: NDArray[np.int64]
    """(specifications, seeds): the epoch after which a loss or a weight was no longer finite, or -1."""
    _networks: dict[tuple[int, int], Network] = field(repr=False)

    def network(self, specification: int, seed: int) -> Network:
        """Return the network of these two indices as training left it.

        Raises:
            LayerlabError: there is no such one.
        """
        checks.index("the training", "specification", specification, len(self.specifications))
        checks.index("the training", "seed", seed, len(self.seeds))
        return self._networks[specification, seed]


def train(
    specs: Iterable[Specification | str | Mapping[str, Any]] | Specification | str | Mapping[str, Any],
    seeds: Iterable[int | float | str] = (0,),
    epochs: int = 100,
    precision: str = "double",
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train every specification with every seed. No result depends on which others are trained beside it.

    Args:
        specs: the specifications; links and mappings of fields too; one alone need not be in a list.
        seeds: each replaces a specification's own seed.
        epochs: to train each network for.
        precision: ``double`` (the very numbers of a session) or ``single``: float32 and many times faster, for networks
            of one output, halved squared error, plain gradient descent and the classic activations; the others are
            computed in double there too.
        threads: how many to compute with; None: one for each core.
        progress: called now and then with the networks done and their total; what it raises ends the training.

    Raises:
        LayerlabError: a specification, a seed, the number of epochs or the precision cannot be used.
    """
    wanted = _specifications(specs)
    names = _listed(seeds)
    epochs = checks.whole("epochs", epochs, 0, MAX_EPOCHS)
    if threads is not None:
        threads = checks.whole("threads", threads, 1, MAX_THREADS)
    if precision not in PRECISIONS:
        raise LayerlabError(f"unknown precision {precision!r}{did_you_mean(str(precision), PRECISIONS)}")
    if progress is not None and not callable(progress):
        raise LayerlabError(f"progress is {progress!r}; expected a function of the networks done and their total")
    networks = len(wanted) * len(names)
    if networks > MAX_NETWORKS:
        raise LayerlabError(
            f"{len(wanted)} specifications with so many seeds; at most {MAX_NETWORKS:,} networks at once"
        )
    if networks * epochs > MAX_LOSSES:
        raise LayerlabError(
            f"{networks:,} networks of {epochs:,} epochs; at most {MAX_LOSSES // networks:,} epochs of so many"
        )
    job = _Job(wanted, [_seed(value) for value in names], epochs)
    tasks: list[tuple[int, Callable[[], None]]] = []
    for i, specification in enumerate(wanted):
        if precision == "single" and is_plain(specification, layout_of(specification)):
            groups = [range(j, min(j + SINGLES, len(names))) for j in range(0, len(names), SINGLES)]
            tasks += [(len(group), job.single(i, group)) for group in groups]
        else:
            tasks += [(1, job.double(i, j)) for j in range(len(names))]
    _in_threads(tasks, threads, progress, job.stop)
    return Trained(wanted, job.seeds, job.losses, job.diverged, job.networks)


class _Job:
    """One call of :func:`train`: where the results go, and the pieces of work that fill them.

    Args:
        specifications, seeds, epochs: as given.
    """

    def __init__(self, specifications: list[Specification], seeds: list[str], epochs: int) -> None:
        self.specifications, self.seeds, self.epochs = specifications, seeds, epochs
        shape = len(specifications), len(seeds)
        self.losses = np.full((*shape, epochs + 1, 2), np.nan)
        self.diverged = np.full(shape, -1)
        self.networks: dict[tuple[int, int], Network] = {}
        self._data: dict[tuple[object, ...], tuple[Points, Random]] = {}
        self._lock = Lock()
        self.stop = Event()
        """Once it is set, what is being trained ends unfinished."""

    def _drawn(self, specification: Specification) -> tuple[Points, Random]:
        """Return the points of a specification, drawn once for all that share them, and the stream after them."""
        key = (
            specification.seed,
            specification.data_name,
            specification.problem,
            specification.classes,
            specification.noise,
            specification.train_percent,
            specification.points,
        )
        with self._lock:
            if key not in self._data:
                random = Random(specification.seed)
                self._data[key] = generate(specification, random), random
            points, random = self._data[key]
            return points, copy.deepcopy(random)

    def _network(self, i: int, j: int) -> Network:
        # A copy with another seed, which was checked already: checking all fields again takes longer than the rest.
        specification = copy.copy(self.specifications[i])
        object.__setattr__(specification, "seed", self.seeds[j])
        return Network(specification, *self._drawn(specification))

    def double(self, i: int, j: int) -> Callable[[], None]:
        """Return the work of one network in float64."""

        def work() -> None:
            network = self._network(i, j)
            self.losses[i, j, 0] = network.evaluate()
            for first, end in _slices(network, self.epochs):
                history = network.run(end - first)
                self.losses[i, j, 1 + first : 1 + first + len(history)] = history
                if not np.isfinite(history[-1:, 0]).all() or not network.finite:
                    self.diverged[i, j] = network.epoch
                    break
                if self.stop.is_set():
                    return
            self.networks[i, j] = network

        return work

    def single(self, i: int, group: range) -> Callable[[], None]:
        """Return the work of up to sixteen seeds of one specification in float32."""

        def work() -> None:
            networks = [self._network(i, j) for j in group]
            losses, last = run_lanes(networks, self.epochs, self.stop)
            for lane, (j, network) in enumerate(zip(group, networks, strict=True)):
                self.losses[i, j] = losses[:, :, lane]
                if last[lane] < self.epochs or not np.isfinite(losses[-1, 0, lane]) or not network.finite:
                    self.diverged[i, j] = last[lane]
                self.networks[i, j] = network

        return work


def _slices(network: Network, epochs: int) -> Iterator[tuple[int, int]]:
    """Yield the first epoch and the end of each piece of a training."""
    size = max(1, SLICE // network.work)
    for first in range(0, epochs, size):
        yield first, min(first + size, epochs)


def run_lanes(networks: list[Network], epochs: int, stop: Event) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Train new networks of one specification, at most sixteen, in float32, each in its lane.

    Args:
        networks, epochs: as told.
        stop: once it is set, training ends unfinished.

    Returns:
        losses (epochs + 1, 2, lanes) and the last epoch of each lane, which ends early when it diverges.
    """
    first = networks[0]
    # Lanes without a network repeat the last one, so that the vectors are always full.
    filled = networks + networks[-1:] * (SINGLES - len(networks))

    def stacked(name: str) -> NDArray[np.float32]:
        return np.stack([getattr(network, name) for network in filled], axis=-1, dtype=np.float32)

    parameters, train, test = stacked("parameters"), stacked("train_columns"), stacked("test_columns")
    free = 1 - stacked("frozen")
    specification, layout, size = first.specification, first.layout, train.shape[1]
    batch = min(specification.batch_size, size)
    width = max(BLOCK, 2 * batch)  # even: the kernel takes two points at a time
    losses = np.full((epochs + 1, 2, SINGLES), np.nan)
    counters = np.repeat([0, -1, 0], [3, SINGLES, SINGLES])
    results, results_free = np.empty_like(parameters), np.empty_like(free)
    arguments = (
        np.array([specification.batch_size, Regularization[specification.regularization.upper()], layout.weights]),
        np.concatenate([[specification.regularization_rate], learning_rates(specification, 0, epochs)]).astype("f4"),
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
            return losses, last  # the lanes have no results yet, and nobody waits for them
        lanes.run(*arguments, end + 1, results, results_free)
    for lane, network in enumerate(networks):
        dead = (results_free[:, lane] == 0) & ~network.frozen
        network.take_up(results[:, lane], dead, int(last[lane]), int(counters[3 + SINGLES + lane]))
    return losses, last


def _specifications(specs: object) -> list[Specification]:
    alone = isinstance(specs, Specification | str | Mapping) or not isinstance(specs, Iterable)
    return [specification_of(value) for value in ([specs] if alone else specs)]  # type: ignore[attr-defined]


def _listed(seeds: object) -> list[object]:
    if isinstance(seeds, str | bytes | Mapping) or not isinstance(seeds, Iterable):
        fix = f"range({seeds})" if isinstance(seeds, int) else repr([seeds])
        raise LayerlabError(f"the seeds are {seeds!r}; expected a list of them, such as {fix}")
    return list(islice(seeds, MAX_NETWORKS + 1))


def _seed(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | np.integer | np.floating):
        raise LayerlabError(f"seed {value!r} is neither text nor a number")
    return Specification(seed=value).seed  # type: ignore[arg-type]


def _in_threads(
    tasks: list[tuple[int, Callable[[], None]]], threads: int | None, progress: Progress | None, stop: Event
) -> None:
    """Do all tasks (networks, work); when ``progress``, a task or Ctrl-C raises, set ``stop`` and raise that."""
    total, done = sum(size for size, _ in tasks), 0
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        sizes = {pool.submit(work): size for size, work in tasks}
        pending = set(sizes)
        try:
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    done += sizes[future]
                if progress is not None:
                    progress(done, total)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
