"""Several processes, one global batch: the same losses as one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.training import fit
from layerlab.training.start import in_a_copy, needs_a_copy, refusal_of_a_copy

pytestmark = pytest.mark.usefixtures("place")

OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 62, "precision": "32", "optimizer": "sgd", "learning_rate": 0.02}
"""62 leaves a last batch that two processes cannot share equally."""


def close(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    for mine, theirs in zip(one, other, strict=True):
        for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"):
            assert mine[name] == pytest.approx(theirs[name], rel=1e-5), name


def test_two_processes_give_the_losses_of_one_with_batch_normalisation(make_net: Callable[..., nn.Module]) -> None:
    single = fit(make_net(dropout=0), "digits", **OPTIONS)
    before = dict(os.environ)
    double = fit(make_net(dropout=0), "digits", devices=2, strategy="ddp", device="cpu", **OPTIONS)
    close(single.history, double.history)
    assert double.metrics["test_loss"] == pytest.approx(single.metrics["test_loss"], rel=1e-5)
    theirs = double.model.state_dict()
    for name, value in single.model.state_dict().items():
        assert torch.allclose(value, theirs[name], rtol=1e-3, atol=1e-5), name
    assert type(double.model[1]) is nn.BatchNorm2d
    assert dict(os.environ) == before
    assert json.loads((double.path / "status.json").read_text())["state"] == "finished"


@pytest.mark.slow
def test_a_failure_in_a_process_is_one_sentence(make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(LayerlabError, match=r"^the (validation )?loss became (nan|inf) in epoch 1, step") as error:
        fit(make_net(), "digits", devices=2, **(OPTIONS | {"learning_rate": 1e30}))
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_torchrun_gives_the_losses_of_one(place: Path, make_net: Callable[..., nn.Module]) -> None:
    program = (
        "from layerlab.training import fit\n"
        "run = fit('small_nets:plain', 'digits', devices=2, epochs=2, batch_size=62, precision='32', optimizer='sgd',"
        " learning_rate=0.02, output='double')\n"
        "assert run.metrics['test_accuracy'] > 0.3\n"
    )
    (place / "program.py").write_text(program)
    source = (place / "small_nets.py").read_text().replace("nn.Dropout(0.2)", "nn.Identity()")
    (place / "small_nets.py").write_text(source.replace("def build", "def plain"))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "program.py"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(place)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    single = fit("small_nets:plain", "digits", **OPTIONS)
    close(single.history, json.loads((place / "double" / "results.json").read_text())["history"])


@pytest.mark.slow
def test_two_processes_stop_and_go_on(place: Path) -> None:
    program = (
        "from layerlab.training import fit\n"
        "if __name__ == '__main__':\n"
        "    fit('small_nets:build', 'digits', devices=2, epochs=40, batch_size=62, precision='32', output='double')\n"
    )
    (place / "program.py").write_text(program)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(place)}
    with subprocess.Popen([sys.executable, "program.py"], env=environment, stderr=subprocess.PIPE, text=True) as child:
        while not (place / "double" / "metrics.csv").exists():
            assert child.poll() is None
        child.send_signal(15)
        _, errors = child.communicate(timeout=100)
    assert "Stopped: stopped in epoch" in errors
    state = json.loads((place / "double" / "status.json").read_text())
    assert state["state"] == "stopped", errors


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strategy": "fsdp", "device": "cpu"}, 'strategy "fsdp" needs CUDA devices and device is "cpu"'),
        ({"devices": 3, "batch_size": 64}, "batch_size 64 cannot be shared equally by 3 processes; .*: 63$"),
    ],
)
def test_what_cannot_be_distributed_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=r"^" + sentence):
        fit("small_nets:build", "digits", **options)


# ---- notebooks: there is no script that another process could read a class from


class Cell(nn.Sequential):
    """As if it stood in a notebook."""


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("__main__.__file__", raising=False)
    monkeypatch.setattr(Cell, "__module__", "__main__")


@pytest.mark.usefixtures("notebook")
def test_only_what_stands_in_a_notebook_needs_a_copy(make_net: Callable[..., nn.Module]) -> None:
    assert needs_a_copy([make_net(), {"callbacks": [print]}]) is None
    assert needs_a_copy({"model": nn.Sequential(make_net(), Cell())}) == "Cell"
    assert needs_a_copy([lambda state: state]) == "something that cannot be pickled"


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize(("file", "name"), [(__file__, None), ("<stdin>", "the program")])
def test_a_script_is_read_again(monkeypatch: pytest.MonkeyPatch, file: str, name: str | None) -> None:
    monkeypatch.setattr("__main__.__file__", file, raising=False)
    assert needs_a_copy(Cell()) == name


@pytest.mark.parametrize("answer", [True, False])
def test_a_copy_answers(answer: bool) -> None:
    assert in_a_copy(lambda about: about is answer and answer, answer) is answer


def test_a_copy_that_fails_answers_no() -> None:
    assert in_a_copy(lambda about: 1 / about == 1, 0) is False


SESSION = """
from torch import nn
from layerlab.training import fit
import small_nets

class Cell(nn.Sequential):
    pass

def train(net):
    try:
        run = fit(net, "digits", devices=2, device="cpu", epochs=1, batch_size=62, precision="32")
        print("trained", run.metrics["test_accuracy"] > 0.1)
    except Exception as error:
        print(error)

train(Cell(*small_nets.build()))
from torch._subclasses.fake_tensor import FakeTensorMode
with FakeTensorMode():
    pass  # as torch.export does: from now on the first backward pass starts autograd's threads

train(small_nets.build())
"""


@pytest.mark.slow
def test_a_notebook_trains_in_processes(place: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(place)}
    command = [sys.executable, "-q", "-i"]
    done = subprocess.run(command, input=SESSION, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["trained True", "trained True"]


def test_a_copy_that_is_made_too_late_is_one_sentence() -> None:
    said = "RuntimeError: Unable to handle autograd's threading in combination with fork-based multiprocessing."
    assert refusal_of_a_copy(said, "Cell", 2) == (
        "devices is 2 and Cell stands in the notebook, so that the processes must be copies of this one, which cannot "
        "train once CUDA or autograd's threads have run here; put it into a file and import it"
    )
    assert refusal_of_a_copy("RuntimeError: out of ideas", "Cell", 2) is None
