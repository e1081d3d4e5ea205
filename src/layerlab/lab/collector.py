"""Takes outcomes as they are reported, stores them a few times a second, and tells how far the trials are."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from layerlab.interrupts import Stopped, StopRequest
from layerlab.lab.machine import this_machine
from layerlab.lab.progress import Pace, Progress
from layerlab.lab.store import Store
from layerlab.lab.trial import Outcome, Trial

__all__ = ["Collector"]

_SECONDS_BETWEEN_WRITES: Final = 0.1
_SECONDS_BETWEEN_CALLS: Final = 0.1


class Collector:
    """In a ``with`` statement; at its end, however it comes, everything that was taken is stored.

    Args:
        store: where to.
        trials: those that are going to run, each once.
        stored_before: how many more are wanted that need not run.
        progress: called at most ten times a second, and once when all are done. What it raises ends the run.
        stop: when it is pending, the next outcome ends the run.
    """

    def __init__(
        self,
        store: Store,
        trials: Sequence[Trial],
        stored_before: int,
        progress: Callable[[Progress], None] | None,
        stop: StopRequest,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        """What is stored, by key."""
        self.failures: list[tuple[Trial, str]] = []
        """What could not be run, and why."""
        self.at_once = 1
        """How many groups run side by side."""
        self._store, self._progress, self._stop = store, progress, stop
        self._stored_before = stored_before
        self._total = len(trials)
        self._unfinished = Counter(trial.engine for trial in trials)
        self._next_call = 0.0
        self._told: Progress | None = None
        self._pace = Pace()
        self._changed = threading.Condition()
        self._taken: list[tuple[Trial, Outcome, Mapping[str, str] | None]] = []
        self._ending = threading.Event()
        self._error: BaseException | None = None
        self._writer = threading.Thread(target=self._write, name="lab-store", daemon=True)

    def take(self, trial: Trial, outcome: Outcome, machine: Mapping[str, str] | None = None) -> None:
        """Take what came of a trial, and end the run where it has to end.

        Args:
            trial: one of those that were announced.
            outcome: what came of it.
            machine: what it ran with; None: this process.
        """
        with self._changed:
            self._taken.append((trial, outcome, machine))
            self._unfinished[trial.engine] -= 1
            self._pace.trial_ended()
            self._changed.notify()
        self.check()
        self._tell()

    def fail(self, failures: Sequence[tuple[Trial, str]]) -> None:
        """Take what could not be run."""
        self.failures += failures
        self._unfinished.subtract(trial.engine for trial, _ in failures)

    def group_begins(self) -> None:
        """Note that a group begins, where they run one after another."""
        self._pace.group_begins()

    def group_ended(self, engine: str, trials: int, seconds: float) -> None:
        """Note how long a group took."""
        self._pace.group_ended(engine, trials, seconds)
        self._tell()

    def check(self) -> None:
        """End the run where it has to end.

        Raises:
            LayerlabError: what was taken could not be stored.
            Stopped: a person asked to stop.
        """
        if self._error is not None:
            raise self._error
        if self._stop.pending:
            done = self._total - self._unfinished.total() - len(self.failures) + self._stored_before
            of = self._total + self._stored_before
            raise Stopped(f"stopped with {done} of {of} trials done; they are stored, and the same command goes on")

    def __enter__(self) -> Self:
        """Begin."""
        self._writer.start()
        self._tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store what is left. Raises LayerlabError where that fails."""
        with self._changed:
            self._ending.set()
            self._changed.notify()
        self._writer.join()
        if self._error is not None and self._error is not error:
            raise self._error

    def _tell(self) -> None:
        if self._progress is None:
            return
        with self._changed:
            unfinished = self._unfinished.total()
            now = time.monotonic()
            if now < self._next_call and unfinished:
                return
            self._next_call = now + _SECONDS_BETWEEN_CALLS
            total = self._total + self._stored_before
            left = self._pace.seconds_left(self._unfinished, self.at_once) if unfinished else 0.0
            state = Progress(total - unfinished - len(self.failures), total, left, self._stored_before)
        if state != self._told:  # the last trial and its group both end the run
            self._told = state
            self._progress(state)

    def _write(self) -> None:
        """Store in batches: a commit waits for the disk."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._taken or self._ending.is_set())
                batch, self._taken = self._taken, []
            if not batch:
                return
            try:
                self._put(batch)
            except BaseException as error:  # told to whoever brings the next outcome
                self._error = error
                return
            self._ending.wait(_SECONDS_BETWEEN_WRITES)

    def _put(self, batch: Sequence[tuple[Trial, Outcome, Mapping[str, str] | None]]) -> None:
        here = this_machine()
        machines = {id(machine): here if machine is None else machine for *_, machine in batch}
        for number, machine in machines.items():
            pairs = [(trial, outcome) for trial, outcome, its in batch if id(its) == number]
            self.outcomes |= self._store.put_many(pairs, machine)
