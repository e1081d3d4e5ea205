"""Runs the trials that have not run yet, on this machine's cores or on a Ray cluster, and stores each as it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from layerlab.errors import LayerlabError
from layerlab.interrupts import StopRequest
from layerlab.lab.collector import Collector
from layerlab.lab.engines import engine_named
from layerlab.lab.groups import run_group
from layerlab.lab.progress import Progress
from layerlab.lab.store import Store
from layerlab.lab.trial import Outcome, Trial

__all__ = ["Progress", "checked_workers", "run_trials", "workers_ready"]


def run_trials(
    trials: Sequence[Trial],
    store: Store,
    *,
    workers: str | int | None = None,
    progress: Callable[[Progress], None] | None = None,
    deadline: float | None = None,
) -> dict[str, Outcome]:
    """Return what came of trials, by key; those that the store has are not run again.

    Outcomes are stored a few times a second as they are reported, so that no end, however sudden, costs more than the
    trials in flight. The first Ctrl-C (or SIGTERM) ends the run with the next outcome, the second at once.

    Args:
        trials: the same trial twice is run once.
        store: where outcomes come from and go to.
        workers: how many of this machine's cores (None: all); ``"ray"``: a Ray cluster of this machine's;
            ``"ray://HOST:PORT"``: one that is there.
        progress: called at most ten times a second, from the thread that runs trials. What it raises ends the run.
        deadline: of :func:`time.monotonic`; no group begins after it, and what has no outcome then is left out.

    Raises:
        LayerlabError: unknown ``workers``, a cluster that does not answer, a trial that its engine refuses or that
            could not be run, a store that cannot be written; whatever else was reported is stored.
        Stopped: a person asked to stop; running the same trials goes on from there.
    """
    where = checked_workers(workers)
    wanted = {trial.key: trial for trial in trials}
    stored = store.get(wanted)
    missing = [trial for key, trial in wanted.items() if key not in stored]
    if missing:
        with StopRequest() as stop, Collector(store, missing, len(stored), progress, stop) as collector:
            if isinstance(where, str):
                from layerlab.lab.ray_workers import run_on_ray

                run_on_ray(where, _groups(missing), collector, deadline)
            else:
                _run_here(_groups(missing), collector, where, deadline)
        stored |= collector.outcomes
        _complain(collector, len(missing))
    elif progress is not None:
        progress(Progress(len(stored), len(stored), 0.0, len(stored)))
    return {key: stored[key] for key in wanted if key in stored}


@contextmanager
def workers_ready(workers: str | int | None) -> Iterator[None]:
    """Keep the cluster inside ``with``, so that several calls of :func:`run_trials` begin it once; cores are ready.

    Raises:
        LayerlabError: as :func:`run_trials`.
    """
    where = checked_workers(workers)
    if not isinstance(where, str):
        yield
        return
    from layerlab.lab.ray_workers import connected

    with connected(where):
        yield


def checked_workers(workers: str | int | None) -> str | int | None:
    """Return ``workers`` of :func:`run_trials`: a number of cores, at most this machine's, or the address of Ray.

    Raises:
        LayerlabError: it is neither.
    """
    if workers is None:
        return None
    if isinstance(workers, str):
        text = workers.strip()
        if text == "ray":
            return text
        if text.startswith("ray://"):
            from layerlab.lab.ray_workers import checked_address

            return checked_address(text)
        number = int(text) if text.isdecimal() else 0
    else:
        number = 0 if isinstance(workers, bool) else workers
    if number < 1:
        raise LayerlabError(f'workers must be a number of cores, "ray" or "ray://HOST:PORT", not {workers!r}')
    return min(number, os.cpu_count() or 1)


def _groups(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    """Yield the groups of each engine, in the order in which the engines first appear."""
    for name in dict.fromkeys(trial.engine for trial in trials):
        yield from engine_named(name).groups([trial for trial in trials if trial.engine == name])


def _run_here(groups: Iterator[list[Trial]], collector: Collector, threads: int | None, deadline: float | None) -> None:
    """Run one group after another: engines use all cores inside, and nothing disturbs those that measure time."""
    for group in groups:
        collector.check()
        began = time.monotonic()
        if deadline is not None and began >= deadline:
            return
        engine = group[0].engine
        collector.group_begins()
        collector.fail(run_group(engine_named(engine), group, collector.take, threads))
        collector.group_ended(engine, len(group), time.monotonic() - began)


def _complain(collector: Collector, count: int) -> None:
    """Raise LayerlabError where trials could not be run."""
    if collector.failures:
        trial, reason = collector.failures[0]
        raise LayerlabError(
            f"{len(collector.failures)} of {count} trials could not be run, the first (engine {trial.engine}, "
            f"{trial.key[:8]}) because of {reason}; the others are stored"
        )
