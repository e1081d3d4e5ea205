"""How much a tab trains, and when: a plan of minibatches or epochs, worked off in short slices."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Pace", "Plan"]


class Trains(Protocol):
    """What of a session is needed here."""

    @property
    def epoch(self) -> int: ...
    @property
    def diverged(self) -> bool: ...
    def step(self, epochs: int = 1) -> Any: ...
    def step_minibatches(self, count: int = 1) -> Any: ...


@dataclass(frozen=True)
class Plan:
    """What a person asked for.

    Args:
        count: minibatches, or epochs, of one frame.
        epochs: whether ``count`` counts epochs.
        interval: seconds between two frames; None: one frame, then stop.
        until_epoch: stop there.
        until_loss: stop when the test loss is no larger.
    """

    count: int
    epochs: bool = False
    interval: float | None = None
    until_epoch: int | None = None
    until_loss: float | None = None

    @property
    def has_end(self) -> bool:
        """Whether each epoch must be looked at."""
        return self.until_epoch is not None or self.until_loss is not None


class Pace:
    """Works off a plan.

    Args:
        plan: what to do.
        now: the clock at the start.
    """

    def __init__(self, plan: Plan, now: float) -> None:
        self.plan = plan
        self.due = now
        self.left = plan.count
        self._cost = 0.0  # seconds of one minibatch or epoch, as measured so far

    def advance(
        self, session: Trains, test_loss: Callable[[], float], now: float, budget: float
    ) -> tuple[bool, str | None]:
        """Train for ``budget`` seconds at most, if it is time.

        Args:
            session: what trains.
            test_loss: asked after an epoch, where the plan ends at a loss.
            now: the clock.
            budget: seconds.

        Returns:
            Whether a frame's share is complete, and why training ends here (None: it goes on): ``epoch``, ``loss``,
            ``diverged`` or ``done``.
        """
        if now < self.due:
            return False, None
        deadline = now + budget
        reason = self._end(session, test_loss)
        while reason is None and self.left > 0:
            now = self._train(session, deadline - now)
            reason = "diverged" if session.diverged else self._end(session, test_loss)
            if reason is None and now >= deadline and self.left > 0:
                return False, None
        if reason is None and self.plan.interval is None:
            reason = "done"
        if reason is None:
            self.left = self.plan.count
            self.due = max(self.due + (self.plan.interval or 0.0), now)  # a late frame is not made up for
        return True, reason

    def _train(self, session: Trains, seconds: float) -> float:
        """Train for about ``seconds``, but at least one step; return the clock."""
        fitting = int(seconds / self._cost) if self._cost else 1
        count = 1 if self.plan.has_end else max(1, min(self.left, fitting))
        start = time.monotonic()
        if self.plan.epochs:
            session.step(count)
        else:
            session.step_minibatches(count)
        now = time.monotonic()
        self.left -= count
        # The dearest of late counts: a slice that is too short is dearer to nobody than one that is too long.
        self._cost = max((now - start) / count, self._cost * 0.9)
        return now

    def _end(self, session: Trains, test_loss: Callable[[], float]) -> str | None:
        plan = self.plan
        if plan.until_epoch is not None and session.epoch >= plan.until_epoch:
            return "epoch"
        if plan.until_loss is not None and test_loss() <= plan.until_loss:
            return "loss"
        return None
