"""What the tests of training share: a quiet place, a small network, and a way to compare runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab.training.run import Run

SOURCE = """
from torch import nn

def build(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2),
        nn.Linear(288, num_classes), nn.Softmax(dim=1),
    )

def wide(num_classes=10):
    return build(num_classes + 1)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder with a module ``small_nets``, one thread, its own cache, and empty reports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAYERLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "small_nets.py").write_text(SOURCE)
    monkeypatch.setattr("layerlab.training.finish._write_report", lambda run, _: (run.path / "report.html").touch())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(threads)
    import sys

    sys.modules.pop("small_nets", None)


@pytest.fixture
def make_net() -> Callable[..., nn.Module]:
    """Make a small network for 8x8 grey images."""

    def make(classes: int = 10, dropout: float = 0.2, seed: int = 7) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return nn.Sequential(
                nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout),
                nn.Linear(288, classes),
            )  # fmt: skip

    return make


@pytest.fixture
def same_run() -> Callable[[Run, Run], None]:
    """Compare two runs to the last bit, but for how long they took."""

    def compare(one: Run, other: Run) -> None:
        def untimed(record: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in record.items() if name not in ("seconds", "images_per_second")}

        assert [untimed(row) for row in one.history] == [untimed(row) for row in other.history]
        assert untimed(one.metrics) == untimed(other.metrics)
        theirs = other.model.state_dict()
        for name, value in one.model.state_dict().items():
            assert torch.equal(value, theirs[name]), name

    return compare
