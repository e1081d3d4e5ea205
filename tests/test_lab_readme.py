"""The answers that README shows are those that its commands give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layerlab.lab import list_questions
from layerlab.lab.experiment import Experiment
from layerlab.lab.question import question

ROW = re.compile(r"^\| `layerlab ask (\S+)` \| ([^|]+) \| ([^|]+) \|$", re.M)
SHOWN = {
    name: (title, text) for name, title, text in ROW.findall((Path(__file__).parents[1] / "README.md").read_text())
}


def test_the_six_questions_of_the_lecture_are_shown() -> None:
    assert list(SHOWN) == list_questions()[:6]
    assert [title for title, _ in SHOWN.values()] == [question(name).title["en"] for name in SHOWN]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_each_answer_is_what_its_command_gives(name: str, tmp_path: Path) -> None:
    """Figures differ in their last digits from processor to processor, and times altogether."""

    def plain(text: str) -> str:
        return re.sub(r"\d[\d.,]*", "N", text)

    assert plain(str(Experiment(name, folder=tmp_path).run())) == plain(SHOWN[name][1])
