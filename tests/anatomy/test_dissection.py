"""The numbers: parameters, multiply-accumulates, memory; on published networks and by closed formulas."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import OrderedDict
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from layerlab import layers
from layerlab.anatomy import CONVENTION, Anatomy, dissect
from layerlab.errors import LayerlabError

vision = torchvision.models


class BidirectionalLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, 64)
        self.lstm = nn.LSTM(64, 128, 2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(256, 10)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(self.embedding(ids))[0][:, -1])


def lecture() -> nn.Module:
    """The lecture's network, its layers named as Keras names them."""
    return nn.Sequential(
        OrderedDict(
            conv2d=layers.convolution(1, 64, 3, activation="relu"),
            max_pooling2d=nn.MaxPool2d(2),
            batch_normalization=nn.BatchNorm2d(64),
            conv2d_1=layers.convolution(64, 128, 3, activation="relu"),
            global_average_pooling2d=layers.GlobalAveragePool2d(),
            batch_normalization_1=nn.BatchNorm1d(128),
            dense=layers.dense(128, 512, activation="relu"),
            dense_1=layers.dense(512, 10, activation="softmax"),
        )
    )


def timm_vit() -> nn.Module:
    import timm

    return timm.create_model("vit_tiny_patch16_224")


def encoder() -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 2)


# Each layer of the encoder, at 50 positions: 4 projections 64x64, two products 50x50x64, two dense layers 64x128.
ENCODER_MACS = 2 * (4 * 50 * 64 * 64 + 2 * 50 * 50 * 64 + 2 * 50 * 64 * 128)
IMAGE = (3, 224, 224)


@pytest.mark.parametrize(
    ("build", "size", "parameters", "executed", "macs"),
    [
        (vision.alexnet, IMAGE, 61_100_840, 61_100_840, 714_188_480),
        (vision.vgg16, IMAGE, 138_357_544, 138_357_544, 15_470_264_320),
        (vision.resnet18, IMAGE, 11_689_512, 11_689_512, 1_814_073_344),
        (vision.resnet50, IMAGE, 25_557_032, 25_557_032, 4_089_184_256),
        (vision.densenet121, IMAGE, 7_978_856, 7_978_856, 2_834_161_664),
        (vision.mobilenet_v2, IMAGE, 3_504_872, 3_504_872, 300_774_272),
        (vision.mobilenet_v3_large, IMAGE, 5_483_032, 5_483_032, 216_589_760),
        (lambda: vision.googlenet(init_weights=False), IMAGE, 13_004_888, 6_624_904, 1_498_376_192),
        (vision.swin_t, IMAGE, 28_288_354, 28_288_354, 4_490_566_656),
        (vision.vit_b_16, IMAGE, 86_567_656, 86_567_656, 17_563_828_224),
        (timm_vit, IMAGE, 5_717_416, 5_717_416, 1_253_683_200),
        (BidirectionalLSTM, (50,), 660_490, 660_490, 29_493_760),
        (encoder, (50, 64), 66_944, 66_944, ENCODER_MACS),
    ],
)
def test_published_numbers(build: Any, size: Any, parameters: int, executed: int, macs: int) -> None:
    with torch.device("meta"):
        model = build()
    totals = dissect(model, size).totals
    assert (totals.parameters, totals.executed_parameters, totals.macs) == (parameters, executed, macs)
    assert totals.trainable == parameters
    assert totals.frozen == 0
    assert not totals.macs_are_lower_bound
    assert totals.flops == 2 * macs


def test_lecture_network_by_hand() -> None:
    anatomy = dissect(lecture(), (1, 28, 28))
    first, pool, norm, second, mean = (anatomy[number] for number in range(1, 6))

    assert first.path == "conv2d"
    assert first.outputs == ((1, 64, 26, 26),)
    assert (first.parameters, first.macs) == (640, 389_376)
    assert pool.outputs == ((1, 64, 13, 13),)
    assert (norm.parameters, norm.buffers, norm.macs) == (128, 129, 0)
    assert second.path == "conv2d_1"
    assert second.parameters == 3 * 3 * 64 * 128 + 128
    assert second.macs == 11 * 11 * 128 * 3 * 3 * 64
    assert mean.outputs == ((1, 128),)
    assert anatomy.totals.parameters == 640 + 128 + 73_856 + 256 + 66_048 + 5_130
    assert [anatomy[number].receptive_field for number in range(1, 6)] == [(3, 3), (4, 4), (4, 4), (8, 8), (28, 28)]
    assert anatomy[4].stride == (2, 2)
    assert anatomy.totals.input_shapes == ((1, 1, 28, 28),)
    # convolution 64x26x26, ReLU; pooled 64x13x13; normalised; convolution 128x11x11, ReLU; the rest
    floats = 2 * 64 * 26**2 + 2 * 64 * 13**2 + 2 * 128 * 11**2 + 2 * 128 + 2 * 512 + 2 * 10
    assert anatomy.totals.activation_bytes == 4 * floats
    assert anatomy.totals.parameter_bytes == 4 * anatomy.totals.parameters


@st.composite
def convolutional_nets(draw: st.DrawFn) -> tuple[nn.Sequential, int, int, int]:
    """Draw a net with its parameters and MACs by closed formula for a 24x24 input."""
    size, channels, parameters, macs = 24, 2, 0, 0
    parts: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 5))):
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 2))
        padding, dilation = draw(st.integers(0, kernel // 2)), draw(st.integers(1, 2))
        out = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        if out < 1:
            break
        kind = draw(st.sampled_from(["conv", "depthwise", "pool", "norm"]))
        if kind in ("conv", "depthwise"):
            groups = channels if kind == "depthwise" else 1
            filters = channels * draw(st.integers(1, 3))
            bias = draw(st.booleans())
            parts.append(nn.Conv2d(channels, filters, kernel, stride, padding, dilation, groups, bias=bias))
            window = kernel**2 * channels // groups
            parameters += filters * (window + bias)
            macs += out**2 * filters * window
            size, channels = out, filters
        elif kind == "pool":
            parts.append(nn.MaxPool2d(kernel, stride, padding, dilation))
            size = out
        else:
            parts.append(nn.BatchNorm2d(channels))
            parameters += 2 * channels
    parts.append(nn.Flatten())
    parts.append(nn.Linear(channels * size**2, 3))
    count = channels * size**2 * 3
    return nn.Sequential(*parts), size, parameters + count + 3, macs + count


@settings(max_examples=40, deadline=None)
@given(convolutional_nets(), st.integers(1, 3))
def test_closed_formulas(net: tuple[nn.Sequential, int, int, int], batch: int) -> None:
    model, size, parameters, macs = net
    anatomy = dissect(model, (2, 24, 24), batch=batch)
    assert anatomy.totals.parameters == parameters
    assert anatomy.totals.macs == batch * macs
    assert anatomy.layers[-2].inputs[0][-1] == size
    for name in ("parameters", "macs", "element_operations", "activation_bytes", "buffers"):
        assert getattr(anatomy.root, name) == sum(getattr(layer, name) for layer in anatomy.children(anatomy.root))


def test_functional_operations_count_for_their_module() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(5, 4))
            self.spare = nn.Parameter(torch.ones(3))
            self.inner = nn.Linear(5, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(functional.relu(functional.linear(x, self.weight)))

    anatomy = dissect(Functional(), (4,))
    assert anatomy.root.own_macs == 20
    assert anatomy.root.macs == 20 + 25
    assert anatomy.root.own_activation_bytes == 2 * 5 * 4  # the product and its ReLU
    assert anatomy.totals.parameters == 20 + 3 + 30
    assert anatomy.totals.executed_parameters == 50
    assert "3 parameters took no part: 50 of 53 were executed" in anatomy.notes


def test_shared_tied_unused_and_frozen_are_said() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(4, 4)
            self.two = self.one
            self.tied = nn.Linear(4, 4, bias=False)
            self.tied.weight = self.one.weight
            self.frozen = nn.Linear(4, 4).requires_grad_(False)
            self.spare = nn.Sequential(nn.Linear(4, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.frozen(self.tied(self.two(self.one(x))))

    anatomy = dissect(Odd(), (4,))
    assert anatomy.totals.parameters == 3 * 20
    assert anatomy.totals.frozen == 20
    assert anatomy.totals.macs == 4 * 16
    assert anatomy["one"].calls == 2
    assert "called 2 times" in anatomy["one"].notes
    assert anatomy["two"].shared_with == "one"
    assert anatomy["two"].parameters == 0
    assert "not called under this name" in anatomy["two"].notes
    assert anatomy["tied"].parameters == 0
    assert anatomy["tied"].notes == ('its weight is "one.weight", counted there',)
    assert anatomy["frozen"].notes == ("frozen",)
    assert anatomy["spare"].notes == ("never called",)
    assert not anatomy["spare"].called
    text = str(anatomy)
    assert "spare: never called" in text
    assert 'tied: its weight is "one.weight", counted there' in text


def test_shared_block_belongs_to_whoever_calls_it() -> None:
    class Block(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    shared = nn.Linear(4, 4)
    anatomy = dissect(nn.Sequential(OrderedDict(a=Block(shared), b=Block(shared))), (4,))
    assert (anatomy["a"].macs, anatomy["b"].macs, anatomy.totals.macs) == (16, 16, 32)
    assert (anatomy["a"].parameters, anatomy["b"].parameters) == (20, 0)


def test_operation_without_rule_makes_a_lower_bound() -> None:
    class Transforms(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.fft.rfft(self.layer(x)).abs()

    anatomy = dissect(Transforms(), (4,))
    assert anatomy.totals.macs == 16
    assert anatomy.totals.macs_are_lower_bound
    assert anatomy.totals.uncounted == ("aten._fft_r2c",)
    assert "MACs at least 16" in str(anatomy)


def test_control_flow_on_values_runs_for_real() -> None:
    class Decides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x) if x.sum() > 1 else self.layer(self.layer(x).repeat(1, 2))

    zeros, ones = dissect(Decides(), torch.zeros(1, 4)), dissect(Decides(), torch.ones(1, 4))
    assert (zeros["layer"].calls, ones["layer"].calls) == (2, 1)
    assert "for this input" in zeros.notes[0]


def test_lazy_parameters_are_known_after_the_run() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3))
    assert dissect(model, (1, 8, 8)).totals.parameters == 40 + 4 * 36 * 3 + 3


@pytest.mark.parametrize(
    ("inputs", "shapes"),
    [
        ((4,), ((2, 4),)),
        (4, ((2, 4),)),
        (torch.Size([4]), ((2, 4),)),
        (torch.ones(5, 4), ((5, 4),)),
        ([(4,)], ((2, 4),)),
        ({"x": (4,)}, ((2, 4),)),
    ],
)
def test_ways_to_give_an_input(inputs: Any, shapes: Any) -> None:
    class Named(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)

    assert dissect(Named(4, 3), inputs, batch=2).totals.input_shapes == shapes


def test_several_inputs() -> None:
    anatomy = dissect(nn.Bilinear(4, 5, 6), [(4,), torch.ones(1, 5)])
    assert anatomy.totals.input_shapes == ((1, 4), (1, 5))
    assert anatomy.totals.macs == 4 * 5 * 6


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ((0, 4), {}, r"the input size \(0, 4\) has a length below 1"),
        ("4", {}, "the input is '4': expected a size without the batch"),
        ((), {}, r"the input is \(\)"),
        ((4,), {"batch": 0}, "batch is 0: it must be a positive whole number"),
    ],
)
def test_unusable_inputs(inputs: Any, options: Any, message: str) -> None:
    with pytest.raises(LayerlabError, match=message):
        dissect(nn.Linear(4, 3), inputs, **options)


def test_not_a_module() -> None:
    with pytest.raises(LayerlabError, match=r"takes a torch.nn.Module, not function"):
        dissect(lambda x: x, (4,))  # type: ignore[arg-type]


def test_script_module_is_refused() -> None:
    with pytest.warns(FutureWarning):
        scripted = torch.jit.script(nn.Linear(4, 3))
    with pytest.raises(LayerlabError, match="a ScriptModule cannot be looked into"):
        dissect(scripted, (4,))


def test_outline_numbers_and_paths() -> None:
    anatomy = dissect(lecture(), (1, 28, 28))
    assert anatomy["4.1"].path == "conv2d_1.convolution"
    assert anatomy["conv2d_1.convolution"] is anatomy["4.1"]
    with pytest.raises(LayerlabError) as error:
        anatomy["conv2d_3"]
    assert str(error.value) == (
        'Sequential has no layer "conv2d_3", numbered 1 to 8; did you mean "conv2d_1" or "conv2d"?'
    )

    plain = dissect(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (4,))
    assert plain["1"].kind == "ReLU"  # the path, and no second meaning
    assert {layer.number for layer in plain.layers} == {""}
    with pytest.raises(LayerlabError, match='no layer "2"; known: 0, 1'):
        plain.explain(2)


def test_to_json_is_complete() -> None:
    anatomy = dissect(vision.resnet18(), (3, 64, 64))
    document = json.loads(anatomy.to_json())
    assert document == anatomy.to_dict()
    assert document["convention"] == CONVENTION
    assert document["totals"]["macs"] == anatomy.totals.macs
    assert len(document["layers"]) == len(list(vision.resnet18().modules())) - 1
    assert document["layers"][0]["outputs"] == [[1, 64, 32, 32]]


def test_half_precision_follows_the_parameters() -> None:
    anatomy = dissect(nn.Conv2d(1, 2, 3).half(), (1, 5, 5))
    assert anatomy.totals.parameter_bytes == 2 * 20
    assert anatomy.totals.activation_bytes == 2 * 18


def test_what_the_caller_is_in_makes_no_difference() -> None:
    model = encoder()
    plain = dissect(model, (50, 64)).to_dict()
    with torch.inference_mode():
        assert dissect(model, (50, 64)).to_dict() == plain
    with torch.enable_grad():
        assert dissect(model, (50, 64)).to_dict() == plain


def test_forward_that_sets_its_own_mode() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 2, 3)

        @torch.inference_mode()
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    anatomy = dissect(Own(), (1, 9, 9))
    assert anatomy.totals.macs == 2 * 49 * 9
    assert anatomy.root.receptive_field == (3, 3)


def test_compiled_module_is_seen_through() -> None:
    assert dissect(torch.compile(nn.Linear(4, 3)), (4,)).totals.macs == 12


def test_result_needs_no_model() -> None:
    anatomy = dissect(nn.Conv2d(1, 64, 3), (1, 28, 28))
    assert isinstance(anatomy, Anatomy)
    assert anatomy.root.macs == 389_376
    assert math.prod(anatomy.root.own_parameters[0].shape) == 576


def test_import_brings_nothing_heavy() -> None:
    code = "import sys, layerlab.anatomy; print([m for m in ('torchvision', 'lightning', 'timm') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


class CountsWhatIsBright(nn.Module):
    """Multiplies matrices once for each tenth of the input that is above one half."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(int((x > 0.5).float().mean() * 10)):
            x = self.layer(x)
        return x


def test_a_size_stands_for_noise_where_values_matter() -> None:
    """The same noise each time, from a generator of its own; an input that is given is taken as it is."""
    model = CountsWhatIsBright()
    before = torch.get_rng_state()
    counts = [dissect(model, (1000, 4))["layer"].calls for _ in range(2)]
    assert counts[0] == counts[1] > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert dissect(CountsWhatIsBright(), torch.zeros(1, 1000, 4))["layer"].calls == 0
