"""An answer for a terminal: narrow, complete, and without what a terminal obeys."""

from __future__ import annotations

import re

import pytest
from lab_answers import EVERY, answer_of, several

from layerlab.lab.words.terminal import text_table


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("kind", list(EVERY))
def test_no_line_is_wider_than_a_hundred(kind: str, language: str) -> None:
    answer = EVERY[kind]()
    lines = text_table(answer, language).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == answer.title[language]
    assert lines[-1] == f"  {answer.command}"


def test_arms_and_contrasts_are_in_columns() -> None:
    text = text_table(several()).replace("\u00a0", " ")
    assert re.search(r"^ReLU +17 +12 +\S+ µs +0\.1 +0\.3\d\d +0\.\d+ to 0\.\d+ .*0 of 20$", text, re.M), text
    assert re.search(
        r"^tanh against ReLU +0\.\d+ +0\.\d+ to 0\.\d+ +10 +0\.0020 +0\.\d+ +100 % +tanh better$", text, re.M
    ), text
    assert "What to ask next\n  layerlab ask which-features\n" in text


NAMED = """
[[variant.comparison]]
arm = [
  { name = "a\\u001b[31mred", factors = { depth = 1 } },
  { name = "b\\nsecond line", factors = { depth = 2 } },
]
metrics = ["loss"]
"""


def test_a_name_gives_the_terminal_no_orders() -> None:
    answer = answer_of(NAMED, lambda factors, task, replicate: ({"loss": 0.1 * factors["depth"]}, ""))
    text = text_table(answer)
    assert "\x1b" not in text
    assert "a [31mred" in text
    assert "b second line" in text
