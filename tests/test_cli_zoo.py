"""The zoo on the command line: what there is, which is better, and a network in another form."""

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
from pathlib import Path
from typing import Any

import pytest
import torch

from layerlab import cli, cli_zoo
from layerlab.training import TrainingConfig
from layerlab.zoo import list_models, model_info

Layerlab = Callable[..., Any]

SMALL = """
model = keras.Sequential([
    keras.Input(shape=(8, 8, 1)),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
"""
QUICK = ("--data", "digits", "--epochs", 1, "--precision", "32", "--memory-format", "contiguous", "--quiet")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder with two small networks of the user's in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.py").write_text(SMALL)
    (tmp_path / "other.py").write_text(SMALL.replace("layers.Flatten()", "layers.Flatten(), layers.Dense(8)"))
    return tmp_path


def test_models_are_listed_one_a_line(layerlab: Layerlab) -> None:
    done = layerlab("models")
    lines = done.out.splitlines()
    assert lines[0].split() == ["model", "parameters", "MACs", "input", "year", "task", "the", "idea"]
    assert [line.split()[0] for line in lines[1:]] == list_models()
    assert re.search(
        r"^resnet50 +25,557,032 +4,089,184,256 +3x224x224 +2015 +classification  each block", done.out, re.M
    )
    googlenet = next(line for line in lines if line.startswith("googlenet "))
    assert googlenet.endswith("(and 6,379,984 parameters of auxiliary heads, in training)")
    done = layerlab("models", "mobilenet_v2*")
    assert [line.split()[0] for line in done.out.splitlines()[1:]] == list_models("mobilenet_v2*")


def test_models_as_json_hold_all_that_is_known_and_the_knobs(layerlab: Layerlab) -> None:
    (found,) = json.loads(layerlab("models", "resnet20", "--json").out)
    info = model_info("resnet20")
    for name in ("title", "family", "year", "source", "parameters", "macs", "deviations", "parent", "head"):
        assert found[name] == getattr(info, name), name
    assert found["knobs"]["depth"] == 20
    assert found["knobs"]["num_classes"] == 10
    assert len(json.loads(layerlab("models", "--json").out)) == len(list_models())


def test_one_model_is_described_in_full(layerlab: Layerlab) -> None:
    out = layerlab("models", "googlenet").out
    for line in (
        "source      C. Szegedy et al., Going Deeper with Convolutions, CVPR 2015 (2014)",
        "input       3x224x224, height and width from 15",
        "parameters  6,624,904 (and 6,379,984 in auxiliary heads, in training)",
        "grew from   googlenet_paper",
        "weights     imagenet",
        "file        layerlab/zoo/googlenet.py",
    ):
        assert line in out.splitlines()
    assert "differs     torchvision's: 3x3 in place of 5x5" in out
    assert "knobs       num_classes=1000 in_channels=3 width=1.0 activation='relu'" in out
    assert "only this size" in layerlab("models", "lenet5").out
    assert "weights     none published" in layerlab("models", "lenet5").out


def test_every_training_option_of_compare_has_the_default_of_train(layerlab: Layerlab) -> None:
    train, compare = (inspect.signature(command).parameters for command in (cli.train, cli_zoo.compare))
    own = {"names", "data", "seeds", "output", "quiet", "as_json"}
    for name in compare.keys() - own:
        assert compare[name].default == train[name].default, name
    left_out = {"optimizer_options", "learning_rates", "seed", "devices", "nodes", "strategy", "checkpoint_minutes"}
    assert set(TrainingConfig.__dataclass_fields__) - set(compare) == left_out
    assert "--early-stopping" in layerlab("compare", "--help").out


def test_compare_prints_the_answer_and_again_goes_on(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("compare", "small.py", "other.py", *QUICK, "--seeds", 2)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["model", "accuracy", "parameters", "input", "MACs", "images/s", "seconds"]
    assert {line.split()[0] for line in lines[1:3]} == {"small.py", "other.py"}
    assert re.search(r"^small\.py +\d+\.\d % ± \d+\.\d +650 +1x8x8 +640 +[\d,]+ +\d+\.\d$", done.out, re.M)
    assert lines[3].startswith("Mean test accuracy of 2 seeds, with its 95 % t interval; ")
    assert lines[4] == "report  comparisons/small.py-other.py-digits/report.html"
    before = {path: path.stat().st_mtime_ns for path in here.glob("comparisons/*/runs/*/model.safetensors")}
    assert len(before) == 4

    again = layerlab("compare", "small.py", "other.py", *QUICK, "--seeds", 2, "--json")
    found = json.loads(again.out)
    assert [row["runs"] for row in found["rows"]] == [2, 2]
    assert found["command"].startswith("layerlab compare small.py other.py --data digits --seeds 2 --epochs 1")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    output = "comparisons/small.py-other.py-digits"
    done = layerlab("compare", "small.py", *QUICK, "--output", output)
    assert f'"{output}" holds another comparison, of models small.py, other.py and not small.py' in done.complaint()


def test_compare_where_nothing_can_be_trained_fails(here: Path, layerlab: Layerlab) -> None:
    Path("eleven_outputs.py").write_text("from torch import nn\n\ndef build():\n    return nn.Conv2d(1, 11, 8)\n")
    done = layerlab("compare", "eleven_outputs:build", *QUICK, "--seeds", 1)
    assert done.code == 1
    assert re.search("^eleven_outputs:build +failed", done.out, re.M)
    assert re.search("^eleven_outputs:build: failed: .* gives 11 outputs", done.out, re.M)
    assert "No run came to its end." in done.out


def test_ctrl_c_keeps_what_is_finished(here: Path) -> None:
    words = [*map(str, QUICK), "--seeds", "3", "--epochs", "400"]
    command = [sys.executable, "-m", "layerlab", "compare", "small.py", "other.py", *words]
    with subprocess.Popen(command, cwd=here, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 120
        first = here / "comparisons/small.py-other.py-digits/runs/small.py-seed0/metrics.csv"
        while not (first.exists() and first.read_text().count("\n") > 2):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert out == ""
    assert re.fullmatch(r"layerlab: stopped after \d of 6 runs.*; the same command again goes on from there\n", err)


def test_a_network_of_the_zoo_is_written_as_source_and_as_a_program(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("export", "lenet5_modern", "--source", "net.py", "--pt2", "net.pt2")
    assert done.code == 0, done.err
    assert "net.py: written\n" in done.out
    assert re.search(
        r"^net\.pt2: [\d,]+ bytes; the file that was loaded again agrees with the network to", done.out, re.M
    )
    assert "layerlab" not in Path("net.py").read_text().replace("layerlab/", "").replace("layerlab.layers", "")
    program = torch.export.load("net.pt2").module()
    assert program(torch.zeros(5, 1, 32, 32)).shape == (5, 10)


def test_a_run_is_written_as_source_and_says_where_its_weights_are(here: Path, layerlab: Layerlab) -> None:
    assert layerlab("train", "lecture_cnn", *QUICK, "--output", "run").code == 0
    done = layerlab("export", "run", "--source", "net.py")
    assert done.out == (
        'net.py: written\nits weights: build().load_state_dict(safetensors.torch.load_file("run/model.safetensors"))\n'
    )
    program = (
        "import safetensors.torch, sys; sys.modules['layerlab'] = None; from net import build\n"
        'build().load_state_dict(safetensors.torch.load_file("run/model.safetensors"))'
    )
    subprocess.run([sys.executable, "-c", program], cwd=here, check=True)


def test_keras_text_is_written_by_either_word(here: Path, layerlab: Layerlab) -> None:
    assert layerlab("export", "small.py", "--source", "one.py", "--keras", "again.py").code == 0
    assert layerlab("export", "small.py", "--pytorch", "two.py").code == 0
    assert Path("one.py").read_text() == Path("two.py").read_text()
    assert layerlab("export", "other.py", "--source", "one.py").code == 0, "a file that is there is replaced"
    assert Path("one.py").read_text() != Path("two.py").read_text()


MISTAKES = [
    (("models", "zzz*"), 'no model is called like "zzz*"; layerlab models lists all'),
    (("models", "resnt50"), 'no model is called like "resnt50"; did you mean "resnet50"'),
    (("compare",), "Missing argument 'MODEL...'"),
    (("compare", "lenet5"), "compare them on what? Add --data, e.g. layerlab compare lenet5 --data mnist5k"),
    (("compare", "lenet5", "lenet5", "--data", "digits"), '"lenet5" is named twice'),
    (("compare", "lenet", "--data", "digits"), 'no model "lenet"; did you mean "lenet5"'),
    (("compare", "lenet5", "--data", "digits", "--seeds", "0"), "seeds is 0; expected at least one"),
    (("compare", "lenet5", "--data", "digits", "--epochs", "0"), "epochs is 0; expected a whole number from 1"),
    (("compare", "lenet5", "--data", "digits", "--output", "small.py"), '"small.py" is a file'),
    (("export", "lenet5"), "export to what? Add --onnx FILE, --pt2 FILE, --source FILE or --keras FILE"),
    (("export", "lenet5", "--source", "."), '"." is a folder; name a file in it'),
    (("export", "lenet5", "--pt2", "."), '"." is a folder; name a file in it, such as "model.pt2"'),
    (("export", "lenet5", "--pt2", "x.pt"), '"x.pt" must end in ".pt2"; write "x.pt2"'),
    (("export", "lenet5", "--source", "x.py", "--pt2", "."), '"." is a folder; name a file in it, such as "model.pt2"'),
    (("export", "lenet5", "--source", "x.py", "--onnx", "x.pt"), '"x.pt" must end in ".onnx"; write "x.onnx"'),
    (("export", "lenet5", "--source", "x.py", "--keras", "x.py"), '--source and --keras both name "x.py"; give each'),
    (("export", "vgg11", "--pt2", "x.pt2", "--input", "3x8x8"), "input must be at least 2x2; smallest input 32x32"),
    (
        ("compare", "lenet5:num_classes=3", "--data", "digits"),
        '"lenet5:num_classes=3" gives 3 outputs and "digits" has 10 classes: leave num_classes out',
    ),
    (
        ("compare", "lenet5", "--data", "digits", "--weights", "x.pth"),
        'there are no weights "x.pth" (expected imagenet',
    ),
    (
        ("train", "vgg11:in_channels=1", "--data", "digits", "--weights", "imagenet"),
        'the weights "imagenet" of "vgg11" take images of 3 channels and it was built with in_channels=1: leave',
    ),
    (("train", "resnet20:width=1e300", "--data", "digits"), "width=1e+300: it is larger than the memory"),
    (("export", "lenet5", "--keras", "x.py"), '"lenet5" does not come from Keras text'),
    (("export", "torchvision.models:alexnet", "--source", "x.py"), '"torchvision.models:alexnet" is not of the zoo'),
    (("export", "lenet5", "--source", "/proc/x.py"), 'cannot write "/proc/x.py": '),
]


@pytest.mark.parametrize(("arguments", "part"), MISTAKES, ids=lambda value: str(value)[:50])
def test_a_mistake_is_one_line(arguments: tuple[str, ...], part: str, here: Path, layerlab: Layerlab) -> None:
    assert part in layerlab(*arguments).complaint()
    assert sorted(path.name for path in here.iterdir()) == ["other.py", "small.py"]
