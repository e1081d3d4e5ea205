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
    has_norm = any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    assert has_norm == (knobs.get("norm") != "none")


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"widht": 2}, 'no knob "widht"; did you mean "width"'),
        ({"norm": "layer"}, 'norm must be "batch" or "none"'),
        ({"num_classes": 0}, "num_classes must be a whole number of at least 1, not 0"),
        ({"width": 0.001}, "width must leave"),
        ({"activation": "rleu"}, "relu"),
    ],
)
def test_a_bad_knob_is_one_sentence(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)) as caught:
        create("lecture_cnn", **knobs)
    assert "\n" not in str(caught.value)
