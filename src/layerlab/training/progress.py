"""What a person sees while a network trains."""

from __future__ import annotations

import sys
import time
from typing import Any

__all__ = ["ProgressBar", "Quiet", "make_progress"]

_SECONDS_BETWEEN = 0.1


class Quiet:
    """Shows nothing."""

    def start(self, epochs: int, total: int, done: int) -> None:
        """Begin. Args: epochs; steps of the run; steps already done."""

    def step(self, epoch: int, done: int, loss: float, accuracy: float, speed: float) -> None:
        """Show the state after a step. Args: loss and accuracy of the epoch so far; images a second."""

    def epoch(self, record: dict[str, Any]) -> None:
        """Show the figures of a finished epoch."""

    def close(self) -> None:
        """End."""


class ProgressBar(Quiet):
    """A bar over the whole run on standard error, with one line above it for each finished epoch."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            TextColumn("loss {task.fields[loss]}  accuracy {task.fields[accuracy]}  {task.fields[speed]} images/s"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=Console(stderr=True, highlight=False),
            transient=True,
            refresh_per_second=8,
        )
        self._epochs = 0
        self._next = 0.0

    def start(self, epochs: int, total: int, done: int) -> None:
        """Begin."""
        self._epochs = epochs
        fields: dict[str, Any] = {"epoch": f"1/{epochs}", "loss": "-", "accuracy": "-", "speed": "-"}
        self._task = self._bar.add_task("", total=total, completed=done, **fields)
        self._bar.start()

    def step(self, epoch: int, done: int, loss: float, accuracy: float, speed: float) -> None:
        """Show the state after a step, a few times a second."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _SECONDS_BETWEEN
        self._bar.update(
            self._task,
            completed=done,
            epoch=f"{epoch}/{self._epochs}",
            loss=f"{loss:.4f}",
            accuracy=f"{accuracy:.1%}",
            speed=f"{speed:,.0f}",
        )

    def epoch(self, record: dict[str, Any]) -> None:
        """Show the figures of a finished epoch."""
        width = len(str(self._epochs))
        self._bar.console.print(
            f"epoch {record['epoch']:>{width}}/{self._epochs}"
            f"  training {record['train_loss']:.4f} {record['train_accuracy']:6.2%}"
            f"  validation {record['val_loss']:.4f} {record['val_accuracy']:6.2%}"
            f"  {record['images_per_second']:,.0f} images/s"
        )

    def close(self) -> None:
        """Take the bar away; the epochs' lines stay."""
        self._bar.stop()


def make_progress(shown: bool | None) -> Quiet:
    """Return the display that was asked for; None: a bar on a terminal, else nothing."""
    return ProgressBar() if (sys.stderr.isatty() if shown is None else shown) else Quiet()
