"""Programs of torch.export that agree with their network, and refusals that leave nothing behind."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import layerlab
from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.training import export_checks
from layerlab.training.export_program import export_program


class Small(nn.Module):
    """Convolution, batch normalisation and dropout: what differs between training and evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(x).mean((2, 3)))
        return scores


class Control(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) if x.sum() > 0 else -x.flatten(1)


class FixedBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(3, -1) if len(x) == 3 else x.reshape(1, -1)


RUNNER = """
import sys
sys.modules["layerlab"] = None
import torch
given = torch.load(sys.argv[2], weights_only=True)
program = torch.export.load(sys.argv[1]).module()
torch.save([program(images) for images in given], sys.argv[3])
"""


def a_run(model: nn.Module) -> Any:
    recipe = Preprocessing(size=(8, 8), channels=1, mean=(0.2,), std=(0.3,), classes=("a", '"b"', "<c>"))
    return SimpleNamespace(model=model, preprocessing=recipe, classes=list(recipe.classes))


def test_the_file_runs_without_layerlab_for_any_batch_and_says_what_it_is(tmp_path: Path) -> None:
    model = Small().train()
    model.features[1].eval()
    flags = [module.training for module in model.modules()]
    generator = torch.get_rng_state()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        done = export_program(a_run(model), tmp_path / "small.pt2")
    assert [str(warning.message) for warning in warned] == []
    assert [module.training for module in model.modules()] == flags
    assert torch.equal(torch.get_rng_state(), generator)
    assert [path.name for path in tmp_path.iterdir()] == ["small.pt2"]
    assert done.bytes == done.path.stat().st_size
    assert done.max_difference <= 1e-4

    batches = [torch.randn(count, 1, 8, 8) for count in (1, 2, 7)]
    torch.save(batches, tmp_path / "in")
    paths = [str(tmp_path / name) for name in ("small.pt2", "in", "out")]
    subprocess.run([sys.executable, "-c", RUNNER, *paths], check=True)
    for images, found in zip(batches, torch.load(tmp_path / "out", weights_only=True), strict=True):
        torch.testing.assert_close(found, model.eval()(images))

    extra = {"classes": "", "preprocessing": "", "layerlab": ""}
    torch.export.load(tmp_path / "small.pt2", extra_files=extra)
    assert json.loads(extra["classes"]) == ["a", '"b"', "<c>"]
    assert extra["layerlab"] == layerlab.__version__
    recipe = Preprocessing.from_dict({**json.loads(extra["preprocessing"]), "classes": ["a", '"b"', "<c>"]})
    assert recipe == a_run(model).preprocessing


@pytest.mark.parametrize("name", [pytest.param("googlenet_cifar", marks=pytest.mark.slow), "lenet5"])
def test_a_network_with_more_in_training_is_written_as_it_predicts(tmp_path: Path, name: str) -> None:
    model = layerlab.create(name, **({"auxiliary": True} if name == "googlenet_cifar" else {}))
    path = export_program(model, tmp_path / "net.pt2").path
    assert model.training
    images = torch.randn(2, *layerlab.model_info(name).input_shape)
    with torch.no_grad():
        found = torch.export.load(path).module()(images)
        torch.testing.assert_close(found, model.eval()(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Control(), r"depends on the values of the image \(test_export_program.py, line \d+: return x.flatten"),
        (FixedBatch(), "FixedBatch cannot be exported: "),
        (nn.Conv2d(3, 1, 1), r"cannot take images of shape \(1, 1, 2, 2\): .*3 channels"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(tmp_path: Path, model: nn.Module, says: str) -> None:
    target = tmp_path / "model.pt2"
    target.write_bytes(b"older")
    with pytest.raises(LayerlabError, match=says) as caught:
        export_program(model, target, input_shape=(1, 2, 2))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt2"]
    assert target.read_bytes() == b"older"


def test_a_file_that_disagrees_is_not_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = torch.export.export

    def spoilt(model: nn.Module, *arguments: Any, **options: Any) -> Any:
        wrong = Small()
        wrong.load_state_dict({name: value * 1.01 for name, value in model.state_dict().items()})
        return export(wrong.eval(), *arguments, **options)

    monkeypatch.setattr(torch.export, "export", spoilt)
    with pytest.raises(LayerlabError, match=r"the exported program and PyTorch differ by .* of the largest output"):
        export_program(Small(), tmp_path / "model.pt2", input_shape=(1, 8, 8))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_loaded_is_not_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.export, "save", lambda _, file, **__: file.write(b"cut"))
    with pytest.raises(LayerlabError, match="the exported program does not run: ") as caught:
        export_program(Small(), tmp_path / "model.pt2", input_shape=(1, 8, 8))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LayerlabError, match="the disk is full"):
        export_program(Small(), tmp_path / "model.pt2", input_shape=(1, 8, 8))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_the_file_is_written_does_not_end_the_process(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(LayerlabError, match=r'cannot write ".*model.pt2": File too large; what was there before'):
            export_program(Small(), tmp_path / "model.pt2", input_shape=(1, 8, 8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_paths_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "folder.pt2").mkdir()
    for name, says in (
        ("folder.pt2", "is a folder; name a file in it"),
        ("model.pt", r'must end in ".pt2"; write ".*model.pt2"'),
        ("absent/model.pt2", 'there is no folder ".*absent"'),
    ):
        with pytest.raises(LayerlabError, match=says):
            export_program(Small(), tmp_path / name, input_shape=(1, 8, 8))
    with pytest.raises(LayerlabError, match="nothing says what images Small takes"):
        export_program(Small(), tmp_path / "model.pt2")


def test_shapes_that_differ_are_told() -> None:
    with pytest.raises(LayerlabError, match=r"x gives \(2, 3\) where PyTorch gives \(2, 4\): nothing is written"):
        export_checks.compared({2: [torch.ones(2, 4)]}, {2: [torch.ones(2, 3)]}, "x")
