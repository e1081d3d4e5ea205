"""What a person sees while networks are compared: which run of how many, and how long it still takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any

from layerlab.training.compare_statistics import Trial

__all__ = ["Quiet", "make_display", "time_left"]

Note = Callable[[dict[str, Any]], None]


class Quiet:
    """Shows nothing."""

    @contextmanager
    def run(self, number: int, model: str, seed: int, left: Sequence[str]) -> Iterator[Note]:  # noqa: ARG002
        """Begin a run, of which ``left`` are not done yet with it, and yield what is told of its epochs."""
        yield lambda _: None

    def finished(self, trial: Trial) -> None:
        """Show what a run gave."""

    def close(self) -> None:
        """End."""


class Bar(Quiet):
    """A bar over all runs on standard error, with one line above it for each that is finished.

    Args:
        runs: how many there are.
        epochs: of each.
    """

    def __init__(self, runs: int, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True, highlight=False, markup=False),
            transient=True,
        )
        self._runs, self._epochs = runs, epochs
        self._seconds: dict[str, list[float]] = {}
        self._task = self._bar.add_task("", total=runs * epochs, left="")
        self._bar.start()

    @contextmanager
    def run(self, number: int, model: str, seed: int, left: Sequence[str]) -> Iterator[Note]:
        """Begin a run."""
        began = time.monotonic()
        before = (number - 1) * self._epochs

        def show(done: int) -> None:
            self._bar.update(
                self._task,
                completed=before + done,
                description=f"run {number} of {self._runs}: {model}, seed {seed}, epoch {done + 1} of {self._epochs}",
                left=time_left(left, self._seconds, time.monotonic() - began),
            )

        show(0)
        yield lambda record: show(min(int(record["epoch"]), self._epochs - 1))
        self._seconds.setdefault(model, []).append(time.monotonic() - began)

    def finished(self, trial: Trial) -> None:
        """Print the run's line."""
        what = f"{trial.accuracy:.1%}, {trial.seconds:,.0f} s" if trial.accuracy is not None else trial.failure
        self._bar.console.print(f"{trial.model}, seed {trial.seed}: {what}")

    def close(self) -> None:
        """Take the bar away; the lines stay."""
        self._bar.stop()


def time_left(left: Sequence[str], seconds: dict[str, list[float]], spent: float) -> str:
    """Return about how long the runs ``left`` take, in words; nothing before one has ended.

    Args:
        left: the network of each run that is not finished, the one that is being trained first.
        seconds: of the runs that have ended, for each network; one that has none yet is taken for an average one.
        spent: seconds on the one that is being trained.
    """
    known = {model: fmean(times) for model, times in seconds.items()}
    if not known:
        return ""
    usual = fmean(known.values())
    rest = max(sum(known.get(model, usual) for model in left) - spent, 0)
    if rest < 90:
        return f"about {rest:.0f} s left"
    return f"about {rest / 60:.0f} min left" if rest < 5400 else f"about {rest / 3600:.1f} h left"


def make_display(shown: bool | None, runs: int, epochs: int) -> Quiet:
    """Return the display that was asked for; None: a bar on a terminal, else nothing."""
    return Bar(runs, epochs) if (sys.stderr.isatty() if shown is None else shown) else Quiet()
