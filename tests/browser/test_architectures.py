"""The Architectures tab in a real browser: knobs move the figures, the address restores them, layers are explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.browser.conftest import Studio

OpenPage = Callable[..., "Page"]

pytestmark = pytest.mark.browser

JOINT = "\N{NO-BREAK SPACE}"
START = "/?tab=architectures&model=resnet20"


def figure(page: Page, name: str, part: str = "value") -> str:
    return page.locator(f".architecture-figure[data-figure={name}] .{part}").inner_text()


def until(page: Page, parameters: str) -> None:
    page.locator(".architecture-figure[data-figure=parameters] .exact", has_text=parameters).wait_for()


def opened(open_page: OpenPage, path: str = START, **settings: object) -> Page:
    page = open_page(path, **settings)
    page.locator(".architecture-figure").first.wait_for(timeout=60_000)  # the first visit loads PyTorch
    return page


def test_a_knob_moves_the_figures_and_the_address_brings_them_back(open_page: OpenPage) -> None:
    page = opened(open_page)
    until(page, "269,722")
    assert figure(page, "parameters", "change") == ""
    width = page.locator(".knob[data-knob=width]")
    for value in ("0.75", "0.5"):
        width.locator("input[type=range]").fill(value)
    until(page, "68,050")
    assert figure(page, "parameters", "change") == f"−202{JOINT}k (−75{JOINT}%)", (
        "against what was before the slider moved"
    )
    assert page.url.endswith("&width=0.5")
    page.get_by_role("button", name="Pin, to compare").click()
    page.locator(".knob[data-knob=skip] input").uncheck()
    page.locator(".architecture-title", has_text="skip=false").wait_for()
    assert figure(page, "parameters", "compared") == f"×1 of 68.1{JOINT}k"
    page.go_back()
    page.go_back()
    page.go_back()
    until(page, "269,722")
    assert width.locator(".knob-number").input_value() == "1"
    page.go_forward()
    until(page, "68,050")

    page.locator(".knob[data-knob=depth] .knob-number").fill("21")
    page.keyboard.press("Enter")
    sentence = page.locator(".knob[data-knob=depth] .problem")
    sentence.wait_for()
    assert sentence.inner_text() == "depth must be 6n + 2, not 21; the nearest that is: 20"
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser's own line about the status 422
    page.locator(".knob[data-knob=depth] .knob-number").fill("32")
    page.keyboard.press("Enter")
    page.locator(".architecture-title", has_text="depth=32").wait_for()
    assert sentence.is_hidden()


def test_a_block_opens_and_a_layer_is_explained_in_both_languages(open_page: OpenPage) -> None:
    page = opened(open_page, START + "&layer=conv1", viewport={"width": 900, "height": 800})
    page.locator(".explained li", has_text="parameters = 3*3*3*16 = 432").wait_for()
    items = page.locator(".diagram .item")
    items.first.wait_for()
    before = items.count()
    block = page.locator(".diagram .item[aria-expanded=false]").first
    block.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("before => document.querySelectorAll('.diagram .item').length > before", arg=before)
    assert "architectures." not in page.locator(".architectures").inner_text(), "a text is missing"
    page.get_by_role("button", name="PL", exact=True).click()
    page.locator(".explained li", has_text="parametry = ").first.wait_for()
    assert figure(page, "parameters", "exact") == f"269{JOINT}722"
    assert "architectures." not in page.locator(".architectures").inner_text()
    assert page.locator(".knob[data-knob=width] .knob-name").inner_text().startswith("Szerokość")
    page.get_by_role("button", name="Tabela").click()
    page.locator(".layer-table .linklike", has_text="linear").first.or_(page.locator(".linklike").last).click()
    page.locator(".layer-table tr.selected").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    assert "view=table" in page.url
    page.get_by_role("button", name="W skali", exact=True).click()
    page.wait_for_function("() => document.querySelector('.scale-picture')?.naturalWidth > 0")
    with page.expect_download() as kept:
        page.locator("[data-form=json]").click()
    assert kept.value.suggested_filename == "resnet20.json"


def test_the_zoo_is_searched_and_walked_by_keyboard(open_page: OpenPage) -> None:
    page = opened(open_page)
    page.locator(".diagram .item").first.wait_for()
    shown = page.locator(".zoo-model:visible")
    everything = shown.count()
    page.get_by_label("Search: name, author, year").fill("howard 2017")
    assert 0 < shown.count() < everything
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".architecture-title strong", has_text="mobilenet_v1_0").wait_for()
    assert "model=mobilenet_v1_0" in page.url
    page.get_by_label("Search: name, author, year").fill("nobody")
    page.get_by_text("No network is called so.").wait_for()


@pytest.mark.slow
def test_keras_text_is_read_as_it_is_typed_and_stands_in_the_link(open_page: OpenPage) -> None:
    page = opened(open_page)
    page.get_by_role("button", name="Keras text").click()
    until(page, "146,058")
    area = page.locator(".keras-text")
    area.fill(area.input_value().replace("Dense(512", "Dense(256"))
    until(page, "110,474")
    link = page.url
    assert "#keras=" in link
    assert page.locator(".sharing .line").first.inner_text() == "layerlab dissect network.py --input 1x28x28"
    good = area.input_value()
    area.fill("layers.Dens(3)")
    page.locator("#keras-problem", has_text="Dens").wait_for()
    page.complaints.clear()  # type: ignore[attr-defined]
    area.fill(good)
    page.locator("#keras-problem").wait_for(state="hidden")
    page.locator(".tabs a[data-tab=playground]").click()
    assert page.evaluate("location.hash") == "", "the text is no link of the playground"
    page.locator(".big-map, .network").first.wait_for()
    page.wait_for_function("() => location.hash !== ''")
    assert "keras" not in page.url
    hash_of_the_playground = page.evaluate("location.hash")
    page.locator(".tabs a[data-tab=architectures]").click()
    page.locator(".architectures").wait_for()
    page.wait_for_function("() => location.hash.startsWith('#keras=')")
    page.locator(".tabs a[data-tab=playground]").click()
    assert page.evaluate("location.hash") == hash_of_the_playground, "each tab has its own"
    page.go_back()
    page.wait_for_timeout(300)
    assert "#keras=" in page.url, "the playground leaves another tab's address alone"
    again = opened(open_page, link[link.index("/?") :])
    until(again, "110,474")


def test_the_address_and_the_questions(chromium: Browser, studio: Studio) -> None:
    page = chromium.new_page()
    page.goto(f"{studio.address}/favicon.svg")
    told = page.evaluate(
        """async () => {
      const { readAddress, writeAddress, readSize, readPin, writePin } = await import('/architectures/state.js');
      const control = (name, kind, fallback, choices = []) => ({ name, kind, default: fallback, choices });
      const norm = control('norm', 'choice', 'batch', ['batch', null]);
      const controls = [control('width', 'real', 1), control('skip', 'switch', true), norm];
      const find = (name) => (name === 'resnet20' ? { name, controls } : undefined);
      const read = (search, hash = '') => readAddress(search, hash, find);
      const full = read('?tab=architectures&model=resnet20&width=0.5&skip=false&norm=null&input=3x32x40'
        + '&view=table&layer=a.b&pin=resnet20:width=2@1x2x3');
      const [search, hash] = writeAddress({ ...full, keras: 'a = "ł & #"\\n+%' }).split('#');
      const { asker } = await import('/architectures/api.js');
      const sent = [];
      window.fetch = async (_, { body }) => {
        sent.push(JSON.parse(body).n);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { ok: true, json: async () => ({ n: JSON.parse(body).n }) };
      };
      const ask = asker('numbers');
      const answered = [];
      for (let n = 0; n < 5; n += 1) void ask({ n }).then((answer) => answered.push(answer.n));
      await new Promise((resolve) => setTimeout(resolve, 120));
      return {
        full, again: read(writeAddress(full)), text: read(search, `#${hash}`).keras, sent, answered,
        sizes: ['3x32x32', '3 × 32 × 32', '1, 28, 28', '50 16', '3x', '0x3', '1x2x3x4x5', 'x'].map(readSize),
        pin: readPin(full.pin, find), written: writePin(full),
        strange: read('?model=nothing&width=1').model,
        long: writeAddress({ ...full, keras: 'x'.repeat(7000) }).includes('#'),
      };
    }"""
    )
    page.close()
    assert told["full"]["knobs"] == {"width": 0.5, "skip": False, "norm": None}
    assert told["full"] == told["again"]
    assert told["text"] == 'a = "ł & #"\n+%'
    assert (told["sent"], told["answered"]) == ([0, 4], [4]), "one at a time, and the newest answer only"
    assert told["sizes"] == [[3, 32, 32], [3, 32, 32], [1, 28, 28], [50, 16], None, None, None, None]
    assert told["pin"] == {"model": "resnet20", "keras": None, "knobs": {"width": 2}, "input": [1, 2, 3]}
    assert told["written"] == "resnet20:width=0.5,skip=false,norm=null@3x32x40"
    assert (told["strange"], told["long"]) == ("nothing", False)
