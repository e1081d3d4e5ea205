"""The picture to scale: its lengths are those of the records, and every network gets one."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest
import timm
import torch
import torchvision
from torch import nn

from layerlab.anatomy import Anatomy, dissect
from layerlab.anatomy.scale_stages import Size, stages_of
from layerlab.zoo import create, list_models, model_info

SVG = "{http://www.w3.org/2000/svg}"


class Reader(nn.Module):
    """A two-layer bidirectional LSTM over words."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, 64)
        self.lstm = nn.LSTM(64, 128, 2, bidirectional=True, batch_first=True)
        self.output = nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.lstm(self.embedding(x))[0][:, -1])


class Functional(nn.Module):
    """Pools and flattens by functions, which no module shows."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(1, 4, 3)
        self.two = nn.Conv2d(4, 8, 3)
        self.out = nn.Linear(8 * 25, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.max_pool2d(self.one(x), 2)
        return self.out(torch.nn.functional.max_pool2d(self.two(x), 2).flatten(1))


def sizes(anatomy: Anatomy) -> list[tuple[int, int, int]]:
    return [(stage.size.channels, stage.size.height, stage.size.width) for stage in stages_of(anatomy)[0]]


def words(anatomy: Anatomy) -> list[str]:
    return [", ".join(stage.words) for stage in stages_of(anatomy)[0]]


def parsed(anatomy: Anatomy) -> ET.Element:
    return ET.fromstring(anatomy.to_scale())  # noqa: S314 - our own text


def fronts(root: ET.Element) -> list[tuple[float, float]]:
    """Thickness and height of the front of each box."""
    found = []
    for polygon in root.iter(f"{SVG}polygon"):
        if polygon.get("class") == "front":
            points = [tuple(map(float, pair.split(","))) for pair in polygon.get("points", "").split()]
            found.append((points[1][0] - points[0][0], points[0][1] - points[2][1]))
    return found


@pytest.fixture(scope="module")
def vgg16() -> Anatomy:
    return dissect(create("vgg16"), (3, 224, 224))


@pytest.fixture(scope="module")
def resnet50() -> Anatomy:
    return dissect(torchvision.models.resnet50(), (3, 224, 224))


def test_vgg_is_the_row_of_boxes_that_its_papers_show(vgg16: Anatomy) -> None:
    assert sizes(vgg16) == [
        (3, 224, 224), (64, 224, 224), (64, 112, 112), (128, 112, 112), (128, 56, 56), (256, 56, 56), (256, 28, 28),
        (512, 28, 28), (512, 14, 14), (512, 7, 7), (25088, 1, 1), (4096, 1, 1), (1000, 1, 1),
    ]  # fmt: skip
    assert words(vgg16)[1:4] == ["2 × convolution 3×3", "max pool 2×2", "2 × convolution 3×3"]


def test_boxes_are_to_scale(vgg16: Anatomy) -> None:
    boxes = fronts(parsed(vgg16))
    solid = [size for size in sizes(vgg16)[1:] if size[1] > 1]
    for (channels, height, _), (thick, high) in zip(solid, boxes[1:], strict=False):
        assert high == pytest.approx(170 * height / 224, abs=0.11)
        assert thick == pytest.approx(64 * channels / 512, abs=0.11)
    bars = boxes[1 + len(solid) :]
    assert [high for _, high in bars] == pytest.approx([170, 170 * 4096 / 25088, 170 * 1000 / 25088], abs=0.11)


def test_the_scale_bars_say_what_a_length_is(vgg16: Anatomy) -> None:
    text = vgg16.to_scale()
    assert "100 pixels, height and width" in text
    assert "200 channels" in text
    assert "square roots" not in text
    bar = next(one for one in parsed(vgg16).iter(f"{SVG}path") if one.get("class") == "bar")
    assert f"h{170 * 100 / 224:.1f}" in (bar.get("d") or "")


def test_where_a_box_would_vanish_lengths_are_square_roots_and_it_is_said() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 1024, 3))
    anatomy = dissect(module, (3, 32, 32))
    assert "1024" in anatomy.to_scale()
    assert "500 channels (lengths are square roots)" in anatomy.to_scale()
    (_, _), (thin, _), (thick, _) = fronts(parsed(anatomy))
    assert thick / thin == pytest.approx((1024 / 8) ** 0.5, rel=0.02)


def test_repeats_are_said_and_paths_named(resnet50: Anatomy) -> None:
    assert words(resnet50)[3:7] == ["3 × Bottleneck", "4 × Bottleneck", "6 × Bottleneck", "3 × Bottleneck"]
    text = resnet50.to_scale()
    assert "layer3.0–5" in text
    assert ">1024×14×14<" in text


def test_every_size_of_a_stage_is_that_of_its_layer(resnet50: Anatomy) -> None:
    for stage in stages_of(resnet50)[0]:
        if stage.path is not None:
            shape = resnet50[stage.path].outputs[0][1:]
            assert (stage.size.channels, stage.size.height, stage.size.width) == shape + (1,) * (3 - len(shape))


def test_a_window_is_as_large_as_the_kernel() -> None:
    anatomy = dissect(nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU()), (1, 20, 20))
    root = parsed(anatomy)
    window = next(one for one in root.iter(f"{SVG}polygon") if one.get("class") == "window")
    ys = [float(pair.split(",")[1]) for pair in window.get("points", "").split()]
    assert ys[0] - ys[3] == pytest.approx(170 * 5 / 20, abs=0.2)
    assert len([one for one in root.iter(f"{SVG}path") if one.get("class") == "ray"]) == 4


def test_functions_between_layers_are_stages_too() -> None:
    anatomy = dissect(Functional(), (1, 28, 28))
    assert sizes(anatomy) == [(1, 28, 28), (4, 26, 26), (4, 13, 13), (8, 11, 11), (200, 1, 1), (10, 1, 1)]
    assert words(anatomy)[2] == "max pool"
    assert words(anatomy)[4] == "max pool, flatten"


def test_a_sequence_is_as_high_as_it_has_positions() -> None:
    anatomy = dissect(Reader(), torch.zeros(1, 50, dtype=torch.long))
    kinds = [stage.size for stage in stages_of(anatomy)[0]]
    assert kinds[:3] == [Size("sequence", 1, 50), Size("sequence", 64, 50), Size("sequence", 256, 50)]
    assert "20 positions" in anatomy.to_scale()
    assert ">50×256<" in anatomy.to_scale()


def test_tokens_of_a_transformer() -> None:
    anatomy = dissect(timm.create_model("vit_tiny_patch16_224"), (3, 224, 224))
    assert words(anatomy) == ["input", "convolution 16×16", "12 × Block", "one position", "dense"]
    assert stages_of(anatomy)[0][2].size == Size("sequence", 192, 197)


def test_channels_may_be_last() -> None:
    assert sizes(dissect(torchvision.models.swin_t(), (3, 224, 224)))[1:5] == [
        (96, 56, 56), (192, 28, 28), (384, 14, 14), (768, 7, 7),
    ]  # fmt: skip


def test_branches_are_one_box() -> None:
    anatomy = dissect(create("googlenet"), (3, 224, 224))
    assert "3 × Inception" in words(anatomy)
    assert len(sizes(anatomy)) == 15


def test_the_picture_speaks_and_knows_both_themes(vgg16: Anatomy) -> None:
    root = parsed(vgg16)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "VGG, input 1x3x224x224, to scale"
    assert "2 × convolution 3×3: 64×224×224" in (root.findtext(f"{SVG}desc") or "")
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")


def test_labels_do_not_overlap(vgg16: Anatomy, resnet50: Anatomy) -> None:
    for anatomy in (vgg16, resnet50):
        rows: dict[str, list[tuple[float, float]]] = {}
        for text in parsed(anatomy).iter(f"{SVG}text"):
            if text.get("class") in ("size", "words", "name"):
                middle, half = float(text.get("x", "0")), 6.3 * len(text.text or "") / 2
                rows.setdefault(text.get("y", ""), []).append((middle - half, middle + half))
        for row in rows.values():
            assert all(one[1] <= two[0] for one, two in pairwise(sorted(row)))


@pytest.mark.parametrize(
    ("module", "size"),
    [
        (nn.Identity(), (3, 8, 8)),
        (nn.Linear(4, 2), (4,)),
        (nn.Linear(4, 2), (7, 4)),
        (nn.Conv1d(2, 3, 3), (2, 20)),
        (nn.Conv3d(3, 4, 3), (3, 8, 16, 16)),
        (nn.ConvTranspose2d(2, 3, 2, 2), (2, 5, 9)),
        (nn.Flatten(), (2, 3)),
    ],
)
def test_odd_networks_get_a_picture(module: nn.Module, size: tuple[int, ...]) -> None:
    root = parsed(dissect(module, size))
    width, height = (float(root.get(name, "0")) for name in ("width", "height"))
    assert 20 < width < 2500
    assert 20 < height < 800


@pytest.mark.slow
@pytest.mark.parametrize("name", list_models())
def test_every_network_of_the_zoo(name: str) -> None:
    _is_readable(dissect(create(name), model_info(name).input_shape))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in torchvision.models.list_models(module=torchvision.models)
                                  if "128gf" not in name])  # fmt: skip
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_every_classifier_of_torchvision(name: str) -> None:
    side = 299 if "inception" in name else 224
    with torch.device("cpu" if "regnet" in name else "meta"):  # regnet computes with its numbers as it is built
        module = torchvision.models.get_model(name, **({"init_weights": False} if "nception" in name else {}))
    _is_readable(dissect(module, (3, side, side)))


@pytest.mark.slow
def test_a_detector_shows_its_backbone() -> None:
    module = torchvision.models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    anatomy = dissect(module, ([torch.rand(3, 320, 320)],))
    assert words(anatomy)[-1] == "FeaturePyramidNetwork"
    assert "Not drawn, since what they give belongs to no one place: rpn, roi_heads" in anatomy.to_scale()


def _is_readable(anatomy: Anatomy) -> None:
    root = parsed(anatomy)
    boxes: list[Any] = fronts(root)
    assert 4 <= len(boxes) <= 18
    assert float(root.get("width", "0")) < 2200
    assert min(high for _, high in boxes) > 0.5
