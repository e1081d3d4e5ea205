"""The Layers tab in a real browser: every page opens, is typed into, and shows where its numbers come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

OpenPage = Callable[..., "Page"]

pytestmark = pytest.mark.browser

PAGES = {
    "pooling": "Max and average pooling",
    "padding": "Padding and stride",
    "geometry": "Output size and its inverse",
    "global-pooling": "Global average pooling",
    "flatten": "Flatten",
    "batch-normalization": "Batch normalisation",
    "dense": "Dense (fully connected)",
    "convolution": "2D convolution",
    "transposed-convolution": "Transposed convolution",
    "skip": "Skip connections",
    "activations": "Activations",
}


def opened(open_page: OpenPage, name: str, **settings: object) -> Page:
    page = open_page(f"/?tab=layers&page={name}", **settings)
    page.locator(".layer-page h2").wait_for()
    if name not in ("geometry", "activations"):
        page.locator(".matrix.output td").first.wait_for(timeout=30_000)  # the first page loads PyTorch
    return page


def grid(page: Page, label: str) -> Locator:
    return page.locator(f"table[aria-label='{label}']")


def numbers(table: Locator) -> list[str]:
    return table.locator("td").all_text_contents()


def type_into(table: Locator, cell: int, value: str) -> None:
    table.locator("input").nth(cell).fill(value)


def test_every_page_opens_in_both_languages_and_fits_900_pixels(open_page: OpenPage) -> None:
    page = opened(open_page, "pooling", viewport={"width": 900, "height": 800})
    for name, title in PAGES.items():
        page.locator(f".layer-list a[data-page='{name}']").click()
        page.get_by_role("heading", name=title, exact=True).wait_for()
        assert page.url.endswith(f"?tab=layers&page={name}")
        page.wait_for_timeout(250)
        assert page.evaluate("document.documentElement.scrollWidth") <= 900, name
        assert "layers." not in page.locator(".layers").inner_text(), "a text is missing"
    page.get_by_role("button", name="PL").click()
    for name in PAGES:
        page.locator(f".layer-list a[data-page='{name}']").click()
        page.wait_for_timeout(250)
        text = page.locator(".layers").inner_text()
        assert "layers." not in text, name
        assert "Spróbuj" in text, "Polish without a reload"
    page.go_back()
    page.get_by_role("heading", name="Skip connections (połączenia pomijające)").wait_for()


def test_pooling_opens_with_the_lectures_matrices_and_the_true_mean(open_page: OpenPage) -> None:
    page = opened(open_page, "pooling")
    assert numbers(grid(page, "Max pooling")) == ["100", "184", "12", "45"]
    assert numbers(grid(page, "Average pooling")) == ["36.5", "80", "12", "15"]
    page.get_by_text("is 36.5").wait_for()

    grid(page, "Average pooling").locator("td").first.hover()
    page.locator(".arithmetic", has_text="(31 + 15 + 0 + 100) / 4 = 36.5").wait_for()
    inputs = page.locator("table[aria-label='input']")
    assert inputs.nth(1).locator("td.source input").evaluate_all("all => all.map((one) => one.value)") == [
        "31", "15", "0", "100",
    ]  # fmt: skip
    page.locator(".arithmetic", has_text="max(29, 15, 0, 100) = 100").wait_for()
    assert inputs.nth(0).locator("td.source").count() == 4, "the same place of both is shown side by side"
    assert inputs.nth(0).locator("td.winner input").input_value() == "100"

    inputs.nth(1).locator("td").nth(5).hover()
    page.locator(".arithmetic", has_text="Outputs that use this cell: 1").wait_for()
    assert grid(page, "Average pooling").locator("td.target").all_text_contents() == ["36.5"]

    type_into(inputs.nth(0), 0, "500")
    page.wait_for_function("() => document.querySelector('.matrix.output td').textContent === '500'")
    assert page.get_by_text("is 36.5").is_visible(), "the other matrix is still the lecture's"
    inputs.nth(1).locator("input").nth(0).fill("35")
    page.get_by_text("is 36.5").wait_for(state="hidden")
    page.get_by_role("button", name="The lecture's numbers").click()
    page.get_by_text("is 36.5").wait_for()


def test_what_is_no_number_is_marked_and_changes_nothing(open_page: OpenPage) -> None:
    page = opened(open_page, "pooling")
    cell = page.locator("table[aria-label='input'] input").first
    cell.fill("<img src=x onerror=alert(1)>")
    assert cell.get_attribute("aria-invalid") == "true"
    assert numbers(grid(page, "Max pooling"))[0] == "100"
    assert page.locator("img").count() == 0
    cell.fill("1,5")
    assert cell.get_attribute("aria-invalid") == "false"


def test_a_window_that_does_not_fit_is_one_sentence_in_the_language_shown(open_page: OpenPage) -> None:
    page = opened(open_page, "pooling")
    page.get_by_label("Input size").fill("2")
    page.get_by_label("Window (pool size)").fill("4")
    problem = page.locator(".layer-page .problem")
    problem.get_by_text("The window spans 4 cells").wait_for()
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser's own line on the refused request
    page.get_by_role("button", name="PL").click()
    problem.get_by_text("Okno obejmuje 4 pól").wait_for()


def test_convolution_lights_up_its_sources_and_walks(open_page: OpenPage) -> None:
    page = opened(open_page, "convolution")
    output = grid(page, "output")
    assert len(numbers(output)) == 9
    page.get_by_text("Weights: 9. A fully connected layer between the same two sizes would have 225").wait_for()
    output.locator("td").nth(4).focus()
    assert grid(page, "input").locator("td.source").count() == 9
    assert grid(page, "kernel").locator("td.weight-source").count() == 9
    assert page.locator(".wiring g.pointed .wiring-weight").count() == 9, "of 25 in its row of the large matrix"
    assert page.locator(".wiring g").count() == 9
    grid(page, "input").locator("td").nth(12).hover()
    assert output.locator("td.target").count() == 9, "every window sees the middle"
    output.locator("td").nth(0).hover()
    output.locator("td").nth(4).focus()
    page.keyboard.press("ArrowRight")
    assert output.locator("td").nth(5).evaluate("cell => cell === document.activeElement")
    page.get_by_label("Padding").select_option("same")
    page.wait_for_function("() => document.querySelectorAll('.matrix.output td').length === 25")
    assert grid(page, "input").locator("td.padding").count() == 24
    page.get_by_role("button", name="Walk through").click()
    page.wait_for_function("() => document.querySelector('.matrix.output td').classList.contains('pointed')")
    page.wait_for_function("() => document.querySelectorAll('.matrix.output td')[1].classList.contains('pointed')")
    page.get_by_role("button", name="Stop").click()


def test_batch_normalisation_writes_its_four_steps(open_page: OpenPage) -> None:
    page = opened(open_page, "batch-normalization")
    grid(page, "4. scaled and shifted y").locator("td").nth(1).hover()
    steps = page.locator(".steps li")
    assert steps.nth(0).inner_text() == "μ = (20 + 60 + 40 + 80) / 4 = 50"
    assert steps.nth(1).inner_text().endswith("/ 4 = 500")
    assert steps.nth(3).inner_text() == "y = γ·x̂ + β = 2·(−1.342) + 1 = −1.683"


def test_the_geometry_both_ways(open_page: OpenPage) -> None:
    page = opened(open_page, "geometry")
    page.locator(".arithmetic.big", has_text="⌊(4 + 2·0 − 2) / 2⌋ + 1 = 2").wait_for()
    page.get_by_text("stride = 4 / 2 = 2, kernel = 4 − (2 − 1)·2 = 2").wait_for()
    first = page.locator(".windows tbody tr").first
    assert first.locator("td").all_text_contents()[:4] == ["2", "2", "0", "1"]
    assert page.locator(".axis-cell").count() == 4
    assert [window.locator("circle").count() for window in page.locator(".axis-window").all()] == [2, 2]
    page.locator(".windows tbody tr").nth(1).get_by_role("button").click()
    page.locator(".arithmetic.big strong", has_text="2").wait_for()


def test_skips_flatten_dense_and_transposed(open_page: OpenPage) -> None:
    page = opened(open_page, "skip")
    page.get_by_label("Channels of F(x)").fill("3")
    page.get_by_text("Addition needs two equal shapes, not 3×4 and 2×4.").wait_for()
    assert page.locator(".arithmetic").inner_text() != ""
    page.get_by_label("Length of F(x)").fill("3")
    page.get_by_text("Concatenation along the channels needs rows of one length, not 3×3 and 2×4.").wait_for()
    assert page.locator(".arithmetic").inner_text() == "", "there is no output to explain"
    page = opened(open_page, "flatten")
    assert numbers(grid(page, "Keras: place after place, all channels of each"))[:4] == ["1", "7", "2", "8"]
    page = opened(open_page, "dense")
    assert numbers(grid(page, "z (sums)")) == ["−0.25", "2.5", "−2"]
    assert numbers(grid(page, "a (outputs)")) == ["0", "2.5", "0"]
    page = opened(open_page, "transposed-convolution")
    assert len(numbers(grid(page, "output"))) == 25
    grid(page, "input").locator("td").nth(3).hover()
    page.locator(".arithmetic", has_text="Outputs that use this cell: 9").wait_for()
    assert grid(page, "output").locator("td.target").count() == 9, "its print"


def test_activation_curves_are_drawn(open_page: OpenPage) -> None:
    page = opened(open_page, "activations")
    page.locator(".curve").nth(6).wait_for(timeout=30_000)
    page.get_by_label("x", exact=True).fill("0")
    page.locator(".curve", has_text="sigmoid").locator(".curve-said", has_text="f(0) = 0.5, f′ = 0.25").wait_for()
    drawn = page.locator(".curve canvas").first.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0)"
    )
    assert drawn
