"""The panels below the network in a real browser: each does what it says, in both languages, at 900 px."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import layerlab.studio

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

STUDIO = Path(layerlab.studio.__file__).parent
PANELS = ["seeds", "history", "health", "inside", "data", "code"]


def store(page: Page, expression: str) -> Any:
    """Return the value of an expression about the page's ``store``."""
    return page.evaluate(f"import('/store.js').then(({{ store }}) => {expression})")


def wait_for(page: Page, condition: str) -> None:
    """Wait until a condition about the page's ``store`` holds."""
    page.evaluate("import('/store.js').then((module) => { window.layerlabStore = module.store; })")
    page.wait_for_function(f"() => {{ const store = window.layerlabStore; return {condition}; }}", timeout=30_000)


def call(page: Page, name: str, arguments: dict[str, Any]) -> Any:
    """Send a command over the page's own socket."""
    return page.evaluate("([name, args]) => import('/socket.js').then((it) => it.call(name, args))", [name, arguments])


def change(page: Page, **fields: Any) -> None:
    """Change the specification as the page's controls do."""
    page.evaluate(
        "changes => import('/playground/session.js').then((it) => it.request('change', { changes })).then(() => null)",
        fields,
    )


def train(page: Page, epochs: int) -> None:
    """Train until so many epochs more are through."""
    target = store(page, "store.frame.epoch") + epochs
    call(page, "step", {"epochs": epochs})
    wait_for(page, f"store.frame.epoch === {target} && !store.frame.playing")


def opened(open_page: OpenPage, panel: str, path: str = "/", **settings: Any) -> tuple[Page, Locator]:
    """Return a page whose first picture is there, and the panel."""
    page = open_page(path, **settings)
    tab = page.locator(f"#panel-tab-{panel}")
    tab.wait_for()
    wait_for(page, "store.frame !== null && store.data !== null")
    tab.click()
    page.locator(f"#panel-{panel} .panel-lead").wait_for()
    return page, page.locator(f"#panel-{panel}")


def numbers(texts: list[str]) -> list[float]:
    """Return numbers as the page writes them in English."""
    return [number(text) for text in texts]


def number(text: str) -> float:
    mantissa, _, power = text.replace("\N{MINUS SIGN}", "-").replace(",", "").partition("·10")
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    if mantissa.startswith("10") and mantissa[2:3] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻" and len(mantissa) > 2:
        mantissa, power = "1", mantissa[2:]
    return float(f"{mantissa}e{power.translate(digits) or 0}")


def test_seeds_draw_a_fan_and_a_grid_and_open_one(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "seeds")
    panel.get_by_label("Number of seeds").fill("5")
    panel.get_by_label("Epochs each").select_option("50")
    panel.get_by_role("button", name="Train all").click()
    panel.get_by_text("Done. Seeds: 5, epochs: 50.").wait_for(timeout=30_000)
    cells = panel.locator(".seed-cell")
    assert cells.count() == 5
    assert panel.locator(".chart-line.thin").count() == 5
    assert panel.locator(".chart-line.strong").get_attribute("d")
    assert re.fullmatch(r"M[\d. L]+Z", panel.locator(".chart-band").get_attribute("d") or "")

    by_seed = numbers(panel.locator(".seed-loss").all_inner_texts())
    shown = panel.locator(".seed-loss").all_inner_texts()[by_seed.index(min(by_seed))]
    panel.get_by_label("Sort by").select_option("test")
    page.wait_for_function(f"() => document.querySelector('.seed-loss').textContent === '{shown}'")
    assert numbers(panel.locator(".seed-loss").all_inner_texts()) == sorted(by_seed)

    best = by_seed.index(min(by_seed))
    cells.first.click()
    wait_for(page, "store.frame.epoch === 50")
    assert store(page, "store.state.specification.seed") == str(best)
    assert f"seed={best}" in page.url
    assert store(page, "store.frame.test_loss") == pytest.approx(min(by_seed), rel=0.01)


def test_seeds_are_stopped_before_the_end(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "seeds", "/#networkShape=8,8,8")
    panel.get_by_label("Number of seeds").fill("64")
    panel.get_by_label("Epochs each").select_option("2000")
    panel.get_by_role("button", name="Train all").click()
    page.wait_for_selector(".seed-cell")
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_text("Stopped before the end.").wait_for()
    assert panel.get_by_role("button", name="Train all").is_visible()
    train(page, 1)
    panel.get_by_label("Number of seeds").fill("65")
    panel.get_by_role("button", name="Train all").click()
    assert panel.locator(":invalid").count() == 1


def test_seeds_say_that_the_network_has_changed_since(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "seeds")
    panel.get_by_label("Number of seeds").fill("2")
    panel.get_by_label("Epochs each").select_option("25")
    panel.get_by_role("button", name="Train all").click()
    panel.get_by_text("Done.").wait_for(timeout=30_000)
    note = panel.get_by_text("The network has been changed since")
    assert note.is_hidden()
    change(page, learning_rate=0.1)
    note.wait_for()


def test_history_goes_back_and_forward_and_to_the_same_weights(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "history")
    first = store(page, "[...store.frame.arrays.weights]")
    train(page, 30)
    last, losses = store(page, "store.frame.test_loss"), store(page, "store.losses.test")
    slider = panel.get_by_label("Epoch of this run")
    page.wait_for_function("() => document.querySelector('.scrubber input').max === '30'")
    panel.locator(".chart").hover(position={"x": 61, "y": 14})  # the beginning of the curve, at the top
    readout = panel.locator(".chart-readout text").all_text_contents()
    assert readout[0] == "This run"
    assert number(readout[1].rsplit(" ", 1)[1]) == pytest.approx(losses[0], rel=0.01)
    slider.fill("10")
    wait_for(page, "store.frame.epoch === 10")
    assert store(page, "store.frame.test_loss") == pytest.approx(losses[10])
    page.wait_for_function("() => document.querySelector('.scrubber-place').textContent.startsWith('Epoch 10 of 30')")
    panel.get_by_label("Back").click()
    wait_for(page, "store.frame.epoch === 9")
    slider.fill("30")
    wait_for(page, "store.frame.epoch === 30")
    assert store(page, "store.frame.test_loss") == last
    slider.fill("20")
    wait_for(page, "store.frame.epoch === 20")
    train(page, 1)  # what was ahead is gone
    page.wait_for_function("() => document.querySelector('.scrubber-place').textContent.startsWith('Epoch 21 of 21')")
    panel.get_by_role("button", name="Same initial weights").click()
    wait_for(page, "store.frame.epoch === 0")
    assert store(page, "[...store.frame.arrays.weights]") == first
    panel.get_by_role("button", name="Other initial weights").click()
    wait_for(page, f"store.frame.epoch === 0 && store.frame.arrays.weights[0] !== {first[0]}")


def test_history_of_a_long_run_leaps_from_state_to_state(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "history")
    train(page, 600)
    kept = store(page, "store.frame.history")
    assert kept[0] == 0
    assert kept[-1] == 600
    assert kept != list(range(601))
    panel.get_by_label("Epoch of this run").fill("301")
    wait_for(page, "store.frame.epoch < 600")
    reached = store(page, "store.frame.epoch")
    assert reached in kept
    panel.get_by_label("Forward").click()
    wait_for(page, f"store.frame.epoch === {kept[kept.index(reached) + 1]}")
    panel.get_by_label("Back").click()
    wait_for(page, f"store.frame.epoch === {reached}")


def test_runs_are_kept_side_by_side_and_outlive_a_reload(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "history")
    train(page, 20)
    panel.get_by_role("button", name="Keep this run").click()
    change(page, activation="relu")
    wait_for(page, "store.state.specification.activation === 'relu' && store.frame.epoch === 0")
    train(page, 20)
    panel.get_by_role("button", name="Keep this run").click()
    page.wait_for_function("() => document.querySelectorAll('.chart-line.kept').length === 2")
    hostile = "<img src=x onerror=alert(1)>"
    panel.get_by_label("Name of the run").first.fill(hostile)
    panel.get_by_label("Name of the run").first.press("Tab")
    page.reload()
    wait_for(page, "store.frame !== null")
    page.wait_for_selector(".run-table")
    assert panel.get_by_label("Name of the run").first.input_value() == hostile
    assert page.locator("img").count() == 0
    panel.get_by_role("button", name="Open").first.click()
    wait_for(page, "store.state.specification.activation === 'tanh'")
    panel.get_by_role("button", name="Forget", exact=False).first.click()
    assert panel.locator(".run-table tbody tr").count() == 1
    page.wait_for_function("() => document.querySelectorAll('.chart-line.kept').length === 1")


def test_health_names_the_layers_where_the_gradient_vanishes(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "health", "/#activation=sigmoid&networkShape=8,8,8,8,8,8&seed=0.5")
    panel.locator(".finding.vanishing").first.wait_for(timeout=30_000)
    assert "Vanishing gradient in the hidden layer 1" in panel.locator(".finding").first.inner_text()
    assert panel.locator(".health-layer").count() == 7
    assert panel.locator(".histogram").count() == 14
    assert panel.locator(".size-bars .bar").count() == 7
    sizes = store(page, "store.frame.health.layers.map((layer) => layer.gradient_size)")
    shown = numbers(panel.locator(".size-bars .value").all_text_contents())
    assert shown == [pytest.approx(size, rel=0.06) for size in sizes]
    page.reload()  # the panel is the first now, before there is a network
    panel.locator(".finding.vanishing").first.wait_for()
    assert page.locator(".notice").count() == 0
    page.locator("#panel-tab-seeds").click()
    wait_for(page, "store.frame.health === undefined")


def test_step_inside_writes_out_the_chain_rule(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "inside")
    train(page, 5)
    panel.get_by_label("x", exact=True).fill("-1.5")
    panel.get_by_label("x", exact=True).press("Enter")
    panel.get_by_label("Label", exact=True).select_option("-1")
    place = panel.get_by_role("application", name="The network with its numbers")
    place.focus()
    place.press("ArrowDown")
    panel.get_by_text("Link: X₂ → Layer 1, neuron 1").wait_for()
    trace = call(page, "inside", {"x": -1.5, "y": 1, "label": -1})["trace"]
    link = trace["layers"][0]["units"][0]["pieces"][0]["links"][1]
    page.wait_for_function(f"() => document.querySelectorAll('.factor').length === {1 + len(link['factors'])}")
    gradient, *factors = numbers(panel.locator(".factor .value").all_inner_texts())
    assert gradient == pytest.approx(link["gradient"], rel=0.06)
    product = 1.0
    for factor in factors:
        product *= factor
    assert product == pytest.approx(gradient, rel=0.15)

    page.wait_for_selector(".inside-number")
    assert panel.locator(".inside-number").count() == 2 * 4 + 4 * 2 + 2
    panel.get_by_role("button", name="Backward: gradients").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.inside-unit .symbol')].some((it) => it.textContent === '∂L/∂a')"
    )
    panel.locator(".inside-link").last.hover()
    panel.get_by_text("Link: Layer 2, neuron 2 → Output").wait_for()


def test_step_inside_takes_the_point_that_is_clicked_and_lists_all_links(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "inside")
    page.wait_for_selector(".inside-number")
    panel.get_by_label("Map of the output").click(position={"x": 26 + 108, "y": 8 + 109})
    assert abs(float(panel.get_by_label("x", exact=True).input_value())) < 0.2
    assert abs(float(panel.get_by_label("y", exact=True).input_value())) < 0.2
    page.locator(".map-canvas").click(position={"x": 60, "y": 60})
    page.wait_for_function("() => Number(document.querySelector('.point-chooser input').value) < -3")
    assert float(panel.get_by_label("y", exact=True).input_value()) > 3
    panel.get_by_text("All links of this layer as a table").click()
    rows = panel.locator(".link-table tbody tr")
    page.wait_for_selector(".link-table tbody tr")
    assert rows.count() == 4 * (2 + 1)
    rows.nth(3).get_by_role("button").click()
    panel.get_by_role("heading", name="Bias of Layer 1, neuron 2").wait_for()


def test_drawn_points_become_the_data_set(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "data")
    panel.get_by_label("What the labels are").select_option("3")
    board = panel.locator("canvas.board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    for number_of_class in range(3):
        panel.locator(".label-choice button").nth(number_of_class).click()
        board.scroll_into_view_if_needed()
        box = board.bounding_box()
        assert box is not None
        y = box["y"] + 60 + 90 * number_of_class
        page.mouse.move(box["x"] + 80, y)
        page.mouse.down()
        page.mouse.move(box["x"] + 280, y, steps=20)
        page.mouse.up()
    panel.get_by_text(re.compile(r"Points: \d+ of at most 2,000")).wait_for()
    count = int(re.findall(r"\d+", panel.locator("[role=status]").inner_text())[0])
    assert count > 20
    panel.get_by_role("button", name="Use as the data set").click()
    wait_for(page, "store.state.specification.dataset === 'points'")
    specification = store(page, "store.state.specification")
    assert specification["classes"] == 3
    assert len(specification["points"]) == count
    assert {label for _, _, label in specification["points"]} == {0, 1, 2}
    wait_for(page, f"store.data.arrays.train.length + store.data.arrays.test.length === {3 * count}")
    panel.get_by_role("button", name="Erase").click()
    page.mouse.click(box["x"] + 180, box["y"] + 60)
    page.wait_for_function(
        f"() => !document.querySelector('#panel-data [role=status]').textContent.includes('{count} ')"
    )


def test_the_board_is_drawn_on_by_keyboard(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "data")
    panel.locator("input[type=range]").fill("0")
    board = panel.locator("canvas.board")
    board.focus()
    for key in ["Shift+ArrowRight", "Enter", "2", "ArrowUp", "Enter"]:
        board.press(key)
    panel.get_by_text("Points: 2 of").wait_for()
    panel.get_by_role("button", name="Use as the data set").click()
    wait_for(page, "store.state.specification.dataset === 'points'")
    assert store(page, "store.state.specification.points") == [[1, 0, -1], [1, 0.25, 1]]


def test_a_table_is_read_or_refused_in_one_sentence(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "data")
    area = panel.locator("textarea")
    area.fill("x,y,label\n1,2,a\n<b>,2,c")
    panel.get_by_role("button", name="Read the table").click()
    panel.locator(".failure").wait_for()
    assert panel.locator(".failure").inner_text().startswith("Line 3, “<b>, 2, c”")
    page.get_by_role("button", name="PL", exact=True).click()
    page.wait_for_function("() => document.querySelector('#panel-data .failure').textContent.startsWith('Wiersz 3')")
    area.fill("x;y;label\n1,5;2;a\n2;-2;b\n-3;1;c\n-3;2;c")
    panel.get_by_role("button", name="Wczytaj tabelę").click()
    wait_for(page, "store.state.specification.dataset === 'points'")
    assert store(page, "store.state.specification.points")[0] == [1.5, 2, 0]
    assert panel.locator(".failure").is_hidden()
    assert panel.locator(".label-choice button").count() == 3
    with page.expect_download() as started:
        panel.get_by_role("button", name="Pobierz CSV").click()
    lines = Path(started.value.path()).read_text().split()
    assert len(lines) == 1 + 4


def test_a_file_is_dropped_and_values_are_drawn(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "data")
    page.evaluate(
        r"""() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["10,20,a\n30,40,b\n20,50,a"], "mine.csv", { type: "text/csv" }));
            document.querySelector("#panel-data [type=checkbox]").checked = true;
            const drop = new DragEvent("drop", { dataTransfer: transfer, cancelable: true });
            document.querySelector("#panel-data").dispatchEvent(drop);
        }"""
    )
    wait_for(page, "store.state.specification.dataset === 'points'")
    assert [x for x, _, _ in store(page, "store.state.specification.points")] == [-5, 5, 0]
    panel.get_by_label("What the labels are").select_option("regression")
    panel.get_by_role("button", name="Clear").click()
    panel.get_by_label("Size of the brush").fill("0")
    panel.get_by_label("Value of the points").fill("-0.5")
    board = panel.locator("canvas.board")
    board.focus()
    board.press("Enter")
    panel.get_by_role("button", name="Use as the data set").click()
    wait_for(page, "store.state.specification.problem === 'regression'")
    assert store(page, "store.state.specification.points") == [[0, 0, -0.5]]


def test_the_code_has_these_weights(open_page: OpenPage) -> None:
    page, panel = opened(open_page, "code")
    train(page, 3)
    panel.get_by_role("button", name="Take the present weights").click()
    panel.get_by_text("Weights of epoch 3").wait_for()
    weight = float(store(page, "store.frame.arrays.weights[0]"))
    source = panel.locator("pre").inner_text()
    assert "from torch import nn" in source
    found = [float(text) for text in re.findall(r"-?\d+\.\d{6,}(?:e-?\d+)?", source)]
    assert any(abs(value - weight) < 1e-6 for value in found)
    panel.get_by_role("button", name="Keras").click()
    page.wait_for_function("() => document.querySelector('#panel-code pre').textContent.includes('import keras')")
    with page.expect_download() as started:
        panel.get_by_role("button", name="Download").click()
    assert started.value.suggested_filename == "network_keras.py"
    assert Path(started.value.path()).read_text().strip() == panel.locator("pre").inner_text().strip()


def test_a_divergence_is_explained_and_its_remedy_applied(open_page: OpenPage) -> None:
    link = "/#activation=relu&learningRate=10&problem=regression&networkShape=6,6&seed=0.3"
    page, _ = opened(open_page, "history", link)
    call(page, "step", {"epochs": 30})
    banner = page.locator(".panel-banner")
    banner.get_by_text("This run has diverged.").wait_for(timeout=30_000)
    said = banner.inner_text()
    assert re.search(r"Update [\d,]+ \(epoch \d+\) made a number infinite\. Where: (output|hidden) layer", said)
    assert "with learning rate = " in said
    page.get_by_role("button", name="PL", exact=True).click()
    banner.get_by_text("Ten trening się rozbiegł.").wait_for()
    banner.get_by_role("button", name="Zastosuj zmianę").click()
    wait_for(page, "store.state.specification.learning_rate < 10 && Number.isFinite(store.frame.train_loss)")
    banner.wait_for(state="hidden")
    train(page, 20)
    assert store(page, "store.frame.train_loss") < 1


def test_the_strip_is_walked_with_arrows_and_comes_back_as_it_was(open_page: OpenPage) -> None:
    page, _ = opened(open_page, "seeds")
    page.locator("#panel-tab-seeds").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "panel-tab-history"
    page.locator("#panel-history").wait_for()
    assert page.locator("#panel-seeds").is_hidden()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "panel-tab-seeds"
    page.keyboard.press("ArrowRight")
    assert store(page, "store.frame.epoch") == 0  # the arrow did not step the network
    page.reload()
    page.locator("#panel-history").wait_for()


@pytest.mark.parametrize("language", [pytest.param("en-US", marks=pytest.mark.slow), "pl-PL"])
def test_every_panel_fits_into_900_pixels_and_has_all_its_texts(open_page: OpenPage, language: str) -> None:
    page, _ = opened(
        open_page, "seeds", "/#networkShape=8,8,8", locale=language, viewport={"width": 900, "height": 900}
    )
    train(page, 2)
    for name in PANELS:
        page.locator(f"#panel-tab-{name}").click()
        page.locator(f"#panel-{name} .panel-lead").wait_for()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 900, name
        assert "panels." not in page.locator(f"#panel-{name}").inner_text(), name


def test_both_languages_have_every_text_with_the_same_places() -> None:
    english, polish = (json.loads((STUDIO / "locale" / name / "panels.json").read_text()) for name in ("en", "pl"))
    assert list(english) == list(polish)
    for key in english:
        assert set(re.findall(r"\{\w+\}", english[key])) == set(re.findall(r"\{\w+\}", polish[key])), key
    sources = "".join(file.read_text() for file in (STUDIO / "static" / "playground").glob("panels*/*.js"))
    sources += (STUDIO / "static" / "playground" / "panels.js").read_text()
    used = set(re.findall(r'"(panels\.[\w.-]+)"', sources))
    assert used <= set(english), used - set(english)
    prefixes = tuple(re.findall(r"`(panels\.[\w.-]*)\$\{", sources))
    unused = [key for key in english if key not in used and not key.startswith(prefixes)]
    assert not unused
