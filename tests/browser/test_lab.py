"""The Lab tab in a real browser: a question is chosen, its runs arrive, the answer is read, a run opens in the
playground; two pages watch one run; what is stopped goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

OpenPage = Callable[..., "Page"]

pytestmark = pytest.mark.browser

OWN = "/?tab=lab&vary=depth:1,2&tune=learning_rate:0.03,0.1"
PATIENCE = 120_000


def question(page: Page, name: str) -> None:
    page.locator(f".lab-question[data-question={name}]").click()


def run(page: Page) -> None:
    page.locator(".lab-run:enabled").click(timeout=PATIENCE)


def answered(page: Page) -> str:
    page.locator(".lab-headline").wait_for(timeout=PATIENCE)
    return page.locator(".lab-headline").inner_text()


def test_from_a_question_to_its_answer_and_into_the_playground(open_page: OpenPage) -> None:
    page = open_page("/?tab=lab")
    page.get_by_role("heading", name="Ask, and have it measured").wait_for()
    question(page, "deeper-or-wider")
    page.locator(".lab-figure[data-figure=trainings]").wait_for()
    page.locator(".lab-tasks input[value=xor]").uncheck()
    for task in ("spiral", "checkerboard"):
        if page.locator(f".lab-tasks input[value={task}]").count():
            page.locator(f".lab-tasks input[value={task}]").uncheck()
    page.locator(".lab-seeds input").fill("3")
    page.locator(".lab-seeds input").press("Enter")
    page.get_by_text("exploratory: too few seeds to decide").wait_for()
    assert page.url.endswith("?tab=lab&question=deeper-or-wider&on=circle&seeds=3")
    page.get_by_text("What will be run").click()
    assert page.locator(".lab-design").get_by_role("rowheader", name="2 hidden layers").count() > 0

    run(page)
    page.locator(".lab-phases [aria-current]").wait_for(timeout=PATIENCE)
    english = answered(page)
    assert english.endswith("(3 seeds).")
    assert page.locator(".lab-run").is_hidden()
    page.locator(".lab-plot .main-svg").first.wait_for(timeout=PATIENCE)
    assert page.locator(".lab-caveats li", has_text="Under six seeds nothing can be decided").count() == 1
    with page.expect_download() as kept:
        page.get_by_role("link", name="Answer (JSON)").click()
    told = json.loads(kept.value.path().read_text())
    assert kept.value.suggested_filename == f"deeper-or-wider-{told['design_hash'][:8]}.json"
    points = page.locator(".lab-point")
    first = [point for point in told["points"] if point["comparison"] == told["findings"][0]["comparison"]]
    assert points.count() == len(first)

    page.get_by_role("button", name="PL", exact=True).click()
    page.locator(".lab-headline", has_text="liczba ziaren").or_(
        page.locator(".lab-headline", has_text="ziarn")
    ).wait_for()
    assert page.locator(".lab-headline").inner_text() != english
    page.get_by_role("button", name="EN", exact=True).click()
    page.locator(".lab-headline", has_text=english).wait_for()
    page.reload()
    assert answered(page) == english

    points.first.focus()
    page.keyboard.press("ArrowDown")
    key = page.evaluate("document.activeElement.dataset.key")
    assert key == points.nth(3).get_attribute("data-key"), "one arm further down"
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Open in the playground").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Open in the playground"
    page.keyboard.press("Enter")
    page.locator(".network canvas").first.wait_for()
    assert "seed=test-" in page.url
    assert "tab=lab" not in page.url
    page.go_back()
    page.locator(".lab-headline", has_text=english).wait_for()


@pytest.mark.slow
def test_two_pages_watch_one_run_that_is_stopped_and_goes_on(open_page: OpenPage) -> None:
    path = f"{OWN}&hold=epochs:3000&on=circle&seeds=8"
    first, second = open_page(path), open_page(path)
    run(first)
    second.locator(".lab-stop").wait_for(timeout=PATIENCE)
    second.locator(".lab-phases [aria-current]").wait_for(timeout=PATIENCE)
    first.reload()
    first.locator(".lab-stop").click(timeout=PATIENCE)
    for page in (first, second):
        page.get_by_text("Stopped. All that was trained is kept.").wait_for(timeout=PATIENCE)
        assert page.locator(".lab-run").inner_text() == "Go on"
    run(second)
    assert answered(first) == answered(second)


def test_a_question_of_ones_own_is_composed_and_mistakes_are_told(open_page: OpenPage) -> None:
    page = open_page("/?tab=lab")
    page.get_by_role("button", name="A question of your own").click()
    levels = page.locator("[data-part=vary-levels-0]")
    levels.wait_for()
    assert levels.input_value() == "1, 2, 4"
    levels.fill("1, 99")
    levels.press("Enter")
    page.locator(".lab-asking .failure", has_text="depth 99 is out of range").wait_for()
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser's own line about the status 422
    assert page.locator(".lab-run").is_disabled()
    page.locator("[data-part=vary-factor-0]").select_option("activation")
    page.locator("[data-part=vary-levels-0]").fill("relu, tanh")
    page.locator("[data-part=vary-levels-0]").press("Enter")
    page.locator(".lab-run:enabled").wait_for()
    page.locator("[data-part=vary-add]").click()
    page.locator("[data-part=vary-factor-1]").wait_for()
    page.get_by_role("button", name="Leave this factor out").nth(1).click()
    page.locator(".lab-options select").select_option(label="small networks on images")
    page.locator(".lab-figure[data-figure=trainings]").wait_for(timeout=PATIENCE)
    assert re.search(r"vary=activation:relu,tanh.*on=digits", page.url)
    page.complaints[:] = [one for one in page.complaints if "422" not in one]  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [400, 900])
def test_nothing_is_wider_than_a_phone(open_page: OpenPage, width: int) -> None:
    page = open_page("/?tab=lab&question=deeper-or-wider", viewport={"width": width, "height": 800})
    page.locator(".lab-figure[data-figure=trainings]").wait_for(timeout=PATIENCE)
    assert page.locator(".lab-choosing").get_attribute("open") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= width
