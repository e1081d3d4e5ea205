from __future__ import annotations

import time

import pytest

from layerlab.studio.pacing import Pace, Plan


class Training:
    """A session whose steps take time: five minibatches an epoch."""

    def __init__(self, seconds: float = 0.0, diverges_at: int = 10**9) -> None:
        self.seconds, self.diverges_at = seconds, diverges_at
        self.updates = 0
        self.largest = 0

    @property
    def epoch(self) -> int:
        return self.updates // 5

    @property
    def diverged(self) -> bool:
        return self.updates >= self.diverges_at

    def step_minibatches(self, count: int = 1) -> None:
        self.largest = max(self.largest, count)
        time.sleep(count * self.seconds)
        self.updates += count

    def step(self, epochs: int = 1) -> None:
        self.step_minibatches(5 * epochs - self.updates % 5)


def never() -> float:
    raise AssertionError("no loss was asked for")


def work_off(pace: Pace, training: Training, budget: float = 0.01) -> tuple[int, str]:
    """Give slices until it ends; return how many there were and why it ended."""
    for slices in range(1, 1000):
        _, reason = pace.advance(training, never, time.monotonic(), budget)
        if reason is not None:
            return slices, reason
    raise AssertionError("it does not end")


def test_a_step_does_exactly_what_was_asked() -> None:
    for plan, updates in ((Plan(3), 3), (Plan(2, epochs=True), 10)):
        training = Training()
        _, reason = work_off(Pace(plan, 0.0), training)
        assert (training.updates, reason) == (updates, "done")


def test_slices_are_short_and_lose_nothing() -> None:
    training = Training(seconds=0.001)
    pace = Pace(Plan(100), 0.0)
    slices, reason = work_off(pace, training)
    assert (training.updates, reason) == (100, "done")
    assert slices >= 8
    assert training.largest <= 15


def test_a_frame_comes_when_it_is_due_and_a_late_one_is_not_made_up_for() -> None:
    training = Training()
    now = time.monotonic()
    pace = Pace(Plan(4, interval=0.1), now)
    assert pace.advance(training, never, now - 0.001, 1) == (False, None)
    assert training.updates == 0
    assert pace.advance(training, never, now, 1) == (True, None)
    assert training.updates == 4
    assert pace.due == pytest.approx(now + 0.1, abs=0.05)
    late = Pace(Plan(1, interval=0.1), time.monotonic() - 50)
    late.advance(training, never, time.monotonic(), 1)
    assert late.due >= time.monotonic() - 1


@pytest.mark.parametrize("epochs", [False, True])
def test_the_end_is_met_exactly(epochs: bool) -> None:
    training = Training()
    _, reason = work_off(Pace(Plan(1000, epochs, 0.0, until_epoch=7), 0.0), training)
    assert (training.epoch, training.updates, reason) == (7, 35, "epoch")
    _, reason = work_off(Pace(Plan(1, epochs, 0.0, until_epoch=7), 0.0), training)
    assert (training.updates, reason) == (35, "epoch"), "it is there already"


def test_the_loss_is_asked_for_until_it_is_low_enough() -> None:
    training = Training()
    pace = Pace(Plan(1000, True, 0.0, until_loss=0.5), 0.0)
    assert pace.advance(training, lambda: 1 / (1 + training.epoch), 0.0, 1e9) == (True, "loss")
    assert training.epoch == 1


def test_divergence_ends_it() -> None:
    training = Training(diverges_at=12)
    _, reason = work_off(Pace(Plan(1, interval=0.0), 0.0), training)
    assert (training.updates, reason) == (12, "diverged")
