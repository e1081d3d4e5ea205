"""ONNX files that agree with their network, and refusals that leave nothing behind."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch
from torch import Tensor, nn

import layerlab
from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.training.export import export_onnx


class Small(nn.Module):
    """Convolution, batch normalisation and dropout: what differs between training and evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(x).mean((2, 3)))
        return scores.softmax(1)


class Control(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) if x.sum() > 0 else -x.flatten(1)


class Eigenvalues(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        values: Tensor = torch.linalg.eigvals(x[:, 0]).real
        return values


class FixedBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(1, -1)


class Named(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"out": x.flatten(1) * 2, "aux": x.flatten(1) + 1}


def run_file(path: Path, images: Tensor) -> list[np.ndarray[Any, Any]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"images": images.numpy()}))


def a_run(model: nn.Module) -> Any:
    recipe = Preprocessing(size=(8, 8), channels=1, mean=(0.2,), std=(0.3,), classes=("a", '"b"', "<c>"))
    return SimpleNamespace(model=model, preprocessing=recipe, classes=list(recipe.classes))


def test_the_file_agrees_for_any_batch_and_says_what_it_is(tmp_path: Path) -> None:
    model = Small()
    result = export_onnx(a_run(model), tmp_path / "small.onnx")

    assert result.path == tmp_path / "small.onnx"
    assert [path.name for path in tmp_path.iterdir()] == ["small.onnx"]
    assert result.bytes == result.path.stat().st_size
    assert result.max_difference <= 1e-4
    for count in (1, 2, 7):
        images = torch.randn(count, 1, 8, 8)
        (found,) = run_file(result.path, images)
        np.testing.assert_allclose(found, model.eval()(images).detach(), atol=1e-5)

    file = onnx.load(result.path)
    assert result.opset == file.opset_import[0].version
    assert [put.name for put in file.graph.output] == ["probabilities"]
    metadata = {entry.key: entry.value for entry in file.metadata_props}
    assert metadata["layerlab"] == layerlab.__version__
    assert json.loads(metadata["classes"]) == ["a", '"b"', "<c>"]
    recipe = json.loads(metadata["preprocessing"])
    assert Preprocessing.from_dict({**recipe, "classes": ["a", '"b"', "<c>"]}) == a_run(model).preprocessing


def test_it_leaves_no_trace_and_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = Small().train()
    model.features[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    flags = [module.training for module in model.modules()]
    generator = torch.get_rng_state()
    logging.disable(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        export_onnx(model, tmp_path / "small.onnx", input_shape=(1, 8, 8))
    assert [str(warning.message) for warning in warned] == []
    assert [module.training for module in model.modules()] == flags
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), generator)
    assert logging.root.manager.disable == logging.DEBUG
    logging.disable(logging.NOTSET)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.LSTM(8, 5, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.rows(x.squeeze(1))[0][:, -1])
        return scores


def test_recurrent_layers_are_exported_quietly_and_keep_their_weights(tmp_path: Path) -> None:
    model = Recurrent()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        path = export_onnx(model, tmp_path / "model.onnx", input_shape=(1, 8, 8)).path
    assert [str(warning.message) for warning in warned] == []
    images = torch.randn(2, 1, 8, 8)
    np.testing.assert_allclose(run_file(path, images)[0], model(images).detach(), atol=1e-5)
    assert all(ours is weight for ours, weight in zip(model.rows._flat_weights, model.rows.parameters(), strict=True))


def test_a_network_of_logits_says_so(tmp_path: Path) -> None:
    result = export_onnx(
        nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), tmp_path / "x.ONNX", input_shape=(1, 2, 2), opset=18
    )
    assert [put.name for put in onnx.load(result.path).graph.output] == ["logits"]
    assert result.opset == 18


def test_other_precision_is_written_in_float32(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).double()
    path = export_onnx(model, tmp_path / "x.onnx", input_shape=(1, 2, 2)).path
    images = torch.randn(2, 1, 2, 2)
    np.testing.assert_allclose(run_file(path, images)[0], model(images.double()).detach(), atol=1e-5)
    assert next(model.parameters()).dtype == torch.float64


def test_several_outputs_are_all_compared(tmp_path: Path) -> None:
    path = export_onnx(Named(), tmp_path / "x.onnx", input_shape=(1, 2, 2)).path
    images = torch.randn(3, 1, 2, 2)
    doubled, raised = run_file(path, images)
    np.testing.assert_allclose(doubled, images.flatten(1) * 2)
    np.testing.assert_allclose(raised, images.flatten(1) + 1)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Control(), r"depends on the values of the image \(test_export.py, line \d+: return x.flatten"),
        (Eigenvalues(), 'Eigenvalues cannot be exported: the operator "aten.linalg_eig" has no form in ONNX'),
        (FixedBatch(), r"gives \(1, 12\) for 3 images; expected one row an image"),
        (nn.Conv2d(3, 1, 1), r"cannot take images of shape \(1, 1, 2, 2\): .*3 channels"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(tmp_path: Path, model: nn.Module, says: str) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"older")
    with pytest.raises(LayerlabError, match=says) as caught:
        export_onnx(model, target, input_shape=(1, 2, 2))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert target.read_bytes() == b"older"


def test_a_file_that_disagrees_is_not_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = onnxruntime.InferenceSession.run
    monkeypatch.setattr(onnxruntime.InferenceSession, "run", lambda *args: [output * 1.001 for output in run(*args)])
    with pytest.raises(LayerlabError, match=r"differ by 1.0e-03 of the largest output, more than 1e-04"):
        export_onnx(Small(), tmp_path / "model.onnx", input_shape=(1, 8, 8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoil", [0, -1])
def test_a_file_that_gives_no_number_is_not_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: int
) -> None:
    run, count = onnxruntime.InferenceSession.run, iter((0, -1))
    monkeypatch.setattr(
        onnxruntime.InferenceSession,
        "run",
        lambda *args: [output * (float("nan") if next(count) == spoil else 1) for output in run(*args)],
    )
    with pytest.raises(LayerlabError, match="differ by nan"):
        export_onnx(Small(), tmp_path / "model.onnx", input_shape=(1, 8, 8))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_network_is_said_to_be(tmp_path: Path) -> None:
    model = Small()
    nn.init.constant_(model.head.weight, float("nan"))
    with pytest.raises(LayerlabError, match="gives NaN or infinity"):
        export_onnx(model, tmp_path / "model.onnx", input_shape=(1, 8, 8))


def test_paths_and_arguments_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    for name, says in (
        ("folder.onnx", "is a folder; name a file in it"),
        ("model.pt", r'must end in ".onnx"; write ".*model.onnx"'),
        ("model", r'write ".*model.onnx"'),
        ("absent/model.onnx", 'there is no folder ".*absent"'),
    ):
        with pytest.raises(LayerlabError, match=says):
            export_onnx(Small(), tmp_path / name, input_shape=(1, 8, 8))
    target = tmp_path / "model.onnx"
    with pytest.raises(LayerlabError, match="nothing says what images Small takes"):
        export_onnx(Small(), target)
    with pytest.raises(LayerlabError, match=r"\(1, 0, 8\) is not fixed"):
        export_onnx(Small(), target, input_shape=(1, 0, 8))
    with pytest.raises(LayerlabError, match="opset 3 cannot be written; expected 18 to"):
        export_onnx(Small(), target, input_shape=(1, 8, 8), opset=3)
    assert not target.exists()


def test_more_than_one_file_can_hold_is_refused(tmp_path: Path) -> None:
    with torch.device("meta"):
        large = nn.Linear(30_000, 30_000)
    with pytest.raises(LayerlabError, match=r"weights take 3.4 GiB"):
        export_onnx(large, tmp_path / "model.onnx", input_shape=(30_000,))
