"""The report in a real Chromium, from a file: hostile names, both schemes, wide and narrow, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from layerlab.training.report import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

pytestmark = pytest.mark.browser

both_schemes = pytest.mark.parametrize("page", ["light", pytest.param("dark", marks=pytest.mark.slow)], indirect=True)

HOSTILE = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 2">',
    "</script><script>window.hacked = 3</script>",
    "<b>bold</b> <a href='javascript:window.hacked = 4'>x</a>",
    "\N{CAT} %{x} & co",
    "'; window.hacked = 5; '",
    "{{ 7 * 7 }}",
    "\N{RIGHT-TO-LEFT OVERRIDE}backwards",
    "$\\alpha$",
    "long " * 40,
]


class Noise:
    """A test part of 300 grey images."""

    def __len__(self) -> int:
        return 300

    def images(self, indices: list[int]) -> torch.Tensor:
        return torch.randint(0, 256, (len(indices), 1, 28, 28), dtype=torch.uint8)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of ten classes with the names above, 26 mistakes in 300 images."""
    folder = tmp_path_factory.mktemp("run")
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (300,), generator=generator)
    guesses = torch.where(torch.arange(300) < 26, (labels + 1) % 10, labels)
    probabilities = (4 * nn.functional.one_hot(guesses, 10) + torch.rand(300, 10, generator=generator)).softmax(1)
    save_file({"probabilities": probabilities, "labels": labels}, folder / "test_predictions.safetensors")
    run: Any = SimpleNamespace(
        path=folder,
        model=nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        history=[
            {
                "epoch": epoch,
                "train_loss": 1 / epoch,
                "val_loss": 1.1 / epoch,
                "train_accuracy": 1 - 0.5 / epoch,
                "val_accuracy": 1 - 0.6 / epoch,
                "learning_rate": 1e-3 / epoch,
            }
            for epoch in range(1, 6)
        ],
        metrics={"test_loss": 0.3, "seconds": 12.0},
        classes=HOSTILE,
        config={
            "model": {"name": HOSTILE[0]},
            "command": f"layerlab train {HOSTILE[1]}",
            "versions": {"torch": HOSTILE[2]},
        },
    )
    dataset: Any = SimpleNamespace(name=HOSTILE[2], shape=(1, 28, 28), test=Noise())
    return write_report(run, dataset)


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Browser, report: Path) -> Iterator[Page]:
    """The report, opened; when the test is over nothing was asked of a network and the console is empty."""
    context = chromium.new_context(
        viewport={"width": 900, "height": 800}, color_scheme=getattr(request, "param", "light")
    )
    page = context.new_page()
    said: list[str] = []

    def note_and_dismiss(dialog: Dialog) -> None:
        said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("dialog", note_and_dismiss)
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else said.append(asked.url))
    page.goto(report.as_uri())
    wait_until(page, "document.querySelectorAll('[data-figure] .main-svg').length >= 4")
    yield page
    assert said == []
    assert page.evaluate("window.hacked") is None
    context.close()


def wait_until(page: Page, expression: str) -> None:
    """Wait for an expression; Playwright's own way evaluates text in the page, which its policy forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true in 5 s: {expression}")


def width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


def heat_colour(page: Page) -> str:
    return str(page.evaluate("document.querySelector('[data-figure=confusion]').data[0].colorscale[1][1]"))


def line_colour(page: Page) -> str:
    return str(page.evaluate("document.querySelector('[data-figure=loss]').data[1].line.color"))


@both_schemes
def test_hostile_names_are_letters(page: Page) -> None:
    rows = page.locator("section[aria-labelledby=classes] tbody th").all_inner_texts()
    assert [name.strip() for name in rows] == [name.strip() for name in HOSTILE]
    ticks = page.locator("[data-figure=confusion] .ytick").all_text_contents()
    assert [tick[:6] for tick in ticks] == [name[:6] for name in HOSTILE]
    assert page.locator("main b, main a, main script").count() == 0
    assert page.locator("main img").count() == 24


def test_pointing_at_a_cell_says_what_it_is(page: Page) -> None:
    chart = page.locator("[data-figure=confusion]")
    chart.scroll_into_view_if_needed()
    box = chart.locator(".heatmaplayer").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.55 * box["height"])
    hover = chart.locator(".hovertext")
    hover.wait_for()
    assert "true: '; window.hacked" in (hover.text_content() or "")
    assert "of row" in (hover.text_content() or "")


@both_schemes
def test_charts_follow_the_colour_scheme(page: Page) -> None:
    before = line_colour(page), heat_colour(page)
    other = "dark" if before[0] == "#0072b2" else "light"
    page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
    wait_until(page, f"document.querySelector('[data-figure=loss]').data[1].line.color !== '{before[0]}'")
    assert heat_colour(page) != before[1]


@pytest.mark.parametrize("viewport", [360, 900, pytest.param(1920, marks=pytest.mark.slow)])
def test_nothing_overflows_sideways(page: Page, viewport: int) -> None:
    page.set_viewport_size({"width": viewport, "height": 1000})
    charts = "[...document.querySelectorAll('[data-figure]')]"
    wait_until(page, f"{charts}.every(chart => chart.querySelector('svg').clientWidth <= chart.clientWidth + 1)")
    assert width(page) <= viewport


@both_schemes
def test_paper_is_light_and_unfolded(page: Page) -> None:
    page.emulate_media(media="print")
    wait_until(page, "document.querySelector('[data-figure=loss]').data[1].line.color === '#0072b2'")
    assert len(page.pdf(format="A4")) > 10_000
    assert page.locator("details[open]").count() == 0  # folded again afterwards


def test_keyboard_reaches_the_sections(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#curves")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] tbody tr").count() == 5
