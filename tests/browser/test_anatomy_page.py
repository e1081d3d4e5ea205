"""The page of one network in a real Chromium: from a file, by mouse and by keyboard, in both languages, on paper."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from layerlab import dissect
from layerlab.anatomy import Anatomy
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

HOSTILE = ["</script><script>hacked = 1</script>", "<img src=x onerror='hacked = 2'>", '"\' onclick="hacked = 3',
           "żółw \N{CAT} $& {title}", "long" * 50]  # fmt: skip


class Evil(nn.Module):
    """Foreign names everywhere, and a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        for place, name in enumerate(HOSTILE):
            self.add_module(name, nn.Sequential(OrderedDict({name: nn.Linear(4, 4), "end": nn.ReLU()})))
            if place == 1:
                self.add_module("idle", nn.Linear(2, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for place, name in enumerate(HOSTILE):
            x = torch.relu(x) if place % 2 else x
            x = self.get_submodule(name)(x)
        return x


Open = Any


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens a network's page; nothing was asked of a network and nothing went wrong."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def show(made: Anatomy | Path, address: str = "", **settings: Any) -> Page:
        file = tmp_path / "page.html" if isinstance(made, Anatomy) else made
        if isinstance(made, Anatomy):
            file.write_text(made.to_html(), "utf-8")
        given = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = chromium.new_context(**{**given, **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith("file:") else said.append(asked.url))
        page.goto(file.as_uri() + address)
        return page

    yield show
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.hacked") is None
        context.close()
    assert said == []


@pytest.fixture(scope="module")
def resnet() -> Anatomy:
    import torchvision

    with torch.device("meta"):
        return dissect(torchvision.models.resnet18(), (3, 224, 224))


@pytest.fixture(scope="module")
def page_of_resnet(resnet: Anatomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "resnet 18 ż.html"
    file.write_text(resnet.to_html(), "utf-8")
    return file


def test_diagram_panel_and_table_follow_each_other(opened: Open, resnet: Anatomy, page_of_resnet: Path) -> None:
    page = opened(page_of_resnet)
    page.locator("[data-place='/module:layer1#0'] .box").click()
    assert "layer1" in page.locator("#panel h3").inner_text()
    assert page.locator("tr[aria-selected=true]").get_attribute("title") == "layer1"
    page.locator("tr[title='layer2.0.conv1']").dispatch_event("click")
    chosen = page.locator("[data-place][aria-selected=true]")
    assert chosen.get_attribute("data-place") == "/module:layer2#0/module:layer2.0#0/module:layer2.0.conv1#0"
    expected = resnet.explain("layer2.0.conv1")
    assert page.locator("#panel h3").inner_text() == " ".join(expected.title.split())
    lines = page.locator("#panel .arithmetic li").all_inner_texts()
    assert lines == [line.strip() for line in expected.lines]
    assert page.url.endswith("#layer=layer2.0.conv1")
    seen = chosen.locator(".box").bounding_box()
    assert seen is not None
    assert 0 <= seen["y"] <= 900 - seen["height"]  # on the screen, and not merely in a frame that is longer than it
    page.locator("#panel .way button", has_text="layer2").click()
    assert page.locator("tr[aria-selected=true]").get_attribute("title") == "layer2"


SIZES = """[...document.querySelectorAll('.item > .box')].map((box) =>
  ['x', 'y', 'width', 'height'].map((name) => box.getAttribute(name)))"""


def test_a_block_that_moves_as_it_opens_ends_where_it_would_at_once(opened: Open, page_of_resnet: Path) -> None:
    at_once, slowly = (opened(page_of_resnet, reduced_motion=motion) for motion in ("reduce", "no-preference"))
    for page in (at_once, slowly):
        page.locator("[data-place='/module:layer1#0'] .box").click()
    expected = at_once.evaluate(SIZES)
    slowly.wait_for_timeout(400)
    assert slowly.evaluate(SIZES) == expected
    # What was there already sets out from where it stood.
    closing = f"(document.querySelector('#close-all').click(), {SIZES})"
    there, closed = at_once.evaluate(closing), slowly.evaluate(closing)
    assert closed[-1] != there[-1]
    slowly.wait_for_timeout(400)
    assert slowly.evaluate(SIZES) == there


def test_an_operation_is_no_layer_and_says_so(opened: Open, page_of_resnet: Path) -> None:
    page = opened(page_of_resnet, "#layer=layer2.0.conv1")
    assert page.locator("#panel h3").inner_text().endswith("layer2.0.conv1: Conv2d")  # the address chose it
    page.locator("[data-place*='layer2.0#0/operation:'] .box").first.click()
    assert "not a layer" in page.locator("#panel").inner_text()
    assert page.locator("#panel [aria-current]").inner_text() == "0"


def test_a_search_leaves_what_matches_and_enter_goes_there(opened: Open, page_of_resnet: Path) -> None:
    page = opened(page_of_resnet)
    page.locator("#search").fill("downsample.0")
    assert page.locator("tr.hit").count() == 3
    assert page.locator("#found").inner_text() == "3 found"
    shown = page.locator("tbody tr:visible").evaluate_all("(rows) => rows.map((row) => row.title)")
    assert [path for path in shown if path.endswith("downsample.0")] == [
        f"layer{number}.0.downsample.0" for number in (2, 3, 4)
    ]
    assert "conv1" not in shown
    page.keyboard.press("Enter")
    assert "layer2.0.downsample.0" in page.locator("#panel h3").inner_text()
    page.locator("#search").press("Escape")
    assert page.locator("#found").inner_text() == ""


def test_rows_that_are_open_keep_only_their_own_so_that_columns_add_up(
    opened: Open, resnet: Anatomy, page_of_resnet: Path
) -> None:
    page = opened(page_of_resnet)

    def parameters() -> int:
        cells = page.locator("tbody tr:visible td:nth-of-type(4)").all_inner_texts()
        return sum(int(cell.replace(",", "")) for cell in cells if cell != "-")

    assert parameters() == resnet.totals.parameters
    row = page.locator("tr[title='layer3']")
    for key in ("ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft"):
        row.press(key)
        assert parameters() == resnet.totals.parameters
    assert page.locator("tfoot td:nth-of-type(4)").inner_text() == f"{resnet.totals.parameters:,}"


def test_polish_and_the_colours_are_chosen_and_remembered(opened: Open, resnet: Anatomy, page_of_resnet: Path) -> None:
    page = opened(page_of_resnet, "#layer=conv1", color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#choose-language").select_option("pl")
    assert page.locator("#table-title").inner_text() == "Warstwy"
    polish = resnet.explain("conv1", "pl")
    assert page.locator("#panel .arithmetic li").all_inner_texts() == [line.strip() for line in polish.lines]
    label = page.locator("[data-place='/module:layer1#0']").get_attribute("aria-label")
    assert "parametry: 147" in label
    page.locator("#choose-theme").select_option("dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.locator("html").get_attribute("lang") == "pl"
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_hostile_names_are_letters(opened: Open) -> None:
    page = opened(dissect(Evil(), (4,)))
    titles = page.locator("tbody tr").evaluate_all("(rows) => rows.map((row) => row.title)")
    assert [title for title in titles if "." not in title][1:] == [*HOSTILE[:2], "idle", *HOSTILE[2:]]
    for key in (f"{name}.{name}" for name in HOSTILE):
        page.locator("tbody tr").evaluate_all("(rows, key) => rows.find((row) => row.title === key).click()", key)
        assert page.locator("#panel h3").inner_text().endswith(f"{key}: Linear")
        assert page.locator("[data-place][aria-selected=true]").count() == 1
    assert page.locator("main script, main img, main b").count() == 0


def test_nothing_overflows_sideways(opened: Open, page_of_resnet: Path) -> None:
    long = HOSTILE[-1]
    for page in (
        opened(page_of_resnet, "#layer=layer2.0.conv1"),
        opened(dissect(Evil(), (4,)), f"#layer={long}.{long}"),
    ):
        assert page.locator("#panel h3").inner_text()
        for width in (360, 900, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(
                "(() => { const it = document.querySelector('.panel'); return it.scrollWidth <= it.clientWidth; })()"
            )


def test_no_diagram_is_said_and_paper_has_it_whole(
    opened: Open, page_of_resnet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(page_of_resnet)
    page.locator("[data-place='/module:layer1#0'] .box").click()
    page.emulate_media(media="print")
    overflow = "getComputedStyle(document.querySelector('.diagram-frame')).overflow"
    assert page.evaluate(overflow) == "visible"
    assert page.locator("[data-place]").last.is_visible()
    assert len(page.pdf(format="A4")) > 10_000

    def refuse(_anatomy: Anatomy) -> None:
        raise LayerlabError("the layout of <b> took too long")

    monkeypatch.setattr("layerlab.anatomy.picture.picture", refuse)
    page = opened(dissect(nn.Linear(2, 2), (2,)))
    assert page.locator("#mount").inner_text() == "There is no diagram: the layout of <b> took too long"
    assert page.locator("tbody tr").count() == 1
