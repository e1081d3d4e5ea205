"""Running one group of trials so that a fault of one does not cost the others."""

from __future__ import annotations

from collections.abc import Sequence

from layerlab.errors import LayerlabError
from layerlab.lab.engines import Engine, Report
from layerlab.lab.trial import Outcome, Trial

__all__ = ["run_group"]


def run_group(
    engine: Engine, group: Sequence[Trial], report: Report, threads: int | None = None
) -> list[tuple[Trial, str]]:
    """Train a group and return the trials that could not be trained, each with the reason.

    When the engine itself breaks down, what it had not reported yet is tried again one by one, so that only trials
    that break it alone are lost. They get no outcome: a fault of ours is not a measurement.

    Raises:
        LayerlabError: the engine refuses a trial.
        BaseException: whatever ``report`` raises.
    """
    reported: set[str] = set()
    raised: list[BaseException] = []

    def hear(trial: Trial, outcome: Outcome) -> None:
        reported.add(trial.key)
        try:
            report(trial, outcome)
        except BaseException as error:
            raised.append(error)
            raise

    def attempt(trials: Sequence[Trial]) -> str:
        """Return why it failed."""
        try:
            engine.run(trials, hear, threads)
        except LayerlabError:
            raise
        except Exception as error:  # whatever an engine may raise that it should not
            if raised:
                raise
            said = str(error).strip().partition("\n")[0]
            return f"{type(error).__name__}: {said}" if said else type(error).__name__
        if raised:  # and the engine kept it to itself
            raise raised[0]
        return "the engine reported no outcome"

    reason = attempt(group)
    left = [trial for trial in group if trial.key not in reported]
    if len(group) == 1:
        return [(trial, reason) for trial in left]
    failures = []
    for trial in left:
        reason = attempt([trial])
        if trial.key not in reported:
            failures.append((trial, reason))
    return failures
