"""Any number of networks at once: every specification with every seed, on all cores."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground import checks
from layerlab.playground.data_sets import Points, generate
from layerlab.playground.each import Job, Training, train_each
from layerlab.playground.link import specification_of
from layerlab.playground.network import Network
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
    keys = [_seed(value) for value in names]
    trained = Trained(
        wanted,
        keys,
        np.full((len(wanted), len(keys), epochs + 1, 2), np.nan),
        np.full((len(wanted), len(keys)), -1),
        {},
    )
    data = _Data()
    seeded = [one.with_seeds(key, one.weight_seed) for one in wanted for key in keys]

    def ended(trainings: list[tuple[int, Training]]) -> None:
        for index, training in trainings:
            place = divmod(index, len(keys))
            trained.losses[place] = training.losses
            trained.diverged[place] = training.diverged
            trained._networks[place] = training.network
        if progress is not None:
            progress(len(trained._networks), networks)

    train_each([Job(one, epochs, partial(data.network, one)) for one in seeded], ended, precision, threads)
    return trained


class _Data:
    """The points of one call of :func:`train`, drawn once for all networks that share them."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[object, ...], tuple[Points, Random]] = {}
        self._lock = Lock()

    def network(self, specification: Specification) -> Network:
        """Return the new network of a specification."""
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
            if key not in self._drawn:
                random = Random(specification.seed)
                self._drawn[key] = generate(specification, random), random
            points, random = self._drawn[key]
            random = copy.deepcopy(random)
        return Network(specification, points, random)


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
