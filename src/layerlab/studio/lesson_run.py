"""A guided lesson under way: in a thread of its own, one lesson after another, so that tabs keep their turns."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError
from layerlab.studio.command_error import CommandError, described
from layerlab.studio.observing import plain

if TYPE_CHECKING:
    from layerlab.studio.outlet import Outlet

__all__ = ["LessonRun"]

_log = logging.getLogger(__name__)

REPORT_SECONDS: Final = 0.1


class LessonRun:
    """One run of a lesson; its reply comes at its end, the event ``lesson`` on the way.

    Args:
        identity: of the message that is to be answered.
        name: of the lesson.
        arguments: the person's choices.
        outlet: of the tab.
    """

    def __init__(self, identity: str | int | None, name: str, arguments: dict[str, Any], outlet: Outlet) -> None:
        self._identity, self._name, self._arguments = identity, name, arguments
        self._outlet = outlet
        self._cancelled = threading.Event()
        self._next_report = 0.0

    def start(self) -> None:
        """Begin, once the lessons before have ended."""
        _line().submit(self._run)

    def cancel(self) -> None:
        """End at the next report."""
        self._cancelled.set()

    def _run(self) -> None:
        from layerlab.studio.lessons import run

        try:
            self._report(0, 1)
            result = run(self._name, self._arguments, self._report)
        except Exception as error:
            if not isinstance(error, LayerlabError):
                _log.exception("a lesson failed")
            self._outlet.say({"id": self._identity, "error": described(error)})
        else:
            self._outlet.say({"id": self._identity, "ok": True, **plain(result)})

    def _report(self, done: float, total: float, partial: Any = None) -> None:
        """Tell the page how far it is; raise where it was cancelled."""
        if self._cancelled.is_set():
            raise CommandError("error.cancelled", "the lesson was ended before its end")
        now = time.monotonic()
        if now >= self._next_report or done >= total:
            self._next_report = now + REPORT_SECONDS
            self._outlet.say(
                {"event": "lesson", "name": self._name, "done": done, "total": total, "partial": plain(partial)}
            )


@cache
def _line() -> ThreadPoolExecutor:
    """Return the one thread in which lessons stand in line: each takes all cores for a while."""
    return ThreadPoolExecutor(1, thread_name_prefix="studio-lesson")
