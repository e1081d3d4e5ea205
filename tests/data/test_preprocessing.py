import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from layerlab.data import Preprocessing, load_data, read_image
from layerlab.data.preprocessing import pixel_statistics
from layerlab.errors import LayerlabError

RECIPE = Preprocessing((6, 4), 3, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), ("cats", "dögs"), light_on_dark=True)


def test_survives_json() -> None:
    assert Preprocessing.from_dict(json.loads(json.dumps(RECIPE.to_dict()))) == RECIPE


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {**RECIPE.to_dict(), "colour": 1},
        {name: value for name, value in RECIPE.to_dict().items() if name != "mean"},
        {**RECIPE.to_dict(), "size": [1]},
        {**RECIPE.to_dict(), "size": "ab"},
        {**RECIPE.to_dict(), "mean": None},
    ],
)
def test_damaged_descriptions_are_refused(content: object) -> None:
    with pytest.raises(LayerlabError, match="a preprocessing"):
        Preprocessing.from_dict(content)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", [{}, {"size": 12, "channels": 3}])
def test_an_image_file_becomes_what_the_test_part_serves(how: dict[str, int], tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A digit saved from the original data and read back goes the same way as in training."""
    original = load_data("digits").test.images([5])[0, 0]
    Image.fromarray(original.numpy()).save(tmp_path / "five.png")
    data = load_data("digits", **how)  # type: ignore[arg-type]
    served, _ = next(iter(data.test.batches(8)))
    assert torch.equal(data.preprocess(read_image(tmp_path / "five.png")), served[5])


def test_a_folders_image_becomes_what_training_serves(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 8, "dogs": 8}, size=(20, 30))
    data = load_data(folder, size=9)
    for images, labels in data.train.batches(len(data.train)):
        for row in range(len(labels)):
            assert torch.equal(data.preprocess(read_image(folder / data.train.name_of(row))), images[row])


def test_inverting() -> None:
    recipe = Preprocessing((2, 2), 1, (0.0,), (1.0,), ("a", "b"), light_on_dark=True)
    image = Image.new("L", (2, 2), 255)
    assert recipe(image).unique().tolist() == [1.0]
    assert recipe(image, invert=True).unique().tolist() == [0.0]
    assert recipe.looks_inverted(image)
    assert not recipe.looks_inverted(Image.new("RGB", (9, 9)))
    assert not Preprocessing((2, 2), 1, (0.0,), (1.0,), ("a", "b")).looks_inverted(image)


@pytest.mark.parametrize("name", ["mnist5k", "digits"])
def test_the_datas_own_images_do_not_look_inverted(name: str) -> None:
    data = load_data(name)
    assert data.preprocess.looks_inverted(Image.new("L", (28, 28), 255))
    pixels = data.test.images(range(len(data.test)))[:, 0].numpy()
    assert sum(data.preprocess.looks_inverted(Image.fromarray(image)) for image in pixels) == 0


@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 1000))
def test_statistics_agree_with_numpy(channels: int, count: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, channels, 5, 4), np.uint8)
    mean, std = pixel_statistics([torch.from_numpy(part) for part in np.split(pixels, [1]) if len(part)])
    np.testing.assert_allclose(mean, (pixels / 255).mean((0, 2, 3)), atol=1e-9)
    np.testing.assert_allclose(std, (pixels / 255).std((0, 2, 3)), atol=1e-6)


def test_images_of_one_tone_stay_finite() -> None:
    mean, std = pixel_statistics([torch.full((3, 1, 4, 4), 200, dtype=torch.uint8)])
    assert std == (1.0,)
    recipe = Preprocessing((4, 4), 1, mean, std, ("a", "b"))
    assert recipe(Image.new("L", (4, 4), 200)).abs().max() < 1e-5
