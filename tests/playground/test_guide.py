"""The guide's page on the playground: its command, its example and its tables."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from layerlab.playground.link import OWN, read_link
from layerlab.playground.session import Session
from layerlab.playground.specification import DATASETS, REGRESSION_DATASETS, Specification

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "playground.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_its_command_prints_what_it_shows() -> None:
    command, _, shown = re.search(r"^```console\n\$ (.*?)^```", PAGE, re.M | re.S)[1].partition("\n")
    printed = run("-m", "layerlab", *shlex.split(command)[1:])
    assert printed.startswith(shown.removesuffix("...\n"))


def test_its_example_runs() -> None:
    lines = run("examples/playground.py").splitlines()
    assert lines[0] == "epoch 100: 0.028289 0.048052, accuracy 97.2%"
    assert lines[1:4:2] == ["0 0.1", "True"]
    assert lines[4].startswith("(2, 8, 51, 2) ")
    assert float(lines[5]) < 0.01


def test_its_table_has_everything_of_a_session() -> None:
    shown = [name for row in ROWS if len(row) == 2 for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(shown) == sorted(name for name in dir(Session) if not name.startswith("_"))


def test_its_table_has_every_key_of_ours() -> None:
    keys = [row for row in ROWS if len(row) == 3 and "`" in row[0] and "`" in row[2]]
    fields = [name for row in keys for name in re.findall(r"`(\w+)`", row[0])]
    shown = [name for row in keys for name in re.findall(r"`(\w+)=", row[2])]
    assert sorted([*shown, "ownSeed"]) == sorted(OWN)
    assert sorted([*fields, "seed"]) == sorted(field for field, _, _ in OWN.values())


@pytest.mark.parametrize(
    "text", [text for row in ROWS for text in re.findall(r"`(\w+=[^`]+)`", row[-1]) if "..." not in text]
)
def test_each_key_that_it_shows_is_read(text: str) -> None:
    further = {"classes=3": "&dataset=gauss", "frozen=0.1.-1,2.0.0..3": "&networkShape=4,4"}.get(text, "")
    regression = "&problem=regression" if "Reg" in text else ""
    link = read_link(text + further + regression)
    assert link.warnings == ()
    name = text.partition("=")[0]
    assert getattr(link.specification, OWN[name][0]) != getattr(Specification(), OWN[name][0])


def test_its_data_sets_are_ours() -> None:
    named = {name: row for row in ROWS for name in row[0].split(", ")}
    for name, classes in DATASETS.items():
        assert (
            named[name][1] == (f"{classes[0]} to {classes[-1]}" if len(classes) > 1 else str(classes[0]))
            or name == "points"
        )
    assert set(REGRESSION_DATASETS) <= set(named)
