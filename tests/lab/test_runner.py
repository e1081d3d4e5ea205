from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from lab_engines import HOME, TinyEngine, bits, outcome_of, trials_of

from layerlab.errors import LayerlabError
from layerlab.interrupts import Stopped
from layerlab.lab import engines
from layerlab.lab.runner import Progress, checked_workers, run_trials, workers_ready
from layerlab.lab.store import Store
from layerlab.lab.trial import Outcome, Trial


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name, home in HOME.items():
        monkeypatch.setitem(engines._HOME, name, home)  # type: ignore[attr-defined]
    with Store.open(tmp_path / "lab") as opened:
        yield opened


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def expected(trials: Sequence[Trial]) -> dict[str, str]:
    return bits({trial.key: outcome_of(trial) for trial in trials})


def test_every_trial_runs_once_and_is_stored(store: Store, log: Path) -> None:
    trials = trials_of(20)
    outcomes = run_trials([*trials, *trials[:5]], store)
    assert list(outcomes) == [trial.key for trial in trials]
    assert bits(outcomes) == expected(trials)
    assert store.get(outcomes) == outcomes
    assert len(log.read_text().splitlines()) == 20
    assert run_trials(trials_of(25), store).keys() > outcomes.keys()
    assert [line.split()[0] for line in log.read_text().splitlines()[20:]] == [t.key for t in trials_of(25)[20:]]
    assert run_trials([], store) == {}


def test_what_is_stored_says_where_it_ran(store: Store) -> None:
    trials = trials_of(1)
    store.add_design("d", {}, "")
    store.link("d", [(trials[0].key, {})])
    run_trials(trials, store)
    assert set(store.linked("d")[0].machine) >= {"layerlab", "numpy", "numba", "torch", "system", "processor"}


def test_progress_is_told_and_ends_at_all(store: Store) -> None:
    run_trials(trials_of(6), store)
    told: list[tuple[float, Progress]] = []
    began = time.monotonic()
    run_trials(
        trials_of(66, seconds=0.01) + trials_of(6),
        store,
        progress=lambda progress: told.append((time.monotonic() - began, progress)),
    )
    states = [state for _, state in told]
    assert {(state.total, state.stored_before) for state in states} == {(72, 6)}
    assert states[0] == Progress(6, 72, None, 6)
    assert (states[-1].done, states[-1].seconds_left) == (72, 0)
    assert [state.done for state in states] == sorted(state.done for state in states)
    assert len(told) <= (told[-1][0] - told[0][0]) / 0.1 + 2
    run_trials(trials_of(6), store, progress=(seen := []).append)
    assert seen == [Progress(6, 6, 0.0, 6)]


def test_time_left_is_learned_from_each_engine(store: Store) -> None:
    told: list[tuple[float, Progress]] = []
    trials = trials_of(30, seconds=0.02) + trials_of(12, "timing", seconds=0.02)
    run_trials(trials, store, progress=lambda progress: told.append((time.monotonic(), progress)))
    end = told[-1][0]
    late = [(moment, state) for moment, state in told if state.done >= 12 and state.seconds_left is not None]
    assert len(late) > 3
    for moment, state in late:
        assert state.seconds_left == pytest.approx(end - moment, abs=0.25, rel=0.5)


def test_outcomes_are_stored_while_others_run(store: Store, log: Path) -> None:
    seen: list[int] = []
    trials = trials_of(40, seconds=0.02)
    with Store.open(store.path) as reader:
        run_trials(
            trials, store, progress=lambda state: seen.append(state.done - len(reader.get(t.key for t in trials)))
        )
    assert max(seen) <= 0.4 / 0.02


def test_no_group_begins_after_the_deadline(store: Store, log: Path) -> None:
    trials = trials_of(60, seconds=0.02)
    outcomes = run_trials(trials, store, deadline=time.monotonic() + 0.3)
    assert 6 <= len(outcomes) < 60
    assert len(outcomes) % 6 == 0
    assert store.get(t.key for t in trials) == outcomes
    assert run_trials(trials_of(3, depth=9), store, deadline=time.monotonic() - 1) == {}
    assert bits(run_trials(trials, store)) == expected(trials)


@pytest.mark.parametrize("fault", ["raises", "is silent"])
def test_a_fault_of_an_engine_costs_only_the_trials_that_have_it(store: Store, fault: str) -> None:
    trials = trials_of(20, "broken", fault=fault) + trials_of(7)
    reason = {"raises": "ValueError: shapes do not fit", "is silent": "the engine reported no outcome"}[fault]
    with pytest.raises(LayerlabError) as caught:
        run_trials(trials, store)
    assert str(caught.value) == (
        f"3 of 27 trials could not be run, the first (engine broken, {trials[3].key[:8]}) because of {reason}; "
        "the others are stored"
    )
    good = trials[:3] + trials[6:]
    assert bits(store.get(t.key for t in trials)) == expected(good)


def test_what_an_engine_refuses_is_told_and_the_rest_is_kept(store: Store) -> None:
    trials = trials_of(20, "broken", fault="refuses")
    with pytest.raises(LayerlabError, match=r"^no such network$"):
        run_trials(trials, store)
    assert bits(store.get(t.key for t in trials)) == expected(trials[:3])


@pytest.mark.parametrize("error", [RuntimeError("the page has gone"), KeyboardInterrupt()])
def test_what_progress_raises_ends_the_run_and_loses_nothing(store: Store, log: Path, error: BaseException) -> None:
    def progress(state: Progress) -> None:
        if state.done >= 10:
            raise error

    trials = trials_of(60, seconds=0.02)
    with pytest.raises(type(error)) as caught:
        run_trials(trials, store, progress=progress)
    assert caught.value is error
    ran = log.read_text().splitlines()
    assert 10 <= len(ran) < 30
    assert set(store.get(t.key for t in trials)) == {line.split()[0] for line in ran}


def test_an_engine_that_keeps_an_end_to_itself_is_ended_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: TinyEngine, trials: Sequence[Trial], report: Any, threads: int | None = None) -> None:
        for trial in trials:
            try:
                report(trial, outcome_of(trial))
            except RuntimeError:
                return

    def progress(state: Progress) -> None:
        if state.done:
            raise RuntimeError("end")

    monkeypatch.setattr(TinyEngine, "run", run)
    with pytest.raises(RuntimeError, match="end"):
        run_trials(trials_of(12), store, progress=progress)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_after_what_is_in_flight(store: Store, log: Path, number: signal.Signals) -> None:
    trials = trials_of(50, seconds=0.02)
    before = signal.getsignal(number)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), number))
    timer.start()
    with pytest.raises(Stopped) as caught:
        run_trials(trials, store)
    ran = len(log.read_text().splitlines())
    assert str(caught.value) == (f"stopped with {ran} of 50 trials done; they are stored, and the same command goes on")
    assert 3 < ran < 50
    assert len(store.get(t.key for t in trials)) == ran
    assert signal.getsignal(number) == before
    assert bits(run_trials(trials, store)) == expected(trials)
    assert len(log.read_text().splitlines()) == 50


def test_the_second_ctrl_c_ends_at_once(store: Store, log: Path) -> None:
    trials = trials_of(6) + trials_of(6, seconds=30)
    timers = [threading.Timer(0.5 + n / 10, os.kill, (os.getpid(), signal.SIGINT)) for n in range(2)]
    for timer in timers:
        timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as caught:
        run_trials(trials, store)
    assert not isinstance(caught.value, Stopped)
    assert time.monotonic() - began < 10
    assert bits(store.get(t.key for t in trials)) == expected(trials[:6])


def test_outside_the_main_thread_it_runs_as_well(store: Store) -> None:
    found: dict[str, Outcome] = {}
    thread = threading.Thread(target=lambda: found.update(run_trials(trials_of(9), store)))
    thread.start()
    thread.join()
    assert bits(found) == expected(trials_of(9))


def test_a_full_disk_ends_the_run_in_one_sentence(store: Store, log: Path) -> None:
    run_trials(trials_of(4), store)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    trials = trials_of(1000, seconds=0.005)
    with pytest.raises(LayerlabError, match="the disk is full; what was there before is unchanged"):
        run_trials(trials, store)
    assert len(log.read_text().splitlines()) < 500
    store._connection.execute("PRAGMA max_page_count = 100000")
    stored = store.get(t.key for t in trials)
    assert bits(stored) == {key: value for key, value in expected(trials).items() if key in stored}


def test_workers(store: Store) -> None:
    cores = os.cpu_count() or 1
    assert checked_workers(None) is None
    assert [checked_workers(number) for number in (1, "1", " 1 ", 10**6)] == [1, 1, 1, cores]
    assert checked_workers("ray") == "ray"
    assert checked_workers("ray://head.example:10001") == "ray://head.example:10001"
    for bad in (0, -1, True, "0", "-2", "two", "", "1.5", "http://x:1"):
        with pytest.raises(LayerlabError) as caught:
            run_trials(trials_of(1), store, workers=bad)
        assert str(caught.value) == f'workers must be a number of cores, "ray" or "ray://HOST:PORT", not {bad!r}'
    for bad in ("ray://", "ray://head", "ray://:10001", "ray://head:port", "ray://head:0", "ray://head:70000"):
        with pytest.raises(LayerlabError, match='a Ray cluster is given as "ray://HOST:PORT"'):
            run_trials(trials_of(1), store, workers=bad)
    with workers_ready(2):
        assert bits(run_trials(trials_of(3), store, workers=2)) == expected(trials_of(3))


def test_an_unknown_engine_is_named(store: Store) -> None:
    with pytest.raises(LayerlabError, match='no engine "tinny"'):
        run_trials(trials_of(1, "tinny"), store)
