"""The lecture's network: figures, executed shape comments, knobs."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from layerlab.anatomy import dissect
from layerlab.errors import LayerlabError
from layerlab.notation import read_keras
from layerlab.zoo import create, model_info
from layerlab.zoo.lecture import LectureCNN

EXAMPLE = Path(__file__).parents[2] / "examples" / "lecture.py"


def test_shape_comments_are_true() -> None:
    module = create("lecture_cnn").eval()
    seen: dict[str, list[int]] = {}
    for name, child in module.named_children():
        child.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, list(out.shape[1:])))
    module(torch.rand(2, 1, 28, 28))
    source = inspect.getsource(LectureCNN.forward)
    written = re.findall(r"self\.(\w+)\(x\)\s+# ([\d, ]+)", source)
    assert len(written) == 6
    for name, shape in written:
        assert [int(side) for side in shape.split(",")] == seen[name], name


def test_metadata_is_true() -> None:
    info = model_info("lecture_cnn")
    module = create("lecture_cnn")
    anatomy = dissect(module, info.input_shape)
    assert anatomy.totals.parameters == info.parameters
    assert anatomy.totals.macs == info.macs
    smallest = info.smallest_input
    module.eval()
    assert module(torch.rand(1, 1, smallest, smallest)).shape == (1, 10)
    with pytest.raises(RuntimeError):
        module(torch.rand(1, 1, smallest - 1, smallest - 1))


def test_is_the_network_that_the_lecture_prints() -> None:
    ours, read = create("lecture_cnn").eval(), read_keras(EXAMPLE.read_text()).eval()
    pairs = list(zip(ours.state_dict().values(), read.state_dict().values(), strict=True))
    for mine, theirs in pairs:
        assert mine.shape == theirs.shape
        if mine.is_floating_point():
            theirs.copy_(torch.rand_like(theirs) + 0.5)
        mine.copy_(theirs)
    x = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(ours(x), read(x))


@pytest.mark.parametrize(
    "knobs",
    [
        {"activation": "maxout"},
        {"activation": "leaky_relu", "norm": "none"},
        {"width": 0.25, "in_channels": 3, "num_classes": 2},
        {"norm": "group", "width": 0.25},
        {"norm": "layer", "dropout": 0.5},
    ],
)
def test_knobs(knobs: dict[str, object]) -> None:
    module = create("lecture_cnn", **knobs)
    x = torch.rand(4, int(knobs.get("in_channels", 1)), 28, 28)  # type: ignore[call-overload]
    out: Tensor = module(x)
    assert out.shape == (4, knobs.get("num_classes", 10))
    torch.testing.assert_close(out.sum(1), torch.ones(4))
    out[:, 0].sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    norm = knobs.get("norm", "batch")
    norms = [part for part in module.modules() if isinstance(part, (nn.modules.batchnorm._BatchNorm, nn.GroupNorm))]
    assert len(norms) == (0 if norm == "none" else 2)
    assert all(isinstance(part, nn.GroupNorm) == (norm != "batch") for part in norms)
    assert sum(isinstance(part, nn.Dropout) for part in module.modules()) == bool(knobs.get("dropout"))


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_a_group_behind_the_global_pooling_keeps_more_than_its_mean(norm: str) -> None:
    module = create("lecture_cnn", norm=norm, width=0.25)
    x = torch.randn(4, 32)  # 32 channels: in 32 groups each number would be its own mean, and nothing be left
    torch.testing.assert_close(
        module.norm2(x), (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + 1e-3).sqrt()
    )
    groups = module.norm1.num_groups
    assert groups == (1 if norm == "layer" else 16)


def test_dropout_comes_before_the_last_layer_and_only_in_training() -> None:
    torch.manual_seed(0)
    module = create("lecture_cnn", dropout=0.5)
    seen: list[Tensor] = []
    module.dense2.register_forward_pre_hook(lambda _module, arguments: seen.append(arguments[0]))
    x = torch.rand(8, 1, 28, 28)
    module(x)
    active = module.dense1(module.norm2(module.pool2(module.conv2(module.norm1(module.pool1(module.conv1(x)))))))
    kept = seen[0] != 0
    torch.testing.assert_close(seen[0][kept], 2 * active[kept])
    assert 0.3 < (active > 0).logical_and(~kept).sum() / (active > 0).sum() < 0.7
    module.eval()
    assert torch.equal(module(x), module(x))


def test_the_default_network_has_the_modules_and_names_that_it_always_had() -> None:
    module = create("lecture_cnn")
    names = ["conv1", "pool1", "norm1", "conv2", "pool2", "norm2", "dense1", "dense2"]
    assert [name for name, _ in module.named_children()] == names
    state = module.state_dict()
    norms = [f"norm{n}.{part}" for n in (1, 2) for part in ("running_mean", "running_var", "num_batches_tracked")]
    layers = ["conv1.convolution", "norm1", "conv2.convolution", "norm2", "dense1.dense", "dense2.dense"]
    assert set(state) == {*(f"{layer}.{part}" for layer in layers for part in ("weight", "bias")), *norms}


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"widht": 2}, 'no knob "widht"; did you mean "width"'),
        ({"norm": "instance"}, 'norm must be one of "batch", "group", "layer", "none", not \'instance\''),
        ({"dropout": 1}, "dropout must be from 0 up to, not including, 1, not 1"),
        ({"num_classes": 0}, "num_classes must be a whole number of at least 1, not 0"),
        ({"width": 0}, "width must be a number above 0, not 0"),
        ({"activation": "rleu"}, "relu"),
    ],
)
def test_a_bad_knob_is_one_sentence(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)) as caught:
        create("lecture_cnn", **knobs)
    assert "\n" not in str(caught.value)
