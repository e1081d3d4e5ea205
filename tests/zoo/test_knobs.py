"""What the families' knobs share."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.layers import activation_names
from layerlab.zoo.initialisation import DeferredDefaults, he_normal
from layerlab.zoo.knobs import NORMS, activate, check_choice, check_counts, check_fraction, normalize, scaled


@pytest.mark.parametrize("name", activation_names())
def test_every_activation_keeps_the_channels(name: str) -> None:
    x = torch.rand(2, 6, 4, 4)
    assert activate(name, 6)(x).shape == x.shape
    assert activate(name, 6, dims=0)(x[:, :, 0, 0]).shape == (2, 6)


def test_softmax_runs_along_the_channels() -> None:
    torch.testing.assert_close(activate("softmax", 3)(torch.rand(2, 3, 4, 4)).sum(1), torch.ones(2, 4, 4))


def test_in_place_where_it_can_be() -> None:
    assert activate("relu", 3, inplace=True).inplace
    assert not activate("relu", 3).inplace
    activate("gelu", 3, inplace=True)  # which has no such option


@pytest.mark.parametrize("name", NORMS)
def test_norms(name: str) -> None:
    x = torch.rand(4, 48, 5, 5) * 3 + 1
    y = normalize(name, 48)(x)
    assert y.shape == x.shape
    if name == "layer":
        torch.testing.assert_close(y.mean((1, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    if name == "group":
        groups = y.reshape(4, 16, -1)
        torch.testing.assert_close(groups.mean(2), torch.zeros(4, 16), atol=1e-5, rtol=0)
    if name == "batch":
        torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(48), atol=1e-5, rtol=0)
    if name == "none":
        assert torch.equal(x, y)


def test_width() -> None:
    assert [scaled(64, w) for w in (1.0, 0.25, 0.001, 2)] == [64, 16, 1, 128]
    assert scaled(30, 0.5, 8) == 16
    assert scaled(8, 0.1, 8) == 8
    for bad in (0, -1, math.nan, math.inf, True, "wide"):
        with pytest.raises(ValueError, match="width must be a number above 0"):
            scaled(64, bad)  # type: ignore[arg-type]


def test_values_are_checked() -> None:
    check_counts(depth=3)
    for bad in (0, True, 2.0, "3", None):
        with pytest.raises(ValueError, match="depth must be a whole number of at least 1"):
            check_counts(depth=bad)
    check_fraction("dropout", 0)
    for bad in (1, -0.1, math.nan, "half", True):
        with pytest.raises(ValueError, match="dropout must be from 0"):
            check_fraction("dropout", bad)
    with pytest.raises(
        ValueError, match='norm must be one of "batch", "group", "layer", "none", not "x"'.replace('"x"', "'x'")
    ):
        normalize("x", 3)
    with pytest.raises(ValueError, match="must be one of 18, 34, not True"):
        check_choice("depth", True, (18, 34))
    with pytest.raises(LayerlabError):
        activate("rleu", 3)


def test_defaults_that_stay_are_drawn_and_those_that_are_written_are_not() -> None:
    torch.manual_seed(0)
    with DeferredDefaults():
        module = nn.Sequential(nn.Conv2d(3, 64, 3), nn.Flatten(), nn.Linear(100, 50), nn.Linear(7, 7))
        nn.init.constant_(module[3].weight, 2.5)
        he_normal(module)
    linear = module[2].weight
    bound = 1 / math.sqrt(100)  # PyTorch's own: uniform with a = sqrt(5)
    assert linear.abs().max() <= bound
    assert linear.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert torch.equal(module[3].weight, torch.full((7, 7), 2.5))
    assert module[0].weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.1)
    assert torch.equal(module[0].bias, torch.zeros(64))


def test_a_convolution_that_nobody_draws_has_the_default() -> None:
    torch.manual_seed(0)
    with DeferredDefaults():
        layer = nn.Conv2d(16, 64, 3, bias=True)
        layer.weight.requires_grad_(True)
    bound = 1 / math.sqrt(16 * 9)
    assert layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_an_error_inside_leaves_the_mode() -> None:
    with pytest.raises(ZeroDivisionError), DeferredDefaults():
        nn.Linear(2, 2)
        1 / 0  # noqa: B018
    weight = torch.empty(3, 3)
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
    assert weight.isfinite().all()
