"""What can be measured of a trial: which way is better, in which unit, and the smallest difference that matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["METRICS", "Metric", "metric_named"]


@dataclass(frozen=True)
class Metric:
    """A figure of :attr:`layerlab.lab.trial.Outcome.values`."""

    name: str
    goal: str
    """``low`` or ``high``: which is better."""
    smallest_difference: float
    """The smallest difference that matters, unless a question says otherwise; for ``log`` a factor, such as 1.1."""
    scale: str = "linear"
    """``linear``: differences are subtracted; ``log``: they are ratios (times, counts of epochs)."""
    unit: str = ""
    """``""``, ``share`` (printed as percentage points), ``seconds``, ``epochs``, ``steps``."""


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric("loss", "low", 0.02),
        Metric("train_loss", "low", 0.02),
        Metric("accuracy", "high", 0.01, unit="share"),
        Metric("gap", "low", 0.02),
        Metric("epochs_to_target", "low", 1.1, "log", "epochs"),
        Metric("steps_to_target", "low", 1.1, "log", "steps"),
        Metric("seconds_per_step", "low", 1.1, "log", "seconds"),
        Metric("seconds_to_target", "low", 1.1, "log", "seconds"),
    )
}
"""``loss``, ``accuracy``: on the held-out part after the last epoch (``fit``: of the best epoch on validation).
``train_loss``: on the training part. ``gap``: loss - train_loss. ``..._to_target``: the first epoch (update) at which
the held-out loss was at most the target, None for never; times are those of the updates alone, measured apart."""


def metric_named(name: str) -> Metric:
    """Return a metric. Raises LayerlabError where there is none of this name."""
    if name not in METRICS:
        raise LayerlabError(f'no metric "{name}"{did_you_mean(name, METRICS)}')
    return METRICS[name]
