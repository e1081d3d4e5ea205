"""``layerlab play``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from layerlab.playground.session import Session

Layerlab = Callable[..., Any]

LINK = "https://playground.tensorflow.org/#activation=tanh&batchSize=10&dataset=circle&networkShape=4,2&seed=0.5"


def test_it_prints_losses_weights_metrics_and_the_link(layerlab: Layerlab) -> None:
    done = layerlab("play", LINK, "--epochs", 100)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "epoch  training loss  test loss"
    assert [line.split()[0] for line in lines[1:9]] == ["0", "1", "2", "5", "10", "20", "50", "100"]
    assert lines[8] == "  100       0.018133   0.014070"
    assert "hidden 1     1  -0.6229   -0.3986  -0.0389" in lines
    assert "output       1  -1.7004   -2.0060   2.0211" in lines
    assert "test      accuracy 100.0% of 250 points" in lines
    assert lines[-2].endswith(" s for 100 epochs")
    assert lines[-1].startswith("link      #activation=tanh&")


def test_json_has_everything(layerlab: Layerlab) -> None:
    done = layerlab("play", "regularization=L1&regularizationRate=0.03&seed=0.5", "--epochs", 30, "--json")
    told = json.loads(done.out)
    session = Session(told["link"])
    session.step(30)
    assert told["losses"] == [list(row) for row in session.losses]
    assert told["layers"][0]["weights"] == session.weights[0].tolist()
    assert told["layers"][1]["biases"] == session.biases[1].tolist()
    assert told["dead_links"] == [list(link) for link in session.dead_links] != []
    assert told["specification"] == session.specification.to_dict()
    assert told["metrics"]["labels"] == [-1, 1]
    assert told["diverged"] is None
    assert told["epochs"] == 30


def test_maxout_and_batch_normalisation_have_their_own_columns(layerlab: Layerlab) -> None:
    done = layerlab("play", "activations=maxout,relu&networkShape=2,1&batchNormalization=1,0", "--epochs", 1)
    lines = done.out.splitlines()
    assert lines[4].split() == ["layer", "unit", "bias", "scale", "shift", "weights"]
    assert [line.split()[1] for line in lines[5:9]] == ["1", "1", "1", "1"]
    assert [line.split()[2] for line in lines[5:9]] == ["1a", "1b", "2a", "2b"]


def test_a_dead_link_is_named(layerlab: Layerlab) -> None:
    done = layerlab("play", "regularization=L1&regularizationRate=0.03", "--epochs", 30)
    assert "dead" in done.out.split("layer")[1].split("training")[0]
    assert "links, cut by L1" in done.out


def test_a_divergence_is_explained(layerlab: Layerlab) -> None:
    link = "problem=regression&learningRate=10&activation=linear"
    printed = layerlab("play", link).out
    assert "diverged  update 5 (epoch 1) left the finite numbers, the output layer in front" in printed
    told = json.loads(layerlab("play", link, "--json").out)
    assert told["losses"][-1][1:] == [None, None]
    assert told["diverged"]["remedy"]["changes"] == {"learning_rate": 1.0}


def test_no_epochs_show_how_it_begins(layerlab: Layerlab) -> None:
    done = layerlab("play", "problem=regression", "--epochs", 0)
    assert done.out.splitlines()[1].split()[0] == "0"
    assert "training  R² " in done.out


def test_what_a_link_says_that_nobody_knows_is_noted(layerlab: Layerlab) -> None:
    done = layerlab("play", "activation=nope", "--epochs", 1)
    assert done.code == 0
    assert done.err.startswith('note: activation "nope" is not known')


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["networkShape=99"], "1 to 32"),
        (["learningRate=fast"], "fast"),
        (["--epochs", "-1"], "--epochs is -1; expected 0 to 10,000,000"),
        (["--epochs", "many"], "Invalid value for '--epochs'"),
        (["classes=3"], 'the data set "circle" has 2 classes, not 3'),
    ],
)
def test_a_mistake_is_one_line(layerlab: Layerlab, arguments: list[str], sentence: str) -> None:
    assert sentence in layerlab("play", *arguments).complaint()


def test_ctrl_c_prints_what_there_is() -> None:
    command = [sys.executable, "-m", "layerlab", "play", "--epochs", "10000000", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    told = json.loads(out)
    assert 0 <= told["epochs"] == told["losses"][-1][0] < 10_000_000  # 0 where the engine was still being compiled
    assert err == f"layerlab: stopped after {told['epochs']:,} of 10,000,000 epochs\n"


def test_the_help_loads_nothing_heavy() -> None:
    program = (
        "import sys, layerlab.cli; sys.argv = ['layerlab', 'play', '--help']\n"
        "try: layerlab.cli.main()\n"
        "except SystemExit: pass\n"
        "sys.exit(str({'torch', 'numpy', 'numba'} & set(sys.modules) or 0))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "TensorFlow Playground link" in done.stdout
    assert done.stderr.strip() == "0"
