from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from layerlab.studio.scheduler import Scheduler

pytestmark = pytest.mark.alone


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = Scheduler(2)
    yield made
    made.close()


class Counter:
    """Takes turns of ``length`` seconds and counts them."""

    def __init__(self, length: float = 0.0, again: float | None = 0.0) -> None:
        self.length, self.again = length, again
        self.turns = 0
        self.inside = 0
        self.together = 0
        self.turned = threading.Event()

    def turn(self, now: float) -> float | None:
        self.inside += 1
        self.together = max(self.together, self.inside)
        time.sleep(self.length)
        self.turns += 1
        self.inside -= 1
        self.turned.set()
        return None if self.again is None else now + self.again


def wait_until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)


def test_all_actors_get_as_many_turns_and_none_two_at_once(scheduler: Scheduler) -> None:
    actors = [Counter(0.001) for _ in range(10)]
    for actor in actors:
        scheduler.wake(actor)
        scheduler.wake(actor)
    wait_until(lambda: min(actor.turns for actor in actors) >= 20)
    turns = [actor.turns for actor in actors]
    assert max(turns) - min(turns) <= 2, turns
    assert {actor.together for actor in actors} == {1}


def test_an_urgent_turn_does_not_wait_for_a_round(scheduler: Scheduler) -> None:
    busy = [Counter(0.01) for _ in range(40)]
    for actor in busy:
        scheduler.wake(actor)
    clicked = Counter(again=None)
    time.sleep(0.05)
    start = time.monotonic()
    scheduler.wake(clicked, urgent=True)
    assert clicked.turned.wait(5)
    assert time.monotonic() - start < 0.1, "a round takes 0.2 s"


def test_urgent_turns_do_not_starve_the_others(scheduler: Scheduler) -> None:
    class Insistent(Counter):
        def turn(self, now: float) -> None:
            super().turn(now)
            scheduler.wake(self, urgent=True)

    for _ in range(4):
        scheduler.wake(Insistent(0.001), urgent=True)
    patient = Counter(0.001)
    scheduler.wake(patient)
    wait_until(lambda: patient.turns > 20)


def test_a_wake_during_a_turn_is_not_lost(scheduler: Scheduler) -> None:
    class Waits(Counter):
        def turn(self, now: float) -> None:
            if self.turns == 0:
                scheduler.wake(self)
            self.turns += 1

    actor = Waits()
    scheduler.wake(actor)
    wait_until(lambda: actor.turns == 2)
    time.sleep(0.05)
    assert actor.turns == 2


def test_a_turn_comes_when_it_was_asked_for_and_a_wake_comes_before(scheduler: Scheduler) -> None:
    actor = Counter(again=0.1)
    start = time.monotonic()
    scheduler.wake(actor)
    wait_until(lambda: actor.turns == 3)
    assert 0.19 < time.monotonic() - start < 1
    actor.again = 60
    wait_until(lambda: actor.turns == 4)
    scheduler.wake(actor)
    wait_until(lambda: actor.turns == 5)


def test_an_actor_that_fails_stops_neither_thread(scheduler: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    class Fails:
        def turn(self, now: float) -> float:
            raise ZeroDivisionError

    for _ in range(3):
        scheduler.wake(Fails())
    other = Counter(again=None)
    scheduler.wake(other)
    assert other.turned.wait(5)
    wait_until(lambda: caplog.text.count("a turn failed") == 3)


def test_who_is_forgotten_gets_no_turn_and_is_freed(scheduler: Scheduler) -> None:
    actor: Counter | None = Counter(again=0.001)
    scheduler.wake(actor)
    time.sleep(0.05)
    assert actor.turns > 3
    scheduler.forget(actor)
    time.sleep(0.02)
    turns = actor.turns
    time.sleep(0.05)
    assert actor.turns == turns
    held = weakref.ref(actor)
    actor = None
    gc.collect()
    assert held() is None


def test_who_rests_is_not_held(scheduler: Scheduler) -> None:
    actor: Counter | None = Counter(again=None)
    scheduler.wake(actor)
    assert actor.turned.wait(5)
    held = weakref.ref(actor)
    actor = None
    end = time.monotonic() + 5
    while held() is not None and time.monotonic() < end:
        gc.collect()
    assert held() is None


def test_closing_ends_the_threads() -> None:
    before = threading.active_count()
    scheduler = Scheduler(3)
    actor = Counter(0.001)
    scheduler.wake(actor)
    wait_until(lambda: actor.turns > 0)
    scheduler.close()
    assert threading.active_count() == before
