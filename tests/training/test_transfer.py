"""Transfer learning: what begins with other weights, what stays frozen, and what learns how fast."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

from layerlab.data import load_data
from layerlab.errors import LayerlabError
from layerlab.training import Run, Stopped, TrainingConfig, fit, load_run
from layerlab.training.optimisers import make_optimizer
from layerlab.training.parts import Parts, head_of
from layerlab.training.prepare import prepare
from layerlab.training.schedules import make_schedule
from layerlab.zoo import create, weights_fetch
from layerlab.zoo.weights import weights_of

pytestmark = pytest.mark.usefixtures("place")

PLAIN: dict[str, Any] = {"batch_size": 32, "precision": "32", "memory_format": "contiguous", "device": "cpu"}
QUICK: dict[str, Any] = {**PLAIN, "epochs": 2, "learning_rate": 0.01}
BASE: dict[str, Any] = {}


def narrow(classes: int) -> nn.Module:
    return create("resnet20", num_classes=classes, in_channels=1, width=0.5)


def digits_in_folders(folder: Path, classes: range, count: int) -> Path:
    """Write the first images of some digits as files, a folder for each."""
    bunch = load_digits()
    for label in classes:
        (folder / str(label)).mkdir(parents=True)
        chosen = bunch.images[bunch.target == label][:count]
        for number, image in enumerate(chosen):
            Image.fromarray(np.rint(image * 15.9).astype(np.uint8)).save(folder / str(label) / f"{number:03}.png")
    return folder


@pytest.fixture
def others(place: Path) -> Path:
    """A few images of each of the digits 5 to 9."""
    return digits_in_folders(place / "others", range(5, 10), 60)


@pytest.fixture
def base(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a network that has learned the digits 0 to 4; trained once."""
    if "path" not in BASE:
        kept = tmp_path_factory.mktemp("base")
        data = digits_in_folders(kept / "first", range(5), 80)
        torch.manual_seed(0)
        fit(narrow(5), data, **{**QUICK, "epochs": 3, "batch_size": 16}, output=kept / "run")
        BASE["path"] = kept / "run"
    return Path(BASE["path"])


def state_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def complaint(call: Callable[..., object], *arguments: Any, **options: Any) -> str:
    with pytest.raises(LayerlabError) as error:
        call(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---- from end to end


@pytest.mark.slow
def test_what_was_learned_from_other_digits_helps(base: Path, others: Path) -> None:
    """Seen with three seeds: 0.87, 0.93, 0.97 of the test images right, from scratch 0.53, 0.77, 0.63."""
    before = load_run(base).model.state_dict()
    budget = {**QUICK, "batch_size": 16}
    torch.manual_seed(0)
    run = fit(narrow(5), others, **budget, weights=base, freeze="conv1,bn1,layer1")
    torch.manual_seed(0)
    scratch = fit(narrow(5), others, **budget)
    assert run.metrics["test_accuracy"] > scratch.metrics["test_accuracy"] + 0.1
    assert run.metrics["test_loss"] < 0.8 * scratch.metrics["test_loss"]
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, before[name]) == name.startswith(("conv1.", "bn1.", "layer1.")), name
    assert run.config["training"]["weights"] == str(base)
    # The images are prepared as those that the weights have learned from.
    recipe = load_run(base).preprocessing
    assert run.preprocessing is not None and recipe is not None
    assert (run.preprocessing.mean, run.preprocessing.std) == (recipe.mean, recipe.std)
    assert scratch.preprocessing is not None and scratch.preprocessing.mean != recipe.mean


def test_a_frozen_backbone_is_bit_for_bit_what_it_was_and_the_head_is_new(base: Path, others: Path) -> None:
    before = load_run(base).model.state_dict()
    run = fit(narrow(5), others, **{**QUICK, "epochs": 1}, weights=base, freeze="backbone")
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, before[name]) != name.startswith("fc."), name


def test_a_resumed_transfer_is_exact_and_needs_no_weights(
    base: Path, others: Path, place: Path, same_run: Callable[[Run, Run], None]
) -> None:
    weights = place / "weights.safetensors"
    weights.write_bytes((base / "model.safetensors").read_bytes())
    options = {**QUICK, "weights": weights, "freeze": "conv1,layer1", "learning_rates": {"layer3": 1e-4, "fc": 2e-2}}

    def model() -> nn.Module:
        torch.manual_seed(1)
        return narrow(5)

    whole = fit(model(), others, **options, output="whole")

    def stop(record: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Stopped):
        fit(model(), others, **options, output="stopped", callbacks=[stop])
    weights.unlink()
    resumed = fit(resume="stopped")
    same_run(whole, resumed)
    old = load_run(base).model.state_dict()
    new = resumed.model.state_dict()
    for name, tensor in new.items():
        if name.startswith(("conv1.", "layer1.")):
            assert torch.equal(tensor, old[name]), name
    assert not torch.equal(new["layer2.0.conv1.weight"], old["layer2.0.conv1.weight"])
    said = complaint(fit, resume="stopped", freeze="layer1")
    assert "was begun with freeze='conv1,layer1' and goes on with it" in said


def test_what_was_asked_is_recorded_and_repeated(base: Path, others: Path) -> None:
    run = fit(
        narrow(5), others, **{**QUICK, "epochs": 1}, weights=base, freeze=["layer1", "layer2"],
        backbone_learning_rate=1e-4,
    )  # fmt: skip
    config = json.loads((run.path / "config.json").read_text())
    asked = config["training"]
    assert (asked["weights"], asked["freeze"]) == (str(base), "layer1,layer2")
    assert asked["backbone_learning_rate"] == 1e-4
    assert f"--weights {base} --freeze layer1,layer2 --backbone-learning-rate 0.0001" in config["command"]
    assert TrainingConfig.from_dict(asked).frozen_parts == ("layer1", "layer2")


@pytest.mark.slow
def test_two_processes_keep_the_frozen_parts(base: Path, others: Path) -> None:
    run = fit(narrow(5), others, **{**QUICK, "epochs": 1}, weights=base, freeze="backbone", devices=2, strategy="ddp")
    before = load_run(base).model.state_dict()
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, before[name]) != name.startswith("fc."), name


def test_a_network_built_with_weights_is_trained_as_if_they_were_named(base: Path, others: Path) -> None:
    model = create("resnet20", num_classes=5, in_channels=1, width=0.5, weights=base)
    run = fit(model, others, **{**QUICK, "epochs": 1}, freeze="backbone")
    recipe = load_run(base).preprocessing
    assert run.preprocessing is not None and recipe is not None
    assert run.preprocessing.mean == recipe.mean
    assert run.config["training"]["weights"] == str(base)
    # What has been trained further is no longer what was built.
    assert weights_of(run.model) is None


# ---- freezing


def test_frozen_norms_stay_in_evaluation_mode_through_the_training(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    before = state_of(model)
    modes: list[tuple[bool, bool]] = []
    model[2].register_forward_hook(lambda *_: modes.append((model[1].training, model[4].training)))
    run = fit(model, "digits", **QUICK, freeze="0,1")
    after = run.model.state_dict()
    for name, tensor in after.items():
        assert torch.equal(tensor, before[name]) == (not name.startswith("5.")), name
    assert (False, True) in modes  # dropout is on while the norm is still
    assert not any(norm for norm, _ in modes[3:])  # the first passes are those that look at the network


def test_without_freezing_norms_learn(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    before = state_of(model)
    run = fit(model, "digits", **{**QUICK, "epochs": 1})
    assert not torch.equal(run.model.state_dict()["1.running_mean"], before["1.running_mean"])


def test_the_head_is_found() -> None:
    assert head_of(create("resnet18", num_classes=7, device="meta"), 7) == "fc"
    assert head_of(create("googlenet", num_classes=7, device="meta"), 7) == "fc"
    # Of others it is the last layer with as many outputs, whatever follows.
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 4), nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Linear(4, 9))
    assert head_of(model, 4) == "2"
    assert complaint(head_of, model, 5).startswith("no layer of Sequential has 5 outputs, so that its head cannot be")


# ---- rates


def test_every_part_has_its_rate_and_the_schedule_scales_them_alike() -> None:
    model = create("resnet20", num_classes=5)
    config = TrainingConfig(
        learning_rate=0.01, backbone_learning_rate=1e-4, learning_rates={"layer3": 1e-3, "layer3.1": 5e-3}
    )
    groups = Parts(model, config, 5).groups()
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    owner = {named[id(p)]: group.get("lr", 0.01) for group in groups for p in group["params"]}
    assert len(owner) == len(named) == sum(len(group["params"]) for group in groups)
    assert groups[0].get("lr") is None
    for name, rate in owner.items():
        wanted = 0.01 if name.startswith("fc.") else 1e-4
        wanted = 5e-3 if name.startswith("layer3.1.") else 1e-3 if name.startswith("layer3.") else wanted
        assert rate == wanted, name
    for schedule in ("one-cycle", "cosine", "step", "constant"):
        optimizer = make_optimizer(config, groups)
        steps = make_schedule(schedule, optimizer, 20)
        for _ in range(19):
            rates = [group["lr"] for group in optimizer.param_groups]
            assert rates[0] > 0
            assert [rate / rates[0] for rate in rates] == pytest.approx([1, 0.5, 0.1, 0.01]), schedule
            optimizer.step()
            steps.step()


def test_a_small_rate_moves_little(make_net: Callable[..., nn.Module]) -> None:
    before = make_net().state_dict()

    def moved(**options: Any) -> dict[str, float]:
        run = fit(make_net(), "digits", **{**QUICK, "epochs": 1, "optimizer": "sgd"}, **options)
        after = run.model.state_dict()
        return {name: float((after[name] - before[name]).abs().max()) for name in ("0.weight", "5.weight")}

    usual, slow = moved(), moved(backbone_learning_rate=1e-6)
    assert slow["0.weight"] < 0.01 * usual["0.weight"]
    assert slow["5.weight"] > 0.1 * usual["5.weight"]


def test_the_recorded_rate_is_that_of_the_run(make_net: Callable[..., nn.Module]) -> None:
    options = {**QUICK, "epochs": 1, "schedule": "constant"}
    run = fit(make_net(), "digits", **options, learning_rates={"0": 1e-5})
    assert run.history[0]["learning_rate"] == 0.01


# ---- nonsense


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"freeze": "0,1,5"},
            'freeze="0,1,5" freezes every parameter, so that there is nothing to train',
        ),
        (
            {"freeze": "backbone", "backbone_learning_rate": 1e-4},
            '"backbone" is frozen and is given a learning rate: leave one of the two out',
        ),
        (
            {"freeze": "backbone", "learning_rates": {"0": 1e-4}},
            '"0" is frozen and is given a learning rate: leave one of the two out',
        ),
        (
            {"freeze": "layr1"},
            'Sequential has no part "layr1"; it has 0, 1, 2, 3, 4, 5 ("backbone" is all but its head)',
        ),
        (
            {"learning_rates": {"2": 1e-4}},
            'the part "2" has no parameters, so that a learning rate means nothing there',
        ),
        ({"freeze": "0,"}, 'freeze is \'0,\'; expected names of parts, e.g. "backbone" or "layer1,layer2"'),
        ({"freeze": ""}, 'freeze is \'\'; expected names of parts, e.g. "backbone" or "layer1,layer2"'),
        (
            {"learning_rates": {"0": 0}},
            "learning_rates is {'0': 0}; expected a number above 0 for each part, e.g. {'layer4': 1e-4}",
        ),
        ({"backbone_learning_rate": -1}, "backbone_learning_rate is -1; expected a number above 0"),
        (
            {"backbone_learning_rate": 1e-3, "learning_rates": {"backbone": 1e-4}},
            'backbone_learning_rate is given, and learning_rates["backbone"]: leave one out',
        ),
        (
            {"freeze": "backbone", "strategy": "fsdp"},
            'strategy "fsdp" joins the parameters of several parts, so that none can be frozen or have a rate of its'
            ' own; use strategy "ddp"',
        ),
        (
            {"weights": "imagenet"},
            'there are no weights "imagenet" for "Sequential", which is not of the zoo: name a network of layerlab'
            " models, or give a file of its weights",
        ),
        ({"weights": "lost.pth"}, 'no weights file "lost.pth"'),
    ],
)
def test_what_cannot_be_meant_is_refused(
    make_net: Callable[..., nn.Module], options: dict[str, Any], sentence: str
) -> None:
    given = {name: value for name, value in QUICK.items() if name != "device"}
    assert complaint(fit, make_net(), "digits", **given, **options) == sentence
    assert not Path("runs").exists()


def test_weights_are_not_for_keras_text(place: Path) -> None:
    (place / "net.py").write_text(
        "model = Sequential([Input((8, 8, 1)), Flatten(), Dense(10, activation='softmax')])\n"
    )
    said = complaint(fit, "net.py", "digits", **QUICK, weights="imagenet")
    assert "comes from Keras text: load its own with layerlab.load_keras_weights" in said


def test_an_unknown_part_of_a_network_of_the_zoo_names_the_nearest() -> None:
    said = complaint(fit, "resnet20", "digits", **QUICK, freeze="layer4")
    assert said.startswith('"resnet20" has no part "layer4"; did you mean "layer3"')


def test_weights_of_another_architecture_are_refused(place: Path) -> None:
    save_file(create("lecture_cnn").state_dict(), place / "a.safetensors")
    said = complaint(fit, "resnet20", "digits", **QUICK, weights="a.safetensors")
    assert 'do not fit "resnet20" as it was built (in_channels=1): the weights belong to another architecture' in said


def test_any_network_begins_with_a_file(make_net: Callable[..., nn.Module], place: Path) -> None:
    source = make_net(classes=7, seed=1)
    torch.save(source.state_dict(), place / "a.pth")
    run = fit("small_nets:build", "digits", **QUICK, weights="a.pth", freeze="backbone")
    assert torch.equal(run.model.state_dict()["0.weight"], source.state_dict()["0.weight"])
    assert run.config["training"]["weights"] == str(place / "a.pth")
    assert len(run.model.state_dict()["5.weight"]) == 10


# ---- the images


def test_images_are_those_that_published_weights_expect(
    monkeypatch: pytest.MonkeyPatch, place: Path, others: Path
) -> None:
    torch.save(create("mobilenet_v3_small").state_dict(), place / "published.pth")
    monkeypatch.setattr("layerlab.zoo.weights.fetch_file", lambda file: place / "published.pth")
    options = {"size": None, "channels": None}
    got = prepare("mobilenet_v3_small", others, TrainingConfig(weights="imagenet"), options)
    recipe = got.dataset.preprocess
    assert got.dataset.shape == (3, 224, 224)
    assert (recipe.resize, recipe.mean) == (256, (0.485, 0.456, 0.406))
    assert got.head.classes == 5
    # The person's size wins, and the margin around what is cut out stays in proportion.
    got = prepare("mobilenet_v3_small", "digits", TrainingConfig(weights="imagenet"), {"size": 56})
    assert (got.dataset.shape, got.dataset.preprocess.resize) == ((3, 56, 56), 64)
    got = prepare("mobilenet_v3_small", "digits", TrainingConfig(weights="imagenet"), {"size": (32, 40)})
    assert (got.dataset.shape, got.dataset.preprocess.resize) == ((3, 32, 40), None)
    said = complaint(
        prepare, "mobilenet_v3_small", "digits", TrainingConfig(weights="imagenet"), {"size": 32, "channels": 1}
    )
    assert "take images of 3 channels and it was built with in_channels=1" in said


def test_data_that_is_loaded_already_is_told_of(
    monkeypatch: pytest.MonkeyPatch, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save(create("mobilenet_v3_small").state_dict(), place / "published.pth")
    monkeypatch.setattr("layerlab.zoo.weights.fetch_file", lambda file: place / "published.pth")
    data = load_data("digits", channels=3, size=32)
    prepare("mobilenet_v3_small", data, TrainingConfig(weights="imagenet"), {})
    assert 'and "digits" is loaded with others already; give its name or path instead' in caplog.text


def test_the_weights_are_fetched_before_nothing_else_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERLAB_WEIGHTS_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setattr(weights_fetch, "_PATIENCE", 0.3)
    said = complaint(fit, "mobilenet_v3_small", "digits", **QUICK, weights="imagenet", size=32)
    assert said.startswith('the weights "mobilenet_v3_small-047dcff4.pth" could not be fetched from 127.0.0.1 (')
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("model", "data", "size", "words"),
    [
        ("lenet5", "digits", (32, 32), 'scaled from 8x8 to 32x32, which is what "lenet5" takes'),
        ("alexnet_cifar", "digits", (8, 8), None),
        pytest.param(
            *("alexnet", "digits", (63, 63), 'scaled from 8x8 to 63x63, which is the least that "alexnet" takes'),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_images_too_small_for_a_network_are_scaled_and_it_is_said_once(
    model: str, data: str, size: tuple[int, int], words: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        got = prepare(model, data, TrainingConfig(), {"size": None})
    assert got.dataset.shape[1:] == size
    told = [record for record in caplog.records if "scaled from" in record.message]
    assert len(told) == (words is not None)
    assert words is None or words in told[0].message
    caplog.clear()
    got = prepare(create(model, num_classes=10, in_channels=1), data, TrainingConfig(), {})
    assert got.dataset.shape[1:] == size
    with caplog.at_level(logging.WARNING):
        prepare(model, data, TrainingConfig(), {"size": 64} if model != "lenet5" else {"size": 32})
    assert len([record for record in caplog.records if "scaled from" in record.message]) == (words is not None)
