"""The report of an answer in a real Chromium: every figure is drawn, in both schemes, narrow and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab_answers import EVERY, several

from layerlab.lab.report import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

SLOW = pytest.mark.slow
KINDS = ["several", *(pytest.param(kind, marks=SLOW) for kind in ("sets", "grid", "range", "turns", "pairs"))]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_is_drawn_and_fits(kind: str, chromium: Browser, tmp_path: Path) -> None:
    path = write_report(several() if kind == "several" else EVERY[kind](), tmp_path / "report.html", "pl")
    page = chromium.new_page(viewport={"width": 900, "height": 800}, color_scheme="light")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else said.append(asked.url))
    page.goto(path.as_uri())
    charts = page.locator("[data-figure]").count()
    page.locator("[data-figure] .main-svg").nth(charts - 1).wait_for(state="attached")
    drawn = "[...document.querySelectorAll('[data-figure]')].every((one) => one.querySelector('.main-svg'))"
    assert page.evaluate(drawn)
    assert page.evaluate("document.documentElement.scrollWidth") == 900
    if kind == "several":
        colour = "document.querySelector('[data-figure]').data.find((one) => one.meta.role === 'series-0').marker.color"
        light = page.evaluate(colour)
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(300)
        assert page.evaluate(colour) != light
        page.emulate_media(media="print", color_scheme="dark")
        page.wait_for_timeout(300)
        assert page.evaluate(colour) == light
    assert said == []
    page.close()
