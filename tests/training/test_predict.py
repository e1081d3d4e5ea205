"""Predictions on files, pictures and tensors: the same image gives the same answer however it comes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.training.classifier import chosen_classifier
from layerlab.training.predict import load_classifier, predict
from layerlab.zoo import create
from parity import randomise

CLASSES = ["cat", "dog", "emu", "fox"]


def a_run(channels: int = 1, softmax: bool = True, size: int = 6, **recipe: Any) -> Any:
    """Return what a run holds, as far as a prediction needs it; the network has dropout and batch normalisation."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.BatchNorm2d(channels), nn.Flatten(), nn.Dropout(0.5), nn.Linear(channels * size * size, len(CLASSES))
    )
    if softmax:
        model.append(nn.Softmax(1))
    values = {"mean": (0.4,) * channels, "std": (0.2,) * channels, **recipe}
    preprocessing = Preprocessing(size=(size, size), channels=channels, classes=tuple(CLASSES), **values)
    return SimpleNamespace(model=model, preprocessing=preprocessing, classes=CLASSES)


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 6), dtype=np.uint8))


def test_files_pictures_and_tensors_agree(tmp_path: Path, picture: Image.Image) -> None:
    run = a_run()
    path = tmp_path / "image.png"
    picture.save(path)
    pixels = torch.from_numpy(np.array(picture))
    prepared = run.preprocessing(picture)
    sources = [path, str(path), picture, pixels, pixels[None], prepared, torch.stack([prepared, prepared])]
    found = predict(run, sources)
    assert len(found) == 8
    assert [one.path for one in found[:3]] == [path, path, None]
    for one in found:
        assert one.probabilities == pytest.approx(found[0].probabilities, abs=1e-6)
    (alone,) = predict(run, path)
    assert (alone.path, alone.name) == (path, found[0].name)
    assert len(predict(run, picture)) == 1
    assert predict(run, []) == []


def test_classes_are_sorted_and_every_probability_is_kept(picture: Image.Image) -> None:
    run = a_run()
    one = predict(run, picture, top=3)[0]
    assert len(one.probabilities) == len(CLASSES)
    assert sum(one.probabilities) == pytest.approx(1)
    ranked = sorted(zip(CLASSES, one.probabilities, strict=True), key=lambda pair: -pair[1])
    assert list(one.classes) == ranked[:3]
    assert one.name == ranked[0][0]
    assert len(predict(run, picture, top=9)[0].classes) == len(CLASSES)


def test_logits_become_probabilities_and_a_softmax_is_not_done_twice(picture: Image.Image) -> None:
    twice = predict(a_run(softmax=True), picture)[0].probabilities
    once = predict(a_run(softmax=False), picture)[0].probabilities
    assert once == pytest.approx(twice, abs=1e-6)
    assert max(once) - min(once) > 0.01


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_mode_and_size(tmp_path: Path, mode: str, channels: int) -> None:
    base = Image.linear_gradient("L").resize((50, 31))
    image = Image.fromarray(np.asarray(base).astype(np.uint16) * 257) if mode == "I;16" else base.convert(mode)
    path = tmp_path / "image.tiff"
    image.save(path)
    run = a_run(channels)
    from_file, from_picture = predict(run, [path, image])
    assert from_file.probabilities == pytest.approx(from_picture.probabilities, abs=1e-6)


def test_batches_change_nothing(picture: Image.Image) -> None:
    run = a_run()
    alone = predict(run, picture)[0]
    many = predict(run, (picture for _ in range(130)))
    assert len(many) == 130
    assert all(one.probabilities == pytest.approx(alone.probabilities, abs=1e-6) for one in many)


def test_it_leaves_no_trace(picture: Image.Image) -> None:
    run = a_run()
    run.model[2].eval()
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    flags = [module.training for module in run.model.modules()]
    generator = torch.get_rng_state()
    first, second = predict(run, [picture, picture])
    assert first == second
    assert [module.training for module in run.model.modules()] == flags
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(parameter.grad is None for parameter in run.model.parameters())


def test_inverting_exchanges_light_and_dark(tmp_path: Path, picture: Image.Image) -> None:
    run = a_run()
    negative = Image.fromarray(255 - np.asarray(picture))
    expected = predict(run, negative)[0].probabilities
    path = tmp_path / "image.png"
    picture.save(path)
    for one in predict(run, [path, picture, run.preprocessing(picture)], invert=True):
        assert one.probabilities == pytest.approx(expected, abs=1e-5)


def test_a_digit_on_paper_is_noticed() -> None:
    paper = Image.new("L", (6, 6), 255)
    assert predict(a_run(light_on_dark=True), paper)[0].looks_inverted
    assert not predict(a_run(light_on_dark=True), paper, invert=True)[0].looks_inverted
    assert not predict(a_run(), paper)[0].looks_inverted


def test_bad_images_are_named_and_counted(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "good.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no image")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    paths = [tmp_path / name for name in ("good.png", "empty.png", "text.png", "cut.png", "absent.png", "good.png")]
    run = a_run()
    with pytest.raises(
        LayerlabError, match=r"^4 of 6 images cannot be used .*empty.png.*text.png.*cut.png.*; \.\.\.\)"
    ) as caught:
        predict(run, paths)
    assert "--skip-bad" in str(caught.value)
    assert "\n" not in str(caught.value)

    found = predict(run, paths, skip_bad=True)
    assert [one.path for one in found] == [paths[0], paths[-1]]
    assert len(found.skipped) == 4
    assert "empty.png" in found.skipped[0]


def test_bad_images_are_counted_over_all_batches(tmp_path: Path, picture: Image.Image) -> None:
    with pytest.raises(LayerlabError, match=r"^2 of 201 images"):
        predict(a_run(), [tmp_path / "a.png", *[picture] * 199, tmp_path / "b.png"])


def test_one_bad_image_alone_needs_no_count(tmp_path: Path) -> None:
    with pytest.raises(LayerlabError, match=r'^no image file ".*absent.png"'):
        predict(a_run(), tmp_path / "absent.png")


def test_a_picture_that_was_cut_short(tmp_path: Path, picture: Image.Image) -> None:
    path = tmp_path / "cut.png"
    picture.resize((300, 300)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(LayerlabError, match=r"^image 0 cannot be read: "), Image.open(path) as opened:
        predict(a_run(), opened)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (3, "int is no image; expected a path"),
        ([3], "image 0 is int; expected a path"),
        (torch.zeros(1, 5, 5), r"shape \(1, 5, 5\); the network was trained on \(1, 6, 6\)"),
        (torch.zeros(2, 6, 6, dtype=torch.uint8), r"shape \(2, 6, 6\); expected \(H, W\)"),
        (torch.zeros(6, 6, dtype=torch.int64), "image 0 is a tensor of torch.int64"),
        (torch.zeros(1, 0, 6, dtype=torch.uint8), r"shape \(1, 0, 6\)"),
    ],
)
def test_what_is_no_image(source: Any, says: str) -> None:
    with pytest.raises(LayerlabError, match=says):
        predict(a_run(), source)


def test_other_mistakes(picture: Image.Image) -> None:
    with pytest.raises(LayerlabError, match="top must be at least 1, not 0"):
        predict(a_run(), picture, top=0)
    bare = a_run()
    bare.path, bare.preprocessing = "runs/x", None
    with pytest.raises(LayerlabError, match='"runs/x" does not say how an image becomes an input'):
        predict(bare, picture)
    other = a_run()
    other.classes = CLASSES[:2]
    with pytest.raises(LayerlabError, match="gives 4 outputs and the run has 2 classes"):
        predict(other, picture)
    damaged = a_run()
    nn.init.constant_(damaged.model[3].weight, float("nan"))
    with pytest.raises(LayerlabError, match="gives no number for an image"):
        predict(damaged, picture)


def test_one_output_for_two_classes(picture: Image.Image) -> None:
    class Sign(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).sum(1, keepdim=True)

    run = a_run()
    run.model, run.classes = Sign(), ["dark", "light"]
    found = predict(run, [Image.new("L", (6, 6), 255), Image.new("L", (6, 6), 0)])
    assert [one.name for one in found] == ["light", "dark"]


# ---- networks of the zoo


def of_the_zoo(tmp_path: Path, classes: int = 10) -> Path:
    """Write weights of a small network as a file, and as a run that says what they are."""
    model = create("lecture_cnn", num_classes=classes)
    (tmp_path / "run").mkdir()
    save_file(model.state_dict(), tmp_path / "run" / "model.safetensors")
    names = [f"kind {number}" for number in range(classes)]
    recipe = Preprocessing((28, 28), 1, (0.4,), (0.2,), tuple(names), resize=32, interpolation="bicubic")
    config = {"classes": names, "preprocessing": recipe.to_dict()}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    return tmp_path


def test_a_classifier_of_weights_that_say_what_they_are(tmp_path: Path, picture: Image.Image) -> None:
    classifier = load_classifier("lecture_cnn", of_the_zoo(tmp_path) / "run")
    assert classifier.classes[3] == "kind 3"
    assert (classifier.preprocessing.resize, classifier.preprocessing.interpolation) == (32, "bicubic")
    assert not classifier.model.training
    found = predict(classifier, [picture, picture])
    assert found[0].probabilities == found[1].probabilities
    assert found[0].name.startswith("kind ")


def test_a_classifier_of_weights_that_do_not(tmp_path: Path) -> None:
    weights = of_the_zoo(tmp_path) / "weights.safetensors"
    names = [str(number) for number in range(10)]
    for classes, sentence in (
        (None, f'the weights "{weights}" do not name their 10 classes: give the names (--classes FILE, a name a line)'),
        (names[:9], f'9 class names came and "lecture_cnn" has 10 outputs with the weights "{weights}"'),
        (names, f'the weights "{weights}" do not say how images are prepared for them: use a run folder, which does'),
    ):
        with pytest.raises(LayerlabError) as error:
            load_classifier("lecture_cnn", weights, classes=classes)
        assert str(error.value) == sentence
    with pytest.raises(LayerlabError, match="9 class names came and"):
        load_classifier("lecture_cnn", tmp_path / "run", classes=names[:9])
    assert load_classifier("lecture_cnn", tmp_path / "run", classes=names).classes == names


def test_knobs_of_the_weights_network(tmp_path: Path) -> None:
    weights = of_the_zoo(tmp_path) / "run"
    model = chosen_classifier("lecture_cnn:activation=tanh,num_classes=10", weights)
    assert any(isinstance(module, nn.Tanh) for module in model.model.modules())
    with pytest.raises(LayerlabError) as error:
        load_classifier("lecture_cnn", weights, num_classes=3)
    assert str(error.value) == f'the weights "{weights}" tell 10 classes apart: leave num_classes out'
    with pytest.raises(LayerlabError, match='"lecture_cnn:width=2" is a network of the zoo, whose fresh weights know'):
        chosen_classifier("lecture_cnn:width=2", None)


def test_weights_of_another_architecture_are_said_to_be(tmp_path: Path) -> None:
    save_file(torchvision.models.mobilenet_v3_small().state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(LayerlabError, match='do not fit "resnet20": the weights belong to another architecture'):
        load_classifier("resnet20", tmp_path / "other.safetensors")


def test_a_name_alone_is_the_published_network(
    tmp_path: Path, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = torchvision.models.mobilenet_v3_small()
    randomise(reference)
    torch.save(reference.state_dict(), tmp_path / "published.pth")
    monkeypatch.setattr("layerlab.zoo.weights.fetch_file", lambda file: tmp_path / "published.pth")
    photograph = picture.resize((300, 240)).convert("RGB")
    (one,) = predict("mobilenet_v3_small", photograph, top=5)
    about = torchvision.models.MobileNet_V3_Small_Weights.IMAGENET1K_V1
    with torch.no_grad():
        theirs = reference.eval()(about.transforms()(photograph)[None]).softmax(dim=1)[0]
    assert one.probabilities == pytest.approx(theirs.tolist(), abs=1e-6)
    assert [name for name, _ in one.classes] == [about.meta["categories"][i] for i in theirs.topk(5).indices]
    # A file of a thousand classes of a network that is published is taken for ImageNet's.
    again = predict(load_classifier("mobilenet_v3_small", tmp_path / "published.pth"), photograph, top=5)
    assert again[0].classes == one.classes


def test_a_name_that_is_neither_run_nor_network_is_said() -> None:
    with pytest.raises(LayerlabError, match='no run folder "resnet5"'):
        predict("resnet5", "photo.jpg")
