"""What a comparison found: single runs, a row for each network, and what the numbers allow to be said."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

__all__ = ["Comparison", "Row", "Trial", "half_width"]


def half_width(values: Sequence[float], confidence: float = 0.95) -> float | None:
    """Return half of Student's t interval of the mean, or None where one value gives none.

    Example:
        >>> round(half_width([0.97, 0.98, 0.99]), 5)  # 4.30265 * 0.01 / sqrt(3)
        0.02484

    Reference:
        Student. The probable error of a mean. Biometrika 1908.
    """
    if len(values) < 2:
        return None
    from scipy import stats  # type: ignore[import-untyped]

    quantile = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1))
    return quantile * stdev(values) / math.sqrt(len(values))


@dataclass(frozen=True)
class Trial:
    """One network trained with one seed."""

    model: str
    seed: int
    folder: str
    """The run folder, under ``runs/``."""
    accuracy: float | None = None
    """Of the best epoch on the test part, 0 to 1."""
    loss: float | None = None
    parameters: int | None = None
    """Learned values of the network that predicts, without auxiliary heads."""
    macs: int | None = None
    """Multiply-accumulates for one image of the size it was trained at."""
    input_shape: tuple[int, ...] = ()
    images_per_second: float | None = None
    """In training."""
    seconds: float | None = None
    """Of training, without loading and evaluation."""
    epochs: int | None = None
    best_epoch: int | None = None
    """The one with the lowest validation loss, which was tested."""
    failure: str = ""
    """Why there are no figures, or empty."""


@dataclass(frozen=True)
class Row:
    """One network over its seeds."""

    model: str
    trials: tuple[Trial, ...]

    @property
    def accuracies(self) -> list[float]:
        """Of the runs that came to their end."""
        return [trial.accuracy for trial in self.trials if trial.accuracy is not None]

    @property
    def accuracy(self) -> float | None:
        """The mean over the seeds, or None where no run came to its end."""
        return fmean(self.accuracies) if self.accuracies else None

    @property
    def half_width(self) -> float | None:
        """Half of the 95 % t interval of the mean, or None with fewer than two runs."""
        return half_width(self.accuracies)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of the mean accuracy."""
        middle, half = self.accuracy, self.half_width
        return None if middle is None or half is None else (middle - half, middle + half)

    @property
    def parameters(self) -> int | None:
        """Of the network that predicts."""
        return next((trial.parameters for trial in self.trials if trial.parameters is not None), None)

    @property
    def macs(self) -> int | None:
        """For one image."""
        return next((trial.macs for trial in self.trials if trial.macs is not None), None)

    @property
    def input_text(self) -> str:
        """The size of the images that it was trained on, such as ``1x28x28``."""
        return next(("x".join(map(str, trial.input_shape)) for trial in self.trials if trial.input_shape), "-")

    @property
    def images_per_second(self) -> float | None:
        """In training, the mean over the seeds."""
        known = [trial.images_per_second for trial in self.trials if trial.images_per_second is not None]
        return fmean(known) if known else None

    @property
    def seconds(self) -> float | None:
        """Of one training, the mean over the seeds."""
        known = [trial.seconds for trial in self.trials if trial.seconds is not None]
        return fmean(known) if known else None

    @property
    def failures(self) -> list[Trial]:
        """The runs that failed."""
        return [trial for trial in self.trials if trial.failure]

    @property
    def text(self) -> str:
        """The accuracy as people write it: ``98.1 % ± 0.3``."""
        middle, half = self.accuracy, self.half_width
        if middle is None:
            return "failed" if self.failures else "not run"
        return f"{middle:.1%}".replace("%", " %") + ("" if half is None else f" ± {100 * half:.1f}")

    @property
    def trouble(self) -> str:
        """How many runs failed and why the first did, or empty."""
        failed = self.failures
        if not failed:
            return ""
        count = "" if len(self.trials) == 1 else f"{len(failed)} of {len(self.trials)} runs failed; seed "
        return f"{count}{failed[0].seed if count else 'failed'}: {failed[0].failure}"


@dataclass(frozen=True)
class Comparison:
    """Several networks on the same data with the same seeds."""

    path: Path
    """The folder with ``results.json``, ``results.csv``, ``report.html`` and the run folders."""
    data: str
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    """In the order in which the networks were named."""
    options: dict[str, Any]
    """Settings of the training that differ from the defaults."""
    command: str
    """What repeats it."""
    versions: dict[str, str]

    @property
    def ranked(self) -> list[Row]:
        """The rows, the highest mean accuracy first and what failed last."""
        return sorted(self.rows, key=lambda row: -1.0 if row.accuracy is None else row.accuracy, reverse=True)

    @property
    def sentence(self) -> str:
        """The answer: every network's accuracy, and what the intervals allow to be said."""
        figures = ", ".join(f"{row.model} {row.text}" for row in self.ranked)
        return f"{figures}: {self.verdict}"

    @property
    def verdict(self) -> str:
        """What the intervals allow to be said of the highest accuracy, and no more."""
        measured = [row for row in self.ranked if row.accuracy is not None]
        if not measured:
            return "no run came to its end"
        scale = self._scale(measured)
        if len(measured) < 2:
            return scale
        first = measured[0]
        if first.interval is None:
            return f"{scale}; so few runs do not tell the networks apart"
        low = first.interval[0]
        near = [row.model for row in measured[1:] if row.interval is None or row.interval[1] >= low]
        if not near:
            others = "the other" if len(measured) == 2 else "all others"
            return f"{scale}; the interval of {first.model} lies above {others}"
        return f"{scale}; {_listed([first.model, *near])} are not told apart, for their intervals overlap"

    def _scale(self, measured: Sequence[Row]) -> str:
        counts = {len(row.accuracies) for row in measured}
        if counts == {1}:
            return "test accuracy of one seed, without an interval"
        low, high = min(counts), max(counts)
        runs = f"{low}" if low == high else f"{low} to {high}"
        return (
            f"mean test accuracy of {runs} seeds, with its 95 % t interval{' where there are two' if low < 2 else ''}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        rows = [
            {
                "model": row.model,
                "accuracy": row.accuracy,
                "half_width": row.half_width,
                "runs": len(row.accuracies),
                "parameters": row.parameters,
                "macs": row.macs,
                "images_per_second": row.images_per_second,
                "seconds": row.seconds,
                "trouble": row.trouble,
            }
            for row in self.rows
        ]
        return {
            "sentence": self.sentence,
            "data": self.data,
            "seeds": list(self.seeds),
            "options": self.options,
            "command": self.command,
            "versions": self.versions,
            "rows": rows,
            "trials": [asdict(trial) for row in self.rows for trial in row.trials],
        }

    def __str__(self) -> str:
        """Return the answer in a sentence."""
        return self.sentence

    def _repr_html_(self) -> str:
        """Return the table as a notebook shows it."""
        rows = "".join(
            f"<tr><th>{html.escape(row.model)}</th><td>{row.text}</td><td>{row.parameters or 0:,}</td></tr>"
            for row in self.ranked
        )
        return (
            f"<p>{html.escape(self.sentence)}</p><table><tr><th>network</th><th>accuracy</th><th>parameters</th></tr>"
            f"{rows}</table>"
        )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
