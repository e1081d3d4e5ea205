"""The example of what the papers found: it runs, its interval is right, and its committed figure shows the finding."""

from __future__ import annotations

import importlib.util
import itertools
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
FIGURE = ROOT / "docs" / "images" / "degradation.svg"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("degradation", ROOT / "examples" / "degradation.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def texts(svg: str) -> list[str]:
    """Return what is written in a figure."""
    return [part.text or "" for part in elements(svg, "text")]


def elements(svg: str, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SVG}{kind}"))  # noqa: S314  (our own figure)


@pytest.mark.slow
def test_it_runs(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--epochs", "1", "--seeds", "1", "--figure", str(tmp_path / "figure.svg")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["training", "loss", "training", "acc.", "%", "test", "acc.", "%"]
    names = [title for title, _ in example.NETWORKS.values()]
    assert [line[:18].strip() for line in lines[1:]] == names
    for line in lines[1:]:
        loss, training, test = (float(cell) for cell in line[18:].split())
        assert 0 < loss < 10
        assert 0 <= training <= 100
        assert 0 <= test <= 100
    svg = (tmp_path / "figure.svg").read_text()
    assert set(names) <= set(texts(svg))
    assert len(elements(svg, "polyline")) == 2 * len(names)
    assert "nan" not in svg


def test_the_interval_by_hand(example: ModuleType) -> None:
    """1, 2 and 3: the mean is 2, the deviation 1, and 4.303 / sqrt(3) = 2.484."""
    assert example.with_interval([1.0, 2.0, 3.0], 2) == "2.00 ± 2.48"
    assert example.with_interval([1.0], 1) == "1.0"
    # Of 1, 10 and 100 the same in powers of ten: 10 ** (1 - 2.484) = 0.033, 10 ** 3.484 = 3,050.
    assert example.with_range([1.0, 10.0, 100.0]) == "10 (0.033 to 3.1e+03)"
    assert example.with_range([0.25]) == "0.25"


def test_the_committed_figure_shows_the_finding() -> None:
    written = texts(FIGURE.read_text())
    assert len(elements(FIGURE.read_text(), "polyline")) == 4 * (3 + 1), "three seeds and a mean for each network"
    found = {}
    for name, below in itertools.pairwise(written):
        if re.fullmatch(r"(Plain|ResNet), \d+ layers", name):
            between = re.fullmatch(r"\S+ \((\S+) to (\S+)\)", below)
            assert between is not None
            found[name] = float(between[1]), float(between[2])
    assert len(found) == 4
    assert found["Plain, 56 layers"][0] > found["Plain, 20 layers"][1], "depth hurts a plain network"
    assert found["ResNet, 56 layers"][1] < found["Plain, 56 layers"][0], "shortcuts mend it"
    assert found["ResNet, 56 layers"][0] < found["ResNet, 20 layers"][1], "with shortcuts depth does not hurt"
    assert any(re.search(r"PyTorch \d+\.\d+.*, 20\d\d-\d\d-\d\d", line) for line in written)
    assert FIGURE.stat().st_size < 300_000
