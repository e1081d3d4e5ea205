"""MobileNet v3: squeeze-excite by hand, the tables, its knobs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.zoo import create, model_info
from layerlab.zoo.mobilenet_v3 import LARGE, SMALL, Row, SearchedBlock, SqueezeExcite


def by_hand(rows: tuple[Row, ...], last: int) -> int:
    """Return the parameters from the paper's table; inside squeeze-excite a quarter, rounded to 8 and no tenth less."""
    parameters, before = 27 * 16 + 32, 16
    for kernel, hidden, after, squeezes, _, _ in rows:
        if hidden != before:
            parameters += before * hidden + 2 * hidden
        parameters += kernel**2 * hidden + 2 * hidden
        if squeezes:
            quarter = {
                16: 8,
                72: 24,
                96: 24,
                120: 32,
                144: 40,
                240: 64,
                288: 72,
                480: 120,
                576: 144,
                672: 168,
                960: 240,
            }[hidden]
            parameters += 2 * hidden * quarter + quarter + hidden
        parameters += hidden * after + 2 * after
        before = after
    wide = 6 * before
    return parameters + before * wide + 2 * wide + wide * last + last + last * 1000 + 1000


@pytest.mark.parametrize(
    ("size", "rows", "last", "published"), [("large", LARGE, 1280, 5_483_032), ("small", SMALL, 1024, 2_542_856)]
)
def test_parameters_by_hand(size: str, rows: tuple[Row, ...], last: int, published: int) -> None:
    assert by_hand(rows, last) == published == model_info(f"mobilenet_v3_{size}").parameters


def test_squeeze_excite_by_hand() -> None:
    """Two channels of mean 2 and 4; the gate of the first sees 1 * 2, that of the second nothing."""
    layer = SqueezeExcite(2, 1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(layer.fc1.weight[:, 0])
    nn.init.ones_(layer.fc2.weight[0])
    x = torch.tensor([[1.0, 3.0], [3.0, 5.0]]).reshape(1, 2, 1, 2)
    out = layer(x)
    gate = (2.0 + 3.0) / 6.0  # hard sigmoid of 2; of 0 it is a half
    torch.testing.assert_close(out, torch.tensor([[gate, 3 * gate], [1.5, 2.5]]).reshape(1, 2, 1, 2))


def test_the_papers_activations() -> None:
    kinds = [type(part).__name__ for part in create("mobilenet_v3_large", device="meta").modules()]
    assert (
        kinds.count("ReLU") == 1 + 2 * 5 + 8
    )  # blocks 1 to 6, the first without expansion; squeeze-excite, eight times
    assert kinds.count("Hardswish") == 1 + 2 * 9 + 2  # stem, blocks 7 to 15, the end
    assert kinds.count("Hardsigmoid") == 8


def test_another_activation_replaces_both() -> None:
    kinds = {type(part).__name__ for part in create("mobilenet_v3_small", activation="tanh", device="meta").modules()}
    assert "Tanh" in kinds
    assert not {"ReLU", "Hardswish"} & kinds
    assert "Hardsigmoid" in kinds


def test_epsilon_and_momentum_are_the_papers() -> None:
    norms = [p for p in create("mobilenet_v3_large", device="meta").modules() if isinstance(p, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


@pytest.mark.parametrize("size", ["large", "small"])
@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
@pytest.mark.parametrize("side", [1, 28, 32])
def test_small_images(size: str, stem: str, side: int) -> None:
    model = create(f"mobilenet_v3_{size}_025", in_channels=1, num_classes=10, stem=stem, device="meta").train()
    assert model(torch.empty(2, 1, side, side, device="meta")).shape == (2, 10)


def test_an_unknown_size_is_one_sentence() -> None:
    with pytest.raises(LayerlabError, match='size must be one of "large", "small", not \'medium\''):
        create("mobilenet_v3_large", size="medium", device="meta")


def test_a_signal_passes_without_norms() -> None:
    torch.manual_seed(0)
    model = create("mobilenet_v3_large", width=0.25, norm="none", num_classes=10)
    maps = model.features(torch.randn(2, 3, 64, 64))
    assert 0.01 < maps.std() < 100


@pytest.mark.parametrize(("size", "skips"), [("large", 10), ("small", 6)])
def test_skips_where_the_shape_stays_and_nowhere_without_skip(size: str, skips: int) -> None:
    for skip, expected in ((True, skips), (False, 0)):
        model = create(f"mobilenet_v3_{size}", skip=skip, device="meta")
        assert sum(part.adds for part in model.modules() if isinstance(part, SearchedBlock)) == expected
