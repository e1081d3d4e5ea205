"""The report: whole, in both languages, and nothing from outside in it that a browser would obey."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lab_answers import EVERY, HEAD, answer_of, several, two_arms

from layerlab.errors import LayerlabError
from layerlab.lab.answer import Answer
from layerlab.lab.report import page, write_report
from layerlab.lab.words import headline, sentences

LIBRARY = "/* plotly */"
"""In place of the five megabytes of the real one."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: LIBRARY)


class Seen(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.scripts = "", []  # type: tuple[str, list[str]]
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag if tag in ("script", "style") else ""
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data
        elif not self._in:
            self.text += f"{data} "


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("kind", list(EVERY))
def test_every_kind_of_answer_has_a_report(kind: str, language: str, tmp_path: Path) -> None:
    answer = EVERY[kind]()
    path = write_report(answer, tmp_path / "folder" / "report.html", language)
    seen = Seen(path.read_text("utf-8"))
    told = " ".join(seen.text.split())
    assert dict(seen.tags)["html"]["lang"] == language
    assert " ".join(headline(answer, language).split()) in told
    for one in sentences(answer, language):
        if one.kind in ("caveat", "design"):
            assert " ".join(one.text.split()) in told, one.text
    for part in (answer.title[language], answer.command, answer.design_hash, "layerlab ask which-features"):
        assert part in told, part
    for name, version in answer.versions.items():
        assert f"{name} {version}" in told
    charts = [attrs for tag, attrs in seen.tags if "data-figure" in attrs and tag == "div"]
    assert len(charts) >= len(answer.findings)
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in charts)


def test_the_policy_names_exactly_the_scripts_that_run() -> None:
    seen = Seen(page.render_report(two_arms(0.1)))
    [policy] = [attrs["content"] for tag, attrs in seen.tags if tag == "meta" and "http-equiv" in attrs]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    named = re.findall(r"'sha256-([^']+)'", policy)
    running = [text for text in seen.scripts if not text.startswith("{")]
    assert named == [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in running]
    assert not [
        attrs for tag, attrs in seen.tags for name in attrs if name.startswith("on") or name in ("src", "srcset")
    ]


EVIL = "<script>alert(1)</script>"
HOSTILE = (
    """
[[variant.comparison]]
name = "EVIL"
title = { en = "EVIL", pl = "EVIL" }
arm = [
  { name = "EVIL", factors = { depth = 1 }, label = { en = "<b>one</b>EVIL" } },
  { name = "two </script>EVIL", factors = { depth = 2 } },
]
metrics = ["loss"]
"""
).replace("EVIL", EVIL)


def hostile() -> Answer:
    """Return an answer to a question of which every text is hostile."""
    words = f'[words.en]\nbetter = "{EVIL} {{a}}"\ntask-circle = "{EVIL}"\n'

    def runs(factors: Mapping[str, Any], task: str, replicate: int) -> tuple[dict[str, float | None], str]:
        return {"loss": 0.1 * factors["depth"] + 0.001 * replicate * factors["depth"]}, ""

    found = answer_of(HOSTILE, runs, words=words, tasks=("circle", "xor"))
    return Answer(**{**vars(found), "title": {"en": EVIL}, "next": [EVIL], "command": EVIL, "versions": {EVIL: EVIL}})


def test_nothing_from_outside_is_markup() -> None:
    assert "EVIL" not in HEAD
    text = page.render_report(hostile())
    seen = Seen(text)
    assert [tag for tag, _ in seen.tags].count("script") == 3
    assert not {"b", "img", "iframe"} & {tag for tag, _ in seen.tags}
    assert EVIL not in text
    assert seen.text.count(EVIL) > 10
    figures = seen.scripts[0]
    assert "<" not in figures
    assert html.escape(EVIL, quote=False).replace("&", "\\u0026") in figures or "\\u0026lt;script" in figures


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = write_report(two_arms(0.1), tmp_path / "report.html")
    before = path.read_bytes()
    with pytest.raises(LayerlabError, match='no language "de"'):
        write_report(two_arms(0.1), path, "de")
    assert path.read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(LayerlabError, match="cannot write"):
        write_report(two_arms(0.1), tmp_path / "file" / "report.html")


def test_the_other_costs_are_printed() -> None:
    text = " ".join(Seen(page.render_report(several())).text.split())
    assert re.search(r"Equal parameters, by the number of units of a layer: .*multiply-accumulates", text), text


def test_the_real_page_is_under_six_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert len(page.render_report(several()).encode()) < 6_000_000
