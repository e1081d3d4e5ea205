"""What the guide and the README say is run: their commands, their output, their links."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Layerlab = Callable[..., Any]

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
STEADY = ("dissect", "models", "data")
"""Commands whose output is the same on every machine."""


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each command of a page with the output that is shown under it."""
    for block in BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def plain(text: str, *, steady: bool) -> list[str]:
    """Return the lines without the figures that differ from machine to machine."""
    if not steady:
        text = re.sub(r"\d[\d.,]*(e[-+]\d+)?", "N", text)
        text = re.sub(r" +", " ", text)
    return [line.rstrip() for line in text.strip().splitlines()]


def matches(wanted: list[str], got: list[str]) -> bool:
    """Tell whether ``got`` is ``wanted``, where a line of three dots stands for any lines."""
    if not wanted:
        return not got
    if wanted[0] == "...":
        return any(matches(wanted[1:], got[start:]) for start in range(len(got) + 1))
    return bool(got) and wanted[0] == got[0] and matches(wanted[1:], got[1:])


@pytest.mark.parametrize("epochs", [["--epochs", "1"], pytest.param([], marks=pytest.mark.slow)], ids=["one", "all"])
def test_readme_shows_what_its_commands_print(
    tmp_path: Path, layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch, epochs: list[str]
) -> None:
    """What training prints has the same form after one epoch."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "docs" / "images", tmp_path / "docs" / "images")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = 0
    for command, output in commands(ROOT / "README.md"):
        words = shlex.split(command, comments=True)
        if words[0] != "layerlab":
            assert (ROOT / words[0]).stat().st_mode & 0o111, f"{words[0]} cannot be run"
            continue
        done = layerlab(*words[1:], *(epochs if words[1] == "train" else []))
        assert done.code == 0, done.err
        if output:
            steady = words[1] in STEADY
            wanted, got = plain(output, steady=steady), plain(done.out, steady=steady)
            assert matches(wanted, got), f"{command}\n" + "\n".join(got)
            shown += 1
    assert shown >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_guide_exist(page: Path) -> None:
    from typer.main import get_command

    from layerlab import cli

    known = get_command(cli.app).commands  # type: ignore[attr-defined]
    for command, _ in commands(page):
        words = shlex.split(command, comments=True)
        if words[0] == "layerlab":
            command_of = known[words[1]]
            if hasattr(command_of, "commands") and len(words) > 2:
                command_of = command_of.commands[words[2]]
            options = {name for parameter in command_of.params for name in parameter.opts}
            for word in words[2:]:
                assert not word.startswith("--") or word in options, f"{page.name}: {command}"
        else:
            assert (ROOT / words[0]).exists(), f"{page.name}: {command}"


def test_the_guide_builds_without_a_broken_link(tmp_path: Path) -> None:
    for name in ("docs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    site = tmp_path / "site"
    assert (site / "first-network" / "index.html").exists()
    assert "AdaptiveAvgPool2d" in (site / "own-images" / "index.html").read_text(), "the example is included"


@pytest.mark.slow
def test_the_walk_in_python_runs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    walk = tmp_path / "examples" / "walk.py"
    walk.write_text(walk.read_text().replace("epochs=10", "epochs=1"))
    done = subprocess.run([sys.executable, str(walk)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "out = floor((13 + 2*0 - 3)/1) + 1 = 11" in done.stdout
    assert list(tmp_path.glob("runs/*/model.onnx"))
