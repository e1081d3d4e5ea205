from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab_engines import bits, outcome_of, trials_of

from layerlab.lab.store import Store

SUPPORT = Path(__file__).parents[1] / "support"
COUNT, SECONDS = 160, 0.02


def begin(folder: Path) -> subprocess.Popen[bytes]:
    program = "import sys, lab_engines; lab_engines.experiment(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))"
    environment = os.environ | {"PYTHONPATH": str(SUPPORT), "LAB_LOG": f"{folder}.log"}
    return subprocess.Popen([sys.executable, "-c", program, folder, str(COUNT), str(SECONDS)], env=environment)


def stored(folder: Path) -> dict[str, str]:
    with Store.open(folder) as store:
        return bits(store.get(trial.key for trial in trials_of(COUNT, seconds=SECONDS)))


def log(folder: Path) -> list[tuple[str, float]]:
    path = Path(f"{folder}.log")
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line.split()[0], float(line.split()[1])) for line in lines]


@pytest.mark.timeout(120)
def test_killed_at_random_moments_and_resumed(tmp_path: Path) -> None:
    """What is stored stays, what was in flight runs again, and the end is that of a run that nobody disturbed."""
    trials = trials_of(COUNT, seconds=SECONDS)
    moments = random.Random(5)
    folder = tmp_path / "killed"
    kills, kept = 0, {}
    while True:
        ran_before, began = len(log(folder)), time.monotonic()
        child = begin(folder)
        while child.poll() is None and len(log(folder)) == ran_before and time.monotonic() - began < 60:
            time.sleep(0.01)
        try:
            child.wait(moments.uniform(0.1, 0.6))
        except subprocess.TimeoutExpired:
            child.kill()
        moment = time.time()
        kills += child.wait() == -signal.SIGKILL
        now = stored(folder)
        assert kept.items() <= now.items()
        # Of what had ended some time before the kill, nothing is missing.
        assert {key for key, ended in log(folder) if ended < moment - 0.5} <= now.keys()
        kept = now
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL
    assert kills >= 3
    assert kept == bits({trial.key: outcome_of(trial) for trial in trials})
    assert len(log(folder)) <= COUNT + kills * 40
    calm = tmp_path / "calm"
    assert begin(calm).wait() == 0
    with Store.open(folder) as store, Store.open(calm) as other:
        assert [design.hash for design in store.designs()] == ["d1"]
        assert store.designs()[0].design == other.designs()[0].design == {"question": "which?", "seeds": COUNT}
        assert [link.label for link in store.linked("d1")] == [link.label for link in other.linked("d1")]
        assert [trial.key for trial, _ in store.trials("d1")] == [trial.key for trial in trials]
        assert store.answer("d1") == other.answer("d1")
        assert store._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_two_processes_on_one_store_end_with_the_same(tmp_path: Path) -> None:
    children = [begin(tmp_path / "shared") for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    trials = trials_of(COUNT, seconds=SECONDS)
    assert stored(tmp_path / "shared") == bits({trial.key: outcome_of(trial) for trial in trials})
    with Store.open(tmp_path / "shared") as store:
        assert len(store.linked("d1")) == COUNT
        assert store._connection.execute("SELECT count(*) FROM trials").fetchone() == (COUNT,)
