"""A few threads shared fairly by many tabs: short turns, one after another, a person's click before the rest."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from typing import Protocol

__all__ = ["Actor", "Scheduler"]

_log = logging.getLogger(__name__)


class Actor(Protocol):
    """Something that works in short turns, never in two threads at once."""

    def turn(self, now: float) -> float | None:
        """Work for some milliseconds; return when to go on (``time.monotonic``), or None: when woken."""


class _Seat:
    """What the scheduler knows of one actor."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.running = False
        self.queued = False
        self.woken: deque[_Seat] | None = None  # the queue to join after the present turn
        self.gone = False
        self.ticket = 0


class Scheduler:
    """Runs the turns of actors on ``threads`` threads, round robin.

    An actor that is woken urgently (a command came) waits behind other urgent ones only; urgent and ordinary turns
    alternate, so that neither kind can keep the other from its turn.

    Args:
        threads: as many as there are cores.
    """

    def __init__(self, threads: int) -> None:
        self._condition = threading.Condition()
        self._urgent: deque[_Seat] = deque()
        self._ordinary: deque[_Seat] = deque()
        self._timers: list[tuple[float, int, int, _Seat]] = []
        self._seats: dict[int, _Seat] = {}
        self._order = itertools.count()
        self._urgent_is_next = True
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"studio-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def wake(self, actor: Actor, *, urgent: bool = False) -> None:
        """Give ``actor`` a turn soon; may be called from any thread, as often as one likes."""
        with self._condition:
            seat = self._seats.setdefault(id(actor), _Seat(actor))
            queue = self._urgent if urgent else self._ordinary
            if seat.running:
                seat.woken = queue if seat.woken is None or urgent else seat.woken
            elif not seat.queued:
                self._enqueue(seat, queue)
            elif urgent and seat in self._ordinary:
                self._ordinary.remove(seat)
                self._urgent.append(seat)

    def forget(self, actor: Actor) -> None:
        """Give ``actor`` no more turns, and hold it no longer."""
        with self._condition:
            seat = self._seats.pop(id(actor), None)
            if seat is None:
                return
            seat.gone = True
            if seat.queued:
                (self._urgent if seat in self._urgent else self._ordinary).remove(seat)
            self._timers = [timer for timer in self._timers if timer[3].actor is not actor]
            heapq.heapify(self._timers)

    def close(self) -> None:
        """End the threads after their present turns."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(timeout=1)

    def _enqueue(self, seat: _Seat, queue: deque[_Seat]) -> None:
        seat.queued = True
        seat.ticket += 1  # a timer that was set before counts no longer
        queue.append(seat)
        self._condition.notify()

    def _next(self) -> _Seat | None:
        """Return the seat whose turn it is, or None at the end; called with the lock held."""
        while not self._closed:
            self._enqueue_due(time.monotonic())
            first, second = (self._urgent, self._ordinary) if self._urgent_is_next else (self._ordinary, self._urgent)
            queue = first or second
            if queue:
                self._urgent_is_next = queue is self._ordinary
                seat = queue.popleft()
                seat.queued, seat.running, seat.woken = False, True, None
                return seat
            self._condition.wait(self._timers[0][0] - time.monotonic() if self._timers else None)
        return None

    def _enqueue_due(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, ticket, seat = heapq.heappop(self._timers)
            if ticket == seat.ticket and not seat.queued and not seat.running:
                self._enqueue(seat, self._ordinary)

    def _work(self) -> None:
        while True:
            with self._condition:
                seat = self._next()
            if seat is None:
                return
            try:
                again = seat.actor.turn(time.monotonic())
            except Exception:  # an actor answers for its own errors; none may end the thread that serves all
                _log.exception("a turn failed")
                again = None
            self._return(seat, again)
            del seat  # an idle thread keeps no session alive

    def _return(self, seat: _Seat, again: float | None) -> None:
        with self._condition:
            seat.running = False
            if seat.gone:
                return
            if seat.woken is not None:
                self._enqueue(seat, seat.woken)
            elif again is None:  # who rests is not held
                del self._seats[id(seat.actor)]
            elif again <= time.monotonic():
                self._enqueue(seat, self._ordinary)
            else:
                seat.ticket += 1
                heapq.heappush(self._timers, (again, next(self._order), seat.ticket, seat))
                self._condition.notify()
