"""Weights on a device that has shapes only: nothing is drawn there, and nothing else is lost."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import init
from torch.overrides import TorchFunctionMode

from layerlab.zoo import create
from layerlab.zoo.initialisation import DeferredDefaults


class Seen(TorchFunctionMode):
    """Lists the functions that the mode inside it lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


def build() -> nn.Module:
    layer = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(4, 2))
    init.kaiming_normal_(layer[0].weight)
    init.trunc_normal_(layer[2].weight, std=0.1)
    init.constant_(layer[1].weight, 0.5)
    return layer


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_nothing_is_drawn_on_meta(device: str) -> None:
    with torch.device(device), Seen() as seen, DeferredDefaults():
        built = build()
    drawn = {name for name in seen.names if name in ("normal_", "zero_", "fill_", "ones_", "zeros_")}
    assert bool(drawn) == (device == "cpu")
    assert all(tensor.device.type == device for tensor in built.state_dict().values())


def test_what_is_made_on_meta_takes_weights_later() -> None:
    source = create("resnet20", num_classes=10)
    target = create("resnet20", num_classes=10, device="meta").to_empty(device="cpu")
    target.load_state_dict(source.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(target.eval()(x), source.eval()(x))
