"""How far the trials are, how long they still take, and what a person sees of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

__all__ = ["Bar", "Pace", "Progress", "Quiet", "make_display"]


@dataclass(frozen=True)
class Progress:
    """The state of a set of trials."""

    done: int
    """Trials that have an outcome, those stored before among them."""
    total: int
    seconds_left: float | None
    """About how long the rest takes; None while nothing is known."""
    stored_before: int
    """Trials that did not have to run."""


class Pace:
    """Learns how long a trial of each engine takes, from the groups that have ended; before one has, from the first."""

    def __init__(self) -> None:
        self._trials: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        self._began, self._in_group = 0.0, 0

    def group_begins(self) -> None:
        """Note that a group begins."""
        self._began, self._in_group = time.monotonic(), 0

    def trial_ended(self) -> None:
        """Note that a trial of the group has ended."""
        self._in_group += 1

    def group_ended(self, engine: str, trials: int, seconds: float) -> None:
        """Note how long a group took."""
        self._trials[engine] = self._trials.get(engine, 0) + trials
        self._seconds[engine] = self._seconds.get(engine, 0.0) + seconds

    def seconds_left(self, unfinished: Mapping[str, int], at_once: int = 1) -> float | None:
        """Return about how many seconds trials take; None while nothing is known.

        Args:
            unfinished: the number of trials of each engine; one that has ended no group is taken for an average one.
            at_once: how many groups run side by side.
        """
        ended = sum(self._trials.values())
        if not ended:
            # Networks that are trained together end together: the first says nothing of the others.
            if not self._began or self._in_group < 2:
                return None
            return (time.monotonic() - self._began) / self._in_group * sum(unfinished.values())
        usual = sum(self._seconds.values()) / ended
        rates = {engine: self._seconds[engine] / self._trials[engine] for engine in self._trials}
        return sum(count * rates.get(engine, usual) for engine, count in unfinished.items()) / at_once


class Quiet:
    """Shows nothing. In a ``with`` statement; ``run_trials(..., progress=display.show)``."""

    def show(self, progress: Progress) -> None:
        """Show how far the trials are."""

    def say(self, verdict: str) -> None:
        """Show what the answer would be now, in place of what was said before."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""


class Bar(Quiet):
    """A bar on standard error: trials done, time left, and the verdict so far below it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("trials"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True, highlight=False, markup=False),
            transient=True,
            refresh_per_second=8,
        )
        self._task = self._bar.add_task("", total=None, left="")

    def show(self, progress: Progress) -> None:
        """Show how far the trials are."""
        left = "" if progress.seconds_left is None else f"{_in_words(progress.seconds_left)} left"
        self._bar.update(self._task, completed=progress.done, total=progress.total, left=left)

    def say(self, verdict: str) -> None:
        """Show what the answer would be now."""
        self._bar.update(self._task, description=verdict)

    def __enter__(self) -> Self:
        """Begin."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._bar.stop()


def make_display(shown: bool | None = None) -> Quiet:
    """Return the display that was asked for; None: a bar on a terminal, else nothing."""
    return Bar() if (sys.stderr.isatty() if shown is None else shown) else Quiet()


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
