"""``layerlab ask``, ``sweep`` and ``lab`` as a person types them: answers, mistakes, going on, files."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerlab.lab.store import Store
from layerlab.lab.trials_of import FRESH

Layerlab = Callable[..., Any]

SMALL = ("sweep", "--data", "circle", "--vary", "width=2,8", "--set", "epochs=20", "--tune", "lr=0.03,0.1,0.3")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small sweep that came to its end."""
    folder = tmp_path_factory.mktemp("sweep") / "widths"
    command = [sys.executable, "-m", "layerlab", *SMALL, "--seeds", "6", "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout
    assert "Traceback" not in done.stderr
    return folder


def test_without_a_question_the_questions_are_listed_in_both_languages(layerlab: Layerlab) -> None:
    done = layerlab("ask")
    assert done.code == 0
    assert "deeper-or-wider" in done.out
    assert "Czy można różnymi cechami rozwiązać to samo zadanie?" in done.out
    names = [one["name"] for one in json.loads(layerlab("ask", "--json").out)]
    assert len(names) == 12
    assert names[:6] == [
        "size-and-speed",
        "which-features",
        "learning-rate-and-activation",
        "batch-split-noise",
        "deeper-or-wider",
        "too-large-or-too-small",
    ]


def test_a_sweep_prints_its_answer_and_leaves_a_report(swept: Path, layerlab: Layerlab) -> None:
    assert sorted(path.name for path in swept.iterdir()) == ["report.html", "trials.sqlite"]
    shown = layerlab("lab", "show", swept)
    assert shown.code == 0
    assert "layerlab sweep --data circle --vary width=2,8" in shown.out
    polish = layerlab("lab", "show", swept, "--language", "pl")
    assert "ziaren" in polish.out
    (answer,) = json.loads(layerlab("lab", "show", swept, "--json").out)
    assert {row["arm"] for row in answer["arms"]} == {"width=2", "width=8"}
    assert len(answer["points"]) == 12


def test_asked_again_nothing_runs(swept: Path, layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch) -> None:
    from layerlab.lab import phases

    monkeypatch.setattr(phases, "run_trials", lambda *_args, **_options: pytest.fail("something ran"))
    done = layerlab(*SMALL, "--seeds", "6", "--output", swept)
    assert done.code == 0
    assert layerlab("lab", "resume", swept).code == 0


def test_the_files_agree_with_each_other(swept: Path, layerlab: Layerlab, place: Path) -> None:
    import pandas

    done = layerlab("lab", "export", swept, "--output", place / "out")
    assert done.code == 0
    names = sorted(path.name for path in (place / "out").iterdir())
    assert names == ["answer.json", "report.html", "trials.csv", "trials.parquet"]
    with (place / "out" / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = pandas.read_parquet(place / "out" / "trials.parquet")
    assert len(rows) == len(table)
    answer = json.loads((place / "out" / "answer.json").read_text())
    losses = {(row["arm"], int(row["split"]) - FRESH): float(row["loss"]) for row in rows if row["role"] == "answer"}
    assert losses == {(point["arm"], point["replicate"]): point["values"]["loss"] for point in answer["points"]}


def test_a_killed_sweep_goes_on_where_it_was(place: Path, layerlab: Layerlab) -> None:
    """``kill -9`` in the middle: what was stored is not run again, and the answer is that of a run in one piece."""
    words = [sys.executable, "-m", "layerlab", "sweep", "--data", "spiral", "--vary", "width=6,8", "--seeds", "6"]
    words += ["--set", "epochs=3000", "--set", "batch_size=1", "--tune", "lr=0.003,0.01", "--output", "killed"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stored = 0
    until = time.monotonic() + 120
    while stored < 4 and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
        if (place / "killed" / "trials.sqlite").is_file():
            with Store.open(place / "killed", create=False) as store:
                stored = sum(len(store.trials(one.hash)) for one in store.designs())
    assert process.poll() is None, "it was too fast to be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "unfinished: " in layerlab("lab", "show", "killed").out
    before = time.monotonic()
    done = layerlab("lab", "resume", "killed")
    assert done.code == 0, done.err
    assert time.monotonic() - before < 240
    (killed,) = json.loads(layerlab("lab", "show", "killed", "--json").out)
    assert len(killed["points"]) == 12
    assert killed["complete"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["ask", "deper-or-wider"], r'no question "deper-or-wider"; did you mean "deeper-or-wider"'),
        (["ask", "missing.toml"], r'cannot read the question "missing.toml": No such file'),
        (["ask", "deeper-or-wider", "--on", "circel"], r"circel"),
        (["ask", "deeper-or-wider", "--seeds", "0"], r"seeds is 0; expected a whole number from 1"),
        (["ask", "deeper-or-wider", "--budget", "soon"], r"a budget of 'soon'; expected a time such as 90s"),
        (["ask", "deeper-or-wider", "--budget", "-3"], r"a budget of '-3'"),
        (["ask", "deeper-or-wider", "--equal", "energy"], r'equal "energy"; known: macs, parameters, seconds'),
        (["ask", "deeper-or-wider", "--metric", "acuracy"], r'no metric "acuracy"; did you mean "accuracy"'),
        (["ask", "deeper-or-wider", "--language", "de"], r'--language "de"; known: en, pl'),
        (["ask", "deeper-or-wider", "--set", "colour=red"], r'no factor "colour"'),
        (["ask", "deeper-or-wider", "--arms", "resnet21,plain20"], r'"resnet21" is no network of the zoo'),
        (["ask", "deeper-or-wider", "--workers", "many"], r"workers"),
        (
            ["ask", "deeper-or-wider", "--on", "sine", "--metric", "accuracy"],
            r'"sine" has no classes and so no accuracy',
        ),
        (["sweep"], r"sweep on what\?"),
        (["sweep", "--data", "circle"], r"sweep what\?"),
        (["sweep", "--data", "circle", "--vary", "width"], r'--vary "width" is no factor with a value'),
        (["sweep", "--data", "circle", "--vary", "width=2,2"], r'the value "2" comes twice'),
        (["sweep", "--data", "circle", "--vary", "wdth=2,4"], r'no factor "wdth"; did you mean "width"'),
        (["sweep", "--data", "circle", "--vary", "width=2,64"], r"64"),
        (["sweep", "--data", "circle", "--vary", "width=2,4", "--vary", "depth=1,2", "--equal", "macs"], r"both vary"),
        (["sweep", "--data", "circle", "--vary", "depth=1,8", "--equal", "params", "--set", "width=2"], r"both vary"),
        (["sweep", "--data", "circle", "--vary", "width=2,32", "--equal", "params"], r'"width=2" cannot be built at'),
        (["sweep", "--data", "circle,digits", "--vary", "width=2,4"], r"ask of one kind at a time"),
        (["sweep", "--data", "digits", "--vary", "width=2,4", "--model", "resnet21"], r"resnet21"),
        (["sweep", "--data", "circle", "--vary", "width=2", "--seeds", "3"], r"has one arm"),
        (["lab", "show", "nothing"], r'no trials in "nothing"'),
        (["lab", "resume", "nothing"], r'no trials in "nothing"'),
        (["lab", "export", "nothing", "--format", "xlsx"], r'no format "xlsx"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_one_sentence(words: list[str], complaint: str, layerlab: Layerlab, place: Path) -> None:
    found = layerlab(*words).complaint()
    assert re.search(complaint, found), found
    assert not (place / "experiments").exists()


def test_one_seed_gives_no_verdict(layerlab: Layerlab, place: Path) -> None:
    done = layerlab(*SMALL, "--seeds", "1", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["findings"][0]["content"]["contrasts"][0]["verdict"]["kind"] == "undecided"
    assert "exploratory" in {one["key"] for one in answer["caveats"]}


def test_nan_everywhere_is_no_verdict(layerlab: Layerlab, place: Path) -> None:
    words = ["sweep", "--data", "circle", "--vary", "learning_rate=0.03,1000", "--set", "epochs=5", "--seeds", "6"]
    answer = json.loads(layerlab(*words, "--json").out)
    (contrast,) = answer["findings"][0]["content"]["contrasts"]
    assert (contrast["verdict"]["kind"], contrast["verdict"]["reason"]) == ("unfair", "did-not-train")


def test_a_file_in_the_way_is_told(layerlab: Layerlab, place: Path) -> None:
    (place / "taken").write_text("mine")
    found = layerlab(*SMALL, "--output", "taken").complaint()
    assert "taken" in found
    assert (place / "taken").read_text() == "mine"


def test_arms_keep_their_knobs() -> None:
    from layerlab.cli_lab import _arms

    assert _arms(["resnet20:width=0.5,skip=no,plain20"]) == ["resnet20:width=0.5,skip=no", "plain20"]
    assert _arms(["depth=1+width=8,depth=4"]) == ["depth=1+width=8", "depth=4"]
    assert _arms(None) is None
