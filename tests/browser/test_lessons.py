"""The guided lessons in a real browser: one walked whole in each language, and what survives on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

SMALL = 12
"""Pixels: no text of a figure is smaller on the screen."""


def open_lessons(page: Page) -> None:
    page.locator("#panel-tab-lessons").click()
    page.locator(".learn-card").first.wait_for()


def run_lesson(page: Page, name: str, choice: str, seeds: int = 6) -> None:
    page.locator(f"[data-lesson={name}]").click()
    assert page.locator(".learn-run").is_disabled(), "nothing runs before a prediction"
    page.locator(".learn-field input[name=seeds]").fill(str(seeds))
    page.locator(f".learn-choices input[value={choice}]").check()
    page.locator(".learn-run").click()
    page.locator("#learn-step-result").wait_for(timeout=60_000)


@pytest.mark.parametrize(
    ("language", "question", "verdict", "held"),
    [
        (
            "en-US",
            "More neurons in a layer, or more layers?",
            r"for \d+ of 6 seeds|6 seeds can show",
            "You predicted “the deep one”",
        ),
        pytest.param(
            *("pl-PL", "Co jest bardziej korzystne", r"dla \d+ z 6 ziaren|liczba: 6"),
            "Twoje przewidywanie: „głęboka”",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_lesson_walked_whole(open_page: OpenPage, language: str, question: str, verdict: str, held: str) -> None:
    page = open_page("/", locale=language)
    open_lessons(page)
    assert page.locator(".learn-card").count() == 6
    run_lesson(page, "depth", "deeper")
    assert question in page.locator(".learn-title").inner_text()
    assert re.search(verdict, page.locator(".learn-verdict").inner_text())
    assert page.locator(".learn-held").inner_text().startswith(held)
    assert "networkShape=5,5,5,5" in page.evaluate("decodeURIComponent(location.hash)"), (
        "the playground has the network"
    )
    assert page.locator(".learn-strip").first.locator(".learn-seed").count() == 4 * 6, "one dot for each seed"
    assert page.locator(".learn-curves .learn-band").count() == 4
    assert page.locator(".learn-table tbody tr").count() == 4
    text = page.locator(".learn").inner_text()
    assert not re.search(r"learn\.|\{\w+\}|NaN|undefined|null", text), text
    page.locator(".learn-table button").first.click()
    page.wait_for_function("() => decodeURIComponent(location.hash).includes('networkShape=28&')")
    page.locator(".learn-following").click()
    assert page.locator(".learn-step-result").count() == 0, "the next question has not been run"


@pytest.mark.slow
def test_the_own_run_stands_beside_its_seeds(open_page: OpenPage) -> None:
    page = open_page("/")
    open_lessons(page)
    run_lesson(page, "rate", "middle")
    page.wait_for_function(
        "() => document.querySelector('.learn-live')?.textContent.includes('epoch 60')", timeout=60_000
    )


def test_numbers_without_a_figure_have_words(open_page: OpenPage) -> None:
    """In the spiral no activation reaches the target: dots are absent, and that is said."""
    page = open_page("/")
    open_lessons(page)
    page.locator("[data-lesson=rate]").click()
    page.locator("select[name=dataset]").select_option("spiral")
    page.locator(".learn-choices input[value=middle]").check()
    page.locator(".learn-run").click()
    page.locator("#learn-step-result").wait_for(timeout=60_000)
    assert "never: 16" in page.locator(".learn-strip").last.inner_text()


def test_a_lesson_survives_tabs_languages_and_a_reload(open_page: OpenPage) -> None:
    page = open_page("/")
    open_lessons(page)
    run_lesson(page, "changes", "noise")
    english = page.locator(".learn-verdict").inner_text()
    page.locator("#panel-tab-code").click()
    page.locator("#panel-tab-lessons").click()
    assert page.locator(".learn-verdict").inner_text() == english
    page.reload()
    page.locator(".learn-verdict").wait_for()
    assert page.locator(".learn-verdict").inner_text() == english
    page.evaluate("import('/locale.js').then((it) => it.setLanguage('pl'))")
    page.wait_for_function("() => document.querySelector('.learn-title').textContent.startsWith('Co się stanie')")
    assert page.locator(".learn-verdict").inner_text() != english


def test_try_next_asks_again_with_other_seeds(open_page: OpenPage) -> None:
    page = open_page("/")
    open_lessons(page)
    run_lesson(page, "features", "several")
    assert "Seeds 0 to 5" in page.locator(".learn").inner_text()
    page.locator(".learn-next button").nth(1).click()
    page.wait_for_function("() => document.querySelector('.learn').innerText.includes('Seeds 6 to 11')")


def test_a_lesson_can_be_stopped(open_page: OpenPage) -> None:
    page = open_page("/")
    open_lessons(page)
    page.locator("[data-lesson=capacity]").click()
    page.locator(".learn-field input[name=seeds]").fill("30")
    page.locator(".learn-choices input").first.check()
    # The lesson takes less than a second, so that the button is pressed as soon as it is there.
    page.evaluate(
        """() => new MutationObserver((_, observer) => {
            const stop = document.querySelector(".learn-stop");
            if (stop) { observer.disconnect(); stop.click(); }
        }).observe(document.body, { childList: true, subtree: true })"""
    )
    page.locator(".learn-run").click()
    page.locator(".learn-failure").wait_for()
    assert page.locator(".learn-failure").inner_text() == "The lesson was stopped; nothing was measured."
    assert page.locator(".learn-step-result").count() == 0


@pytest.mark.parametrize("width", [900, pytest.param(1280, marks=pytest.mark.slow)])
def test_figures_are_readable_and_nothing_overflows(open_page: OpenPage, width: int) -> None:
    page = open_page("/", viewport={"width": width, "height": 900}, color_scheme="dark")
    open_lessons(page)
    run_lesson(page, "capacity", "larger")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('.learn-chart')].map((chart) =>
            parseFloat(getComputedStyle(chart).fontSize) * chart.clientWidth / chart.viewBox.baseVal.width)"""
    )
    assert len(sizes) == 3
    assert min(sizes) >= SMALL
