"""Maps of a layer for an image: right where they can be checked by hand, and without a trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image
from torch import nn

from layerlab.anatomy.feature_maps import FeatureMaps, feature_maps
from layerlab.anatomy.map_layout import map_layout
from layerlab.anatomy.signed_picture import NEGATIVE, POSITIVE, signed_picture
from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.zoo import create


def edge_image() -> torch.Tensor:
    """Dark to the left of column 20, light from there."""
    image = torch.zeros(1, 32, 40)
    image[:, :, 20:] = 1.0
    return image


def edge_detector() -> nn.Sequential:
    module = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.ReLU())
    with torch.no_grad():
        module[0].weight[0] = torch.tensor([[-1.0, 0.0, 1.0]] * 3)  # dark to light
        module[0].weight[1] = torch.tensor([[0.5, 0.0, -0.5]] * 3)  # light to dark
    return module


class Branches(nn.Module):
    """Two branches of different fields, joined; then a stride."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(3, 4, 1)
        self.wide = nn.Conv2d(3, 4, 5, padding=2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.last = nn.Conv2d(8, 6, 3, padding=1, dilation=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.pool(torch.cat([self.narrow(x), self.wide(x)], 1)))


class Restless(nn.Module):
    """Draws numbers, counts its calls, writes to a buffer and into its input, keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.register_buffer("seen", torch.zeros(2))
        self.calls = 0
        self.last: Any = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.seen += 1
        x.mul_(2)
        self.last = x
        return self.norm(self.first(x + torch.rand(1)))


class Small(nn.Module):
    """AlexNet's beginning, in small."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 11, 4, 2), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Conv2d(16, 24, 5, padding=2), nn.ReLU()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x).mean((2, 3))


class Idle(nn.Conv2d):
    """Has a layer that it never calls."""

    def __init__(self) -> None:
        super().__init__(3, 2, 1)
        self.idle = nn.Conv2d(3, 2, 1)


def noise(channels: int = 3, height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.randn(channels, height, width, generator=torch.Generator().manual_seed(3))


def test_an_edge_detector_responds_at_the_edge() -> None:
    found = feature_maps(edge_detector(), edge_image(), "1", steps=0)
    rising = found.channels[0]
    assert rising.channel == 0
    assert rising.value == 3
    assert rising.peak[1] in (18, 19)  # the window of column 18 holds columns 18 to 20
    top, left, bottom, right = rising.box
    assert (bottom - top, right - left) == (3, 3)
    assert left <= 19
    assert right > 20
    assert found.maps[1].max() == 0


def test_what_a_linear_channel_depends_on_is_weight_times_input() -> None:
    module = nn.Conv2d(1, 1, 3)
    image = noise(1, 9, 9)
    found = feature_maps(module, image, "", steps=0).channels[0]
    row, column = found.peak
    expected = torch.zeros(9, 9)
    expected[row : row + 3, column : column + 3] = (
        module.weight.detach()[0, 0] * image[0, row : row + 3, column : column + 3]
    )
    assert found.dependence is not None
    assert torch.allclose(found.dependence, expected, atol=1e-6)


BOXED: list[tuple[Callable[[], nn.Module], str]] = [
    (Branches, "last"),
    (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, padding=2, dilation=2), nn.AvgPool2d(2)), "2"),
    (torchvision.models.resnet18, "layer1"),
    (Small, "features.3"),
]


@pytest.mark.parametrize(("build", "path"), BOXED)
def test_a_position_sees_its_box_and_nothing_else(build: Callable[[], nn.Module], path: str) -> None:
    torch.manual_seed(0)
    module, image = build().eval(), noise(3, 96, 96)
    found = feature_maps(module, image, path, steps=0, channels=2)
    one = found.channels[0]
    top, left, bottom, right = one.box
    assert bottom - top < 96

    def value(changed: torch.Tensor) -> float:
        kept: list[torch.Tensor] = []
        handle = module.get_submodule(path).register_forward_hook(lambda *args: kept.append(args[2].detach()))
        with torch.no_grad():
            module(changed.unsqueeze(0))
        handle.remove()
        return float(kept[0][(0, one.channel, *one.peak)])

    outside = torch.ones(96, 96, dtype=torch.bool)
    outside[max(top, 0) : bottom, max(left, 0) : right] = False
    changed = image.clone()
    changed[:, outside] = 9.0
    assert value(changed) == pytest.approx(value(image), rel=1e-5)
    assert value(image) == pytest.approx(one.value, rel=1e-5)
    for row in (max(top, 0), min(bottom, 96) - 1):  # it is no larger than need be
        changed = image.clone()
        changed[:, row] += 30.0
        assert value(changed) != pytest.approx(value(image), rel=1e-5)


def test_an_image_is_found_that_excites() -> None:
    module = edge_detector()
    found = feature_maps(module, edge_image(), "0", steps=30, seconds=60)
    one = found.channels[0]
    assert one.excited is not None
    assert one.excited_value is not None
    assert one.excited.shape == (1, 3, 3)
    assert one.excited_value > 2
    assert one.excited[0, :, 2].mean() > one.excited[0, :, 0].mean()
    assert torch.equal(one.excited, feature_maps(module, edge_image(), "0", steps=30, seconds=60).channels[0].excited)


def test_an_excited_image_has_the_value_that_is_said_for_it() -> None:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 5, 3))
    found = feature_maps(module, noise(3, 64, 64), "2", steps=6, seconds=60, channels=3)
    one = found.channels[-1]
    assert one.excited is not None
    middle = (found.image.low + found.image.high) / 2
    canvas = middle.expand(3, 64, 64).clone()
    rows, columns = (length // 2 for length in found.maps.shape[1:])
    top, left, bottom, right = found.layout.box(rows, columns, 64, 64)
    canvas[:, top:bottom, left:right] = one.excited
    value = module(canvas.unsqueeze(0))[0, one.channel, rows, columns]
    assert value.item() == pytest.approx(one.excited_value, rel=1e-4)


def test_no_time_is_said() -> None:
    found = feature_maps(Small(), noise(3, 96, 96), "features.3", seconds=0, channels=4)
    assert all(one.excited is None for one in found.channels)
    assert any("no image was found that excites a channel" in note for note in found.notes)
    assert any("for 3 of 4 channels no gradient was taken" in note for note in found.notes)


def test_weights_are_those_of_the_convolution_behind_the_maps() -> None:
    module = torchvision.models.resnet18()
    behind = feature_maps(module, noise(3, 64, 64), "relu", steps=0, channels=2).filters
    assert behind is not None
    assert behind.path == "conv1"
    assert behind.sees_image
    assert torch.equal(behind.weight, module.conv1.weight)
    assert feature_maps(module, noise(3, 64, 64), "layer1.0", steps=0, channels=2).filters is None  # a sum of two


def test_weights_of_a_dense_layer_are_pictures_where_it_looks_at_one() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 5, 4), nn.ReLU(), nn.Linear(4, 2))
    found = feature_maps(module, noise(3, 6, 5), "1", steps=0).filters
    assert found is not None
    assert found.weight.shape == (4, 3, 6, 5)
    assert found.sees_image
    assert torch.equal(found.weight.flatten(1), module[1].weight)
    deeper = feature_maps(module, noise(3, 6, 5), "3", steps=0).filters
    assert deeper is not None
    assert deeper.weight.shape == (2, 4, 1, 1)


def test_inputs_of_groups_are_numbered_in_the_whole() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 4, 3, groups=2))
    found = feature_maps(module, noise(), "1", steps=0).filters
    assert found is not None
    assert [found.input_of(output, 1) for output in range(4)] == [1, 1, 5, 5]


def test_tokens_form_a_grid_and_attention_adds_up_to_one() -> None:
    module = timm.create_model("vit_tiny_patch16_224", depth=2)
    found = feature_maps(module, noise(3, 224, 224), "blocks.1.attn", steps=0, channels=2)
    assert found.maps.shape == (192, 14, 14)
    assert "196 tokens form a 14x14 grid; 1 before them (the class token) left out" in found.notes
    assert found.attention is not None
    assert found.attention.weights.shape == (3, 197, 197)
    assert torch.allclose(found.attention.weights.sum(-1), torch.ones(3, 197), atol=1e-5)
    grid = found.attention.from_class_token()
    assert grid is not None
    assert torch.equal(grid[1, 2, 3], found.attention.weights[1, 0, 1 + 2 * 14 + 3])
    with torch.no_grad():
        module.eval()
        tokens = module.blocks[0](module._pos_embed(module.patch_embed(noise(3, 224, 224)[None])))
        expected = module.blocks[1].attn(module.blocks[1].norm1(tokens))
    assert torch.allclose(found.maps[:, 2, 3], expected[0, 1 + 2 * 14 + 3], atol=1e-4)


def test_attention_of_torch() -> None:
    torch.manual_seed(0)
    module = torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32)
    found = feature_maps(module, noise(), "encoder.layers.encoder_layer_0.self_attention", steps=0)
    assert found.attention is not None
    assert found.attention.weights.shape == (2, 17, 17)
    layer = module.encoder.layers[0].eval()
    with torch.no_grad():
        tokens = module._process_input(noise()[None])
        tokens = torch.cat([module.class_token, tokens], 1) + module.encoder.pos_embedding
        normed = layer.ln_1(tokens)
        _, expected = layer.self_attention(normed, normed, normed, need_weights=True, average_attn_weights=False)
    assert torch.allclose(found.attention.weights, expected[0], atol=1e-5)


def test_windows_of_attention_are_not_taken_for_the_image() -> None:
    module = torchvision.models.SwinTransformer([4, 4], 24, [2], [3], [7, 7], num_classes=2)
    found = feature_maps(module, noise(3, 56, 56), "features.1.0.attn", steps=0, channels=1)
    assert found.maps.shape == (24, 14, 14)
    assert "its channels are the last axis" in found.notes
    assert found.attention is None


@pytest.mark.parametrize(
    ("shape", "image", "expected"),
    [
        ((1, 8, 5, 7), (20, 28), ("maps", 5, 7, 0, 1)),
        ((1, 197, 16), (224, 224), ("tokens", 14, 14, 1, 1)),
        ((1, 8, 16), (32, 16), ("tokens", 4, 2, 0, 1)),
        ((1, 8, 16), (30, 30), ("series", 1, 8, 0, 1)),
        ((6, 49, 16), (60, 60), ("tokens", 7, 7, 0, 6)),
        ((1, 10), (8, 8), ("vector", 1, 1, 0, 1)),
        ((1, 2, 3, 4, 5), (8, 8), None),
    ],
)
def test_layouts(shape: tuple[int, ...], image: tuple[int, int], expected: tuple[Any, ...] | None) -> None:
    found = map_layout(shape, None, image)
    assert (found and (found.kind, found.rows, found.columns, found.skipped, found.parts)) == expected


def test_a_layer_without_positions_gives_bars() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 7))
    page = feature_maps(module, noise(), "1", steps=0).to_html()
    assert 'class="bars"' in page
    assert "All values, by channel" in page


class AlwaysInTraining(nn.Module):
    """Normalises by the batch in evaluation as well, and moves its statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        statistics = self.norm.running_mean, self.norm.running_var
        return self.conv(nn.functional.batch_norm(x, *statistics, training=True))


STATES: list[tuple[Callable[[], nn.Module], str]] = [
    (Restless, "norm"),
    (AlwaysInTraining, "conv"),
    (torchvision.models.resnet18, "layer1.0"),
]


@pytest.mark.parametrize(("build", "path"), STATES)
@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_left_behind(build: Callable[[], nn.Module], path: str, training: bool) -> None:
    module = build().train(training)
    next(module.modules()).training = not training
    for number, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(number % 2 == 0)
    first = next(module.parameters())
    first.grad = torch.ones_like(first)
    calls: list[int] = []
    module.register_forward_hook(lambda *_: calls.append(1))
    image = noise(3, 48, 48)

    def everything() -> list[Any]:
        return [
            {name: tensor.clone() for name, tensor in module.state_dict().items()},
            [part.training for part in module.modules()],
            [(parameter.requires_grad, parameter.grad is not None) for parameter in module.parameters()],
            [(len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()],
            torch.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(),  # type: ignore[index]
            torch.is_grad_enabled(),
            [getattr(module, name, None) for name in ("calls", "last")],
            image.clone(),
        ]

    before = everything()
    feature_maps(module, image, path, steps=2, channels=2, seconds=30)
    after = everything()
    assert all(torch.equal(before[0][name], after[0][name]) for name in before[0])
    assert before[1:-1] == after[1:-1]
    assert torch.equal(before[-1], after[-1])
    assert not calls
    assert first.grad is not None
    assert bool((first.grad == 1).all())


def test_nothing_is_left_behind_when_the_network_raises_for_real() -> None:
    class Raises(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 1, 1)
            self.second = nn.Conv2d(1, 1, 1)
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen += 1
            y = self.first(x)
            if y.requires_grad:
                raise ValueError("no gradients here")
            return self.second(y)

    module = Raises()
    with pytest.raises(LayerlabError, match=r'fails on the image before layer "second" has run: ValueError: no grad'):
        feature_maps(module, noise(1, 8, 8), "second")
    assert module.training
    assert float(module.seen) == 0
    assert not module.second._forward_hooks


def _png(folder: Path, size: tuple[int, int] = (50, 40)) -> Path:
    path = folder / "picture.png"
    array = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    Image.fromarray(array).save(path)
    return path


def test_how_the_image_was_prepared_is_said(tmp_path: Path) -> None:
    path = _png(tmp_path)
    imagenet = feature_maps(Small(), path, "features.0", size=(3, 64, 64), steps=0, channels=1)
    assert imagenet.image.tensor.shape == (3, 64, 64)
    assert "by ImageNet's mean and deviation: scaled and cut to 64x64" in imagenet.image.words
    grey = feature_maps(create("lenet5"), path, "c1", steps=0, channels=1)
    assert grey.image.tensor.shape == (1, 32, 32)
    assert "from 0 to 1: scaled and cut to 32x32, values 0..1" in grey.image.words
    recipe = Preprocessing((32, 32), 1, (0.5,), (0.25,), ())
    asked = feature_maps(create("lenet5"), path, "c1", preprocess=recipe, steps=0, channels=1)
    assert torch.allclose(asked.image.tensor, (grey.image.tensor - 0.5) / 0.25, atol=1e-6)
    assert torch.equal(asked.image.pixels, grey.image.pixels)
    pixels = torch.from_numpy(np.array(Image.open(path))).movedim(-1, 0)
    assert torch.equal(feature_maps(create("lenet5"), pixels, "c1", steps=0).image.tensor, grey.image.tensor)
    timms = feature_maps(timm.create_model("test_resnet"), path, "conv1.0", steps=0, channels=1)
    assert "as the network's settings say" in timms.image.words


def test_a_function_may_prepare_the_image(tmp_path: Path) -> None:
    def prepare(picture: Image.Image) -> torch.Tensor:
        return torch.full((1, 32, 32), float(picture.width))

    found = feature_maps(create("lenet5"), _png(tmp_path), "c1", preprocess=prepare, steps=0)
    assert float(found.image.tensor[0, 0, 0]) == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "featurs.0"}, 'Small has no layer "featurs.0"'),
        ({"path": "features"}, None),
        ({"image": "nowhere.png"}, 'no image file "nowhere.png"'),
        ({"image": 3}, "the image is int; expected a file, a Pillow image or a tensor"),
        ({"image": torch.zeros(2, 3, 64, 64)}, "the image is a tensor of shape (2, 3, 64, 64); expected one image"),
        ({"image": torch.full((3, 64, 64), float("nan"))}, "the image holds NaN or infinity"),
        ({"image": torch.zeros(1, 64, 64)}, "Conv2d"),
        ({"channels": 0}, "channels is 0; expected 1 to 256"),
        ({"steps": -1}, "steps is -1"),
        ({"preprocess": lambda _: 3, "image": Image.new("RGB", (9, 9))}, "preprocess gave int"),
        ({"image": Image.new("RGB", (9, 9))}, "Small does not say the size of its input; give it"),
    ],
)
def test_what_cannot_be_shown_is_said(arguments: dict[str, Any], message: str | None) -> None:
    module = Small()
    given = {"image": noise(3, 64, 64), "path": "features.0", "steps": 0} | arguments
    if message is None:
        feature_maps(module, **given)
        return
    with pytest.raises(LayerlabError, match=re.escape(message)) as caught:
        feature_maps(module, **given)
    assert "\n" not in str(caught.value)


def test_layers_that_have_no_maps_are_said() -> None:
    with pytest.raises(LayerlabError, match="is not called for an image"):
        feature_maps(Idle(), noise(), "idle")
    with pytest.raises(LayerlabError, match='device "meta", which holds no values'):
        feature_maps(nn.Conv2d(3, 2, 1, device="meta"), noise(), "")
    with pytest.raises(LayerlabError, match="not initialised yet"):
        feature_maps(nn.LazyConv2d(2, 1), noise(), "")
    broken = nn.Conv2d(3, 2, 1)
    nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(LayerlabError, match="gives NaN or infinity for this image"):
        feature_maps(broken, noise(), "")


@pytest.fixture(scope="module")
def shown() -> FeatureMaps:
    torch.manual_seed(0)
    return feature_maps(Small(), noise(3, 64, 64), "features.3", steps=2, channels=4, note="the weights are random")


def test_the_page_needs_nothing_and_says_everything(shown: FeatureMaps, tmp_path: Path) -> None:
    page = shown.save(tmp_path / "maps.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|https?://|url\(", page)
    assert len(page) < 400_000
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "features.3 of Small" in page
    assert "The weights are random" in page
    assert all('alt="' in tag for tag in re.findall(r"<img[^>]*>", page))
    pictures = re.findall(r"<svg[^>]*>", page)
    assert all("aria-label" in tag or "aria-hidden" in tag for tag in pictures)
    assert page.count("<tr>") == 1 + 4
    assert shown._repr_html_() in page


def test_what_was_found_is_plain_data(shown: FeatureMaps) -> None:
    data = shown.to_dict()
    assert data["maps"] == [24, 7, 7]
    values = [one["value"] for one in data["channels"]]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(float(shown.maps.max()))


def test_a_page_that_cannot_be_written_is_said(shown: FeatureMaps, tmp_path: Path) -> None:
    with pytest.raises(LayerlabError, match="cannot be written"):
        shown.save(tmp_path / "nowhere" / "maps.html")


def test_signed_values_are_orange_and_blue_and_zero_is_clear() -> None:
    picture = signed_picture(torch.tensor([[-2.0, -1.0, 0.0, 1.0, 9.0]]), 2.0).convert("RGBA")
    left, half, zero, right, beyond = (picture.getpixel((x, 0)) for x in range(5))
    assert left == (*NEGATIVE, 255)
    assert beyond == (*POSITIVE, 255)
    assert isinstance(zero, tuple)
    assert zero[3] == 0
    assert half == (*NEGATIVE, 129)
    assert right == (*POSITIVE, 129)


@pytest.mark.slow
def test_a_detector() -> None:
    module = torchvision.models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=128)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8))
    found = feature_maps(module, picture, "backbone.body.layer1", size=(3, 96, 96), channels=2, steps=1)
    assert found.maps.shape[0] == 256
    assert "the network scales its images itself" in found.image.words
    assert any(note.startswith("ran on real") for note in found.notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["resnet50", "googlenet", "densenet121", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "vit_b_16"],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_every_layer_of_well_known_networks(name: str) -> None:
    """Every tenth layer that is called has maps, and a page."""
    module = torchvision.models.get_model(name)
    paths = [path for path, part in module.named_modules() if path and not isinstance(part, nn.ModuleList)]
    for path in paths[:: max(len(paths) // 10, 1)]:
        try:
            found = feature_maps(module, noise(3, 224, 224), path, steps=1, seconds=1, channels=1)
        except LayerlabError as error:
            assert re.search("is not called|cannot be laid", str(error)), path
            continue
        assert found.to_html()
