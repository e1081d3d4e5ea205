from __future__ import annotations

import gc
import json
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_engines import outcome_of, trials_of

from layerlab.errors import LayerlabError
from layerlab.lab.machine import this_machine
from layerlab.lab.store import Store
from layerlab.lab.store_file import FORMAT
from layerlab.lab.trial import Outcome


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "lab") as opened:
        yield opened


def refusal(path: Path, **options: bool) -> str:
    with pytest.raises(LayerlabError) as caught:
        Store.open(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


finite = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40)
@given(
    st.dictionaries(st.text(max_size=20), finite, max_size=5),
    st.lists(st.tuples(st.integers(0, 10**9), finite, finite), max_size=70),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.floats(0, 1e9),
)
def test_an_outcome_comes_back_bit_for_bit(
    values: dict[str, float | None], curve: list[tuple[int, float | None, float | None]], failure: str, seconds: float
) -> None:
    trial = trials_of(1, case=time.monotonic_ns())[0]
    outcome = Outcome(values, curve, failure, seconds)
    with Store.open(Path(os.environ["LAYERLAB_LAB"]) / "bits") as store:
        back = store.put(trial, outcome)
        assert back == outcome
        assert repr(back.values) == repr(outcome.values)  # -0.0 is no 0.0
        assert repr(back.curve) == repr(outcome.curve)


def test_figures_that_are_not_finite_or_no_plain_numbers_are_none_or_plain(store: Store) -> None:
    values = {"loss": float("nan"), "train_loss": float("inf"), "accuracy": np.float32(0.5), "steps": np.int64(3)}
    curve = [(0, np.float64("nan"), np.float32(2.0)), (np.int64(5), float("-inf"), 1)]
    back = store.put(trials_of(1)[0], Outcome(values, curve, "", np.float64(1.5)))  # type: ignore[arg-type]
    assert back == Outcome(
        {"loss": None, "train_loss": None, "accuracy": 0.5, "steps": 3.0}, [(0, None, 2.0), (5, None, 1.0)], "", 1.5
    )
    json.dumps(back.to_dict(), allow_nan=False)


def test_only_what_was_stored_is_found_whatever_the_number(store: Store) -> None:
    trials = trials_of(2500)
    store.put_many([(trial, outcome_of(trial)) for trial in trials[::2]])
    found = store.get([trial.key for trial in trials] + ["no key", trials[0].key])
    assert found == {trial.key: outcome_of(trial) for trial in trials[::2]}
    assert store.get([]) == {}
    assert store.put_many([]) == {}


def test_the_first_outcome_of_a_trial_stays(store: Store) -> None:
    trial = trials_of(1)[0]
    store.put(trial, Outcome({"loss": 1.0}, seconds=1.0))
    assert store.put(trial, Outcome({"loss": 2.0}, seconds=2.0)) == Outcome({"loss": 1.0}, [], "", 1.0)
    assert store.get([trial.key])[trial.key].values == {"loss": 1.0}


def test_a_design_its_trials_and_its_answer(store: Store) -> None:
    trials = trials_of(4)
    design = {"question": "deeper-or-wider", "tasks": ["spirał", "koło"], "seeds": 10}
    store.add_design("d1", design, "layerlab ask deeper-or-wider --on 'a\udcffb'")
    store.add_design("d1", {"other": 1}, "another line")
    store.add_design("d2", {}, "")
    labels = [{"role": "answer", "arm": "deep", "factors": {"depth": n, "width": 8}} for n in range(4)]
    store.link("d1", [(t.key, label) for t, label in zip(trials, labels, strict=True)])
    store.link("d1", [(trials[0].key, labels[0]), (trials[0].key, {"role": "tuning"})])
    for trial in trials[2::-1]:
        store.put(trial, outcome_of(trial), this_machine())
    first, second = store.designs()
    assert (first.hash, first.design, first.answered) == ("d1", design, False)
    assert first.command == "layerlab ask deeper-or-wider --on 'a\udcffb'"
    assert first.date.endswith("+00:00")
    assert first.versions["layerlab"]
    assert second.hash == "d2"
    linked = store.linked("d1")
    assert [link.label for link in linked] == [*labels[:3], {"role": "tuning"}]
    assert list(linked[0].label) == ["role", "arm", "factors"]
    assert [link.key for link in linked] == [trials[n].key for n in (0, 1, 2, 0)]
    assert {link.machine["processor"] for link in linked} == {this_machine()["processor"]}
    assert store.trials("d1") == [(trial, outcome_of(trial)) for trial in trials[:3]]
    assert store.trials("d2") == store.trials("d3") == []
    assert store.answer("d1") is None
    assert store.answer("nowhere") is None
    store.put_answer("d1", {"verdict": "undecided"})
    store.put_answer("d1", {"verdict": "better", "by": 0.1})
    assert store.answer("d1") == {"verdict": "better", "by": 0.1}
    assert store.designs()[0].answered


def test_a_design_that_is_not_there_is_named(store: Store) -> None:
    for call in (lambda: store.put_answer("d9", {}), lambda: store.link("d9", [("k", {})])):
        with pytest.raises(LayerlabError, match='no design "d9" in "'):
            call()


def test_it_is_there_for_the_next_process(tmp_path: Path) -> None:
    trial = trials_of(1)[0]
    with Store.open(tmp_path) as store:
        store.put(trial, outcome_of(trial))
    assert [path.name for path in tmp_path.iterdir()] == ["trials.sqlite"]
    for path in (tmp_path, tmp_path / "trials.sqlite"):
        with Store.open(path, create=False) as store:
            assert store.get([trial.key]) == {trial.key: outcome_of(trial)}


def test_the_users_own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERLAB_LAB", str(tmp_path / "mine"))
    with Store.open() as store:
        assert store.path == tmp_path / "mine" / "trials.sqlite"
    monkeypatch.delenv("LAYERLAB_LAB")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with Store.open() as store:
        assert tmp_path in store.path.parents or sys.platform == "darwin"


def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    said = f'no trials in "{tmp_path}/none"; expected a folder that "layerlab ask" or "layerlab sweep" has written'
    assert refusal(tmp_path / "none", create=False) == said
    assert not (tmp_path / "none").exists()
    (tmp_path / "empty.sqlite").touch()
    assert refusal(tmp_path / "empty.sqlite", create=False).startswith("no trials in")
    text = tmp_path / "notes.txt"
    text.write_text("some notes that are longer than the header of a database is, so that it has to be read\n" * 20)
    before = text.read_bytes()
    assert refusal(text) == f'"{text}" is not a store of trials'
    assert text.read_bytes() == before
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE music (name TEXT)")
    connection.close()
    assert refusal(other) == f'"{other}" is another program\'s database, not a store of trials'


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store._connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
        path = store.path
    assert refusal(tmp_path, create=False) == (
        f'the trials in "{path}" were stored by another version of Layerlab (their format is {FORMAT + 1}, this one '
        f"has {FORMAT}); use that version, or another folder"
    )


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        trials = trials_of(200)
        store.put_many([(trial, outcome_of(trial)) for trial in trials])
    content = bytearray(store.path.read_bytes())
    for page in range(1, len(content) // 16384):
        content[page * 16384 : page * 16384 + 200] = b"\xff" * 200
    store.path.write_bytes(content)
    with Store.open(tmp_path) as store, pytest.raises(LayerlabError, match="is damaged") as caught:
        store.get([trial.key for trial in trials])
    assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert refusal(file / "lab").startswith(f'cannot write "{file}/lab/trials.sqlite": ')
    assert refusal(Path("/proc/lab")).startswith('cannot write "/proc/lab/trials.sqlite": ')
    (tmp_path / "folder.sqlite").mkdir()
    assert refusal(tmp_path / "folder.sqlite") == (
        f'cannot write "{tmp_path}/folder.sqlite": expected a file and a folder that may be written'
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert refusal(tmp_path).startswith(f'cannot write "{tmp_path}/trials.sqlite": ')


FULL = 'cannot write "{}": the disk is full; what was there before is unchanged'


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    trials = trials_of(400)
    with Store.open(tmp_path) as store:
        store.put(trials[0], outcome_of(trials[0]))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(LayerlabError) as caught:
            store.put_many([(trial, outcome_of(trial)) for trial in trials])
        assert str(caught.value) == FULL.format(store.path)
        assert store.get(t.key for t in trials) == {trials[0].key: outcome_of(trials[0])}
        store._connection.execute("PRAGMA max_page_count = 100000")
        assert len(store.put_many([(trial, outcome_of(trial)) for trial in trials])) == 400


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    trials = trials_of(2000)
    kept = 0
    with Store.open(small_disk) as store, pytest.raises(LayerlabError) as caught:
        for kept in range(0, len(trials), 5):
            store.put_many([(trial, outcome_of(trial)) for trial in trials[kept : kept + 5]])
    assert str(caught.value) == FULL.format(store.path)
    assert kept > 20
    with Store.open(small_disk) as store:
        assert store.get(t.key for t in trials) == {t.key: outcome_of(t) for t in trials[:kept]}


def test_no_room_for_a_store_at_all(small_disk: Path) -> None:
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space"):
        while True:
            ballast.write(b"x" * 4096)
    assert "the disk is full" in refusal(small_disk)
    (small_disk / "ballast").unlink()
    Store.open(small_disk).close()


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    trials = trials_of(200)
    with Store.open(tmp_path) as store:
        store.put(trials[0], outcome_of(trials[0]))
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
        try:
            with pytest.raises(LayerlabError, match="what was there before is unchanged") as caught:
                store.put_many([(trial, outcome_of(trial)) for trial in trials])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "\n" not in str(caught.value)
        assert len(store.get(t.key for t in trials)) == 1
        assert len(store.put_many([(trial, outcome_of(trial)) for trial in trials])) == 200


def write_all(folder: Path, mark: float, start: threading.Barrier, answers: multiprocessing.Queue[object]) -> None:
    trials = trials_of(60)
    start.wait()
    with Store.open(folder) as store:
        store.add_design("d", {"mark": mark}, "")
        back = [store.put(trial, Outcome({"loss": mark})) for trial in trials]
        answers.put(([outcome.values["loss"] for outcome in back], store.designs()[0].design["mark"]))


def test_processes_that_begin_and_write_at_once_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(4), context.Queue()
    processes = [context.Process(target=write_all, args=(tmp_path, n, start, answers)) for n in range(4)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert all(one == found[0] for one in found)
    with Store.open(tmp_path) as store:
        stored = store.get(trial.key for trial in trials_of(60))
    assert [outcome.values["loss"] for outcome in stored.values()] == found[0][0]


def open_at_once(folder: Path, start: threading.Barrier, answers: multiprocessing.Queue[str]) -> None:
    start.wait()
    try:
        with Store.open(folder) as store:
            store.designs()
        answers.put("")
    except LayerlabError as error:
        answers.put(str(error))


def test_a_store_that_another_process_is_making_is_no_other_programs(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for number in range(20):
        start, answers = context.Barrier(6), context.Queue()
        folder = tmp_path / str(number)
        processes = [context.Process(target=open_at_once, args=(folder, start, answers)) for _ in range(6)]
        for process in processes:
            process.start()
        assert [answers.get(timeout=60) for _ in processes] == [""] * 6
        for process in processes:
            process.join()


def test_threads_may_share_it(store: Store) -> None:
    trials = trials_of(80)
    errors: list[BaseException] = []

    def use(part: int) -> None:
        try:
            for trial in trials[part::4]:
                store.put(trial, outcome_of(trial))
                store.get([trial.key for trial in trials])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=use, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(store.get(trial.key for trial in trials)) == 80


def test_who_waits_too_long_is_told(store: Store) -> None:
    store._connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LayerlabError, match="another process has been writing to"):
        store.put(trials_of(1)[0], Outcome())
    other.execute("ROLLBACK")
    other.close()
    store.put(trials_of(1)[0], Outcome())


@pytest.mark.alone
def test_five_thousand_trials_load_quickly(store: Store) -> None:
    trials = trials_of(5000)
    store.put_many([(trial, outcome_of(trial)) for trial in trials])
    keys = [trial.key for trial in trials]
    gc.freeze()  # what other tests left in this process is not the store's to be walked through
    try:
        began = time.thread_time()
        assert len(store.get(keys)) == 5000
        assert time.thread_time() - began < 1
    finally:
        gc.unfreeze()
