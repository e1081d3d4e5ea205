"""Experiments that run beside the studio: one at a time, each in a process of its own, watched by any number of pages.

A process of its own, since its Python would hold the interpreter that sends the playgrounds' frames. What it says is
lines of JSON; it ends when its standard input does, and so never outlives the studio.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from layerlab.studio.command_error import CommandError
from layerlab.studio.lab.limits import LabLimits

__all__ = ["Job", "Jobs"]

_log = logging.getLogger(__name__)

LIVE: Final = '{"live":'
"""How a line begins that is handed on to the pages as it is."""
REMEMBERED: Final = 100
"""Jobs that have ended and whose end a page may still ask for."""
PATIENCE: Final = 6.0
"""Seconds that a process which was told to end has for it."""
FAREWELL: Final = 1.0
"""Seconds when the studio ends: what was reported is stored whenever the process is killed."""
CHILD: Final = (sys.executable, "-m", "layerlab.studio.lab.child")


@dataclass
class Job:
    """One experiment: where it is in its life, and what it said last."""

    design: str
    """The hash of its design: who asks the same has the same job."""
    asked: Mapping[str, Any]
    """What the process is told."""
    state: str = "queued"
    """``queued``, ``running``, ``done``, ``stopped`` (by a person), ``late`` (by the clock) or ``failed``."""
    progress: Mapping[str, Any] | None = None
    live: str = ""
    """The last line of :data:`LIVE`."""
    problem: Mapping[str, Any] | None = None
    ending: str = ""
    """The state that it was told to end with."""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.state not in ("queued", "running")


class Jobs:
    """The experiments of one studio, in the order in which they were asked for. Any thread may call it.

    Args:
        limits: of the queue and of the clock.
        command: that is started for each; it reads one line, what was asked.
    """

    def __init__(self, limits: LabLimits, command: tuple[str, ...] = CHILD) -> None:
        self.limits = limits
        self._command = command
        self._jobs: dict[str, Job] = {}
        self._queue: deque[Job] = deque()
        self._watchers: dict[str, set[Callable[[], None]]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, design: str, asked: Mapping[str, Any]) -> None:
        """Run an experiment, or let it wait for its turn; one that does so already goes on.

        Raises:
            CommandError: too many wait.
        """
        with self._changed:
            known = self._jobs.get(design)
            if self._closed or (known is not None and not known.ended):
                return
            if len(self._queue) >= self.limits.queue:
                raise CommandError(
                    "lab.error.queue",
                    f"{len(self._queue)} experiments wait already, as many as this studio keeps; ask again later",
                    limit=self.limits.queue,
                )
            self._jobs.pop(design, None)
            self._jobs[design] = job = Job(design, asked)
            self._queue.append(job)
            self._forget_old()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="studio-lab", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        self._tell_all()

    def stop(self, design: str, ending: str = "stopped") -> None:
        """End an experiment; what it has trained is stored. One that doesn't run is left as it is."""
        with self._changed:
            job = self._jobs.get(design)
            if job is None or job.ended:
                return
            job.ending = job.ending or ending
            if job in self._queue:
                self._queue.remove(job)
                job.state = ending
            elif job.process is not None:
                _end(job.process)
        self._tell_all()

    def status(self, design: str) -> tuple[dict[str, Any], str]:
        """Return where an experiment is, JSON values, and its last line of what was measured so far."""
        with self._changed:
            job = self._jobs.get(design)
            if job is None:
                return {"state": "none", "place": None, "progress": None, "problem": None}, ""
            running = sum(not other.ended and other not in self._queue for other in self._jobs.values())
            place = self._queue.index(job) + running if job in self._queue else None
            progress = None if job.progress is None else dict(job.progress)
            return {"state": job.state, "place": place, "progress": progress, "problem": job.problem}, job.live

    def watch(self, design: str, tell: Callable[[], None]) -> Callable[[], None]:
        """Have ``tell`` called, from any thread, after every change of an experiment, run or not; return how to end it.

        Raises:
            CommandError: too many watch.
        """
        with self._changed:
            if sum(map(len, self._watchers.values())) >= self.limits.watchers:
                raise CommandError(
                    "lab.error.watchers",
                    f"{self.limits.watchers} pages watch experiments, as many as this studio serves; close one",
                    limit=self.limits.watchers,
                )
            self._watchers.setdefault(design, set()).add(tell)

        def forget() -> None:
            with self._changed:
                watching = self._watchers.get(design, set())
                watching.discard(tell)
                if not watching:
                    self._watchers.pop(design, None)

        return forget

    def close(self) -> None:
        """End everything, and wait until it has ended."""
        with self._changed:
            self._closed = True
            for job in self._queue:
                job.state = "stopped"
            self._queue.clear()
            for job in self._jobs.values():
                if job.process is not None and not job.ended:
                    job.ending = "stopped"
                    _end(job.process, FAREWELL)
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(FAREWELL + 1)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                job = self._queue.popleft()
                job.state = "running"
            self._tell_all()
            try:
                self._run(job)
            except Exception:
                _log.exception("an experiment could not be run")
                self._set(job, state="failed", problem={"key": "error.internal", "values": {}, "text": ""})
            self._tell_all()

    def _run(self, job: Job) -> None:
        with self._changed:
            if self._closed or job.ending:
                job.state = job.ending or "stopped"
                return
            # A session of its own: Ctrl-C is the studio's, which then ends what it has begun.
            job.process = process = subprocess.Popen(  # noqa: S603 - this package's own module
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                start_new_session=True,
            )  # fmt: skip
        clock = threading.Timer(self.limits.seconds, self.stop, (job.design, "late"))
        clock.daemon = True
        clock.start()
        try:
            _tell(process, json.dumps(job.asked))
            for line in process.stdout or ():
                self._hear(job, line.rstrip("\n"))
        finally:
            clock.cancel()
            _end(process)
            process.wait()
        if not job.ended:
            problem = {"key": "error.internal", "values": {}, "text": "the experiment ended without a word"}
            self._set(job, state=job.ending or "failed", problem=None if job.ending else problem)

    def _hear(self, job: Job, line: str) -> None:
        if line.startswith(LIVE):
            self._set(job, live=line)
            return
        said = json.loads(line)
        if "progress" in said:
            self._set(job, progress=said["progress"])
        elif "failed" in said:
            self._set(job, state=job.ending or "failed", problem=None if job.ending else said["failed"])
        elif "done" in said:
            self._set(job, state="done")

    def _set(self, job: Job, **changes: Any) -> None:
        with self._changed:
            for name, value in changes.items():
                setattr(job, name, value)
            watching = list(self._watchers.get(job.design, ()))
        for tell in watching:
            tell()

    def _tell_all(self) -> None:
        """Tell everybody: the places in the queue have changed."""
        with self._changed:
            everybody = [tell for watching in self._watchers.values() for tell in watching]
        for tell in everybody:
            tell()

    def _forget_old(self) -> None:
        ended = [design for design, job in self._jobs.items() if job.ended]
        for design in ended[: max(0, len(ended) - REMEMBERED)]:
            del self._jobs[design]


def _tell(process: subprocess.Popen[str], line: str) -> None:
    """Give the process a line; one that has ended already says, or fails to say, why."""
    with contextlib.suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()


def _end(process: subprocess.Popen[str], patience: float = PATIENCE) -> None:
    """Close what the process listens to, and see to it that it ends."""
    with contextlib.suppress(OSError):  # it has ended already
        if process.stdin is not None:
            process.stdin.close()
    if process.poll() is None:
        killer = threading.Timer(patience, process.kill)
        killer.daemon = True
        killer.start()
