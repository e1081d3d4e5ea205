"""The whole walk on a real run: its report, its predictions on image files, its ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from torchvision.transforms.v2.functional import to_pil_image  # type: ignore[import-untyped]

import layerlab
from layerlab.data import Dataset
from layerlab.training import Run, fit
from layerlab.training.export import export_onnx
from layerlab.training.predict import predict
from layerlab.training.report import read_test_predictions


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return layerlab.load_data("digits")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Run:
    """Two epochs of a narrow lecture's network on the small digits, read again from its folder."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    model = layerlab.create("lecture_cnn", width=0.2)
    fit(model, digits, epochs=2, precision="32", memory_format="contiguous", output=folder, progress=False)
    return layerlab.load_run(folder)


def test_the_report_is_there_and_whole(run: Run) -> None:
    page = (run.path / "report.html").read_text("utf-8")
    assert f"{100 * run.metrics['test_accuracy']:.1f} %" in page
    assert "layerlab-anatomy" in page
    assert run.config["command"].split()[0] in page
    assert page.rstrip().endswith("</html>")


def test_image_files_of_the_test_part_get_the_probabilities_that_were_measured(
    run: Run, digits: Dataset, tmp_path: Path
) -> None:
    expected, labels = read_test_predictions(run.path)
    chosen = [0, 5, 17, 100]
    paths = []
    for index, image in zip(chosen, digits.test.images(chosen), strict=True):
        paths.append(tmp_path / f"{index}.png")
        to_pil_image(image).save(paths[-1])
    for index, found in zip(chosen, predict(run, paths), strict=True):
        np.testing.assert_allclose(found.probabilities, expected[index], atol=1e-5)
        assert labels[index] == digits.test.labels[index]


def test_the_onnx_file_says_the_same_of_real_images(run: Run, digits: Dataset, tmp_path: Path) -> None:
    result = export_onnx(run, tmp_path / "model.onnx")
    images, _ = next(iter(digits.test.batches(50, shuffle=False, seed=0, epoch=0)))
    (found,) = onnxruntime.InferenceSession(str(result.path)).run(None, {"images": images.numpy()})
    np.testing.assert_allclose(found, read_test_predictions(run.path)[0][:50], atol=1e-4)
