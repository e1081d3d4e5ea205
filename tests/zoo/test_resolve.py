"""The ways in which a person names a network, right and wrong."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest
import torch

from layerlab.errors import LayerlabError
from layerlab.zoo import Origin, create, customary_input_of, input_shape_of, origin_of, rebuild, resolve

EXAMPLE = Path(__file__).parents[2] / "examples" / "lecture.py"
NETS = """
import torch
from torch import nn

def build(num_classes=10):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, num_classes))

def plain():
    return nn.Linear(3, 2)

def everything(**knobs):
    return nn.Linear(3, knobs["num_classes"])

def broken():
    raise RuntimeError("no such luck")

def number():
    return 3
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a package of networks into the current folder."""
    package = tmp_path / "mynets_for_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "mynets_for_test.nets"
    for name in [name for name in sys.modules if name.startswith("mynets_for_test")]:
        del sys.modules[name]


def test_a_zoo_name() -> None:
    module = resolve("lecture_cnn", num_classes=3, in_channels=2)
    assert origin_of(module) == Origin("zoo", "lecture_cnn", {"num_classes": 3, "in_channels": 2})
    assert input_shape_of(module) == (2, 28, 28)


def test_a_file_of_keras_text() -> None:
    module = resolve(str(EXAMPLE), num_classes=10)
    assert input_shape_of(module) == (1, 28, 28)
    origin = origin_of(module)
    assert origin is not None
    assert (origin.kind, origin.name, origin.text) == ("keras", str(EXAMPLE), EXAMPLE.read_text())


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(EXAMPLE.read_text()))
    assert input_shape_of(resolve("-")) == (1, 28, 28)


def test_a_callable_takes_what_it_names(nets: str) -> None:
    module = resolve(f"{nets}:build", num_classes=4, in_channels=1)
    assert module[1].out_features == 4
    assert origin_of(module) == Origin("import", f"{nets}:build", {"num_classes": 4})
    assert resolve(f"{nets}:plain", num_classes=4).out_features == 2
    assert resolve(f"{nets}:everything", num_classes=4, in_channels=3).out_features == 4
    assert input_shape_of(module) is None


def test_torchvision_by_name() -> None:
    assert resolve("torchvision.models:resnet18", num_classes=7).fc.out_features == 7


@pytest.mark.parametrize("spec", ["lecture_cnn", str(EXAMPLE), "BUILD"])
def test_an_origin_survives_json_and_builds_again(spec: str, nets: str) -> None:
    spec = f"{nets}:build" if spec == "BUILD" else spec
    module = resolve(spec, num_classes=10)
    origin = origin_of(module)
    assert origin is not None
    again = rebuild(Origin.from_dict(json.loads(json.dumps(origin.to_dict()))))
    again.load_state_dict(module.state_dict())
    assert origin_of(again) == origin
    x = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(again.eval()(x), module.eval()(x))


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("lectur_cnn", 'no model "lectur_cnn"; did you mean "lecture_cnn"?'),
        ("nets/lecture.py", 'no file "nets/lecture.py"'),
        ("mynets_for_test/netz.py", 'no file "mynets_for_test/netz.py"; did you mean "nets.py"?'),
        ("mynets_for_test", '"mynets_for_test" is a folder; expected'),
        ("mynets_for_test/nets.py:build", 'write "mynets_for_test.nets:build"'),
        ("mynets_for_test.nets:biuld", 'has no "biuld"; did you mean "build"?'),
        ("mynets_for_test.netz:build", 'no module "mynets_for_test.netz" here'),
        ("mynets_for_test.nets:broken", "raised RuntimeError when it was called with (): no such luck"),
        ("mynets_for_test.nets:number", "returned int; expected a torch.nn.Module"),
        ("mynets_for_test.nets:NETS", 'has no "NETS"'),
        ("os:abort", '"os" belongs to Python itself'),
    ],
)
def test_a_wrong_word_is_one_sentence(spec: str, sentence: str, nets: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)) as caught:
        resolve(spec, num_classes=3)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "photo.py").write_bytes(b"\x89PNG\xff")
    with pytest.raises(LayerlabError, match="is not text"):
        resolve(str(tmp_path / "photo.py"))


@pytest.mark.parametrize("data", [None, {}, {"kind": "shell", "name": "rm"}, {"kind": "zoo", "name": 3}, [1]])
def test_a_foreign_origin_is_refused(data: object) -> None:
    with pytest.raises(LayerlabError, match="origin"):
        Origin.from_dict(data)


def test_a_module_built_by_hand_has_no_origin() -> None:
    assert origin_of(torch.nn.Linear(1, 1)) is None


def test_create_knows_its_input_channels() -> None:
    assert input_shape_of(create("lecture_cnn")) == (1, 28, 28)


def test_a_network_of_timm() -> None:
    module = resolve("timm:resnet10t", num_classes=5, in_channels=1)
    assert origin_of(module) == Origin("import", "timm:resnet10t", {"num_classes": 5, "in_channels": 1})
    assert module(torch.zeros(1, 1, 64, 64)).shape == (1, 5)
    again = rebuild(Origin.from_dict(json.loads(json.dumps(origin_of(module).to_dict()))))  # type: ignore[union-attr]
    assert {name: one.shape for name, one in again.state_dict().items()} == {
        name: one.shape for name, one in module.state_dict().items()
    }
    assert customary_input_of(module) == (1, 176, 176)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("torchvision.models:squeezenet1_0", (3, 224, 224)),
        ("torchvision.models:inception_v3", (3, 299, 299)),
        ("torchvision.models:vit_h_14", (3, 224, 224)),  # its weights are cropped to 518, which it cannot take
        ("torchvision.models.segmentation:lraspp_mobilenet_v3_large", None),  # and its backbone loads nothing
        ("torchvision.models.video:mvit_v1_b", None),
    ],
)
def test_the_input_that_torchvision_says(name: str, size: tuple[int, ...] | None) -> None:
    with torch.device("meta"):
        assert customary_input_of(resolve(name)) == size


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("timm:vit_tinny_patch16_224", 'timm has no network "vit_tinny_patch16_224"; did you mean "vit_tiny_patch16'),
        ("timm:", 'timm has no network ""; timm.list_models() lists all'),
        ("timm:hf-hub:somebody/anything", 'timm has no network "hf-hub:somebody/anything"'),
        ("timm:resnet18./anything", 'timm has no network "resnet18./anything"'),
        ("timm:list_models", 'timm has no network "list_models"'),
        ("timm:resnet18.nobody_trained_it", "Invalid pretrained tag"),
    ],
)
def test_what_timm_does_not_have(spec: str, sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)):
        resolve(spec)


def test_timm_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(LayerlabError, match=r'"timm:resnet18" is built by timm, which is not installed: pip install'):
        resolve("timm:resnet18")
