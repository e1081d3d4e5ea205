"""The picture: where things lie, what opening a block does to it, and the SVG."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_models import ODD, RAISE, Cannot, Ids
from torch import Tensor, nn

from layerlab import LayerlabError
from layerlab.anatomy import Anatomy, dissect, layout
from layerlab.anatomy.compose import HEADER, Composed, Stretch, compose, open_to, readable_depth, visible
from layerlab.anatomy.draw import drawn as svg_of
from layerlab.anatomy.families import FAMILIES, operation_label
from layerlab.anatomy.layout import Plan, lay_out
from layerlab.anatomy.palette import _SOFT, COLORS, EDGES, INK, PAPER
from layerlab.anatomy.picture import picture

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own text


@cache
def resnet() -> Anatomy:
    return dissect(torchvision.models.resnet50(), (3, 224, 224))


@cache
def branched() -> Anatomy:
    """GoogLeNet's stem and first two modules: blocks beside each other, three levels deep."""
    whole = torchvision.models.googlenet(init_weights=False, aux_logits=False)
    return dissect(nn.Sequential(whole.conv1, whole.conv2, whole.conv3, whole.inception3a, whole.inception3b),
                   (3, 64, 64))  # fmt: skip


@cache
def drawn(build: Callable[[], Anatomy]) -> dict[str, Any]:
    return picture(build())


def overlap(one: Any, other: Any) -> bool:
    slack = 0.01
    return (
        one.x + slack < other.x + other.w
        and other.x + slack < one.x + one.w
        and one.y + slack < other.y + other.h
        and other.y + slack < one.y + one.h
    )


def inside(inner: Any, outer: Any) -> bool:
    slack = 0.01
    return (
        inner.x >= outer.x - slack
        and inner.x + inner.w <= outer.x + outer.w + slack
        and inner.y >= outer.y + HEADER - slack
        and inner.y + inner.h <= outer.y + outer.h + slack
    )


def test_a_picture_is_json_with_figures_of_one_of_each_run() -> None:
    data = drawn(resnet)
    assert json.loads(json.dumps(data)) == data
    (run,) = [node for node in data["levels"]["layer3"]["nodes"] if node["repeats"] > 1]
    assert run["label"] == "Bottleneck"
    assert (run["repeats"], run["paths"]) == (5, [f"layer3.{block}" for block in range(1, 6)])
    assert run["parameters"] == resnet()["layer3.1"].parameters
    assert run["macs"] == resnet()["layer3.1"].macs
    assert run["shape"] == "1024x14x14"
    assert run["level"] == "layer3.1"
    first = data["levels"][""]["nodes"][1]
    assert first["lines"] == ["Conv2d 7×7, stride 2", "conv1 · 64x112x112", "9.41 k params · 118 M MACs"]


def test_figures_of_all_parts_add_up_to_the_network() -> None:
    for build in (resnet, branched):
        anatomy = build()
        for figure, total in (("parameters", anatomy.totals.parameters), ("macs", anatomy.totals.macs)):
            nodes = drawn(build)["levels"][""]["nodes"]
            assert sum(node[figure] * node["repeats"] for node in nodes) == total


class Looped(nn.Module):
    """One cell in a loop, and a layer that is called once more at the end."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.cell, self.beside, self.head = steps, nn.RNNCell(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = self.head(x[:, 0])
        for step in range(self.steps):
            state = self.cell(x[:, step], self.beside(state))
        return self.head(state)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("steps", "label"), [(3, "RNNCell"), (120, "Linear + RNNCell in 120 steps")])
def test_what_is_called_again_has_no_parameters_of_its_own(steps: int, label: str) -> None:
    anatomy = dissect(Looped(steps), (steps, 3))
    nodes = picture(anatomy)["levels"][""]["nodes"]
    assert label in {node["label"] for node in nodes}
    assert sum(node["parameters"] * node["repeats"] for node in nodes) == anatomy.totals.parameters
    assert sum(node["macs"] * node["repeats"] for node in nodes) == anatomy.totals.macs
    assert nodes[-2]["lines"] == ["Linear", "head · 3", "same weights · 9 MACs"]


def test_every_node_and_edge_is_as_the_contract_says() -> None:
    for data in (drawn(resnet), drawn(branched)):
        for key, level in data["levels"].items():
            nodes = {node["id"]: node for node in level["nodes"]}
            assert level["key"] == key
            assert len(nodes) == len(level["nodes"])
            for node in nodes.values():
                assert node["kind"] in {"input", "output", "port", "block", "layer", "operation"}
                assert node["family"] in FAMILIES
                assert node["level"] is None or node["level"] in data["levels"]
                assert 0 <= node["x"] <= node["x"] + node["w"] <= level["width"]
                assert 0 <= node["y"] <= node["y"] + node["h"] <= level["height"]
            for edge in level["edges"]:
                assert len(edge["points"]) % 3 == 1
                assert nodes[edge["source"]]["y"] < nodes[edge["target"]]["y"]
                for name, point in (("source", edge["points"][0]), ("target", edge["points"][-1])):
                    assert distance_to_border(point, nodes[edge[name]]) < 2.5


class Joined(nn.Module):
    """Two long skips into concatenations, and an output that leaves early."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.middle = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
        self.up2, self.up1, self.act = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1), nn.ReLU()

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        one = self.down1(x)
        two = self.down2(self.act(one))
        up = self.up2(torch.cat([self.middle(self.act(two)), two], 1))
        return self.up1(torch.cat([up, one], 1)) + y, torch.sin(two)


def test_the_main_line_is_straight_and_values_enter_at_the_top_and_leave_at_the_bottom() -> None:
    nodes = picture(dissect(Joined(), ((3, 8, 8), (4, 8, 8))))["levels"][""]["nodes"]
    main = [node for node in nodes if node["path"] is not None or node["label"] == "concatenate"]
    assert len(main) == 9
    assert max(abs(node["x"] + node["w"] / 2 - main[0]["x"] - main[0]["w"] / 2) for node in main) < 1
    tops = {kind: [node["y"] for node in nodes if node["kind"] == kind] for kind in ("input", "output")}
    assert [len(found) for found in tops.values()] == [2, 2]
    assert set(tops["input"]) == {min(node["y"] for node in nodes)}
    assert set(tops["output"]) == {max(node["y"] for node in nodes)}


def test_a_graph_of_very_many_long_edges_is_laid_out_in_time() -> None:
    edges = [(one, one + 1) for one in range(59)] + [
        (2 * one, 2 * other + 1) for one in range(30) for other in range(one + 1, 30)
    ]
    (placed,) = lay_out([Plan("all to all", tuple((60.0, 20.0) for _ in range(60)), tuple(edges))], seconds=60)
    assert all(len(points) % 3 == 1 for points in placed.edges)


def distance_to_border(point: Any, node: Any) -> float:
    """Return how far a point is from a node's border, for points outside and for points inside."""
    across = max(node["x"] - point[0], point[0] - node["x"] - node["w"])
    down = max(node["y"] - point[1], point[1] - node["y"] - node["h"])
    return abs(max(across, down))


@settings(max_examples=60)
@given(st.data())
def test_opening_any_blocks_overlaps_nothing_and_keeps_all_inside(data: st.DataObject) -> None:
    whole = drawn(data.draw(st.sampled_from([resnet, branched])))
    opened = data.draw(st.sets(st.sampled_from(sorted(whole["levels"]))))
    check(compose(whole, opened))


def check(composed: Composed) -> None:
    frames: list[Any] = []
    for box in composed.boxes:
        assert box.x >= -0.01
        assert box.x + box.w <= composed.width + 0.01
        assert box.y + box.h <= composed.height + 0.01
        around = [frame for frame in frames if overlap(frame, box)]
        assert len(around) == box.depth
        assert all(inside(box, frame) for frame in around)
        if box.is_open:
            frames.append(box)
        else:
            assert (box.w, box.h) == (box.node["w"], box.node["h"])
    closed = [box for box in composed.boxes if not box.is_open]
    assert not any(overlap(one, other) for one, other in itertools.combinations(closed, 2))


@pytest.mark.parametrize("anatomy", [resnet, branched])
def test_edges_end_at_the_borders_of_their_nodes_and_pass_through_no_other(anatomy: Any) -> None:
    data = drawn(anatomy)
    composed = compose(data, set(data["levels"]))
    boxes: dict[int, Any] = {id(box.node): box for box in composed.boxes}
    for level in data["levels"].values():
        ids = {node["id"]: boxes[id(node)] for node in level["nodes"] if id(node) in boxes}
        for curve in composed.curves:
            if any(curve.edge is edge for edge in level["edges"]) and ids:
                for name, point in (("source", curve.points[0]), ("target", curve.points[-1])):
                    box = ids[curve.edge[name]]
                    place = {"x": box.x, "y": box.y, "w": box.w, "h": box.h}
                    assert distance_to_border(point, place) < 2.5
                others = [box for key, box in ids.items() if key not in (curve.edge["source"], curve.edge["target"])]
                for x, y in along(curve.points):
                    assert not any(
                        box.x + 1 < x < box.x + box.w - 1 and box.y + 1 < y < box.y + box.h - 1 for box in others
                    )


def along(points: Any) -> Iterator[tuple[float, float]]:
    for start in range(0, len(points) - 3, 3):
        for step in range(9):
            t = step / 8
            shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            cubic = points[start : start + 4]
            yield (
                sum(share * point[0] for share, point in zip(shares, cubic, strict=True)),
                sum(share * point[1] for share, point in zip(shares, cubic, strict=True)),
            )


@st.composite
def levels(draw: st.DrawFn) -> dict[str, Any]:
    """A level of nodes in rows, none above another but by chance, each opening to a level of one node."""
    level: dict[str, Any] = {"key": "", "title": "", "nodes": [], "edges": []}
    found = {"": level}
    top = 12.0
    sizes = st.integers(10, 90).map(float)
    for row in range(draw(st.integers(1, 4))):
        left, lowest = draw(st.floats(12, 80)), 0.0
        for column in range(draw(st.integers(1, 3))):
            key = f"{row}.{column}"
            width, height = draw(sizes), draw(sizes)
            level["nodes"].append(node(key, left, top + draw(st.floats(0, 10)), width, height, key))
            inner = node("inside", 12, 12, 6 * draw(sizes), 4 * draw(sizes), None)
            found[key] = {"key": key, "title": "", "nodes": [inner], "edges": []}
            found[key] |= {"width": inner["w"] + 24, "height": inner["h"] + 24}
            left, lowest = left + width + draw(st.floats(1, 30)), max(lowest, height + 10)
        top += lowest + 5
    level["width"] = max(one["x"] + one["w"] for one in level["nodes"]) + 12
    level["height"] = top + 12
    return {"title": "", "root": "", "levels": found}


def node(key: str, x: float, y: float, w: float, h: float, level: str | None) -> dict[str, Any]:
    words = {"id": key, "kind": "block", "name": "", "lines": ["b"], "level": level}
    return words | {"x": x, "y": y, "w": w, "h": h}


@settings(max_examples=60)
@given(levels(), st.data())
def test_opening_blocks_of_any_layout_overlaps_nothing(whole: dict[str, Any], data: st.DataObject) -> None:
    check(compose(whole, data.draw(st.sets(st.sampled_from(sorted(whole["levels"]))))))


def test_what_lies_within_a_larger_block_makes_that_grow_by_the_rest_alone() -> None:
    stretch = Stretch([(0.0, 100.0, 300.0), (40.0, 60.0, 200.0)])
    assert stretch(60) - stretch(40) >= 200
    assert stretch(100) == pytest.approx(300)
    assert stretch(50) == pytest.approx(150)


INTERVALS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 200), st.integers(1, 900)).map(
        lambda one: (float(one[0]), float(one[0] + one[1]), float(one[2]))
    ),
    max_size=6,
)


@given(INTERVALS, st.lists(st.floats(-50, 700), min_size=2, max_size=8))
def test_a_stretch_gives_each_what_it_needs_and_brings_nothing_nearer(wanted: Any, values: list[float]) -> None:
    stretch = Stretch(wanted)
    for low, high, needed in wanted:
        assert stretch(high) - stretch(low) >= max(needed, high - low) - 1e-6
    for one, other in itertools.pairwise(sorted(values)):
        assert stretch(other) - stretch(one) >= other - one - 1e-6


def test_nothing_opened_is_the_level_as_it_was_laid_out() -> None:
    data = drawn(resnet)
    composed = compose(data, ())
    level = data["levels"][""]
    assert [(box.x, box.y) for box in composed.boxes] == [(node["x"], node["y"]) for node in level["nodes"]]
    assert [[list(point) for point in curve.points] for curve in composed.curves] == [
        edge["points"] for edge in level["edges"]
    ]
    assert (composed.width, composed.height) == (level["width"], level["height"])


def test_an_edge_beside_an_opened_block_is_cut_and_smooth() -> None:
    data = drawn(resnet)
    before = data["levels"]["layer1.0"]["edges"]
    curves = list(compose(data, {"layer1", "layer1.0", "layer1.0.downsample"}).curves)
    cut = [curve.points for edge in before for curve in curves if curve.edge is edge]
    assert [(len(points) - 1) / (len(edge["points"]) - 1) for points, edge in zip(cut, before, strict=True)] == [
        4
    ] * len(before)
    for points in cut:
        for joint in range(3, len(points) - 1, 3):
            (ax, ay), (px, py), (bx, by) = points[joint - 1 : joint + 2]
            cross = (px - ax) * (by - py) - (py - ay) * (bx - px)
            assert abs(cross) < 1e-6 * (1 + abs(bx - ax) + abs(by - ay)) ** 2


def test_a_block_in_a_closed_block_changes_nothing() -> None:
    data = drawn(resnet)
    assert compose(data, {"layer1.0"}) == compose(data, ())


def test_depths_open_blocks_and_the_default_stays_readable() -> None:
    data = drawn(resnet)
    assert open_to(data, 1) == set()
    assert open_to(data, 2) == {"layer1", "layer2", "layer3", "layer4"}
    assert readable_depth(data) == 2
    assert visible(data, open_to(data, 2)) == 20
    assert open_to(data, 99) == open_to(data, 4)


# The SVG


def test_a_diagram_is_an_image_with_a_title_a_description_and_both_themes() -> None:
    root = parsed(resnet().diagram())
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "ResNet, input 1x3x224x224"
    assert root.findtext(f"{SVG}desc") == (
        "Diagram of ResNet, from the input at the top to the output at the bottom: 25.6 M parameters, 4.09 G MACs. "
        "MACs (convolution + matmul); FLOPs = 2 x MACs."
    )
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("×2") == 2
    assert "layer1 · Sequential: 3 × Bottleneck" in texts
    assert len(resnet().diagram(3)) > len(resnet().diagram(2)) > len(resnet().diagram(1))
    assert resnet().diagram(0) == resnet().diagram(1)
    assert len(resnet().diagram().encode()) < 100_000


class Foreign(nn.Module):
    """Its names come from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("<script>alert(1)</script>\x07", nn.Linear(4, 4))
        self.add_module('a & "b" \'#1', nn.Sequential(nn.Linear(4, 4), nn.ReLU()))

    def forward(self, x: Tensor) -> Tensor:
        for child in self.children():
            x = child(x)
        return x


def test_names_of_modules_are_text() -> None:
    for depth in (1, 2):
        svg = dissect(Foreign(), (4,)).diagram(depth)
        root = parsed(svg)
        assert not [one.tag for one in root.iter() if "script" in one.tag]
        assert "<script" not in svg


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_and_lines_stand_out_in_both_themes() -> None:
    assert set(COLORS) == set(FAMILIES)
    for theme, name in enumerate(("light", "dark")):
        for fills in COLORS.values():
            assert contrast(fills[2 * theme], INK[name]) >= 4.5
            assert contrast(fills[2 * theme], _SOFT[name]) >= 4.5
            assert contrast(fills[2 * theme + 1], PAPER[name]) >= 2.5
        for edge in EDGES.values():
            assert contrast(edge[theme], PAPER[name]) >= 3


def test_operations_have_words() -> None:
    said = {name: operation_label(name) for name in ("add_", "__iadd__", "cat", "__getitem__", "relu", "avg_pool2d")}
    assert list(said.values()) == ["add", "add", "concatenate", "select", "ReLU", "average pool"]


# The layout and its limits


def test_a_layout_that_takes_too_long_names_the_block_and_the_limit() -> None:
    nodes = tuple((60.0, 20.0) for _ in range(120))
    edges = tuple((one, other) for one in range(120) for other in range(one + 1, 120))
    small = Plan('"small"', ((10.0, 10.0), (10.0, 10.0)), ((0, 1),))
    with pytest.raises(LayerlabError) as caught:
        lay_out([small, Plan('"blocks.7"', nodes, edges), small], seconds=1.0)
    assert str(caught.value) == (
        'the layout of "blocks.7" with 120 nodes and 7140 edges took longer than 1 s: draw a part of the network, or '
        "give a smaller depth"
    )


def test_without_pygraphviz_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LayerlabError, match=r"^a diagram needs the package pygraphviz, .* pip install pygraphviz$"):
        dissect(nn.Linear(3, 3), (3,)).diagram()


def test_a_child_that_fails_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    child = tmp_path / "child.py"
    child.write_text("raise MemoryError('no room')")
    monkeypatch.setattr(layout, "_CHILD", child)
    with pytest.raises(LayerlabError, match=r"^pygraphviz could not lay out the whole Linear: MemoryError: no room$"):
        dissect(nn.Linear(3, 3), (3,)).diagram()


def test_the_child_loads_neither_torch_nor_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", str(layout._CHILD)],
        input="[]", capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pygraphviz" in loaded
    assert not {name for name in loaded if re.match(r"torch|layerlab|numpy", name)}


def test_equal_graphs_are_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    before = layout._asked

    def counted(plans: Any, seconds: float) -> list[str]:
        asked.append(len(plans))
        return before(plans, seconds)

    monkeypatch.setattr(layout, "_asked", counted)
    plan = Plan("one", ((10.0, 10.0), (20.0, 10.0)), ((0, 1),))
    first, second = lay_out([plan, Plan("other", plan.nodes, plan.edges)])
    assert asked == [1]
    assert first == second
    assert lay_out([]) == []


@pytest.mark.parametrize(("build", "size"), [case for case in ODD if case[0] not in {*RAISE, Cannot}])
def test_odd_modules_are_drawn(build: Callable[[], nn.Module], size: tuple[int, ...]) -> None:
    anatomy = dissect(build(), torch.zeros(size, dtype=torch.long) if size == Ids else size)
    data = picture(anatomy)
    composed = compose(data, set(data["levels"]))
    check(composed)
    parsed(svg_of(composed, "odd", ""))


FIGURES = Path(__file__).parents[2] / "scripts" / "figures" / "diagrams.py"


@pytest.mark.parametrize("name", ["encoder-block", "inception", "resnet50"])
def test_the_guide_shows_diagrams_as_they_are_drawn_now(name: str) -> None:
    script = runpy.run_path(str(FIGURES))
    kept = (script["FOLDER"] / f"{name}.svg").read_text()
    assert len(kept) < 100_000
    assert texts(script["draw"](name)) == texts(kept), f"run python scripts/figures/diagrams.py {name}"


def texts(svg: str) -> list[str | None]:
    return [one.text for one in parsed(svg).iter() if one.tag != f"{SVG}style"]


def test_a_network_without_operations_is_drawn() -> None:
    root = parsed(dissect(nn.Identity(), (3,)).diagram())
    assert [text.text for text in root.iter(f"{SVG}text")] == ["input 3", "output 3"]
    assert torch.is_grad_enabled()
