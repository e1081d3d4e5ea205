"""Any number of networks at once: every specification with every seed, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground.data_sets import generate
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
    _networks: list[list[Network]] = field(repr=False)

    def network(self, specification: int, seed: int) -> Network:
        """Return the network of these two indices as training left it."""
        return self._networks[specification][seed]


def train(
    specifications: Sequence[Specification | str | Mapping[str, Any]] | Specification | str,
    seeds: Iterable[int | float | str] = (0,),
    epochs: int = 100,
    precision: str = "double",
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train every specification with every seed. No result depends on which others are trained beside it.

    Args:
        specifications: of the networks; links and mappings of fields too.
        seeds: each replaces a specification's own seed.
        epochs: to train each network for.
        precision: ``double`` (the very numbers of a session) or ``single`` (float32, many times faster).
        threads: how many to compute with; None: one for each core.
        progress: called now and then with the networks done and their total; what it raises ends the training.

    Raises:
        LayerlabError: a specification, a seed, the number of epochs or the precision cannot be used.
    """
    if isinstance(specifications, Specification | str):
        specifications = [specifications]
    wanted = [_specification(value) for value in specifications]
    names = [_seed(value) for value in seeds]
    if isinstance(epochs, bool) or not isinstance(epochs, int) or not 0 <= epochs <= MAX_EPOCHS:
        raise LayerlabError(f"epochs {epochs!r} is no whole number from 0 to {MAX_EPOCHS:,}")
    if precision not in PRECISIONS:
        raise LayerlabError(f"unknown precision {precision!r}{did_you_mean(str(precision), PRECISIONS)}")
    if len(wanted) * len(names) > MAX_NETWORKS:
        raise LayerlabError(f"{len(wanted) * len(names):,} networks at once; at most {MAX_NETWORKS:,}")
    losses = np.full((len(wanted), len(names), epochs + 1, 2), np.nan)
    diverged = np.full((len(wanted), len(names)), -1)
    networks: list[list[Network]] = [[None] * len(names) for _ in wanted]  # type: ignore[list-item]

    def one(i: int, j: int) -> None:
        network = networks[i][j] = _network(wanted[i].replace(seed=names[j]))
        losses[i, j, 0] = network.evaluate()
        history = network.run(epochs)
        losses[i, j, 1 : 1 + len(history)] = history
        if len(history) < epochs or not network.finite:
            diverged[i, j] = network.epoch

    _in_threads(one, [(i, j) for i in range(len(wanted)) for j in range(len(names))], threads, progress)
    return Trained(wanted, names, losses, diverged, networks)


def _network(specification: Specification) -> Network:
    random = Random(specification.seed)
    return Network(specification, generate(specification, random), random)


def _specification(value: Specification | str | Mapping[str, Any]) -> Specification:
    from layerlab.playground.link import specification_of

    return value if isinstance(value, Specification) else specification_of(value)


def _seed(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | np.integer | np.floating):
        raise LayerlabError(f"seed {value!r} is neither text nor a number")
    return str(value)


def _in_threads(
    work: Callable[[int, int], None], places: list[tuple[int, int]], threads: int | None, progress: Progress | None
) -> None:
    """Do ``work`` at every place; when ``progress`` or a piece of work raises, do no more of them and raise that."""
    with ThreadPoolExecutor(max(1, threads or os.cpu_count() or 1)) as pool:
        pending = {pool.submit(work, *place) for place in places}
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                if progress is not None:
                    progress(len(places) - len(pending), len(places))
        finally:
            for future in pending:
                future.cancel()
