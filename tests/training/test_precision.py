"""The choice of number and memory format: measured, harmless, remembered."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.training import TrainingConfig, precision
from layerlab.training.outputs import read_head
from layerlab.training.precision import Setting, choose_setting, measure

pytestmark = pytest.mark.usefixtures("place")

CPU = torch.device("cpu")
ALL = [Setting(number, layout) for number in ("32", "bf16") for layout in ("contiguous", "channels_last")]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return torch.randn(16, 1, 8, 8), torch.arange(16) % 10


def test_measuring_leaves_no_trace(make_net: Callable[..., nn.Module]) -> None:
    network = make_net()
    network[1].eval()
    before, flags = copy.deepcopy(network.state_dict()), [module.training for module in network.modules()]
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    times = measure(ALL, network, read_head(network, batch()[0]), *batch(), CPU)
    assert torch.equal(torch.rand(4), expected)
    assert times and all(seconds > 0 for seconds in times.values())
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert [module.training for module in network.modules()] == flags
    assert all(p.grad is None for p in network.parameters())
    assert network[0].weight.is_contiguous()


def test_a_setting_that_changes_the_loss_is_not_taken(make_net: Callable[..., nn.Module]) -> None:
    class Narrow(nn.Module):
        """Loses the difference that the loss depends on in bfloat16."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = self.inner(x.flatten(1))
            return (out + 1000) * 3 - 3000

    network = Narrow()
    times = measure(ALL, network, read_head(network, batch()[0]), *batch(), CPU)
    assert all(setting.precision == "32" for setting in times)


def test_the_plainest_is_kept_unless_another_is_clearly_faster() -> None:
    plain, other = Setting(), Setting("bf16", "channels_last")
    assert precision._best({plain: 1.0, other: 0.95}, plain) == plain
    assert precision._best({plain: 1.0, other: 0.85}, plain) == other


def test_the_answer_is_remembered(
    place: Path, monkeypatch: pytest.MonkeyPatch, make_net: Callable[..., nn.Module]
) -> None:
    network = make_net()
    head = read_head(network, batch()[0])
    calls = 0

    def fake(candidates: list[Setting], *_: Any) -> dict[Setting, float]:
        nonlocal calls
        calls += 1
        return {setting: 1.0 / (1 + number) for number, setting in enumerate(candidates)}

    monkeypatch.setattr(precision, "measure", fake)
    monkeypatch.setattr(precision, "bf16_is_native", lambda _: True)
    first = choose_setting(TrainingConfig(), network, head, *batch(), CPU)
    assert first == Setting("bf16", "channels_last")
    assert choose_setting(TrainingConfig(), network, head, *batch(), CPU) == first
    assert calls == 1
    kept = list((place / "cache" / "precision").glob("*.json"))
    assert len(kept) == 1 and json.loads(kept[0].read_text())["setting"] == {
        "precision": "bf16",
        "memory_format": "channels_last",
    }
    kept[0].write_text("{")
    choose_setting(TrainingConfig(), network, head, *batch(), CPU)
    images, labels = batch()
    choose_setting(TrainingConfig(), network, head, images[:8], labels[:8], CPU)
    assert calls == 3


def test_what_is_asked_for_is_not_measured(monkeypatch: pytest.MonkeyPatch, make_net: Callable[..., nn.Module]) -> None:
    monkeypatch.setattr(precision, "measure", lambda *_: pytest.fail("measured"))
    network = make_net()
    config = TrainingConfig(precision="bf16", memory_format="channels_last")
    assert choose_setting(config, network, read_head(network, batch()[0]), *batch(), CPU) == ALL[3]
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    assert choose_setting(TrainingConfig(precision="32"), flat, read_head(flat, batch()[0]), *batch(), CPU) == ALL[0]


def test_a_convolution_that_would_overrun_its_memory_stays_contiguous() -> None:
    def candidates(layout: str, channels: int) -> list[Setting]:
        network = nn.Sequential(nn.Conv2d(channels, 16, 1, stride=2), nn.Flatten(), nn.Linear(256, 10))
        return precision._candidates(TrainingConfig(memory_format=layout), network, CPU)

    assert {one.memory_format for one in candidates("auto", 12)} == {"contiguous"}
    assert {one.memory_format for one in candidates("auto", 16)} == {"contiguous", "channels_last"}
    with pytest.raises(LayerlabError, match='"channels_last" is not safe for Conv2d "0"'):
        candidates("channels_last", 12)


@pytest.mark.parametrize("setting", ALL)
def test_a_run_under_every_setting_learns(setting: Setting, make_net: Callable[..., nn.Module]) -> None:
    from layerlab.training import fit

    run = fit(make_net(), "digits", epochs=2, batch_size=64, **asdict(setting))
    assert run.metrics["test_accuracy"] > 0.85
    assert run.config["resolved"]["precision"] == setting.precision
    assert run.model[0].weight.is_contiguous()
