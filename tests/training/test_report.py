"""The page: what it says, that it holds all it needs, and that names are never markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.training.report import read_test_predictions, write_report

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{ 7 * 7 }}"]
VOID = {"br", "img"}
TABLE = '<table class="anatomy"><tr><td>Linear</td></tr></table>'


class Images:
    """A test part of grey noise."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def images(self, indices: list[int]) -> Tensor:
        return torch.randint(0, 256, (len(indices), 1, 4, 4), dtype=torch.uint8)


def a_run(folder: Path, classes: list[str], probabilities: Tensor, labels: Tensor) -> tuple[Any, Any]:
    """Return a run and its data, as far as the report looks at them."""
    save_file({"probabilities": probabilities, "labels": labels}, folder / "test_predictions.safetensors")
    history = [
        {
            "epoch": e,
            "train_loss": 1 / e,
            "val_loss": 2 / e,
            "train_accuracy": 0.5,
            "val_accuracy": 0.25,
            "seconds": 1.5,
        }
        for e in (1, 2)
    ]
    config = {
        "model": {"kind": "zoo", "name": "lecture_cnn"},
        "command": "layerlab train 'a b' --seed 7",
        "date": "2001-02-03T04:05:06+00:00",
        "seed": 7,
        "versions": {"torch": "1.2.3"},
    }
    run = SimpleNamespace(
        path=folder,
        model=nn.Sequential(nn.Flatten(), nn.Linear(16, len(classes))),
        history=history,
        metrics={"test_loss": 0.125, "seconds": 83.0},
        classes=classes,
        config=config,
    )
    return run, SimpleNamespace(name="toys", shape=(1, 4, 4), test=Images(len(labels)))


@pytest.fixture(autouse=True)
def known_anatomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerlab.anatomy.dissect", lambda _model, _size: None)
    monkeypatch.setattr("layerlab.anatomy.html.html_table", lambda _anatomy: TABLE)


def a_page(folder: Path, classes: list[str] = HOSTILE, right: bool = False) -> str:
    labels = torch.tensor([0, 1, 2, 0])
    guesses = labels if right else torch.tensor([1, 1, 2, 2])
    probabilities = 0.7 * nn.functional.one_hot(guesses, len(classes)).float() + 0.1
    return write_report(*a_run(folder, classes, probabilities, labels)).read_text("utf-8")


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text of every script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside if tag in VOID else ""


def test_it_says_what_was_measured(tmp_path: Path) -> None:
    page = a_page(tmp_path)
    text = " ".join(" ".join(Elements(page).text).split())
    assert "lecture_cnn on toys" in text
    assert "50.0 %" in text
    assert "2 of 4" in text
    assert "95 % Wilson interval 15.0 % to 85.0 %, n = 4" in text
    assert "All 2 misclassified test images" in text
    assert "1 min 23 s" in text
    assert "2001-02-03 04:05 UTC" in text
    assert "layerlab train 'a b' --seed 7" in text
    assert "1.2.3" in text
    assert "guessing among 3 classes gives 1.10" in text
    assert "Epoch 2 has the lowest validation loss" in text
    assert TABLE in page


def test_no_mistakes_is_said(tmp_path: Path) -> None:
    page = a_page(tmp_path, right=True)
    assert "There are none: every one of the 4 test images was recognised." in page
    assert not [tag for tag, _ in Elements(page).tags if tag == "img"]


def test_the_policy_names_exactly_the_scripts_that_run(tmp_path: Path) -> None:
    elements = Elements(a_page(tmp_path))
    policy = next(a["content"] for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy")
    data, *running = elements.scripts
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in running]
    assert re.findall(r"'(sha256-[^']+)'", policy or "") == hashes
    assert len(hashes) == 2
    assert "default-src 'none'" in (policy or "")
    assert not set("<>&") & set(data)
    assert set(json.loads(data)) == {"loss", "accuracy", "learning-rate", "confusion"}


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    for tag, attributes in Elements(a_page(tmp_path)).tags:
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]


def test_names_are_never_markup(tmp_path: Path) -> None:
    elements = Elements(a_page(tmp_path))
    assert len(elements.scripts) == 3
    assert sum(tag == "img" for tag, _ in elements.tags) == 2
    text = "".join(elements.text)
    assert all(name in text for name in HOSTILE)


def test_a_name_that_is_no_text_stops_nothing(tmp_path: Path) -> None:
    assert "bad?name" in a_page(tmp_path, ["bad\udcffname", "b", "c"])


def test_headings_labels_and_language(tmp_path: Path) -> None:
    elements = Elements(a_page(tmp_path))
    assert ("html", {"lang": "en"}) in elements.tags
    levels = [int(tag[1]) for tag, _ in elements.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [a["id"] for _, a in elements.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all((a["href"] or "")[1:] in ids for tag, a in elements.tags if tag == "a")
    assert all(a["alt"] for tag, a in elements.tags if tag == "img")
    assert all(a["aria-label"] for _, a in elements.tags if "data-figure" in a)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (LayerlabError('Linear "1" gets <3> values'), "Linear &#34;1&#34; gets &lt;3&gt; values."),
        (KeyError("x"), "the network cannot be taken apart (KeyError: &#39;x&#39;)."),
    ],
)
def test_an_anatomy_that_fails_is_said_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def refuse(_model: nn.Module, _size: object) -> None:
        raise error

    monkeypatch.setattr("layerlab.anatomy.dissect", refuse)
    page = a_page(tmp_path)
    assert f"There is no table: {says}" in page
    assert "layerlab train" in page


def test_predictions_of_other_data_are_refused(tmp_path: Path) -> None:
    run, dataset = a_run(tmp_path, ["a", "b"], torch.eye(2), torch.arange(2))
    dataset.test = Images(3)
    with pytest.raises(LayerlabError, match='predictions for 2 test images and "toys" has 3'):
        write_report(run, dataset)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is missing"),
        (b"", "is cut or foreign"),
        (b"\x08\x00\x00", "is cut or foreign"),
        ({"probabilities": torch.eye(2)}, "is cut or foreign .*labels"),
        ({"probabilities": torch.eye(2), "labels": torch.arange(3)}, r"\(2, 2\) and labels \(3,\)"),
        ({"probabilities": torch.zeros(0, 2), "labels": torch.arange(0)}, r"\(0, 2\) and labels \(0,\)"),
    ],
)
def test_predictions_that_cannot_be_read(tmp_path: Path, content: bytes | dict[str, Tensor] | None, says: str) -> None:
    path = tmp_path / "test_predictions.safetensors"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        save_file(content, path)
    with pytest.raises(LayerlabError, match=f"test_predictions.safetensors.*{says}"):
        read_test_predictions(tmp_path)
