"""From a network and data to a run folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from layerlab.data import load_data
from layerlab.errors import LayerlabError
from layerlab.training import Run, fit, load_run
from layerlab.training.checkpoint import read_checkpoint, read_tensors

pytestmark = pytest.mark.usefixtures("place")


def test_it_learns_and_writes_the_whole_folder(place: Path, make_net: Callable[..., nn.Module]) -> None:
    run = fit(make_net(), "digits", epochs=3, batch_size=64)
    assert run.path == Path("runs/Sequential-digits")
    assert run.metrics["test_accuracy"] > 0.9
    assert {"val_loss", "val_accuracy", "test_loss", "test_accuracy", "epochs", "seconds"} <= set(run.metrics)
    assert [row["epoch"] for row in run.history] == [1, 2, 3]
    written = {file.name for file in (place / run.path).iterdir() if not file.name.startswith(".")}
    assert written == {
        "config.json", "metrics.csv", "last.ckpt", "best.ckpt", "model.safetensors", "test_predictions.safetensors",
        "report.html", "results.json", "status.json",
    }  # fmt: skip
    rows = list(csv.DictReader((run.path / "metrics.csv").open()))
    assert [float(row["val_loss"]) for row in rows] == [row["val_loss"] for row in run.history]
    assert json.loads((run.path / "status.json").read_text())["state"] == "finished"
    assert not run.model.training


def test_the_metrics_are_those_of_the_best_epoch_and_of_the_kept_weights(make_net: Callable[..., nn.Module]) -> None:
    run = fit(make_net(), "digits", epochs=3, batch_size=64)
    best = min(run.history, key=lambda row: row["val_loss"])
    assert run.metrics["val_loss"] == best["val_loss"]
    assert run.metrics["best_epoch"] == best["epoch"]
    test = load_data("digits").test
    images, labels = next(iter(test.batches(len(test))))
    with torch.no_grad():
        logits = run.model(images)
    assert run.metrics["test_accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert run.metrics["test_loss"] == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)
    kept = read_tensors(run.path / "test_predictions.safetensors")
    assert torch.allclose(kept["probabilities"], logits.softmax(1), atol=1e-6)
    assert torch.equal(kept["labels"], labels)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    same_run: Callable[[Run, Run], None], make_net: Callable[..., nn.Module]
) -> None:
    options = {"epochs": 2, "batch_size": 64, "mixup": 0.2, "augmentation": "light"}
    first = fit("small_nets:build", "digits", **options)
    torch.manual_seed(99)
    same_run(first, fit("small_nets:build", "digits", **options))
    other = fit("small_nets:build", "digits", seed=1, **options)
    assert other.history[0]["train_loss"] != first.history[0]["train_loss"]


def test_the_callers_random_generators_stay_as_they_were(make_net: Callable[..., nn.Module]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(make_net(), "digits", epochs=1, batch_size=256)
    assert torch.equal(torch.rand(3), expected)


def test_folders_are_counted_and_never_overwritten(place: Path, make_net: Callable[..., nn.Module]) -> None:
    paths = [fit(make_net(), "digits", epochs=1, batch_size=512).path for _ in range(2)]
    assert [path.name for path in paths] == ["Sequential-digits", "Sequential-digits-2"]
    with pytest.raises(LayerlabError, match=r'^"runs/Sequential-digits" is not empty; give another --output'):
        fit(make_net(), "digits", epochs=1, output="runs/Sequential-digits")
    (place / "taken").write_text("")
    with pytest.raises(LayerlabError, match=r'^"taken" is a file; expected a new folder for the run$'):
        fit(make_net(), "digits", epochs=1, output="taken")


def test_a_network_that_ends_in_softmax_learns_as_its_logits_would(make_net: Callable[..., nn.Module]) -> None:
    plain = fit(make_net(), "digits", epochs=2, batch_size=64)
    ended = fit(nn.Sequential(make_net(), nn.Softmax(dim=1)), "digits", epochs=2, batch_size=64)
    assert ended.metrics["test_loss"] == pytest.approx(plain.metrics["test_loss"], rel=1e-6)
    assert [row["train_loss"] for row in ended.history] == [row["train_loss"] for row in plain.history]


def test_early_stopping_stops_and_keeps_the_best(make_net: Callable[..., nn.Module]) -> None:
    run = fit(make_net(), "digits", epochs=40, batch_size=32, early_stopping=2, learning_rate=0.02, schedule="constant")
    assert len(run.history) < 40
    losses = [row["val_loss"] for row in run.history]
    assert losses.index(min(losses)) == len(losses) - 3
    assert read_checkpoint(run.path / "best.ckpt")["epoch"] == len(losses) - 2


def test_callbacks_get_every_epochs_record(make_net: Callable[..., nn.Module]) -> None:
    seen: list[int] = []
    fit(make_net(), "digits", epochs=2, batch_size=512, callbacks=[lambda record: seen.append(record["epoch"])])
    assert seen == [1, 2]


@pytest.mark.parametrize("optimizer", ["sgd", "AdamW", "rmsprop", "Adagrad", "NAdam", "adafactor", "Rprop", "asgd"])
def test_any_optimiser_of_torch_trains(optimizer: str, make_net: Callable[..., nn.Module]) -> None:
    run = fit(make_net(), "digits", epochs=1, batch_size=128, optimizer=optimizer, gradient_clip=1.0)
    assert run.metrics["val_loss"] < 4


def test_frozen_and_unused_parameters_do_no_harm(make_net: Callable[..., nn.Module]) -> None:
    class Branched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = make_net(), nn.Linear(3, 3)
            self.used[0].weight.requires_grad_(False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    network = Branched()
    frozen, unused = network.used[0].weight.clone(), network.unused.weight.clone()
    fit(network, "digits", epochs=1, batch_size=64, gradient_clip=0.5)
    assert torch.equal(network.used[0].weight, frozen)
    assert torch.equal(network.unused.weight, unused)


def test_a_network_in_float64_trains_in_float64(make_net: Callable[..., nn.Module]) -> None:
    run = fit(make_net().double(), "digits", epochs=1, batch_size=64)
    assert next(run.model.parameters()).dtype == torch.float64
    assert run.metrics["test_accuracy"] > 0.5


def test_lazy_parameters_are_made_from_the_seed(same_run: Callable[[Run, Run], None]) -> None:
    def lazy() -> nn.Module:
        return nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))

    torch.manual_seed(1)
    one = fit(lazy(), "digits", epochs=1, batch_size=128)
    torch.manual_seed(1)
    same_run(one, fit(lazy(), "digits", epochs=1, batch_size=128))


def test_tied_weights_are_kept_once_and_loaded_into_both_names() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.last = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)
            self.two.weight = self.one.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.two(self.one(x.flatten(1)).relu()).relu())

    run = fit(Tied(), "digits", epochs=1, batch_size=128)
    assert "two.weight" not in read_tensors(run.path / "model.safetensors")
    again = load_run(run.path, Tied()).model
    assert torch.equal(again.get_parameter("two.weight"), run.model.get_parameter("one.weight"))
    assert again.get_parameter("two.weight") is again.get_parameter("one.weight")


def test_auxiliary_classifiers_count_in_the_loss() -> None:
    class Auxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.side = nn.Linear(64, 10), nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> object:
            x = x.flatten(1)
            return (self.main(x), self.side(x)) if self.training else self.main(x)

    network = Auxiliary()
    before = network.side.weight.clone()
    fit(network, "digits", epochs=1, batch_size=128)
    assert not torch.equal(network.side.weight, before)


def test_two_classes_and_one_output(place: Path) -> None:
    from PIL import Image

    for name, grey in (("dark", 40), ("light", 200)):
        (place / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            Image.new("L", (8, 8), grey + number).save(place / "pictures" / name / f"{number}.png")
    for ending in ([], [nn.Sigmoid()]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), *ending)
        run = fit(network, "pictures", epochs=10, batch_size=8)
        assert run.metrics["test_accuracy"] == 1.0
        kept = read_tensors(run.path / "test_predictions.safetensors")
        assert kept["probabilities"].shape == (4, 2)


def test_grey_data_is_loaded_in_colour_for_a_network_that_wants_it() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 10))
    run = fit(network, "digits", epochs=1, batch_size=256)
    assert run.config["data"]["reproduce"]["channels"] == 3
    assert run.preprocessing is not None and run.preprocessing.channels == 3


@pytest.mark.slow
def test_the_lectures_network_reaches_97_percent_on_mnist5k() -> None:
    accuracies = [fit("lecture_cnn", "mnist5k", seed=seed).metrics["test_accuracy"] for seed in range(3)]
    assert sum(accuracies) / 3 >= 0.97, accuracies
