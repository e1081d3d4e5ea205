"""A run that was stopped or killed, at whatever moment, ends as one that was not."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab.data import load_data
from layerlab.errors import LayerlabError
from layerlab.training import Run, Stopped, fit, load_run
from layerlab.training.checkpoint import read_checkpoint

pytestmark = pytest.mark.usefixtures("place")

OPTIONS: dict[str, Any] = {
    "epochs": 3, "batch_size": 64, "mixup": 0.2, "label_smoothing": 0.1, "augmentation": "light", "gradient_clip": 2.0,
    "precision": "32", "checkpoint_minutes": 0,
}  # fmt: skip


kept: dict[str, Path] = {}


@pytest.fixture
def whole(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing interrupted; trained once, and copied for each test."""
    if "whole" not in kept:
        fit("small_nets:build", "digits", output="whole", **OPTIONS)
        kept["whole"] = tmp_path_factory.mktemp("kept") / "whole"
        shutil.copytree("whole", kept["whole"])
    else:
        shutil.copytree(kept["whole"], "whole")
    return load_run("whole")


def in_child(work: Callable[[], object]) -> int:
    """Run ``work`` in a forked process, and return its number."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def test_killed_at_random_moments(whole: Run, place: Path, same_run: Callable[[Run, Run], None]) -> None:
    moments = random.Random(3)
    path = place / "killed"
    kills = 0
    for _ in range(60):
        if (path / "config.json").exists():
            child = in_child(lambda: fit(resume=path))
        else:
            shutil.rmtree(path, ignore_errors=True)
            child = in_child(lambda: fit("small_nets:build", "digits", output=path, **OPTIONS))
        time.sleep(moments.uniform(0.02, 0.4))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            break
    assert kills >= 2
    same_run(whole, fit(resume=path))


@pytest.mark.parametrize("failing", range(1, 30, 3))
def test_a_write_that_fails_anywhere_loses_nothing(
    failing: int, whole: Run, place: Path, monkeypatch: pytest.MonkeyPatch, same_run: Callable[[Run, Run], None]
) -> None:
    """Each rename in turn finds the disk full; what is then on disk is resumed."""
    count = 0
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count >= failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, target)

    path = place / "full"
    options = OPTIONS | {"checkpoint_minutes": 5}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        try:
            fit("small_nets:build", "digits", output=path, **options)
        except LayerlabError as error:
            assert "the disk is full" in str(error)
            assert "\n" not in str(error)
    if not (path / "config.json").exists():
        with pytest.raises(LayerlabError, match=r"stopped before it began"):
            fit(resume=path)
        return
    same_run(whole, fit(resume=path))


def test_ctrl_c_stops_says_how_to_go_on_and_loses_nothing(
    whole: Run, place: Path, same_run: Callable[[Run, Run], None]
) -> None:
    path = place / "stopped"
    for number in (signal.SIGINT, signal.SIGTERM):
        options: dict[str, Any] = {"resume": path} if path.exists() else {"output": path, **OPTIONS}
        names = () if "resume" in options else ("small_nets:build", "digits")
        before = signal.getsignal(number)
        with pytest.raises(Stopped) as stopped:
            fit(*names, callbacks=[lambda _, number=number: os.kill(os.getpid(), number)], **options)
        sentence = rf"stopped in epoch [23], after step \d+; to go on: layerlab train --resume {path}"
        assert re.fullmatch(sentence, str(stopped.value))
        assert signal.getsignal(number) == before
        assert json.loads((path / "status.json").read_text())["state"] == "stopped"
    same_run(whole, fit(resume=path))


def test_stopping_in_the_validation_of_an_epoch(
    whole: Run, place: Path, monkeypatch: pytest.MonkeyPatch, same_run: Callable[[Run, Run], None]
) -> None:
    from layerlab.training import loop

    real = loop.evaluate

    def evaluate(*arguments: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "evaluate", evaluate)
        with pytest.raises(Stopped):
            fit("small_nets:build", "digits", output="stopped", **OPTIONS)
    state = read_checkpoint(Path("stopped/last.ckpt"))["state"]
    assert state["epoch"] == 0 and state["batch"] > 0
    same_run(whole, fit(resume="stopped"))


def test_a_second_signal_is_the_systems_own() -> None:
    from layerlab.interrupts import StopRequest

    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.pending
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_killed_between_the_last_checkpoint_and_the_end(whole: Run, same_run: Callable[[Run, Run], None]) -> None:
    for name in ("metrics.csv", "model.safetensors", "results.json", "test_predictions.safetensors"):
        (whole.path / name).unlink()
    (whole.path / "status.json").write_text('{"state": "running"}')
    again = fit(resume=whole.path)
    same_run(whole, again)
    assert (whole.path / "metrics.csv").exists()


def test_a_finished_run_is_returned(
    whole: Run, same_run: Callable[[Run, Run], None], caplog: pytest.LogCaptureFixture
) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in whole.path.iterdir()}
    same_run(whole, fit(resume=whole.path))
    assert caplog.messages == ['"whole" is finished: its 3 epochs are done']
    assert {file.name: file.stat().st_mtime_ns for file in whole.path.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 5}, '"whole" was planned for 3 epochs, and so was its learning rate; epochs=5 does not fit'),
        ({"seed": 4}, '"whole" was begun with seed=0 and goes on with it; seed=4 does not fit: start a new run'),
        ({"model": "lecture_cnn"}, '"whole" trains "small_nets:build", not "lecture_cnn"'),
        ({"data": "mnist5k"}, '"whole" trains on "digits", not on "mnist5k"'),
        ({"output": "elsewhere"}, 'a resumed run stays in its folder "whole"; "elsewhere" is another'),
        ({"size": 16}, r'"whole" has size=\[8, 8\], not \[16, 16\]'),
    ],
)
def test_an_option_that_would_make_another_run_is_refused(whole: Run, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=r"^" + sentence):
        fit(resume="whole", **options)
    same = fit("small_nets:build", "digits", resume="whole", epochs=3)
    assert same.metrics == whole.metrics


def test_a_network_built_by_hand_is_given_again(
    make_net: Callable[..., nn.Module], same_run: Callable[[Run, Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_data("digits")
    whole = fit(make_net(), data, epochs=2, batch_size=64, output="whole")

    def fail(_record: object) -> None:
        raise LayerlabError("the first epoch is over")

    with pytest.raises(LayerlabError, match=r"the first epoch is over"):
        fit(make_net(), data, epochs=2, batch_size=64, output="half", callbacks=[fail])
    with pytest.raises(LayerlabError, match=r"built by hand .Sequential.: give it"):
        fit(resume="half")
    same_run(whole, fit(make_net(seed=123), resume="half"))
    with pytest.raises(LayerlabError, match=r'^"half/model.safetensors" belongs to another network: size mismatch'):
        load_run("half", make_net(classes=7))


def test_data_that_has_changed_is_noticed(place: Path, make_net: Callable[..., nn.Module]) -> None:
    from PIL import Image

    for name in ("cats", "dogs"):
        (place / "images" / name).mkdir(parents=True)
        for number in range(12):
            Image.new("L", (8, 8), number * 9).save(place / "images" / name / f"{number}.png")

    def fail(_record: object) -> None:
        raise LayerlabError("stop")

    with pytest.raises(LayerlabError, match=r"stop"):
        fit("small_nets:build", "images", epochs=2, batch_size=8, output="half", callbacks=[fail])
    (place / "images" / "cats" / "3.png").unlink()
    with pytest.raises(LayerlabError, match=r'^the data "images" has changed since "half" began'):
        fit(resume="half")


def test_one_process_a_folder(whole: Run) -> None:
    import fcntl

    (whole.path / "status.json").write_text('{"state": "running"}')
    with (whole.path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LayerlabError, match=r'^"whole" is being trained by another process$'):
            fit(resume="whole")


def test_checkpoints_hold_nothing_but_data(whole: Run) -> None:
    for name in ("last.ckpt", "best.ckpt"):
        assert isinstance(torch.load(whole.path / name, weights_only=True), dict)
