"""Every equation of an explanation is true, and its right side is the record's number."""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import cache
from typing import Any

import pytest
import timm
import torch
import torchvision
from explained import contradictions, equations
from torch import nn

from layerlab import layers
from layerlab.anatomy import Anatomy, dissect
from layerlab.anatomy.explain.arithmetic import declared
from layerlab.notation.modules import axes, elementwise, merging, recurrent


class Joins(nn.Module):
    def __init__(self, join: nn.Module) -> None:
        super().__init__()
        self.one, self.two, self.join = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), join

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.join(self.one(x), self.two(x))


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x)[0]


IMAGE = (3, 32, 30)
VISION = [
    nn.Conv2d(3, 8, 3, 2, 1),
    nn.Conv2d(3, 8, (3, 5), (1, 2), (0, 2), (2, 1), bias=False),
    nn.Conv2d(3, 6, 3, groups=3),
    nn.Conv2d(3, 8, 4, padding="same"),
    nn.Conv2d(3, 8, 3, padding="valid"),
    nn.ConvTranspose2d(3, 8, 3, 2, 1, 1),
    nn.ConvTranspose2d(3, 6, (4, 3), (2, 1), groups=3, bias=False),
    nn.MaxPool2d(3, 2, 1),
    nn.MaxPool2d(3, 2, ceil_mode=True),
    nn.AvgPool2d((2, 3)),
    nn.AdaptiveAvgPool2d(1),
    nn.AdaptiveAvgPool2d((4, 5)),
    nn.AdaptiveMaxPool2d(1),
    nn.BatchNorm2d(3),
    nn.BatchNorm2d(3, affine=False, track_running_stats=False),
    nn.InstanceNorm2d(3, affine=True),
    nn.GroupNorm(3, 3),
    nn.Dropout2d(0.3),
    nn.ZeroPad2d((1, 2, 3, 4)),
    nn.Upsample(scale_factor=2),
    nn.PixelUnshuffle(2),
    nn.Flatten(),
    nn.Softmax(dim=1),
    nn.LocalResponseNorm(5),
    layers.SamePadding(3, 2),
    layers.SameMaxPool2d(3, 2),
    layers.SameAvgPool2d(2),
    layers.Crop([(0, 1), (1, 1)]),
    layers.GlobalAveragePool2d(),
    layers.GlobalMaxPool2d(keepdim=True),
    layers.SeparableConv2d(3, 8, 3, 2, "same"),
    layers.MaxoutConv2d(3, 8, 3, pieces=3),
    layers.convolution(3, 8, 4, 2, "same", activation="elu"),
    layers.transposed_convolution(3, 8, 3, 2, "same", activation="leaky_relu"),
    Joins(layers.Add()),
    Joins(layers.Concatenate()),
    nn.PReLU(),
    nn.PReLU(3),
    *(layers.activation(name) for name in layers.activation_names() if name != "maxout"),
]
SEQUENCE = (10, 16)
SEQUENCES = [
    nn.LSTM(16, 8, 2, bidirectional=True, batch_first=True),
    nn.LSTM(16, 8, bias=False, batch_first=True),
    nn.GRU(16, 8, batch_first=True),
    nn.RNN(16, 8, nonlinearity="relu", batch_first=True),
    nn.Linear(16, 4),
    nn.LayerNorm(16),
    nn.RMSNorm(16),
    Attends(),
    nn.TransformerEncoderLayer(16, 4, batch_first=True),
]
CASES: list[tuple[nn.Module, Any]] = [
    *((model, IMAGE) for model in VISION),
    *((model, SEQUENCE) for model in SEQUENCES),
    (nn.Conv1d(4, 8, 3, 2, dilation=2), (4, 20)),
    (nn.Conv3d(2, 3, 3), (2, 5, 6, 7)),
    (nn.MaxPool1d(2), (4, 21)),
    (nn.AvgPool3d(2), (2, 4, 4, 4)),
    (layers.GlobalAveragePool1d(), (4, 9)),
    (nn.Embedding(11, 4), (6,)),
    (nn.Bilinear(4, 5, 6), [(4,), (5,)]),
    (layers.MaxoutLinear(4, 6, pieces=2), (4,)),
    (nn.BatchNorm1d(4), (4,)),
    (nn.LSTM(16, 8, 2, proj_size=4, bidirectional=True), (10, 16)),
    (nn.LSTMCell(16, 8), (16,)),
    (nn.GRUCell(16, 8, bias=False), (16,)),
    (nn.RNNCell(16, 8), (16,)),
    (nn.EmbeddingBag(11, 4), (6,)),
    (nn.GLU(), (5, 8)),
    (nn.PixelShuffle(2), (8, 4, 5)),
    (nn.ChannelShuffle(2), (8, 4, 5)),
    (nn.Unfold(3), (2, 6, 7)),
    (layers.PartialConv2d(3, [(0, 1), (2,), (0, 1, 2)], 5), (3, 12, 14)),
    (layers.Subsampling2d(6), (6, 28, 26)),
    (layers.Skip(nn.Conv2d(4, 4, 3, padding=1)), (4, 9, 9)),
    (layers.Skip(nn.Conv2d(4, 6, 3, padding=1), "concatenate"), (4, 9, 9)),
    (torchvision.ops.StochasticDepth(0.2, "row"), (4, 9, 9)),
    (torchvision.ops.SqueezeExcitation(8, 2), (8, 9, 9)),
    (torchvision.ops.Conv2dNormActivation(3, 8), (3, 9, 9)),
    (torchvision.ops.FrozenBatchNorm2d(8), (8, 9, 9)),
    (torchvision.ops.Permute([0, 2, 3, 1]), (8, 9, 9)),
    (torchvision.models.convnext.LayerNorm2d(8), (8, 9, 9)),
    (timm.layers.LayerNorm2d(8), (8, 9, 9)),
    (timm.layers.Mlp(8, 32), (10, 8)),
    (timm.layers.LayerScale(8), (10, 8)),
    (timm.layers.DropPath(0.2), (10, 8)),
    (timm.layers.PatchEmbed(16, 4, 3, 8), (3, 16, 16)),
    (timm.layers.Attention(16, 4), (10, 16)),
    (timm.layers.SqueezeExcite(16), (16, 9, 9)),
    (timm.layers.BatchNormAct2d(16), (16, 9, 9)),
    (axes.RepeatVector(3), (8,)),
    (axes.Reshape(2, 4), (8,)),
    (axes.Permute(0, 2, 1), (8, 3)),
    (elementwise.KerasReLU(6.0, 0.1, 0.5), (8,)),
    (elementwise.ElementwisePReLU(8, 1), (8, 3)),
    (elementwise.Rescaling(0.5, 1.0), (8,)),
    (elementwise.GaussianNoise(0.5), (8,)),
    (elementwise.GaussianDropout(0.5), (8,)),
    (recurrent.LoopRNN(16, 8, nn.ReLU()), (10, 16)),
    (recurrent.LoopLSTM(16, 8, nn.ReLU(), nn.Hardsigmoid()), (10, 16)),
    (recurrent.LoopGRU(16, 8, nn.Tanh(), nn.Sigmoid()), (10, 16)),
    (recurrent.LoopGRU(16, 8, nn.Tanh(), nn.Sigmoid(), reset_after=False), (10, 16)),
    (recurrent.Bidirectional(*(recurrent.Recurrent(nn.GRU(16, 8, batch_first=True)) for _ in "ab")), (10, 16)),
    (Joins(merging.Multiply()), IMAGE),
]
IDS = [f"{number}-{type(model).__name__}" for number, (model, _) in enumerate(CASES)]


@cache
def anatomy_of(number: int, batch: int = 1) -> Anatomy:
    """Return the anatomy of a case."""
    model, size = CASES[number]
    return dissect(model, size, batch=batch)


@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_every_equation_is_true_and_agrees_with_the_record(number: int, batch: int) -> None:
    anatomy = anatomy_of(number, batch)
    for layer in (anatomy.root, *anatomy.layers):
        assert contradictions(layer, anatomy.explain(layer.path).lines) == []


@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_parameters_and_macs_are_worked_out(number: int) -> None:
    """What costs something has a formula for it, not the bare number."""
    anatomy = anatomy_of(number)
    for layer in (anatomy.root, *anatomy.layers):
        if not layer.called or not layer.is_leaf:
            continue
        found = {name: formula for name, formula, _ in equations(anatomy.explain(layer.path).lines)}
        if declared(layer) > 1 and layer.kind not in ("PReLU", "RMSNorm", "LayerScale"):
            assert found["parameters"], layer
        if layer.macs > 1:
            assert found["MACs"], layer
    assert anatomy.explain("").lines


def test_the_lectures_example() -> None:
    text = str(dissect(nn.Conv2d(1, 1, 3, bias=False), (1, 5, 5)).explain(""))
    assert "out = floor((5 + 2*0 - 3)/1) + 1 = 3" in text
    assert "parameters = 3*3*1*1 = 9" in text
    assert "were it fully connected, weights = 25*9 = 225 (against 9: 25 times as many)" in text


def test_first_layer_of_the_lectures_network() -> None:
    model = nn.Sequential(OrderedDict(conv2d=nn.Conv2d(1, 64, 3), pool=nn.MaxPool2d(2), conv2d_1=nn.Conv2d(64, 128, 3)))
    anatomy = dissect(model, (1, 28, 28))
    assert str(anatomy.explain(1)).splitlines() == [
        "1  conv2d: Conv2d",
        "  1x28x28 -> 64x26x26",
        "  out = floor((28 + 2*0 - 3)/1) + 1 = 26",
        "  parameters = 3*3*1*64 + 64 = 640",
        "  MACs = 26*26*64 * (3*3*1) = 389,376",
        "  receptive field = 1 + (3 - 1)*1 = 3",
        "  stride = 1*1 = 1",
        "  were it fully connected, weights = 784*43,264 = 33,918,976 (against 576: 58,887 times as many)",
    ]
    assert "receptive field = 4 + (3 - 1)*2 = 8" in str(anatomy.explain("conv2d_1"))


@pytest.mark.parametrize(
    ("layer", "size", "line"),
    [
        (nn.Conv2d(1, 2, 3, dilation=2), (1, 9, 9), "out = floor((9 + 2*0 - 2*(3 - 1) - 1)/1) + 1 = 5"),
        (nn.Conv2d(1, 2, (3, 2)), (1, 9, 9), "height = floor((9 + 2*0 - 3)/1) + 1 = 7"),
        (nn.Conv2d(1, 2, (3, 2)), (1, 9, 9), "width = floor((9 + 2*0 - 2)/1) + 1 = 8"),
        (nn.Conv2d(1, 2, 4, padding="same"), (1, 9, 9), "out = floor((9 + 1 + 2 - 4)/1) + 1 = 9"),
        (nn.MaxPool2d(3, 2, ceil_mode=True), (1, 10, 10), "out = ceil((10 + 2*0 - 3)/2) + 1 = 5"),
        (nn.ConvTranspose2d(1, 2, 3, 2), (1, 4, 4), "out = (4 - 1)*2 - 2*0 + 1*(3 - 1) + 0 + 1 = 9"),
        (layers.SameMaxPool2d(3, 2), (1, 8, 8), "out = floor((8 + 0 + 1 - 3)/2) + 1 = 4"),
        (nn.LeakyReLU(0.1), (4,), "y = max(0.1x, x)  (for each value by itself)"),
        (nn.ELU(), (4,), "y = x, x >= 0;  y = 1(e^x - 1), x < 0  (for each value by itself)"),
        (nn.Dropout(0.25), (4,), "in training each value becomes zero with probability 0.25"),
        (nn.Flatten(), (128, 11, 11), "out = 128*11*11 = 15,488"),
    ],
)
def test_single_lines(layer: nn.Module, size: Any, line: str) -> None:
    assert line in dissect(layer, size).explain("").lines


def test_batch_normalisation_is_algorithm_1_with_the_square_root() -> None:
    text = str(dissect(nn.BatchNorm2d(64), (64, 13, 13)).explain(""))
    for line in (
        "for each of the channels (64) by itself, over all its values x in a batch, m = 169*batch (Algorithm 1):",
        "mean = sum(x)/m",
        "var = sum((x - mean)^2)/m",
        "x_hat = (x - mean)/sqrt(var + 1e-05)",
        "y = gamma*x_hat + beta",
        "parameters = 2*64 = 128",
        "buffers = 2*64 + 1 = 129",
        "lacks the square root: it is (x - mean)/sqrt(var + eps)*gamma + beta",
    ):
        assert line in text


def test_separable_convolution_is_compared_with_a_full_one() -> None:
    text = str(dissect(layers.SeparableConv2d(64, 128, 3, padding="same"), (64, 14, 14)).explain(""))
    assert "a full convolution, weights = 3*3*64*128 = 73,728 (against 8,768: 8.4 times as many)" in text
    assert "parameters together = 576 + 8,320 = 8,896" in text


def test_container_explains_its_children_in_order_with_sums() -> None:
    anatomy = dissect(torchvision.models.resnet18(), (3, 64, 64))
    lines = anatomy.explain("layer2.0").lines
    children = [line.split()[1] for line in lines if re.match(r"\d[\d.]*  layer2", line)]
    assert children == [f"layer2.0.{name}:" for name in ("conv1", "bn1", "relu", "conv2", "bn2", "downsample")]
    assert "parameters together = 73,728 + 256 + 147,456 + 256 + 8,448 = 230,144" in lines


def test_a_subclass_that_does_something_else_is_not_contradicted() -> None:
    class Doubled(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(nn.functional.interpolate(x, scale_factor=2))

    Doubled.__name__ = "Conv2d"
    lines = dissect(Doubled(1, 2, 3), (1, 8, 8)).explain("").lines
    assert "out = 14" in lines


def test_a_subclass_is_explained_as_what_it_is_a_kind_of() -> None:
    class MyNorm(nn.BatchNorm2d):
        pass

    assert (
        "parameters = 2*3 = 6 (gamma and beta of each channel, learned)" in dissect(MyNorm(3), IMAGE).explain("").lines
    )


def test_a_foreign_class_of_a_known_name() -> None:
    class Foreign(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.weight.T

    Foreign.__name__ = "Conv2d"
    assert dissect(Foreign(), (3,)).explain("").lines == ("3 -> 2", "parameters = 2*3 = 6 (weight)", "MACs = 6")


def test_module_of_an_unknown_kind() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.shift = nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.scale + self.shift

    assert dissect(Scale(), (3,)).explain("").lines == (
        "3 -> 4",
        "parameters = 3*4 + 4 = 16 (scale, shift)",
        "MACs = 12",
    )


def test_uncalled_layer_says_so() -> None:
    anatomy = dissect(torchvision.models.googlenet(init_weights=False), (3, 64, 64))
    assert anatomy.explain("aux1.fc1").lines[0] == "never called"


def test_rich_text_is_the_same() -> None:
    explanation = dissect(nn.Linear(3, 2), (3,)).explain("")
    assert explanation.__rich__().plain == str(explanation)


def test_a_block_of_very_many_functions_is_explained() -> None:
    """What is looked for behind a sum is looked for a little way back, not through the whole network."""

    class Long(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.act(x)
            for _ in range(1500):
                y = y.view(-1)
            return x + y.view_as(x)

    assert dissect(Long(), (4,)).explain("").lines[-1] == "MACs together = 0"
