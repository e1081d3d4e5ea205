"""Published weights on the command line: predicting by a zoo name, and training from other weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from layerlab.data import Preprocessing
from layerlab.zoo import create, weights_fetch

Layerlab = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with an image, a file of weights, and a run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAYERLAB_CACHE", str(tmp_path / "cache"))
    Image.linear_gradient("L").save("photo.png")
    model = create("lecture_cnn", num_classes=10)
    save_file(model.state_dict(), "weights.safetensors")
    Path("run").mkdir()
    save_file(model.state_dict(), "run/model.safetensors")
    names = tuple(f"kind {number}" for number in range(10))
    recipe = Preprocessing((28, 28), 1, (0.4,), (0.2,), names).to_dict()
    Path("run/config.json").write_text(json.dumps({"classes": names, "preprocessing": recipe}))
    Path("names.txt").write_text("\n".join(names[:9]) + "\n")
    return tmp_path


def test_a_zoo_name_predicts_with_weights(layerlab: Layerlab, here: Path) -> None:
    done = layerlab("predict", "lecture_cnn", "--weights", "run", "photo.png")
    assert done.code == 0, done.err
    assert done.out.startswith("photo.png  kind ")
    shown = json.loads(layerlab("predict", "lecture_cnn", "--weights", "run", "photo.png", "--json").out)
    assert len(shown[0]["classes"]) == 3


def test_published_weights_predict(layerlab: Layerlab, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(create("mobilenet_v3_small").state_dict(), "published.pth")
    monkeypatch.setattr("layerlab.zoo.weights.fetch_file", lambda file: here / "published.pth")
    done = layerlab("predict", "mobilenet_v3_small", "--weights", "imagenet", "photo.png", "--top", "1")
    assert done.code == 0, done.err
    assert done.out.startswith("photo.png  ")
    assert done.out.endswith("%\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["lecture_cnn"],
            '"lecture_cnn" is a network of the zoo, whose fresh weights know nothing: add --weights imagenet, or a file'
            " of weights",
        ),
        (["run", "--weights", "imagenet"], '"run" is a run, which has its own weights: leave out --weights "imagenet"'),
        (
            ["run", "--classes", "names.txt"],
            '"run" is given names of classes without --weights: a run knows its own',
        ),
        (
            ["lecture_cnn", "--weights", "weights.safetensors", "--classes", "names.txt"],
            '9 class names came and "lecture_cnn" has 10 outputs with the weights "weights.safetensors"',
        ),
        (
            ["lecture_cnn", "--weights", "run", "--classes", "lost.txt"],
            'the names of the classes in "lost.txt" cannot be read: No such file or directory',
        ),
        (["lecture_cmm", "--weights", "run"], 'no model "lecture_cmm"; did you mean "lecture_cnn"?'),
        (["rum"], 'no run folder "rum"; did you mean "run"?'),
    ],
)
def test_what_cannot_be_meant_is_one_line(layerlab: Layerlab, here: Path, words: list[str], sentence: str) -> None:
    assert layerlab("predict", *words, "photo.png").complaint() == sentence


def test_without_a_network_there_is_one_line(layerlab: Layerlab, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERLAB_WEIGHTS_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(weights_fetch, "_PATIENCE", 0.3)
    said = layerlab("predict", "resnet50", "--weights", "imagenet", "photo.png").complaint()
    folder = here / "cache" / "weights"
    assert said == (
        'the weights "resnet50-0676ba61.pth" could not be fetched from 127.0.0.1 (Connection refused); put the file of'
        f' http://127.0.0.1:9/resnet50-0676ba61.pth into "{folder}", or pass its path as the weights'
    )
    said = layerlab("predict", "xception", "--weights", "imagenet", "photo.png").complaint()
    assert "pass the path of that file as the weights" in said
    said = layerlab("predict", "resnet20", "--weights", "imagenet", "photo.png").complaint()
    assert said.startswith('there are no published weights for "resnet20"; alexnet, ')


def test_training_begins_with_weights_and_keeps_what_is_frozen(layerlab: Layerlab, here: Path) -> None:
    done = layerlab(
        "train", "lecture_cnn", "--data", "digits", "--weights", "weights.safetensors", "--freeze", "backbone",
        "--epochs", 1, "--batch-size", 256, "--precision", "32", "--memory-format", "contiguous", "--quiet",
        "--output", "tuned",
    )  # fmt: skip
    assert done.code == 0, done.err
    config = json.loads(Path("tuned/config.json").read_text())
    assert "--freeze backbone" in config["command"]
    assert f"--weights {here / 'weights.safetensors'}" in config["command"]
    shown = layerlab("predict", "tuned", "photo.png")
    assert shown.code == 0, shown.err


def test_freezing_nonsense_is_one_line(layerlab: Layerlab, here: Path) -> None:
    words = ("train", "lecture_cnn", "--data", "digits", "--precision", "32", "--quiet", "--freeze")
    said = layerlab(*words, "convv1").complaint()
    assert said.startswith('"lecture_cnn" has no part "convv1"')
    said = layerlab(*words, "backbone", "--backbone-learning-rate", "0.1").complaint()
    assert said == '"backbone" is frozen and is given a learning rate: leave one of the two out'
