"""The guide's page on anatomy: its output, its numbers, and what it says of others."""

from __future__ import annotations

import contextlib
import functools
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from torch import nn

from layerlab.anatomy import dissect

Layerlab = Callable[..., Any]

GUIDE = Path(__file__).parents[1] / "docs" / "anatomy.md"


def test_the_guide_shows_what_its_commands_print(layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = 0
    for block in re.findall(r"^```console\n(.*?)^```", GUIDE.read_text(), re.M | re.S):
        command, _, output = block.partition("\n")
        words = shlex.split(command.removeprefix("$ layerlab "))
        if not output or "--html" in words:  # files are written in another test
            continue
        done = layerlab(*words)
        assert [line.rstrip() for line in done.out.splitlines()] == output.splitlines(), command
        shown += 1
    assert shown >= 4


@pytest.mark.slow
def test_the_numbers_of_the_guide() -> None:
    """Those of the recurrent network, and every one of them again, stand in the tests of the dissection."""
    builders = {
        "torchvision resnet18": torchvision.models.resnet18,
        "torchvision googlenet": functools.partial(torchvision.models.googlenet, init_weights=False),
        "torchvision densenet121": torchvision.models.densenet121,
        "timm vit_tiny_patch16_224": functools.partial(timm.create_model, "vit_tiny_patch16_224"),
        "torchvision swin_t": torchvision.models.swin_t,
        "torchvision vit_b_16": torchvision.models.vit_b_16,
    }
    text = GUIDE.read_text()
    for name, build in builders.items():
        with torch.device("meta") if name != "torchvision swin_t" else contextlib.nullcontext():
            totals = dissect(build(), (3, 224, 224)).totals
        line = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
        assert f"{totals.parameters:,}" in line
        assert line.endswith(f"| {totals.macs:,} |")


@pytest.mark.slow
def test_what_the_guide_says_of_others() -> None:
    from torch.utils.flop_counter import FlopCounterMode
    from torchinfo import summary

    text = GUIDE.read_text()
    model = timm.create_model("vit_tiny_patch16_224").eval()
    assert f"{summary(model, (1, 3, 224, 224), verbose=0).total_mult_adds:,} for vit_tiny" in text
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.rand(1, 3, 224, 224))
    assert f"{counter.get_total_flops() // 2:,} for vit_tiny" in text
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        nn.LSTM(64, 128, 2, batch_first=True, bidirectional=True)(torch.rand(1, 50, 64))
    assert counter.get_total_flops() == 0, "and 2,560 is the dense layer behind it"

    model = torchvision.models.resnet18().train()
    model.layer1.eval()
    training = [part.training for part in model.modules()]
    random_numbers = torch.get_rng_state()
    told = summary(model, (1, 3, 224, 224), verbose=0)
    assert round(told.to_megabytes(told.total_output_bytes), 1) == 39.7
    assert training != [part.training for part in model.modules()]
    assert not torch.equal(random_numbers, torch.get_rng_state())
