"""Two networks side by side: ratios of the totals, layers matched by path."""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from torch import nn

from layerlab.anatomy import Anatomy, dissect
from layerlab.anatomy.compare import Comparison
from layerlab.anatomy.compare_table import text_comparison
from layerlab.zoo import create


@cache
def of_zoo(name: str, **knobs: Any) -> Anatomy:
    module = create(name, device="meta", **knobs)
    return dissect(module, (3, 32, 32) if name.startswith("resnet20") else (3, 224, 224))


def test_blocks_that_one_has_more() -> None:
    comparison = of_zoo("resnet18").compare(of_zoo("resnet34"), ("resnet18", "resnet34"))
    assert [(one.what, one.path) for one in comparison.differences] == [
        ("added", f"layer{stage}.{block}")
        for stage, count in ((1, 3), (2, 4), (3, 6), (4, 3))
        for block in range(2, count)
    ]
    figures = {figure.name: figure for figure in comparison.figures}
    assert (figures["parameters"].one, figures["parameters"].other) == (11_689_512, 21_797_672)
    assert figures["MACs"].ratio == pytest.approx(3_663_761_408 / 1_814_073_344)
    assert figures["kept for backward"].one == of_zoo("resnet18").totals.backward_bytes
    # What differs explains the whole of the difference.
    assert sum(one.other.parameters for one in comparison.differences if one.other) == 21_797_672 - 11_689_512
    back = of_zoo("resnet34").compare(of_zoo("resnet18"))
    assert {one.what for one in back.differences} == {"removed"}
    assert back.same == comparison.same


def test_the_same_network_has_no_difference() -> None:
    anatomy = of_zoo("resnet20")
    comparison = anatomy.compare(anatomy)
    assert comparison.differences == ()
    assert comparison.same == len(anatomy.layers)
    assert {figure.ratio for figure in comparison.figures} == {1.0}


def test_a_narrower_one_changes_everywhere_and_is_shown_by_blocks() -> None:
    comparison = of_zoo("resnet20").compare(of_zoo("resnet20", width=0.5))
    paths = [one.path for one in comparison.shown]
    assert "layer3.2" in paths
    assert "layer3.2.conv1" not in paths
    assert "layer3.2.conv1" in [one.path for one in comparison.differences]
    assert len(paths) <= 40
    assert "the JSON lists each" in str(comparison)


def test_what_is_changed_is_named() -> None:
    def network(**parts: nn.Module) -> Anatomy:
        return dissect(nn.Sequential(OrderedDict(parts)), (3, 8, 8))

    one = network(a=nn.Conv2d(3, 4, 3), b=nn.ReLU(), c=nn.Dropout(0.1))
    other = network(a=nn.Conv2d(3, 4, 3, bias=False), b=nn.GELU(), c=nn.Dropout(0.2), d=nn.Flatten())
    found = {difference.path: (difference.what, difference.changed) for difference in one.compare(other).differences}
    assert "Dropout (p 0.1 -> 0.2)" in str(one.compare(other))
    assert found == {
        "a": ("changed", ("settings", "parameters")),
        "b": ("changed", ("kind", "settings")),
        "c": ("changed", ("settings",)),
        "d": ("added", ()),
    }


def test_a_part_of_another_kind_with_the_same_inside_is_a_difference() -> None:
    class Other(nn.Sequential):
        pass

    one = dissect(nn.Sequential(nn.Sequential(nn.Linear(4, 4))), (4,))
    other = dissect(nn.Sequential(Other(nn.Linear(4, 4))), (4,))
    assert [(each.path, each.changed) for each in one.compare(other).differences] == [("0", ("kind",))]
    assert one.compare(other).same == 1


@pytest.mark.parametrize("width", [80, 120])
def test_text(width: int) -> None:
    text = text_comparison(of_zoo("resnet20").compare(of_zoo("resnet20", width=0.5), ("whole", "half")), width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].split() == ["whole", "half", "ratio"]
    assert [line.split() for line in lines if line.startswith("MACs ")] == [
        ["MACs", "40,551,040", "10,248,512", "0.253"]
    ]
    assert ("4,672 -> 1,184" if width == 120 else "4.67 k -> 1.18 k") in text


def test_json_and_html() -> None:
    comparison = of_zoo("resnet18").compare(of_zoo("resnet34"))
    data = json.loads(json.dumps(comparison.to_dict()))
    assert data["names"] == ["ResNet", "other ResNet"]
    assert data["layers"][0] == {
        "path": "layer1.2", "what": "added", "changed": [], "kind": [None, "BasicBlock"],
        "settings": [None, data["layers"][0]["settings"][1]], "inputs": [None, [[1, 64, 56, 56]]],
        "outputs": [None, [[1, 64, 56, 56]]], "parameters": [None, 73_984], "macs": [None, 231_211_008],
    }  # fmt: skip
    page = comparison._repr_html_()
    reader = Tags()
    reader.feed(page)
    assert reader.open == []
    assert "21,797,672" in page
    assert "1.86" in page
    assert "(+ only in" in str(comparison)
    assert "(+ only in" not in page, "the page has words for the signs"


def test_html_escapes_names() -> None:
    anatomy = of_zoo("resnet20")
    page = Comparison(anatomy, anatomy, ("<b>", "a"), (), (), 0)._repr_html_()
    assert "<b>" not in page


class Tags(HTMLParser):
    """Collects tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
