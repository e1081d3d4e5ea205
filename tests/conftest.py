"""What all tests share: no test writes into the user's caches, none is louder than two cores."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: each of the processes has a core to itself
    for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from room import Room

# The first call into PyTorch takes longer than a case may, and a busy machine has no say in what is right.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Layerlab = Callable[..., "Outcome"]


@cache
def _room(folder: str) -> Room:
    return Room(Path(folder).parent)


def _is_alone(item: pytest.Item | None) -> bool:
    return item is not None and item.get_closest_marker("alone") is not None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    """Run no other test beside one that measures time."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    room = _room(item.config.option.basetemp)
    room.enter(alone=_is_alone(item))
    try:
        return (yield)
    finally:
        room.leave(stay=_is_alone(nextitem))


class Outcome:
    """What a run of the command line gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def complaint(self) -> str:
        """Return the one line of an error: exit code 2, no traceback, nothing on standard output."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("layerlab: ")
        assert "Traceback" not in self.err
        return self.err.removeprefix("layerlab: ").strip()


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["LAYERLAB_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["LAYERLAB_DATA"] = str(tmp_path_factory.mktemp("data"))
    os.environ["LAYERLAB_LAB"] = str(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def layerlab(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Layerlab:
    """Return a function that runs the command line in this process."""
    from layerlab.cli import main

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        monkeypatch.setattr("sys.argv", ["layerlab", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return Outcome(int(end.value.code or 0), out, err)

    return run
