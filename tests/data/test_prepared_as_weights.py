"""Images prepared as published weights expect them: torchvision's own way, to the last pixel."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision.transforms import functional
from torchvision.transforms._presets import ImageClassification
from torchvision.transforms.functional import InterpolationMode

from layerlab.data import Preprocessing, Split, load_data
from layerlab.errors import LayerlabError
from layerlab.zoo.weights import pretrained_info

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def first(split: Split, count: int = 1) -> torch.Tensor:
    return next(iter(split.batches(count)))[0]


def china() -> Image.Image:
    return Image.fromarray(load_sample_image("china.jpg"))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "inception_v3", "xception", "mobilenet_v1"])
def test_a_photograph_is_prepared_as_its_maker_does(name: str, turned: bool) -> None:
    recipe = pretrained_info(name).recipe
    assert recipe is not None
    picture = china().rotate(90, expand=True) if turned else china()
    theirs = ImageClassification(
        crop_size=recipe.size[0],
        resize_size=recipe.resize or 0,
        mean=recipe.mean,
        std=recipe.std,
        interpolation=InterpolationMode(recipe.interpolation),
    )(picture)
    ours = Preprocessing(**asdict(recipe), classes=())(picture)
    assert ours.shape == theirs.shape
    # Both scale the same bytes with the same filter: what is left is float32's rounding of (x - mean) / std.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_a_published_recipe_is_torchvisions_object() -> None:
    from torchvision.models import ResNet18_Weights

    recipe = pretrained_info("resnet18").recipe
    assert recipe is not None
    ours = Preprocessing(**asdict(recipe), classes=())(china())
    torch.testing.assert_close(ours, ResNet18_Weights.IMAGENET1K_V1.transforms()(china()), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(333, 333), (257, 600), (256, 256), (100, 51), (501, 334)])
def test_odd_sizes_are_rounded_as_torchvision_rounds(size: tuple[int, int]) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))
    recipe = Preprocessing((31, 31), 3, MEAN, STD, (), resize=40, interpolation="bicubic")
    resized = functional.resize(picture, [40], InterpolationMode.BICUBIC)
    wanted = functional.pil_to_tensor(functional.center_crop(resized, [31, 31]))
    assert torch.equal(recipe.to_pixels(picture), wanted)


def test_old_recipes_are_read_and_say_what_they_said() -> None:
    old = {"size": [8, 8], "channels": 1, "mean": [0.4], "std": [0.2], "classes": ["a"], "light_on_dark": False}
    recipe = Preprocessing.from_dict(old)
    assert (recipe.resize, recipe.interpolation) == (None, "bilinear")
    # The fingerprint of a data set is made of this text: a run of before must be resumed.
    assert repr(recipe) == (
        "Preprocessing(size=(8, 8), channels=1, mean=(0.4,), std=(0.2,), classes=('a',), light_on_dark=False)"
    )
    new = replace(recipe, resize=10, interpolation="bicubic")
    assert repr(new).endswith("light_on_dark=False, resize=10, interpolation='bicubic')")
    assert Preprocessing.from_dict(new.to_dict()) == new


def test_what_cannot_be_carried_out_is_refused() -> None:
    with pytest.raises(LayerlabError, match="scaled by bilinear or bicubic, not 'bicubik'; did you mean \"bicubic\""):
        Preprocessing((8, 8), 1, (0.0,), (1.0,), (), interpolation="bicubik")
    with pytest.raises(LayerlabError, match="scaled to 7 and 6x8 cut out of it; expected a resize of at least 8"):
        Preprocessing((6, 8), 1, (0.0,), (1.0,), (), resize=7)


def test_data_is_loaded_with_what_the_weights_expect() -> None:
    data = load_data("digits", channels=3, size=28, mean=MEAN, std=list(STD), resize=32, interpolation="bicubic")
    assert (data.shape, data.mean, data.std) == ((3, 28, 28), MEAN, STD)
    assert data.preprocess.resize == 32
    again = load_data(**data.reproduce)
    assert again.fingerprint == data.fingerprint
    assert torch.equal(first(again.test, 4), first(data.test, 4))
    assert "mean" not in load_data("digits").reproduce
    # In memory and as a single image the same path is taken, even where the size fits already.
    plain = load_data("digits", size=8, resize=12)
    picture = Image.fromarray(_first_digit())
    assert torch.equal(plain.preprocess(picture), first(plain.test, 1)[0])


def _first_digit() -> np.ndarray:
    data = load_data("digits")
    images = first(data.test)
    pixels = images[0, 0] * data.std[0] + data.mean[0]
    return np.rint(pixels.numpy() * 255).astype(np.uint8)


def test_a_folder_is_loaded_with_what_the_weights_expect(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(6):
            china().resize((64, 43)).save(tmp_path / name / f"{number}.png")
    data = load_data(tmp_path, size=28, mean=MEAN, std=STD, resize=32)
    picture = china().resize((64, 43))
    images = first(data.train)
    torch.testing.assert_close(images[0], data.preprocess(picture), rtol=0, atol=1e-6)
    theirs = ImageClassification(crop_size=28, resize_size=32)(picture)
    torch.testing.assert_close(images[0], theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mean": (0.5,)}, "mean and std are given together or not at all"),
        ({"mean": (0.5,), "std": (0.0,)}, "std must be 1 or 3 numbers, one a channel, above 0, not (0.0,)"),
        ({"mean": (0.5, 0.5), "std": (1, 1)}, "mean must be 1 or 3 numbers, one a channel, not (0.5, 0.5)"),
        ({"mean": MEAN, "std": STD, "channels": 1}, f"mean must be 1 number, one a channel, not {MEAN}"),
        ({"mean": MEAN, "std": STD}, '"digits" has images of 1 channel, and 3 values of mean and std came'),
        ({"resize": 0}, "resize must be a side in pixels up to 8192, not 0"),
        (
            {"interpolation": "cubic"},
            "images are scaled by bilinear or bicubic, not 'cubic'; did you mean \"bicubic\"?",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        load_data("digits", **options)  # type: ignore[arg-type]
    assert str(error.value) == sentence
