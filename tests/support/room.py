"""Tests in several processes that leave the machine to one of them while it measures time."""

from __future__ import annotations

import fcntl
from pathlib import Path

__all__ = ["Room"]


class Room:
    """What the processes of one run share: several are in it, or one is alone, and who waits is let in next."""

    def __init__(self, folder: Path) -> None:
        self._door, self._room = ((folder / name).open("w") for name in ("door", "room"))
        self._is_alone = False

    def enter(self, *, alone: bool) -> None:
        """Wait at the door, where there is one at a time, until the room is free."""
        if self._is_alone:
            return
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        self._is_alone = alone

    def leave(self, *, stay: bool) -> None:
        """Leave, unless the next one is to be alone, too."""
        if not (self._is_alone and stay):
            fcntl.flock(self._room, fcntl.LOCK_UN)
            self._is_alone = False
