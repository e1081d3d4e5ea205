"""What the tests of the experiments share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from known_truth import HOME

from layerlab.lab import engines
from layerlab.lab.question import Comparison, Question, Variant


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Question]:
    """Return a function that makes a question whose answer is known; run it anywhere under ``tmp_path``."""
    monkeypatch.setitem(engines._HOME, "known", HOME)
    monkeypatch.chdir(tmp_path)

    def make(tasks: tuple[str, ...] = ("one",), seeds: int = 10, **comparison: Any) -> Question:
        given = {"tune": {"learning_rate": [0.03, 0.1, 0.3]}, "metrics": ["loss"], **comparison}
        one = Comparison(name="only", smallest_difference={"loss": 0.02}, **given)
        return Question("known", {"en": "Known?", "pl": "Znane?"}, [Variant("known", tasks, [one], seeds, 3)])

    return make
