"""What does not fit is one sentence, before any step of training; what fails later loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab.data import load_data
from layerlab.errors import LayerlabError
from layerlab.training import fit, load_run
from layerlab.training.checkpoint import read_checkpoint
from layerlab.training.finish import _write_report

pytestmark = pytest.mark.usefixtures("place")


TEN = '"digits" has 10 classes (0, 1, 2, 3, 4 and 5 more): build it with 10'


class Dictionary(nn.Module):
    """Gives what no loss is made for."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> object:
        return {"scores": self.linear(x.flatten(1))}


def frozen() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).requires_grad_(False)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("small_nets:wide", f'"small_nets:wide" gives 11 outputs and {TEN}'),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), f'"Sequential" gives 1 output and {TEN}'),
        (nn.Sequential(nn.Flatten(), nn.ReLU()), '"Sequential" has no parameters, so there is nothing to train'),
        (frozen(), 'every parameter of "Sequential" is frozen (requires_grad is False): nothing to train'),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).half(),
         '"Sequential" has float16 weights, in which small steps are lost;'
         ' call .float() on it and choose precision="bf16"'),
        (Dictionary(),
         '"Dictionary": the network gives a dictionary with \'scores\'; expected a tensor'
         ' (N, classes), or one under "logits" or "out"'),
        (nn.Conv2d(1, 10, 3),
         '"Conv2d": the network gives a tensor of shape (2, 10, 6, 6); expected a tensor (N, classes)'),
        (nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten(), nn.Linear(288, 10)),
         '"Sequential" takes images of 4 channels and "digits" has 1: build the network with 1'),
        (3, "the model is int; expected a torch.nn.Module or a name"),
        (None, "there is no model to train"),
    ],
)  # fmt: skip
def test_a_network_that_does_not_fit(model: Any, sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        fit(model, "digits")
    assert str(error.value) == sentence
    assert not Path("runs").exists()


def test_a_network_that_cannot_take_the_images() -> None:
    small = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Conv2d(4, 4, 5), nn.Flatten(), nn.LazyLinear(10))
    with pytest.raises(LayerlabError) as error:
        fit(small, "digits")
    assert "\n" not in str(error.value)
    with pytest.raises(LayerlabError, match=r"^.*Linear.*|.*cannot take images of 1x8x8.*$"):
        fit(nn.Sequential(nn.Flatten(), nn.Linear(65, 10)), "digits")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": "digitz"}, '^no dataset "digitz"; did you mean "digits"'),
        ({"augmentation": "lightly"}, '^no augmentation "lightly"; did you mean "light"'),
        ({"optimizer": "adamm"}, '^no optimizer "adamm"'),
        ({"device": "cuda"}, '^device "cuda" is not there'),
        ({"data": 7}, "^the data is int; expected a name, a path or a Dataset"),
    ],
)
def test_what_is_refused_before_a_folder_is_made(
    options: dict[str, Any], sentence: str, make_net: Callable[..., nn.Module]
) -> None:
    if options.get("device") == "cuda" and torch.cuda.is_available():
        return
    with pytest.raises(LayerlabError, match=sentence):
        fit(make_net(), **{"data": "digits", **options})
    assert not Path("runs").exists()


def test_options_of_data_that_is_loaded_already(make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(LayerlabError, match=r"^size: a data set that is loaded already takes no such option$"):
        fit(make_net(), load_data("digits"), size=8)


def test_a_loss_that_is_no_number_stops_at_its_step_and_keeps_the_last_checkpoint(
    make_net: Callable[..., nn.Module],
) -> None:
    class Breaking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.steps = make_net(), 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.steps += self.training
            return self.inner(x) * (float("nan") if self.training and self.steps > 15 else 1)

    with pytest.raises(LayerlabError) as error:
        fit(Breaking(), "digits", epochs=3, batch_size=128, precision="32", memory_format="contiguous", output="lost")
    assert str(error.value) == (
        'the loss became nan in epoch 2, step 16: training stops and the checkpoint of epoch 1 is kept in "lost";'
        " start again with a lower learning rate (it was 0.00392) or a gradient clip"
    )
    assert json.loads(Path("lost/status.json").read_text())["state"] == "failed"
    assert read_checkpoint(Path("lost/last.ckpt"))["state"]["epoch"] == 1
    assert load_run("lost", Breaking()).metrics["val_accuracy"] > 0


def test_a_network_that_fails_in_training_only() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
    with pytest.raises(LayerlabError, match=r"^the network failed in training, after step 0: .*more than 1 value"):
        fit(network, "digits", epochs=1, batch_size=1, precision="32")


def test_a_folder_that_cannot_be_written_is_told_at_once(make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(LayerlabError, match=r'^cannot make the run folder "/proc/here": '):
        fit(make_net(), "digits", output="/proc/here")


def test_a_report_that_fails_does_not_lose_the_run(
    make_net: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("layerlab.training.finish._write_report", _write_report)
    monkeypatch.setattr("layerlab.training.report.write_report", lambda *_: 1 / 0)
    run = fit(make_net(), "digits", epochs=1, batch_size=256, output="unreported")
    assert "test_accuracy" in run.metrics
    assert caplog.messages == ['the report of "unreported" was not written: division by zero']


def test_images_that_are_left_out_are_counted_and_named(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        Path("pets", name).mkdir(parents=True)
        for number in range(12):
            Image.new("L", (8, 8), 20 * number).save(Path("pets", name, f"{number}.png"))
    Path("pets/cat/broken.png").write_bytes(b"half")
    run = fit("small_nets:build", "pets", epochs=1, skip_bad=True, output="one")
    assert '1 images of "pets" cannot be read and are left out (cat/broken.png: ' in caplog.text
    assert run.config["data"]["skipped"][0].startswith("cat/broken.png: ")
