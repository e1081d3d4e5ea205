"""The Lab's jobs: one at a time, watched, stopped, late, failed; none outlives the studio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layerlab.lab.store import Store
from layerlab.studio import files
from layerlab.studio.command_error import CommandError
from layerlab.studio.lab.asking import Asked
from layerlab.studio.lab.composing import experiment_of
from layerlab.studio.lab.jobs import CHILD, Jobs
from layerlab.studio.lab.limits import LabLimits

POLISH = json.loads((files.HERE / "locale" / "pl" / "lab.json").read_text())
TALK = """
import json, sys, time
asked = json.loads(sys.stdin.readline())
for line in asked["say"]:
    print(line, flush=True)
if asked.get("wait"):
    sys.stdin.read()
"""
TALKER = (sys.executable, "-S", "-c", TALK)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def talkers() -> Iterator[Callable[..., Jobs]]:
    made: list[Jobs] = []

    def make(**limits: Any) -> Jobs:
        made.append(Jobs(LabLimits(**limits), TALKER))
        return made[-1]

    yield make
    for one in made:
        one.close()


def state(jobs: Jobs, design: str) -> str:
    return str(jobs.status(design)[0]["state"])


def test_one_job_at_a_time_and_all_who_watch_are_told(talkers: Callable[..., Jobs]) -> None:
    jobs, told = talkers(), threading.Event()
    forget = jobs.watch("b", told.set)
    progress = {"phase": "tuning", "done": 1, "total": 2, "seconds_left": None}
    jobs.submit("a", {"say": [json.dumps({"progress": progress}), '{"live":{"x":1}}'], "wait": True})
    jobs.submit("b", {"say": ['{"done":true}']})
    jobs.submit("c", {"say": ['{"done":true}']})
    jobs.submit("a", {"say": ["it runs already: nobody hears this"]})
    until(lambda: jobs.status("a")[1] == '{"live":{"x":1}}')
    assert jobs.status("a")[0] == {"state": "running", "place": None, "progress": progress, "problem": None}
    assert [jobs.status(name)[0]["place"] for name in "bc"] == [1, 2]
    assert state(jobs, "d") == "none"
    told.clear()
    jobs.stop("a")
    until(lambda: state(jobs, "c") == "done")
    assert told.is_set()
    assert [state(jobs, name) for name in "abc"] == ["stopped", "done", "done"]
    forget()
    told.clear()
    jobs.submit("b", {"say": ['{"done":true}']})
    until(lambda: state(jobs, "b") == "done")
    assert not told.is_set()


def test_a_job_that_waits_can_be_stopped_and_asked_for_again(talkers: Callable[..., Jobs]) -> None:
    jobs = talkers()
    jobs.submit("a", {"say": [], "wait": True})
    jobs.submit("b", {"say": ['{"done":true}']})
    jobs.stop("b")
    assert state(jobs, "b") == "stopped"
    jobs.submit("b", {"say": ['{"done":true}']})
    assert state(jobs, "b") == "queued"
    jobs.stop("a")
    until(lambda: state(jobs, "b") == "done")
    jobs.stop("b")
    jobs.stop("never heard of")
    assert state(jobs, "b") == "done"


def test_the_queue_and_the_clock_have_an_end(talkers: Callable[..., Jobs]) -> None:
    jobs = talkers(queue=1, seconds=0.3)
    jobs.submit("a", {"say": [], "wait": True})
    until(lambda: state(jobs, "a") == "running")
    jobs.submit("b", {"say": ['{"done":true}']})
    with pytest.raises(CommandError, match="1 experiments wait already") as caught:
        jobs.submit("c", {"say": []})
    assert caught.value.key in POLISH
    until(lambda: state(jobs, "b") == "done")
    assert state(jobs, "a") == "late"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (['{"failed":{"key":"","values":{},"text":"the disk is full"}}'], "the disk is full"),
        ([], "the experiment ended without a word"),
        (["no JSON at all"], ""),
    ],
)
def test_a_job_that_fails_says_why_and_the_next_runs(talkers: Callable[..., Jobs], lines: list[str], text: str) -> None:
    jobs = talkers()
    jobs.submit("a", {"say": lines})
    jobs.submit("b", {"say": ['{"done":true}']})
    until(lambda: state(jobs, "b") == "done")
    status, _ = jobs.status("a")
    assert status["state"] == "failed"
    assert status["problem"]["text"] == text


def test_jobs_end_with_the_studio(talkers: Callable[..., Jobs]) -> None:
    jobs = talkers()
    jobs.submit("a", {"say": [], "wait": True})
    jobs.submit("b", {"say": [], "wait": True})
    until(lambda: state(jobs, "a") == "running")
    jobs.close()
    assert [state(jobs, name) for name in "ab"] == ["stopped", "stopped"]
    jobs.submit("c", {"say": []})
    assert state(jobs, "c") == "none"


@pytest.mark.slow
def test_a_process_without_a_studio_ends_and_keeps_what_it_trained(tmp_path: Path) -> None:
    own = {"vary": {"depth": [1, 2]}, "hold": {"epochs": 2_000}, "tune": {}}
    long = Asked.model_validate({"own": own, "on": ["circle", "xor"], "seeds": 30})
    environment = {**os.environ, "LAYERLAB_LAB": str(tmp_path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(long.model_dump_json() + "\n")
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        assert first["progress"]["phase"] == "timing"
        process.stdin.close()
        begun = time.monotonic()
        rest = process.stdout.read()
        assert process.wait() is not None
        assert time.monotonic() - begun < 12
    assert '"done":true' not in rest
    with Store.open(tmp_path, create=False) as store:
        (design,) = store.designs()
        assert design.hash == experiment_of(long).design.hash
