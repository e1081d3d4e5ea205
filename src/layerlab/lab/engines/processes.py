"""Trials in processes side by side, for networks that train on one core each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from layerlab.lab.engines import Report
from layerlab.lab.trial import Outcome, Trial

__all__ = ["train_in_processes"]


def train_in_processes(
    train: Callable[[Trial], Outcome], trials: Sequence[Trial], report: Report, processes: int
) -> None:
    """Train each trial in one of so many processes, which stay for the next call, and report each as it ends.

    Args:
        train: a function of a module.
        trials: what to train.
        report: called in this process.
        processes: how many.

    Raises:
        KeyboardInterrupt: a process heard Ctrl-C, as all of a terminal's do.
        Exception: whatever ``train`` or ``report`` raises, or that a process died.
    """
    from joblib import Parallel, delayed, parallel_config

    with warnings.catch_warnings(), parallel_config(backend="loky", inner_max_num_threads=1):
        # What is cancelled, when report ends the work, is meant to be.
        warnings.filterwarnings("ignore", message=".*tasks which were still being processed", category=UserWarning)
        ended = Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch="all", batch_size=1)(
            delayed(_one)(train, number, trial.to_dict()) for number, trial in enumerate(trials)
        )
        with closing(ended):
            for number, outcome in ended:
                if outcome is None:
                    raise KeyboardInterrupt
                report(trials[number], Outcome.from_dict(outcome))


def _one(train: Callable[[Trial], Outcome], number: int, trial: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
    """Return what came of a trial as plain values; nothing after Ctrl-C."""
    try:
        return number, train(Trial.from_dict(trial)).to_dict()
    except KeyboardInterrupt:
        return number, None
