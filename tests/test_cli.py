"""The command line as a person meets it: the whole walk, and every mistake in one line."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Layerlab = Callable[..., Any]

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "lecture.py"
SMALL = ("--epochs", 1, "--quiet", "--precision", "32", "--memory-format", "contiguous")
SMALL_NETWORK = """
model = keras.Sequential([
    keras.Input(shape=(8, 8, 1)),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder with a small network of the user's in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.py").write_text(SMALL_NETWORK)
    return tmp_path


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the small digits, made once."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "small.py").write_text(SMALL_NETWORK)
    from layerlab.cli import main

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.chdir(folder)
        words = ["layerlab", "train", "small.py", "--data", "digits", "--output", "run", *map(str, SMALL)]
        patch.setattr("sys.argv", words)
        main()
    assert not end.value.code
    return folder / "run"


def test_train_predict_export_and_show(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("train", "small.py", "--data", "digits", *SMALL)
    assert done.code == 0, done.err
    assert re.search(r"test accuracy \d+\.\d%, loss \d", done.out)
    run = Path(re.search(r"^run +(.+)$", done.out, re.M)[1])  # type: ignore[index]
    assert run.parts[0] == "runs"
    for name in ("config.json", "metrics.csv", "last.ckpt", "best.ckpt", "model.safetensors", "report.html"):
        assert (run / name).stat().st_size > 0, name
    assert f"report  {run / 'report.html'}" in done.out

    Image.new("RGB", (20, 30)).save("image.png")
    done = layerlab("predict", run, "image.png", "--top", 2)
    assert done.code == 0, done.err
    assert re.fullmatch(r"image\.png  \d \d+\.\d%  \d \d+\.\d%\n", done.out)

    done = layerlab("predict", run, "image.png", "--json")
    assert sum(json.loads(done.out)[0]["classes"].values()) <= 1 + 1e-6

    done = layerlab("export", run, "--onnx", "model.onnx", "--pytorch", "net.py", "--keras", "again.py")
    assert done.code == 0, done.err
    assert "ONNX Runtime agrees with PyTorch" in done.out
    assert Path("model.onnx").stat().st_size > 1000
    assert layerlab("dissect", "again.py").out.replace("again", "") == layerlab("dissect", "small.py").out
    assert "class Network" in Path("net.py").read_text()


def test_a_second_run_does_not_overwrite_the_first(here: Path, layerlab: Layerlab) -> None:
    for _ in range(2):
        assert layerlab("train", "small.py", "--data", "digits", *SMALL).code == 0
    assert len(list(Path("runs").iterdir())) == 2


def test_dissect_lecture(layerlab: Layerlab) -> None:
    done = layerlab("dissect", EXAMPLE)
    assert done.code == 0, done.err
    for figure in ("640", "73,856", "66,048", "5,130", "146,058", "9,381,120", "64x26x26", "128x11x11"):
        assert figure in done.out, figure
    record = json.loads(layerlab("dissect", EXAMPLE, "--json").out)
    assert record["totals"]["parameters"] == 146_058


@pytest.mark.parametrize("model", ["lecture_cnn", str(EXAMPLE)])
def test_dissect_one_layer(model: str, layerlab: Layerlab) -> None:
    done = layerlab("dissect", model, "--layer", 4)
    assert "out = floor((13 + 2*0 - 3)/1) + 1 = 11" in done.out
    assert "= 73,856" in done.out
    first = layerlab("dissect", model, "--layer", 1).out
    assert "out = floor((28 + 2*0 - 3)/1) + 1 = 26" in first
    assert "were it fully connected" in first


def test_dissect_torchvision(layerlab: Layerlab) -> None:
    done = layerlab("dissect", "torchvision.models:resnet18", "--input", "3x224x224")
    assert done.code == 0, done.err
    assert "11,689,512" in done.out
    assert "1,814,073,344" in done.out


def test_lists(layerlab: Layerlab) -> None:
    done = layerlab("models")
    assert re.search(r"^lecture_cnn +146,058 +9,381,120 +1x28x28 ", done.out, re.M)
    assert json.loads(layerlab("models", "lecture*", "--json").out)[0]["parameters"] == 146_058
    done = layerlab("data")
    assert re.search(r"^mnist5k +1x28x28 +10 +5,000 +nothing ", done.out, re.M)
    assert {"digits", "cifar10", "imagenet"} <= {entry["name"] for entry in json.loads(layerlab("data", "--json").out)}


def test_help_lists_every_setting_of_training_with_its_default(layerlab: Layerlab) -> None:
    from layerlab import cli
    from layerlab.training import TrainingConfig

    parameters = inspect.signature(cli.train).parameters
    for entry in fields(TrainingConfig):
        if entry.name not in ("optimizer_options", "learning_rates"):  # dictionaries: for Python alone
            assert parameters[entry.name].default == TrainingConfig.default(entry.name), entry.name
    shown = layerlab("train", "--help").out
    assert "--early-stopping" in shown


def test_version(layerlab: Layerlab) -> None:
    assert re.fullmatch(r"layerlab \d+\.\d+\.\d+\n", layerlab("--version").out)


def test_output_may_be_cut_by_a_reader() -> None:
    command = f"{sys.executable} -m layerlab data | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


MISTAKES = [
    ((), 0, ""),
    (("trian",), 2, "No such command 'trian'"),
    (("train", "--ecpohs", "3"), 2, "No such option: --ecpohs"),
    (("train", "--epochs", "three"), 2, "'--epochs'"),
    (("train",), 2, "train what? Name a network"),
    (("train", "lecture_cnn"), 2, "train it on what? Add --data"),
    (("train", "lecture_cnn", "--data", "mnsit5k"), 2, 'no dataset "mnsit5k"; did you mean "mnist5k"?'),
    (("train", "lectur_cnn", "--data", "mnist5k"), 2, 'no model "lectur_cnn"; did you mean "lecture_cnn"?'),
    (("train", "lecture_cnn", "--data", "mnist5k", "--epochs", "0"), 2, "epochs is 0; expected a whole number from 1"),
    (("train", "lecture_cnn", "--data", "mnist5k", "--optimizer", "adma"), 2, "Adam"),
    (("train", "lecture_cnn", "--data", "mnist5k", "--schedule", "cosin"), 2, "cosine"),
    (("train", "lecture_cnn", "--data", "mnist5k", "--augmentation", "lihgt"), 2, "light"),
    (("train", "", "--data", "digits"), 2, "no network is named; expected a zoo name"),
    (("train", "small.py", "--data", "digits", "--size", "1000000"), 2, "expected at most 8192 pixels a side"),
    (("train", "small.py", "--data", "digits", "--size", "8192"), 2, "choose a smaller size"),
    (("train", "--resume", "runs/nothing"), 2, "runs/nothing"),
    (("dissect", "lecture_cnn", "--input", "1x99999999999999999999x3"), 2, "no memory holds it"),
    (("dissect", "lecture_cnn", "--depth", "-1"), 2, "--depth is -1; expected a whole number from 0"),
    (
        ("dissect", "torchvision.models.segmentation:lraspp_mobilenet_v3_large"),
        2,
        "does not say the size of its input; add it",
    ),
    (("dissect", "lecture_cnn", "--input", "28"), 2, "28"),
    (("dissect", "lecture_cnn", "--input", "3by4"), 2, '--input "3by4" is no size'),
    (("dissect", "lecture_cnn", "--input", "1x4x4"), 2, "smallest input 8x8"),
    (("dissect", "lecture_cnn", "--input", "3x28x28"), 2, "expects 1 channel"),
    (("dissect", "torchvision.models:vgg16", "--input", "3x16x16"), 2, "smallest input 32x32"),
    (("dissect", "lecture_cnn", "--layer", "44"), 2, 'no layer "44"'),
    (("dissect", "nothing.py"), 2, 'no file "nothing.py"'),
    (("predict", "runs/nothing", "image.png"), 2, "runs/nothing"),
    (("export", "lecture_cnn"), 2, "export to what?"),
    (("export", "lecture_cnn", "--keras", "x.py"), 2, "does not come from Keras text"),
    (("export", "lecture_cnn", "--onnx", "absent/x.onnx"), 2, "absent"),
    (("models", "zzz*"), 2, "no model is called like"),
]


@pytest.mark.parametrize(("arguments", "code", "part"), MISTAKES, ids=lambda value: str(value)[:50])
def test_a_mistake_is_one_line(
    arguments: tuple[str, ...], code: int, part: str, here: Path, layerlab: Layerlab
) -> None:
    done = layerlab(*arguments)
    assert done.code == code
    if code:
        assert part in done.complaint()
    assert not list(here.glob("runs/*/*")), "a mistake must not leave a half-made run"


def test_unknown_layer_in_keras_text(here: Path, layerlab: Layerlab) -> None:
    Path("net.py").write_text(EXAMPLE.read_text().replace("MaxPooling2D", "MaxPoling2D"))
    sentence = layerlab("dissect", "net.py").complaint()
    assert sentence.startswith('net.py line 7: unknown layer "MaxPoling2D"')
    assert '"MaxPooling2D"' in sentence


def test_classes_that_do_not_fit(here: Path, layerlab: Layerlab) -> None:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "emu"):
        Path("pets", name).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(rng.integers(0, 256, (9, 7), dtype=np.uint8)).save(Path("pets", name, f"{number}.png"))
    sentence = layerlab("train", "small.py", "--data", "pets", *SMALL).complaint()
    assert "10 outputs" in sentence
    assert "3 classes" in sentence


def test_a_bad_image_is_named(digits_run: Path, here: Path, layerlab: Layerlab) -> None:
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    Image.new("L", (8, 8)).save("fine.png")
    assert "broken.png" in layerlab("predict", digits_run, "fine.png", "broken.png").complaint()
    assert "absent.png" in layerlab("predict", digits_run, "absent.png").complaint()
    done = layerlab("predict", digits_run, "fine.png", "broken.png", "--skip-bad")
    assert done.code == 0
    assert "broken.png" in done.err
    assert done.out.startswith("fine.png  ")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_predicts_images_of_any_mode(mode: str, digits_run: Path, here: Path, layerlab: Layerlab) -> None:
    name = "image.tif" if mode in ("CMYK", "F", "I") else "image.png"
    Image.new("L", (33, 21), 90).convert(mode).save(name)
    done = layerlab("predict", digits_run, name)
    assert done.code == 0, done.err


@pytest.mark.slow
def test_resume_after_ctrl_c(here: Path) -> None:
    command = [sys.executable, "-m", "layerlab", "train", "small.py", "--data", "digits", "--epochs", "2000"]
    running = subprocess.Popen([*command, "--output", "run", "--precision", "32"], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not Path("run/last.ckpt").exists():
        assert running.poll() is None, running.stderr and running.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "layerlab train --resume run" in err
    assert "Traceback" not in err


USERS_NETWORKS = """
import sys
import torch
def ends(): raise SystemExit(5)
def talks():
    print("hello")
    return torch.nn.Flatten()
"""


def test_a_network_of_the_user_neither_ends_the_program_nor_spoils_its_output(
    here: Path, layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("users_networks.py").write_text(USERS_NETWORKS)
    monkeypatch.syspath_prepend(here)
    sentence = layerlab("dissect", "users_networks:ends", "--input", "1x8x8").complaint()
    assert '"users_networks:ends" raised SystemExit' in sentence
    done = layerlab("dissect", "users_networks:talks", "--input", "1x8x8", "--json")
    assert done.err == "hello\n"
    assert json.loads(done.out)["model"] == "Flatten"


def test_a_file_of_pytorch_source_is_named_as_a_callable(here: Path, layerlab: Layerlab) -> None:
    Path("users_networks.py").write_text(USERS_NETWORKS)
    assert 'e.g. "users_networks:talks"' in layerlab("dissect", "users_networks.py").complaint()
    assert 'write "users_networks:talks"' in layerlab("dissect", "users_networks.py:talks").complaint()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_one_line() -> None:
    command = f"{sys.executable} -m layerlab data > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "layerlab: standard output: No space left on device\n")


@pytest.mark.parametrize("encoding", ["ascii", pytest.param("utf-8", marks=pytest.mark.slow)])
def test_any_terminal_gets_the_lists(encoding: str) -> None:
    command = [sys.executable, "-m", "layerlab", "models", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    sources = {info["name"]: info["source"] for info in json.loads(done.stdout)}
    assert "głębokich" in sources["lecture_cnn"]


def test_a_path_that_is_no_text(digits_run: Path, here: Path, layerlab: Layerlab) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    Image.new("L", (8, 8)).save(name)
    assert layerlab("predict", digits_run, name).code == 0
    assert json.loads(layerlab("predict", digits_run, name, "--json").out)[0]["path"] == name


def test_an_immense_loss_is_short() -> None:
    from layerlab.cli import _loss

    assert (_loss(0.06234), _loss(5.19e29)) == ("0.0623", "5.19e+29")
