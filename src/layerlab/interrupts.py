"""Ctrl-C and SIGTERM: the first asks the loop to stop at the next step, the second acts as it always does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

__all__ = ["StopRequest", "Stopped"]


class Stopped(KeyboardInterrupt):
    """Training was stopped by a person and can be resumed.

    Its text says how; the command line prints it and exits with 130.
    """


class StopRequest:
    """Between ``with`` and its end, the first signal sets :attr:`pending`; the second is the system's own again.

    Outside the main thread, where Python lets nobody listen to signals, nothing changes.

    Args:
        signals: which are listened to.
        patient: whether the second and later signals are the same request again.
        then: what else is done at the first signal.
    """

    def __init__(
        self,
        signals: Iterable[signal.Signals] = (signal.SIGINT, signal.SIGTERM),
        *,
        patient: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        self.pending = False
        self._signals = tuple(signals)
        self._patient = patient
        self._then = then
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        """Begin to listen."""
        if threading.current_thread() is threading.main_thread():
            for number in self._signals:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._restore()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.pending = True
        if not self._patient:
            self._restore()
        if self._then is not None:
            self._then()

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            # None: the handler was not set from Python, and cannot be set back from it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
