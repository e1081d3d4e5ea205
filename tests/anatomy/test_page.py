"""The page of one network as text: what it holds, and that nothing from a model can become more than text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import OrderedDict
from html.parser import HTMLParser
from typing import Any

import pytest
import torchvision
from torch import nn

from layerlab import dissect
from layerlab.anatomy import Anatomy
from layerlab.anatomy.page import LANGUAGES, MODULES, STATIC, TEMPLATES, page_payload, page_script
from layerlab.anatomy.palette import COLORS, EDGES, INK, PAPER
from layerlab.errors import LayerlabError

HOSTILE = [
    "</script><script>hacked = 1</script>",
    "<img src=x onerror='hacked = 2'>",
    '" onclick="hacked = 3',
    "'; hacked = 4; '",
    "{{ 7 * 7 }}",
    "żółw \N{CAT} \N{RIGHT-TO-LEFT OVERRIDE}",
    "$& $1 \\u003c <!--",
    "long" * 50,
]


def hostile() -> Anatomy:
    kind = type("<script>hacked = 5</script>", (nn.Sequential,), {})
    return dissect(kind(OrderedDict((name, nn.Linear(4, 4)) for name in HOSTILE)), (4,))


class Elements(HTMLParser):
    """Start tags with their attributes, and what the scripts hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)


def data_of(page: str) -> dict[str, Any]:
    (text,) = [text for attributes, text in Elements(page).scripts if attributes.get("id") == "data"]
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_only_the_one_script_of_the_policy_runs_and_nothing_is_asked_of_a_network() -> None:
    page = hostile().to_html()
    elements = Elements(page)
    assert [attributes.get("type") for attributes, _ in elements.scripts] == ["application/json", "module"]
    (policy,) = [found["content"] for tag, found in elements.tags if tag == "meta" and "http-equiv" in found]
    digest = base64.b64encode(hashlib.sha256(elements.scripts[1][1].encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}';")
    assert set(re.findall(r"https?://[\w.]+", page)) == {"http://www.w3.org"}
    for tag, attributes in elements.tags:
        assert tag not in {"img", "iframe", "link", "object", "base", "form"}
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcdoc")], (
            tag,
            attributes,
        )


def test_names_from_a_model_come_through_as_they_are() -> None:
    anatomy = hostile()
    known = data_of(anatomy.to_html())
    assert [row["path"] for row in known["layers"]] == ["", *HOSTILE]
    assert known["kind"] == "<script>hacked = 5</script>"
    assert [path for node in known["picture"]["levels"][""]["nodes"] for path in node["paths"]] == HOSTILE


def decoded(known: dict[str, Any], language: str, number: int) -> list[str]:
    """Return the lines of an explanation, as the page's script puts them together."""
    encoded = known["explanations"][language][number]
    pairs = zip(encoded[::2], encoded[1::2], strict=True)
    return ["  " * indent + known["texts"][text] for indent, text in pairs]


def test_every_layer_has_its_arithmetic_in_both_languages() -> None:
    anatomy = dissect(torchvision.models.resnet18(), (3, 64, 64))
    known = page_payload(anatomy)
    for language in LANGUAGES:
        for number, row in enumerate(known["layers"]):
            explanation = anatomy.explain(row["path"], language)
            assert decoded(known, language, number) == [explanation.title, *explanation.lines]
    assert len(known["texts"]) == len(set(known["texts"]))
    assert decoded(known, "en", 1) != decoded(known, "pl", 1)


def test_the_rows_own_figures_add_up_to_the_totals() -> None:
    anatomy = dissect(torchvision.models.resnet18(), (3, 64, 64))
    rows = page_payload(anatomy)["layers"]
    assert len(rows) == 1 + len(anatomy.layers)
    assert sum(row["parameters"][1] for row in rows) == rows[0]["parameters"][0] == anatomy.totals.parameters
    assert sum(row["macs"][1] for row in rows) == rows[0]["macs"][0] == anatomy.totals.macs


def test_a_diagram_that_cannot_be_drawn_leaves_the_page_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_anatomy: Anatomy) -> None:
        raise LayerlabError("the layout of <b> took longer than 60 s")

    monkeypatch.setattr("layerlab.anatomy.picture.picture", refuse)
    known = data_of(dissect(nn.Linear(2, 2), (2,)).to_html())
    assert known["picture"] is None
    assert known["problem"] == "the layout of <b> took longer than 60 s"
    assert len(known["layers"]) == 1


@pytest.mark.parametrize("module", [nn.Linear(2, 2), nn.Identity(), nn.Sequential()])
def test_the_smallest_networks_have_a_page(module: nn.Module) -> None:
    known = data_of(dissect(module, (2,)).to_html())
    assert known["layers"][0]["path"] == ""
    assert known["picture"]["levels"][""]["nodes"]


def test_without_scripts_the_table_is_there() -> None:
    page = dissect(nn.Linear(2, 3), (2,)).to_html()
    inside = page.partition("<noscript>")[2].partition("</noscript>")[0]
    assert "layerlab-anatomy" in inside
    assert ">9<" in inside


@pytest.mark.slow
def test_a_large_network_s_page_is_no_burden() -> None:
    page = dissect(torchvision.models.densenet201(), (3, 224, 224)).to_html()
    assert len(page.encode()) < 3_000_000


def test_the_script_is_all_modules_each_after_those_it_needs() -> None:
    assert {file.name for file in STATIC.glob("*.js")} == {*MODULES, "diagram_types.js"}
    for place, name in enumerate(MODULES):
        needed = re.findall(r'^import .* from "\./(.*)";$', (STATIC / name).read_text("utf-8"), flags=re.M)
        assert set(needed) <= set(MODULES[:place]), name
    script = page_script()
    assert not re.search(r"^(import|export) ", script, flags=re.M)
    assert "</script" not in script
    assert "<!--" not in script


def test_the_languages_have_the_same_words_and_the_scripts_find_theirs() -> None:
    words = json.loads((TEMPLATES / "page_words.json").read_text("utf-8"))
    assert set(words) == set(LANGUAGES)
    places = {language: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in known.items()}
              for language, known in words.items()}  # fmt: skip
    assert places["en"] == places["pl"]
    script = page_script() + (TEMPLATES / "page.html").read_text("utf-8")
    script = script.replace("words.js", "")
    used = set(re.findall(r"\bwords\.(\w+)", script)) | set(re.findall(r'data-word="(\w+)"', script))
    assert used <= set(words["en"])
    assert set(COLORS) <= set(words["en"])


def test_the_page_s_colours_are_the_picture_s() -> None:
    sheet = (STATIC / "diagram.css").read_text("utf-8")
    for family, (fill, border, dark_fill, dark_border) in COLORS.items():
        colours = f"--fill: light-dark({fill}, {dark_fill}); --stroke: light-dark({border}, {dark_border});"
        assert f".family-{family} {{ {colours} }}" in sheet, family
    for kind, (light, dark, width, dashes) in EDGES.items():
        assert f"--diagram-{kind}: light-dark({light}, {dark});" in sheet, kind
        assert f"stroke: var(--diagram-{kind}); stroke-width: {width};" in sheet, kind
        assert not dashes or f"stroke-dasharray: {dashes};" in sheet
    for name, colour in {"paper": PAPER, "ink": INK}.items():
        assert f"--diagram-{name}: light-dark({colour['light']}, {colour['dark']});" in sheet
