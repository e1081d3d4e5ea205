"""One open page: its session, what it plays, what it is shown. A :class:`~layerlab.studio.scheduler.Actor`."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError
from layerlab.studio.arguments import identity_of, read_message
from layerlab.studio.command_error import CommandError, described
from layerlab.studio.limits import Limits
from layerlab.studio.losses import Curve
from layerlab.studio.observing import divergence_event, observed
from layerlab.studio.pacing import Pace, Plan
from layerlab.studio.painting import Selection, data_frame, frame, state

if TYPE_CHECKING:
    from layerlab.playground.network import Network
    from layerlab.playground.session import Session
    from layerlab.studio.arguments import Arguments
    from layerlab.studio.outlet import Job, Outlet
    from layerlab.studio.scheduler import Actor
    from layerlab.studio.seeds import SeedRun

__all__ = ["LATER", "Tab"]

_log = logging.getLogger(__name__)

LATER: Final[dict[str, Any]] = {}
"""What a command returns whose reply comes by itself, later."""


@cache
def explanations() -> ThreadPoolExecutor:
    """Return the one thread that finds out why runs diverged: tenths of a second each, too long for a turn."""
    return ThreadPoolExecutor(1, thread_name_prefix="studio-explanation")


class Tab:
    """One open page.

    Everything but :meth:`submit` and what it calls happens in turns, one at a time.

    Args:
        outlet: where messages go.
        limits: of the studio.
        wake: asks the scheduler for a turn of an actor.
        forget: tells the scheduler that the tab has ended.
        carry_out: does one command of the page, by name, and returns its reply or :data:`LATER`.
    """

    def __init__(
        self,
        outlet: Outlet,
        limits: Limits,
        wake: Callable[..., None],
        forget: Callable[[Actor], None],
        carry_out: Callable[[Tab, str, Arguments], dict[str, Any]],
    ) -> None:
        self.outlet = outlet
        self.limits = limits
        self.page: dict[str, str] = {}
        self.selected: Selection = None
        self.watched: frozenset[str] = frozenset()
        self.pace: Pace | None = None
        self.job: Job | None = None
        self.seed_run: SeedRun | None = None
        self.session_or_none: Session | None = None
        self.curve = Curve()
        self.must_send_points = False
        self.changed = False
        self.wake, self._forget, self._carry_out = wake, forget, carry_out
        self._inbox: deque[tuple[str, Callable[[], None]]] = deque()
        self._frame_is_out = False
        self._next_frame = 0.0
        self._lock = threading.Lock()
        self._occupied = threading.Lock()
        self._closed = False

    @property
    def session(self) -> Session:
        """The session.

        Raises:
            CommandError: none was opened yet.
        """
        if self.session_or_none is None:
            raise CommandError("error.not-open", 'no network is open yet; the first command is "open"')
        return self.session_or_none

    def submit(self, text: str, done: Callable[[], None]) -> None:
        """Take a message; ``done`` is called once it has been dealt with."""
        self._inbox.append((text, done))
        self.wake(self, urgent=True)

    def turn(self, now: float) -> float | None:
        """Answer one command, or train for a slice and draw a frame if one can be sent.

        A turn that answers does nothing else, so that the clicks of many people are not kept waiting by training.
        """
        if not self._occupied.acquire(blocking=False):
            return None  # who has it wakes the tab
        try:
            return None if self._closed else self._turn(now)
        finally:
            self._occupied.release()

    def _turn(self, now: float) -> float | None:
        if self._inbox:
            text, done = self._inbox.popleft()
            try:
                self._answer(text)
            finally:
                done()
            if self.changed:
                self.wake(self, urgent=True)  # whoever clicked waits for the picture
            return now
        if self.pace is not None:
            self._train(now)
        now = time.monotonic()
        self._draw(now)
        return self._next_turn(now)

    def close(self) -> None:
        """End what still runs for this tab."""
        self._closed = True
        self.pace = None
        self.end_job()
        self._forget(self)

    def state(self, **further: Any) -> dict[str, Any]:
        """Return the state, and have the points and a frame follow."""
        self.must_send_points = True
        self.changed = True
        return state(self.session, self.page) | further

    def adopt(self, session: Session) -> None:
        """Go on with another session: what was drawn of the one before counts no longer."""
        self.session_or_none = session
        self.pace = None
        self.selected = None
        self.curve.restart()

    def begin_again(self) -> None:
        """Stop training, and have the page forget the curve that it has."""
        self.pace = None
        self.changed = True
        self.curve.restart()

    def begin(self, job: Job) -> None:
        """Run ``job`` beside the session's own training; one that still runs ends."""
        self.end_job()
        self.job = job
        job.start()

    def end_job(self) -> None:
        """End the job that runs beside, if there is one."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def start(self, plan: Plan) -> None:
        """Begin to train. What is short is done at once, before the next command."""
        self.pace = Pace(plan, time.monotonic())
        if plan.interval is None:
            self._train(time.monotonic())

    def stop(self, reason: str) -> None:
        """Stop training and say why."""
        self.pace = None
        self.changed = True
        if reason == "diverged":
            explanations().submit(self._explain, self.session.network)
        elif reason != "done":
            self.outlet.say({"event": "stopped", "reason": reason, "epoch": self.session.epoch})

    def _answer(self, text: str) -> None:
        identity: str | int | None = None
        try:
            identity, name, arguments = read_message(text, self.limits)
            if identity is None:
                raise CommandError("error.no-id", 'the message has no id; expected {"id": 1, "do": "open", ...}')
            result = self._carry_out(self, name, arguments)
        except Exception as error:
            if not isinstance(error, LayerlabError):
                _log.exception("a command failed")
            identity = identity if identity is not None else identity_of(text, self.limits)
            self.outlet.say({"id": identity, "error": described(error)})
        else:
            if result is not LATER:
                self.outlet.say({"id": identity, "ok": True, **result})

    def _explain(self, network: Network) -> None:
        """Say why ``network`` diverged. It is found by training it again, so that no turn may come in between."""
        try:
            with self._occupied:
                session = self.session_or_none
                if session is not None and session.network is network and session.diverged and not self._closed:
                    self.outlet.say(divergence_event(session))
        except Exception:
            _log.exception("a divergence could not be explained")
            self.outlet.say({"event": "stopped", "reason": "diverged", "epoch": network.epoch})
        self.wake(self)

    def _train(self, now: float) -> None:
        pace, session = self.pace, self.session
        if pace is None:
            return
        try:
            complete, reason = pace.advance(
                session, lambda: session.network.evaluate()[1], now, self.limits.slice_seconds
            )
        except Exception as error:
            _log.exception("training failed")
            self.pace = None
            self.outlet.say({"event": "stopped", "reason": "error", "error": described(error)})
            return
        self.changed = self.changed or complete or now > self._next_frame + 0.05
        if reason is not None:
            self.stop(reason)

    def _draw(self, now: float) -> None:
        if self.session_or_none is None:
            return
        if self.must_send_points:
            self.must_send_points = False
            self.outlet.show(data_frame(self.session))
        with self._lock:
            if not self.changed or self._frame_is_out or now < self._next_frame:
                return
            self._frame_is_out = True
        self.changed = False
        self._next_frame = now + 1 / self.limits.frames_per_second
        try:
            picture = self._frame()
        except Exception:  # what fails here is what was asked for beside the picture
            _log.exception("a frame failed")
            self._frame_is_out, self.watched = False, frozenset()
            self.curve.restart()  # the points that it held were not sent
        else:
            self.outlet.show(picture, self._sent)

    def _frame(self) -> bytes:
        session = self.session
        start, losses = self.curve.news(session)
        header: dict[str, Any] = {"playing": self.pace is not None, "losses_from": start, "history": session.history}
        header["train_loss"], header["test_loss"] = session.network.evaluate()
        header |= observed(session, self.watched)
        return frame(session.network, header, self.selected, losses)

    def _sent(self) -> None:
        with self._lock:
            self._frame_is_out = False
        if self.changed:
            self.wake(self)

    def _next_turn(self, now: float) -> float | None:
        if self._inbox:
            return now
        times = []
        if self.pace is not None:
            times.append(self.pace.due)
        if self.changed and not self._frame_is_out:
            times.append(self._next_frame)
        return min(times, default=None)
