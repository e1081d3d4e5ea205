"""The page's modules that need no page: links, frames, curves, colours, axes, each called in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.browser.conftest import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def modules(chromium: Browser, studio: Studio) -> Iterator[Page]:
    """A bare page of the studio, to import its modules into."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{studio.address}/favicon.svg")
    yield page
    context.close()


@pytest.mark.parametrize(
    ("link", "display", "expected"),
    [
        ("a=1&b=2", {"showTestData": "true"}, "a=1&b=2&showTestData=true"),
        ("a=1&showTestData=true&b=2", {"showTestData": "false"}, "a=1&b=2&showTestData=false"),
        ("a=1&noise_hide=true", {"noise_hide": ""}, "a=1"),
        ("", {"x y_hide": "<&>"}, "x%20y_hide=%3C%26%3E"),
    ],
)
def test_display_keys_are_set_in_a_link(modules: Page, link: str, display: dict[str, str], expected: str) -> None:
    call = "async ([link, display]) => (await import('/playground/link.js')).withDisplay(link, display)"
    assert modules.evaluate(call, [link, display]) == expected


def test_any_word_but_false_is_true(modules: Page) -> None:
    call = """async () => {
      const { isOn } = await import('/playground/link.js');
      return ['true', 'false', '', 'no', '0'].map((value) => isOn({ key: value }, 'key')).concat(isOn({}, 'toString'));
    }"""
    assert modules.evaluate(call) == [True, False, False, True, True, False]


def test_a_frame_is_read_as_it_was_written(modules: Page) -> None:
    import numpy as np

    from layerlab.studio.frames import pack

    arrays = {
        "bytes": np.arange(7, dtype=np.uint8),
        "halves": np.arange(6, dtype=np.float32).reshape(2, 3) / 2,
        "losses": np.array([[0, 0.5, 1e-300]]),
    }
    call = """async (bytes) => {
      const { decode } = await import('/frames.js');
      const frame = decode(Uint8Array.from(bytes).buffer);
      const arrays = Object.entries(frame.arrays).map(([name, array]) => [name, Array.from(array)]);
      return { ...frame, arrays: Object.fromEntries(arrays) };
    }"""
    read = modules.evaluate(call, list(pack({"kind": "frame", "epoch": 3}, arrays)))
    assert (read["kind"], read["epoch"]) == ("frame", 3)
    for name, array in arrays.items():
        assert read["shapes"][name] == list(array.shape)
        assert read["arrays"][name] == array.ravel().tolist()


def test_losses_are_appended_where_the_frame_says(modules: Page) -> None:
    call = """async () => {
      const { store } = await import('/store.js');
      const frame = (from, losses) =>
        store.takeFrame({ kind: 'frame', losses_from: from, arrays: { losses }, shapes: {} });
      frame(0, [0, 0.5, 0.6, 1, 0.4, 0.5]);
      frame(2, [2, 0.3, 0.4]);
      frame(3, []);
      const grown = structuredClone(store.losses);
      frame(1, [1, 0.2, 0.3]);
      return [grown, store.losses];
    }"""
    grown, replaced = modules.evaluate(call)
    assert grown == {"epoch": [0, 1, 2], "train": [0.5, 0.4, 0.3], "test": [0.6, 0.5, 0.4]}
    assert replaced == {"epoch": [0, 1], "train": [0.5, 0.2], "test": [0.6, 0.3]}


def test_a_scale_shows_signs_and_zero_apart(modules: Page) -> None:
    call = """async () => {
      const colours = await import('/colours.js');
      return colours.SCALES.flatMap((scale) => ['light', 'dark'].map((theme) => {
        colours.setTheme(theme);
        colours.setScale(scale);
        const table = Array.from(colours.lookup());
        const part = (pixel, at) => (pixel >> at) & 255;
        const light = (pixel) => 0.2126 * part(pixel, 0) + 0.7152 * part(pixel, 8) + 0.0722 * part(pixel, 16);
        return { distinct: new Set(table).size, ends: [light(table[0]), light(table[128]), light(table[255])] };
      }));
    }"""
    for scale in modules.evaluate(call):
        assert scale["distinct"] > 200
        low, middle, high = scale["ends"]
        assert min(abs(low - middle), abs(high - middle)) > 60, "the ends stand out from the middle"


def test_ticks_are_round_numbers_within_the_ends(modules: Page) -> None:
    call = """async () => {
      const { linearTicks, logarithmicTicks } = await import('/playground/axes.js');
      return [linearTicks(0, 0.53, 4), linearTicks(0, 1, 4), logarithmicTicks(0.0008, 2), logarithmicTicks(0.3, 0.7),
              logarithmicTicks(0.3, 0.45), logarithmicTicks(1e-12, 1)];
    }"""
    assert modules.evaluate(call) == [
        [0, 0.2, 0.4], [0, 0.5, 1], [0.001, 0.01, 0.1, 1], [0.4, 0.6], [0.3, 0.4],
        [1e-12, 1e-9, 1e-6, 1e-3, 1],
    ]  # fmt: skip
