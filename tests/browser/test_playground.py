"""The Playground tab in a real browser: what a person does there, and what nobody may do to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.browser.conftest import OpenPage, Studio

pytestmark = pytest.mark.browser

TENSORFLOW_LINK = (
    "activation=relu&batchSize=12&dataset=spiral&regDataset=reg-plane&learningRate=0.01&regularizationRate=0.003"
    "&noise=15&networkShape=6,5&seed=0.17263&showTestData=true&discretize=true&percTrainData=70&x=true&y=true"
    "&xTimesY=false&xSquared=true&ySquared=false&cosX=false&sinX=true&cosY=false&sinY=false&collectStats=false"
    "&problem=classification&initZero=false&hideText=false&regularization=L2"
)


def store(page: Page, expression: str) -> Any:
    """Return the value of an expression about the page's ``store``."""
    return page.evaluate(f"import('/store.js').then(({{ store }}) => {expression})")


def wait_for(page: Page, condition: str) -> None:
    """Wait until a condition about the page's ``store`` holds."""
    page.evaluate("import('/store.js').then((module) => { window.layerlabStore = module.store; })")
    page.wait_for_function(f"() => {{ const store = window.layerlabStore; return {condition}; }}")


def ready(page: Page) -> Page:
    """Wait for the first picture."""
    page.wait_for_selector(".node.unit")
    wait_for(page, "store.frame !== null && store.data !== null")
    return page


def control(page: Page, name: str) -> Any:
    return page.locator(f'[data-control="{name}"]').first


def test_the_page_opens_with_the_default_network_and_its_link(open_page: OpenPage) -> None:
    page = ready(open_page())
    assert page.title() == "Playground · Layerlab"
    assert "networkShape=4,2" in page.url
    assert page.locator(".node.unit").count() == 4 + 2 + 1
    assert page.locator(".node.feature").count() == 9
    assert page.locator('.node.feature[aria-pressed="true"]').count() == 2
    assert float(page.locator(".loss-figure.train output").inner_text()) == pytest.approx(
        store(page, "store.frame.train_loss"), abs=6e-4
    )
    page.wait_for_selector(".panels [role=tab]")


def test_it_learns_the_circle(open_page: OpenPage) -> None:
    page = ready(open_page())
    page.keyboard.press("Space")
    page.wait_for_function("() => parseFloat(document.querySelector('.loss-figure.test output').textContent) < 0.05")
    page.keyboard.press("Space")
    wait_for(page, "store.frame.playing === false")
    losses = store(page, "store.losses")
    assert losses["epoch"][0] == 0
    assert losses["epoch"][-1] == store(page, "store.frame.epoch")
    assert losses["test"][-1] < 0.05 < losses["test"][0]
    assert "Accuracy: training" in page.locator(".score").inner_text()


def test_a_weight_and_a_bias_are_edited_and_frozen(open_page: OpenPage) -> None:
    page = ready(open_page())
    before = store(page, "Array.from(store.frame.arrays.weights)")
    page.locator('[data-node="0.1"] .unit').click()
    page.get_by_label("Weight from X₂", exact=True).fill("-3.25")
    page.keyboard.press("Enter")
    wait_for(page, "store.frame.arrays.weights[3] === -3.25")
    after = store(page, "Array.from(store.frame.arrays.weights)")
    assert [i for i, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]] == [3]
    page.get_by_label("Weight from Bias", exact=True).fill("2")
    page.keyboard.press("Tab")
    wait_for(page, "store.frame.arrays.biases[1] === 2")
    page.get_by_label("Freeze the weight from X₂").check()
    wait_for(page, "store.frame.arrays.frozen[3] === 1")
    page.keyboard.press("Escape")
    assert page.locator(".popover").count() == 0
    page.keyboard.press(".")
    wait_for(page, "store.frame.iteration === 1")
    assert store(page, "store.frame.arrays.weights[3]") == -3.25


def test_a_line_shows_its_weight_and_opens_its_editor(open_page: OpenPage) -> None:
    page = ready(open_page())
    source = page.locator('[data-node="x"] .node').bounding_box()
    target = page.locator('[data-node="0.0"] .node').bounding_box()
    assert source and target
    page.mouse.move(source["x"] + source["width"] + 4, source["y"] + source["height"] / 2)
    tooltip = page.locator(".network .tooltip")
    assert tooltip.inner_text().startswith("From X₁: ")
    page.mouse.move(target["x"] - 2, target["y"] + 0.22 * target["height"])
    assert tooltip.is_visible()
    assert tooltip.inner_text().startswith("From X₁: ")
    page.mouse.move(target["x"] - 2, target["y"] + 0.78 * target["height"])
    assert not tooltip.is_visible() or tooltip.inner_text().startswith("From X₂: ")
    page.mouse.click(source["x"] + source["width"] + 4, source["y"] + source["height"] / 2)
    fields = page.locator(".popover input[type=number]")
    assert fields.count() == 1
    assert fields.first.get_attribute("aria-label") == "Weight from X₁"


def test_a_link_of_tensorflow_playground_is_followed(open_page: OpenPage) -> None:
    page = ready(open_page(f"/#{TENSORFLOW_LINK}"))
    shown = store(page, "store.state.specification")
    assert shown["hidden_layers"] == [6, 5]
    assert shown["features"] == ["x", "y", "xSquared", "sinX"]
    assert (shown["dataset"], shown["noise"], shown["train_percent"]) == ("spiral", 15, 70)
    assert control(page, "learningRate").locator("select option:checked").inner_text() == "0.01"
    assert control(page, "regularization").locator("select option:checked").inner_text() == "L2"
    assert control(page, "activation").locator("select option:checked").inner_text() == "ReLU"
    assert page.locator('[data-dataset="spiral"]').get_attribute("aria-checked") == "true"
    assert control(page, "batchSize").locator("input").input_value() == "12"
    assert control(page, "showTestData").locator("input").is_checked()
    assert control(page, "discretize").locator("input").is_checked()
    assert page.locator(".node.unit").count() == 12


def test_a_link_is_pasted_and_the_browser_goes_back(open_page: OpenPage) -> None:
    page = ready(open_page())
    first = page.url
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Open a link of ours").fill("https://playground.tensorflow.org/#dataset=xor&networkShape=3")
    page.keyboard.press("Enter")
    wait_for(page, "store.state.specification.dataset === 'xor'")
    assert page.locator(".node.unit").count() == 4
    page.go_back()
    wait_for(page, "store.state.specification.dataset === 'circle'")
    assert page.url == first
    page.go_forward()
    wait_for(page, "store.state.specification.dataset === 'xor'")
    page.evaluate("location.hash = 'dataset=gauss'")
    wait_for(page, "store.state.specification.dataset === 'gauss'")


def test_a_link_hides_controls_and_text(open_page: OpenPage) -> None:
    page = ready(
        open_page("/#learningRate_hide=true&playButton_hide=true&dataset_hide=true&more_hide=true&hideText=true")
    )
    for name in ("learningRate", "playButton", "dataset", "more"):
        assert not control(page, name).is_visible(), name
    assert control(page, "activation").is_visible()
    assert page.locator(".explains:visible").count() == 0
    page.evaluate(
        "import('/playground/session.js').then((session) => session.display({ numHiddenLayers_hide: 'true' }))"
    )
    page.set_viewport_size({"width": 1100, "height": 800})
    page.wait_for_timeout(100)
    assert page.locator(".head-buttons:visible").count() == 0, "what is built anew is hidden too"
    assert "learningRate_hide=true" in page.url
    page.get_by_role("button", name="Share").click()
    page.locator(".popover details summary").click()
    page.get_by_label("Learning rate", exact=True).uncheck()
    assert control(page, "learningRate").is_visible()
    assert "learningRate_hide" not in page.url
    assert "dataset_hide=true" in page.locator(".popover input.link").first.input_value()


def test_an_activation_that_is_hidden_is_not_in_the_layers_menu(open_page: OpenPage) -> None:
    for link, offered in (("/#networkShape=3", 1), ("/#networkShape=3&activation_hide=true", 0)):
        page = ready(open_page(link))
        page.locator(".layer-menu-button").click()
        page.get_by_label("Batch normalisation").wait_for()
        assert page.locator(".popover select").count() == offered


def test_the_language_changes_without_a_reload(open_page: OpenPage) -> None:
    page = ready(open_page())
    page.evaluate("window.mark = 1")
    page.keyboard.press(">")
    wait_for(page, "store.frame.epoch === 1")
    page.get_by_role("button", name="PL", exact=True).click()
    page.get_by_role("link", name="Plac zabaw").wait_for()
    assert page.evaluate("document.documentElement.lang") == "pl"
    assert "Współczynnik uczenia" in page.locator(".top-bar").inner_text()
    assert "," in page.locator(".loss-figure.train output").inner_text()
    assert page.locator('[data-node="0.0"] .unit').get_attribute("aria-label").startswith("Warstwa 1, neuron 1")
    assert page.evaluate("window.mark") == 1
    assert store(page, "store.frame.epoch") == 1
    words = page.locator(".tab-playground > :not(.panels)").all_inner_texts()
    assert not re.findall(r"playground\.[a-z]", " ".join(words)), "a text is missing"
    page.get_by_role("button", name="EN", exact=True).click()
    page.get_by_role("link", name="Playground").wait_for()


def test_the_keyboard_is_enough(open_page: OpenPage) -> None:
    page = ready(open_page())
    initial = store(page, "Array.from(store.frame.arrays.weights)")
    page.keyboard.press(".")
    wait_for(page, "store.frame.iteration === 1")
    page.keyboard.press("ArrowRight")
    wait_for(page, "store.frame.epoch === 1")
    page.keyboard.press("Space")
    wait_for(page, "store.frame.playing === true")
    page.keyboard.press("Space")
    wait_for(page, "store.frame.playing === false")
    assert store(page, "Array.from(store.frame.arrays.weights)") != initial
    page.keyboard.press("r")
    wait_for(page, "store.frame.epoch === 0")
    assert store(page, "Array.from(store.frame.arrays.weights)") == initial
    page.keyboard.press("n")
    wait_for(page, f"store.frame.epoch === 0 && Math.abs(store.frame.arrays.weights[0] - {initial[0]}) > 1e-6")
    page.locator('[data-node="x"] .node').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.parentElement.dataset.node") == "0.1"
    wait_for(page, "String(store.selection) === '0,1'")
    page.keyboard.press("Enter")
    page.keyboard.type("1.5")
    page.keyboard.press("Enter")
    wait_for(page, "store.frame.arrays.biases[1] === 1.5")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.parentElement.dataset.node") == "0.1"


def test_layers_and_neurons_come_and_go(open_page: OpenPage) -> None:
    page = ready(open_page())
    page.get_by_role("button", name="Add a hidden layer").click()
    wait_for(page, "String(store.state.specification.hidden_layers) === '4,2,2'")
    page.get_by_role("button", name="Add a neuron to layer 3").click()
    wait_for(page, "String(store.state.specification.hidden_layers) === '4,2,3'")
    page.get_by_role("button", name="Settings of layer 2").click()
    page.locator(".popover select").select_option(label="Maxout")
    page.get_by_label("Skip connection").check()
    page.get_by_label("Batch normalisation").check()
    wait_for(page, "store.state.network.layers[1].pieces === 2 && store.state.network.layers[1].skip === 'concatenate'")
    wait_for(page, "store.state.network.layers[1].normalized")
    page.keyboard.press("Escape")
    assert store(page, "store.state.network.layers[2].inputs") == 6
    page.locator('[data-node="2.0"] .unit').click()
    assert page.locator(".popover tbody th").all_inner_texts() == [
        "Bias", "Layer 2, neuron 1", "Layer 2, neuron 2", *(f"Layer 1, neuron {i}" for i in range(1, 5)),
    ]  # fmt: skip
    page.keyboard.press("Escape")
    page.locator('[data-node="1.0"] .unit').click()
    page.get_by_label("Weight from Layer 1, neuron 3 (2)").fill("4.5")
    page.keyboard.press("Enter")
    wait_for(page, "store.frame.arrays.weights[8 + 4 + 2] === 4.5")
    page.keyboard.press("Escape")
    for _ in range(3):
        page.get_by_role("button", name="Remove the last hidden layer").click()
    wait_for(page, "store.state.specification.hidden_layers.length === 0")
    page.keyboard.press(">")
    wait_for(page, "store.frame.epoch === 1")


@pytest.mark.parametrize("language", [pytest.param("en-US", marks=pytest.mark.slow), "pl-PL"])
def test_the_largest_network_and_the_fullest_heads_fit(open_page: OpenPage, language: str) -> None:
    widest = ",".join(["32"] * 8)
    page = ready(open_page(f"/#networkShape={widest}", locale=language))
    assert (
        page.evaluate(
            "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.network-scroller'))"
        )
        <= 0
    )
    full = "/#ownActivation=leaky_relu&networkShape=5,3,6&batchNormalization=1,1,1&skip=1,1,1"
    page = ready(open_page(full, locale=language))
    cut = """[...document.querySelectorAll('.head')].filter((head) =>
        head.getBoundingClientRect().top < document.querySelector('.network-scroller').getBoundingClientRect().top)"""
    assert page.evaluate(f"{cut}.map((head) => head.innerText)") == []
    fields = page.locator(".slider")
    for index in range(fields.count()):
        inside = fields.nth(index).evaluate(
            "(it) => it.querySelector('output').getBoundingClientRect().right <= it.getBoundingClientRect().right + 1"
        )
        assert inside, fields.nth(index).inner_text()


def test_clicks_that_come_before_the_answer_add_up(open_page: OpenPage) -> None:
    page = ready(open_page())
    page.get_by_role("button", name="Add a hidden layer").evaluate("(button) => [1, 2, 3].map(() => button.click())")
    wait_for(page, "String(store.state.specification.hidden_layers) === '4,2,2,2,2'")
    assert "networkShape=4,2,2,2,2" in page.url


def test_classes_data_and_problem_fit_each_other(open_page: OpenPage) -> None:
    page = ready(open_page())
    page.locator(".more summary").click()
    control(page, "classes").locator("select").select_option(label="4")
    wait_for(page, "store.frame.arrays.confidence !== undefined && store.state.specification.dataset === 'gauss'")
    assert page.locator(".legend .class-key").count() == 4
    page.locator('[data-node="2.1"] .unit').hover()
    wait_for(page, "!store.frame.arrays.confidence")
    assert page.locator(".legend .colour-ticks").inner_text().split() == ["0", "0.5", "1"]
    page.wait_for_timeout(100)
    middle = "document.querySelector('.map-canvas').getContext('2d').getImageData(150, 150, 1, 1).data"
    red, _, blue, _ = page.evaluate(f"() => Array.from({middle})")
    assert red > blue, "a probability has its class's colour, here orange"
    page.locator('[data-dataset="three-spirals"]').click()
    wait_for(page, "store.state.specification.classes === 3")
    control(page, "problem").locator("select").select_option(label="regression")
    wait_for(page, "store.state.specification.problem === 'regression' && !store.frame.arrays.confidence")
    page.wait_for_function("() => document.querySelector('.score').textContent.startsWith('R²')")
    assert page.locator(".thumbnail").count() == 3
    assert control(page, "loss").locator("select").is_disabled()


def test_it_stops_where_it_was_told(open_page: OpenPage) -> None:
    page = ready(open_page())
    page.locator(".more summary").click()
    page.get_by_label("Stop at epoch").fill("7")
    page.keyboard.press("Enter")
    control(page, "playButton").click()
    page.get_by_text("Stopped at epoch 7").wait_for()
    wait_for(page, "store.frame.epoch === 7 && store.frame.playing === false")


def test_the_map_reads_out_the_value_under_the_pointer(open_page: OpenPage) -> None:
    page = ready(open_page())
    box = page.locator(".map-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reading = page.locator(".map-reading")
    page.wait_for_function("() => document.querySelector('.map-reading').textContent.startsWith('x₁')")
    assert re.fullmatch(r"x₁ −?\d\.\d\d, x₂ −?\d\.\d\d: value −?\d\.\d\d", reading.inner_text())
    page.locator('[data-node="0.2"] .unit').hover()
    page.wait_for_function("() => document.querySelector('.map-reading').textContent === 'Layer 1, neuron 3'")


def test_a_lost_studio_is_found_again(chromium: Browser, studio: Studio) -> None:
    own = type(studio)()
    own.start()
    try:
        context = chromium.new_context(locale="en-US")
        page = context.new_page()
        page.goto(f"{own.address}/#dataset=xor&networkShape=5&noise=20")
        ready(page)
        hash_before = page.evaluate("location.hash")
        own.stop()
        page.get_by_text("The connection to the studio is lost").wait_for()
        own.start()
        page.locator(".banner.lost").wait_for(state="hidden")
        wait_for(page, "store.frame.epoch === 0 && String(store.state.specification.hidden_layers) === '5'")
        assert page.evaluate("location.hash") == hash_before
        page.keyboard.press(">")
        wait_for(page, "store.frame.epoch === 1")
        context.close()
    finally:
        own.stop()


@pytest.mark.slow
def test_a_slow_studio_is_waited_for_with_a_word(open_page: OpenPage) -> None:
    """As after installation, when the engine is compiled; and as behind a long command later."""
    held: list[Any] = []
    holds = {"now": True}

    def slowly(socket: Any) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: held.append((socket, message)) if holds["now"] else socket.send(message))

    page = open_page(before=lambda page: page.route_web_socket("**/ws/playground", slowly))
    page.get_by_text("Preparing the engine.").wait_for()
    holds["now"] = False
    for socket, message in held:
        socket.send(message)
    ready(page)
    patience = page.locator(".patience")
    patience.wait_for(state="hidden")
    held.clear()
    holds["now"] = True
    page.get_by_role("button", name="New points").click()
    page.get_by_text("Working…").wait_for()
    holds["now"] = False
    for socket, message in held:
        socket.send(message)
    patience.wait_for(state="hidden")


def test_a_full_studio_says_so(open_page: OpenPage) -> None:
    refusal = {"key": "error.too-many-tabs", "values": {"limit": 64}, "text": "64 tabs are open"}

    def refuse(route: Any) -> None:
        route.send(json.dumps({"event": "refused", "id": None, "error": refusal}))
        route.close(code=1013)

    page = open_page(before=lambda page: page.route_web_socket("**/ws/playground", refuse))
    page.locator(".banner", has_text="64 tabs are open, as many as this studio serves").wait_for()
    assert not page.locator(".banner.lost").is_visible()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_900_pixels_are_wide_enough_and_no_text_is_tiny(open_page: OpenPage, scheme: str) -> None:
    page = ready(open_page("/#networkShape=8,8,8,8,8,8", viewport={"width": 900, "height": 800}, color_scheme=scheme))
    page.locator(".more summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    tiny = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
        .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
        .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 12).map((e) => e.outerHTML.slice(0, 90))"""
    )
    assert tiny == []


def test_nothing_that_a_link_holds_becomes_html(open_page: OpenPage) -> None:
    hostile = "<img src=x onerror=window.hit=1>"
    page = ready(open_page(f"/#seed={quote(hostile)}&{quote(hostile)}=1&{quote(hostile)}_hide={quote(hostile)}"))
    assert page.locator("img").count() == 0
    page.locator(".more summary").click()
    control(page, "seed").locator("input").fill(hostile)
    page.keyboard.press("Enter")
    wait_for(page, f"store.state.specification.seed === {json.dumps(hostile)}")
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Open a link of ours").fill(f"#learningRate={hostile}")
    page.keyboard.press("Enter")
    page.locator(".notice", has_text="<img").wait_for()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hit") is None


def test_a_bad_address_gives_its_reason_and_the_default_network(open_page: OpenPage) -> None:
    page = ready(open_page("/#networkShape=99"))
    page.locator(".notice", has_text="99").wait_for()
    assert store(page, "store.state.specification.hidden_layers") == [4, 2]
    assert "networkShape=4,2" in page.url


def test_colours_and_theme_are_chosen_and_remembered(open_page: OpenPage) -> None:
    page = ready(open_page())
    before = page.locator(".map-canvas").screenshot()
    page.get_by_label("Colours").select_option("green-purple")
    page.get_by_label("Appearance").select_option("dark")
    page.wait_for_timeout(100)
    assert page.locator(".map-canvas").screenshot() != before
    page.reload()
    ready(page)
    assert page.evaluate("document.documentElement.dataset.scale") == "green-purple"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("language", ["en-US", "pl-PL"])
def test_everything_that_can_be_used_has_a_name(open_page: OpenPage, language: str) -> None:
    page = ready(open_page(locale=language))
    page.locator(".more summary").click()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea, summary, a[href], [role=img]')]
        .filter((element) => !element.closest('.panels') && element.checkVisibility())
        .filter((e) => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim()))
        .map((element) => element.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.lang") == language[:2]
