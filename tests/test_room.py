"""Tests that run in several processes: one that measures time is alone."""

from __future__ import annotations

import fcntl
import threading
import time
from pathlib import Path

from room import Room


def someone_is_at_the_door(folder: Path) -> bool:
    with (folder / "door").open("w") as door:
        try:
            fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_several_are_in_the_room_or_one_alone_who_is_let_in_next(tmp_path: Path) -> None:
    came: list[str] = []

    def comes(name: str, room: Room, *, alone: bool, waits: bool = False) -> threading.Thread:
        def come() -> None:
            room.enter(alone=alone)
            came.append(name)

        thread = threading.Thread(target=come, daemon=True)
        thread.start()
        thread.join(0.2 if waits else 10)
        return thread

    first, second, measures, late = (Room(tmp_path) for _ in range(4))
    comes("first", first, alone=False)
    comes("second", second, alone=False)
    assert came == ["first", "second"]
    waiting = comes("measures", measures, alone=True, waits=True)
    while not someone_is_at_the_door(tmp_path):
        time.sleep(0.01)
    first.leave(stay=False)
    passed_by = comes("late", late, alone=False, waits=True)
    assert came == ["first", "second"]
    second.leave(stay=False)
    waiting.join(10)
    passed_by.join(0.2)
    assert came == ["first", "second", "measures"]
    measures.leave(stay=True)
    comes("measures again", measures, alone=True)
    assert came[3:] == ["measures again"]
    measures.leave(stay=False)
    passed_by.join(10)
    assert came[4:] == ["late"]
