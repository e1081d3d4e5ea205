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
from layerlab.anatomy.compose import Composed, compose, open_to
from layerlab.anatomy.page import STATIC
from layerlab.anatomy.picture import picture
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = pytest.mark.browser

Data = dict[str, Any]


def network(name: str) -> Anatomy:
    import torchvision

    settings = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        return dissect(torchvision.models.get_model(name, weights=None, **settings), (3, 224, 224))


@pytest.fixture(scope="module")
def pictures() -> dict[str, Data]:
    return {name: picture(network(name)) for name in ("resnet18", "googlenet")}


BARE = "<!doctype html><html lang=en><style>{sheet}</style><div id=root></div><button>after</button>"


@pytest.fixture(scope="module")
def bare(chromium: Browser) -> Iterator[Page]:
    """A page without anything, beside which the diagram's own files lie."""
    context = chromium.new_context(reduced_motion="reduce", viewport={"width": 1000, "height": 700})
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name:
            route.fulfill(body=(STATIC / name).read_text("utf-8"), content_type="text/javascript")
        else:
            sheet = (STATIC / "diagram.css").read_text("utf-8")
            route.fulfill(body=BARE.format(sheet=sheet), content_type="text/html")

    page.route("http://diagram.test/**", answer)
    page.goto("http://diagram.test/")
    yield page
    assert said == []
    context.close()


COMPOSED = """async ([picture, opened]) => {
  const { compose } = await import("/warp.js");
  const { width, height, items, wires } = compose(picture, new Set(opened));
  return {
    width, height,
    boxes: items.map(({ node, x, y, w, h, open, depth }) => [node.id, depth, open, x, y, w, h]),
    curves: wires.map(({ edge, points }) => [edge.source, edge.target, edge.kind, points]),
  };
}"""


def flat(composed: Composed) -> Data:
    """Return what COMPOSED returns."""
    return {
        "width": composed.width,
        "height": composed.height,
        "boxes": [[box.node["id"], box.depth, box.is_open, box.x, box.y, box.w, box.h] for box in composed.boxes],
        "curves": [
            [curve.edge["source"], curve.edge["target"], curve.edge["kind"], [list(point) for point in curve.points]]
            for curve in composed.curves
        ],
    }


def numbers(found: Any) -> list[float]:
    if isinstance(found, dict):
        return [number for key in sorted(found) for number in numbers(found[key])]
    if isinstance(found, list):
        return [number for part in found for number in numbers(part)]
    return [float(found)] if isinstance(found, (int, float)) else []


@pytest.mark.parametrize(
    ("name", "opened"),
    [
        ("resnet18", []),
        ("resnet18", ["layer1", "layer2", "layer2.0", "layer4.0"]),
        ("googlenet", ["inception3a", "inception3a.branch2", "conv1", "inception5b"]),
        ("googlenet", None),
    ],
)
def test_the_script_places_everything_where_python_does(
    bare: Page, pictures: dict[str, Data], name: str, opened: list[str] | None
) -> None:
    data = pictures[name]
    keys = sorted(open_to(data, 9)) if opened is None else opened
    assert set(keys) <= set(data["levels"])
    ours, expected = bare.evaluate(COMPOSED, [data, keys]), flat(compose(data, keys))
    for found in (ours, expected):  # the order is each one's own
        found["boxes"].sort()
        found["curves"].sort()
    assert [box[:3] for box in ours["boxes"]] == [box[:3] for box in expected["boxes"]]
    assert [curve[:3] for curve in ours["curves"]] == [curve[:3] for curve in expected["curves"]]
    assert numbers(ours) == pytest.approx(numbers(expected), abs=1e-6)
    assert len(numbers(ours)) > 100


MOUNT = """async ([picture, opened]) => {
  const { mountDiagram } = await import("/diagram.js");
  window.diagram?.destroy();
  window.chosen = [];
  window.diagram = mountDiagram(document.getElementById("root"), picture,
    { opened, onselect: (node) => window.chosen.push(node.path ?? node.id), words: { block: "klocek" } });
}"""


def places(page: Page) -> list[str]:
    found = page.evaluate("[...document.querySelectorAll('[data-place]')].map((item) => item.dataset.place)")
    assert isinstance(found, list)
    return found


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('data-place')"))


def test_a_diagram_opens_selects_and_goes(bare: Page, pictures: dict[str, Data]) -> None:
    bare.evaluate(MOUNT, [pictures["resnet18"], []])
    closed = places(bare)
    bare.evaluate("diagram.toggle('layer2.0')")
    assert bare.evaluate("diagram.opened()") == ["layer2", "layer2.0"]
    assert len(places(bare)) > len(closed)
    # The second block of layer1 is drawn in the first, for both are equal.
    assert bare.evaluate("diagram.select('layer1.1.conv2').path") == "layer1.0.conv2"
    assert bare.evaluate("document.querySelectorAll('[aria-selected=true]').length") == 1
    assert bare.evaluate("diagram.select('no.such.layer')") is None
    for key in bare.evaluate("diagram.opened()"):
        bare.evaluate("(key) => diagram.close(key)", key)
    assert places(bare) == closed
    assert bare.evaluate("chosen") == []  # nobody clicked
    label = bare.locator("[data-place='/module:layer1#0']").get_attribute("aria-label")
    assert label is not None
    assert "layer1, klocek, gives 64x56x56, 147,968 parameters" in label
    bare.evaluate("diagram.destroy()")
    assert bare.evaluate("document.getElementById('root').childElementCount") == 0


def test_a_screen_reader_meets_a_tree(bare: Page, pictures: dict[str, Data]) -> None:
    bare.evaluate(MOUNT, [pictures["resnet18"], []])
    tree = bare.get_by_role("tree", name="Diagram of ResNet, input 1x3x224x224")
    items = tree.get_by_role("treeitem")
    assert items.count() == len(pictures["resnet18"]["levels"][""]["nodes"])
    assert items.first.get_attribute("aria-label") == "input, gives 3x224x224"
    first = tree.get_by_role("treeitem", name="Conv2d 7×7, stride 2 conv1, gives 64x112x112, 9,408 parameters")
    assert first.get_attribute("aria-level") == "1"
    assert first.get_attribute("aria-expanded") is None  # a layer does not open
    tree.get_by_role("treeitem", name="layer2", expanded=False).locator(".box").click()
    block = tree.get_by_role("treeitem", name="layer2,", expanded=True, selected=True)
    assert block.count() == 1
    order = places(bare)
    inside = order[order.index(block.get_attribute("data-place") or "") + 1]
    assert bare.locator(f"[data-place='{inside}']").get_attribute("aria-level") == "2"
    assert bare.evaluate("getComputedStyle(document.activeElement.querySelector('.box')).strokeWidth") == "3px"
    bare.keyboard.press("Tab")
    bare.keyboard.press("Shift+Tab")
    assert bare.evaluate("getComputedStyle(document.activeElement.querySelector('.box')).strokeWidth") == "4.5px"


def test_the_keyboard_alone_opens_walks_and_closes(bare: Page, pictures: dict[str, Data]) -> None:
    bare.evaluate(MOUNT, [pictures["resnet18"], []])
    bare.locator("[data-place='/module:maxpool#0']").focus()
    stops = "document.querySelectorAll('[data-place][tabindex=\"0\"]').length"
    bare.keyboard.press("ArrowDown")
    assert focused(bare) == "/module:layer1#0"
    bare.keyboard.press("Enter")
    assert bare.evaluate("[diagram.opened(), chosen]") == [["layer1"], ["layer1"]]
    assert focused(bare) == "/module:layer1#0"
    bare.keyboard.press("ArrowDown")  # in, to where the value enters
    bare.keyboard.press("ArrowDown")
    assert focused(bare) == "/module:layer1#0/module:layer1.0#0"
    bare.keyboard.press(" ")
    walked = []
    while len(walked) < 20 and "module:layer2" not in walked:  # out of both blocks again
        bare.keyboard.press("ArrowDown")
        walked.append(focused(bare).rpartition("/")[2].split("#")[0])
    inner = [name for name in walked if name.startswith("module:layer1.0.")]
    assert inner == [f"module:layer1.0.{name}" for name in ("conv1", "bn1", "relu", "conv2", "bn2", "relu")]
    assert bare.evaluate(stops) == 1
    assert focused(bare) == "/module:layer2#0"
    bare.keyboard.press("ArrowUp")
    assert focused(bare).startswith("/module:layer1#0/")
    bare.keyboard.press("Escape")
    assert focused(bare) == "/module:layer1#0"
    assert bare.evaluate("diagram.opened()") == ["layer1.0"]
    bare.keyboard.press("Home")
    assert focused(bare) == places(bare)[0]
    bare.keyboard.press("End")
    assert focused(bare) == places(bare)[-1]


def test_arrows_go_sideways_among_branches(bare: Page, pictures: dict[str, Data]) -> None:
    bare.evaluate(MOUNT, [pictures["googlenet"], ["inception3a"]])
    bare.locator("[data-place='/module:inception3a#0/module:inception3a.branch1#0']").focus()
    found = {focused(bare)}
    for _ in range(4):
        bare.keyboard.press("ArrowLeft")
        found.add(focused(bare))
    for _ in range(4):
        bare.keyboard.press("ArrowRight")
        found.add(focused(bare))
    assert len(found) >= 3


def scale(page: Page) -> float:
    return float(page.evaluate("(() => { const m = document.querySelector('svg').getScreenCTM(); return m.a; })()"))


def test_zoom_pan_and_fit(bare: Page, pictures: dict[str, Data]) -> None:
    bare.evaluate(MOUNT, [pictures["resnet18"], []])
    bare.evaluate("document.querySelector('.diagram-frame').style.height = '500px'")
    fitted = scale(bare)
    box = bare.locator("[data-place='/module:maxpool#0'] .box").bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    bare.mouse.move(*at)
    bare.keyboard.down("Control")
    bare.mouse.wheel(0, -200)
    bare.keyboard.up("Control")
    bare.wait_for_timeout(50)
    assert scale(bare) == pytest.approx(fitted * 1.49, rel=0.02)
    after = bare.locator("[data-place='/module:maxpool#0'] .box").bounding_box()
    assert after is not None
    assert after["y"] + after["height"] / 2 == pytest.approx(at[1], abs=3)  # what lay under the pointer stays there
    top = bare.evaluate("document.querySelector('.diagram-frame').scrollTop")
    bare.mouse.move(500, 300)
    bare.mouse.down()
    bare.mouse.move(500, 220)
    bare.mouse.up()
    assert bare.evaluate("document.querySelector('.diagram-frame').scrollTop") == top + 80
    bare.wait_for_timeout(20)
    assert bare.evaluate("chosen") == []  # a drag is no click
    bare.locator("[data-place='/module:conv1#0']").focus()
    bare.keyboard.press("0")
    assert scale(bare) == pytest.approx(fitted, rel=1e-3)
    bare.keyboard.press("-")
    assert scale(bare) == pytest.approx(fitted / 1.25, rel=1e-3)


# The page.


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
    return network("resnet18")


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
