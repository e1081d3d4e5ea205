from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from layerlab.errors import LayerlabError
from layerlab.lab.engines import engine_named
from layerlab.lab.engines import zoo as zoo_engine
from layerlab.lab.engines.trial_folder import trial_folder
from layerlab.lab.trial import PARTS, Outcome, Replicate, Trial
from layerlab.zoo import model_info

ENGINE = engine_named("zoo")
SMALL = {"model": "resnet20:depth=8", "width": 0.25, "epochs": 2, "batch_size": 128}
TEMPORARY = "layerlab-trial-*"
PLAIN = Replicate(1, 2, 3)


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def trial_of(factors: Mapping[str, Any], replicate: Replicate = PLAIN, part: str = "test") -> Trial:
    return Trial("zoo", ENGINE.settings({**SMALL, **factors}, "digits"), replicate, part)


def run(trial: Trial) -> Outcome:
    outcomes: dict[Trial, Outcome] = {}
    ENGINE.run([trial], outcomes.__setitem__)
    return outcomes[trial]


def bits(outcome: Outcome) -> str:
    return json.dumps({**outcome.to_dict(), "seconds": 0})


def test_a_trial_gives_the_figures_of_its_fit_the_same_again_and_leaves_nothing(tmp_path: Path) -> None:
    trial = trial_of({"target": 2.2})
    before = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    first, second = run(trial), run(trial)
    assert bits(first) == bits(second)
    values = first.values
    assert [point[0] for point in first.curve] == [1, 2]
    assert values["gap"] == values["loss"] - values["train_loss"]
    assert 0 < values["loss"] < 2.5
    assert values["steps_to_target"] == 9 * values["epochs_to_target"]  # 1,150 images train
    assert first.seconds > 0
    assert not list(tmp_path.glob(TEMPORARY))
    assert torch.random.get_rng_state().equal(before)
    assert torch.get_num_threads() == threads


def test_a_trial_of_the_validation_part_never_touches_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same division, weights and order: the two differ in what they are scored on, and in nothing else."""
    seen: list[Any] = []
    real = zoo_engine.load

    def load(*arguments: Any) -> Any:
        seen.append(real(*arguments))
        return seen[-1]

    monkeypatch.setattr(zoo_engine, "load", load)
    validation, test = (run(trial_of({"epochs": 1}, part=part)) for part in PARTS)
    assert validation.curve == test.curve
    assert validation.values["loss"] == pytest.approx(validation.curve[0][2], rel=1e-6)
    assert test.values["loss"] != validation.values["loss"]
    data = seen[0]
    assert len(data.validation) == pytest.approx(0.2 * (len(data.train) + len(data.validation)), abs=5)


def test_seeds_key_what_they_say() -> None:
    plain = trial_of({"epochs": 1})
    others = [
        trial_of({"epochs": 1}, replicate) for replicate in (Replicate(9, 2, 3), Replicate(1, 9, 3), Replicate(1, 2, 9))
    ]
    assert len({bits(run(trial)) for trial in (plain, *others)}) == 4


def test_a_diverged_network_counts_as_one_that_knows_nothing() -> None:
    outcome = run(trial_of({"learning_rate": 1e30, "optimizer": "sgd"}))
    assert outcome.failure == "diverged in epoch 1"
    assert outcome.values["loss"] == outcome.values["train_loss"] == math.log(10)
    assert outcome.values["accuracy"] == 0.1
    assert outcome.values["epochs_to_target"] is None
    json.dumps(outcome.to_dict(), allow_nan=False)


def test_a_network_that_does_not_learn_is_said_to() -> None:
    outcome = run(trial_of({"learning_rate": 1e-9, "optimizer": "sgd", "epochs": 1}))
    assert outcome.failure == "did not learn"
    assert outcome.values["loss"] > 2


def test_what_is_no_networks_fault_is_raised(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    settings = ENGINE.settings({**SMALL, "size": 16, "epochs": 1, "batch_size": 4}, str(folder))
    assert (settings["task"], settings["channels"], settings["classes"]) == (str(folder), 3, 2)
    (folder / "cat" / "3.png").write_bytes(b"no image")
    with pytest.raises(LayerlabError, match="cannot be read"):
        run(Trial("zoo", settings, Replicate(5, 5, 5), "test"))


@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v2", "googlenet"])
def test_costs_are_those_of_the_zoo(name: str) -> None:
    info = model_info(name)
    settings = {
        **ENGINE.settings({"model": name}, "digits"),
        "channels": 3,
        "size": list(info.input_shape[1:]),
        "classes": 1000 if info.input_shape[1] > 32 else 10,
    }
    cost = ENGINE.cost(settings)
    assert cost.macs == info.macs
    assert cost.parameters == info.parameters + info.auxiliary_parameters


def test_knobs_come_from_the_spec_or_the_factors_and_all_are_written_out() -> None:
    told, given = (
        ENGINE.settings(factors, "digits")
        for factors in ({"model": "resnet20:width=0.5,skip=no"}, {"model": "resnet20", "width": 0.5, "skip": False})
    )
    assert told == given == json.loads(json.dumps(given))
    assert given["knobs"]["norm"] == "batch"
    assert given["learning_rate"] == 0.005
    assert given["precision"] == "32"
    small = ENGINE.settings({"model": "vgg11"}, "digits")
    assert min(small["size"]) == model_info("vgg11").smallest_input


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"model": None}, "no model is named; give one of the zoo"),
        ({"model": "resnet21"}, 'no model "resnet21"; did you mean'),
        ({"model": 20}, 'no model "20"; known'),
        ({"widht": 2}, '"resnet20" has no knob "widht"; did you mean "width"?'),
        ({"epoch": 2}, '"resnet20" has no knob "epoch"; did you mean "epochs"'),
        ({"model": "resnet20:width=2", "width": 2}, 'width is told beside "resnet20:width=2"'),
        ({"model": "resnet20:num_classes=3"}, '"resnet20:num_classes=3" tells num_classes, which follows from'),
        ({"depth": 21}, '"resnet20" cannot be built with'),
        ({"width": float("nan")}, "a knob of"),
        ({"epochs": 0}, "epochs is 0; expected a whole number from 1"),
        ({"optimizer": "adma"}, 'no optimizer "adma" in torch.optim; did you mean'),
        ({"augmentation": "strong"}, "no augmentation"),
        ({"precision": "64"}, "precision '64' is none of"),
        ({"size": "large"}, "size is 'large'; expected a whole number, or a height and a width"),
        ({"learning_rate": -1}, "learning_rate is -1; expected a number above 0"),
    ],
)
def test_what_cannot_be_used_is_said(factors: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerlabError) as caught:
        ENGINE.settings({"model": "resnet20", **factors}, "digits")
    assert str(caught.value).startswith(message)


def test_data_that_are_not_there() -> None:
    with pytest.raises(LayerlabError, match='no dataset "digit"; did you mean "digits"'):
        ENGINE.settings({"model": "resnet20"}, "digit")


def test_what_a_killed_process_left_is_removed_when_the_next_trial_begins(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from layerlab.lab.engines.trial_folder import trial_folder\n"
        "with trial_folder() as folder:\n"
        "    (folder / 'large').write_text('...'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert len(list(tmp_path.glob(TEMPORARY))) == 1
    with trial_folder() as first, trial_folder() as second:
        assert {first, second} == set(tmp_path.glob(TEMPORARY))
    assert not list(tmp_path.glob(TEMPORARY))


def test_groups_keep_the_cores_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    trials = [trial_of({}, Replicate(seed, seed, seed)) for seed in range(5)]
    assert ENGINE.groups(trials) == [trials[:4], trials[4:]]


def test_trials_in_processes_give_the_bits_of_one_process() -> None:
    trials = [trial_of({"epochs": 1}, Replicate(seed, seed, seed)) for seed in range(2)]
    alone, together = ({}, {})  # type: tuple[dict[Trial, Outcome], dict[Trial, Outcome]]
    ENGINE.run(trials, alone.__setitem__, threads=1)
    ENGINE.run(trials, together.__setitem__, threads=2)
    assert {trial.key: bits(one) for trial, one in alone.items()} == {
        trial.key: bits(one) for trial, one in together.items()
    }


def test_what_report_raises_ends_the_processes_work() -> None:
    class Enough(KeyboardInterrupt):
        pass

    reported: list[Trial] = []

    def report(trial: Trial, _: Outcome) -> None:
        reported.append(trial)
        raise Enough

    with pytest.raises(Enough):
        ENGINE.run([trial_of({"epochs": 1}, Replicate(seed, 0, 0)) for seed in range(4)], report, threads=2)
    assert len(reported) == 1
