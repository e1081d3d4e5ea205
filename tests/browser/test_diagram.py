"""The diagram by itself in a real Chromium: where it places everything, by mouse, by keyboard, and as it is heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import torch

from layerlab import dissect
from layerlab.anatomy import Anatomy
from layerlab.anatomy.compose import Composed, compose, open_to
from layerlab.anatomy.page import STATIC
from layerlab.anatomy.picture import picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

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
    walked: list[str] = []
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
