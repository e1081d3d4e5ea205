"""MobileNet v3: the blocks of v2, sized by a search, with squeeze-excite and hard-swish.

Andrew Howard, Mark Sandler, Grace Chu, Liang-Chieh Chen, Bo Chen, Mingxing Tan, Weijun Wang, Yukun Zhu, Ruoming
Pang, Vijay Vasudevan, Quoc V. Le, Hartwig Adam. *Searching for MobileNetV3*. ICCV 2019.

*The idea.* A search for the fastest network on a telephone chooses the sizes of v2's blocks one by one. By hand come
squeeze-excite (channels are weighed by what the whole image shows, through a gate that is cheap to compute) and
hard-swish, a swish of straight lines, in the later half. The last, costly stage moves behind the pooling, where it
sees one place in place of 49.

| stage | large: kernel, expansion, channels | output, 224 | small | output, 224 |
| --- | --- | --- | --- | --- |
| convolution 3x3/2, hard-swish | 16 | 112 | 16 | 112 |
| block 1 | 3, 16, 16 | 112 | 3, 16, 16, SE | 56 |
| blocks 2-3 | 3, 64-72, 24 | 56 | 3, 72-88, 24 | 28 |
| blocks 4-6 | 5, 72-120, 40, SE | 28 | 5, 96-240, 40, SE, hard-swish from here | 14 |
| blocks 7-8 | 3, 200-240, 80, hard-swish from here | 14 | 5, 120-144, 48, SE | 14 |
| blocks 9-10 (small: 9-11) | 3, 184, 80 | 14 | 5, 288-576, 96, SE | 7 |
| blocks 11-12 | 3, 480-672, 112, SE | 14 | | |
| blocks 13-15 | 5, 672-960, 160, SE | 7 | | |
| convolution 1x1 | 960 | 7 | 576 | 7 |
| global average pooling | 960 | 1 | 576 | 1 |
| dense, hard-swish | 1280 | | 1024 | |
| dropout, dense | 1000 | | 1000 | |

Differences from the paper: one pixel of padding on every side (TensorFlow's stride 2 pads right and bottom), two for
5x5; the 1x1 convolution of the small network has no squeeze-excite, which the paper's table has and its code has
not; squeeze-excite's inner width is a quarter of the expansion, rounded to 8. Names and weights at the start are
torchvision's: batch normalisation with epsilon 0.001 and momentum 0.01, dropout 0.2. The narrow ones are the published
ones, which expand what really comes into a block and keep 1280 (1024) behind the pooling; torchvision's builder, asked
for a width, would narrow these too.

Parameters: 5,483,032 (large) and 2,542,856 (small) as in torchvision; the paper says 5.4 and 2.5 million.

What to try next: ``activation="relu"`` against the paper's mixture, ``width=0.25``, ``skip=False``.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction
from layerlab.zoo.mobilenet_v2 import conv_norm_activation, rounded
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["MobileNetV3", "SearchedBlock", "SqueezeExcite"]


class Row(NamedTuple):
    """A row of the paper's table."""

    kernel: int
    expanded: int
    channels: int
    squeezes: bool
    activation: str
    stride: int


LARGE = (
    Row(3, 16, 16, False, "relu", 1),
    Row(3, 64, 24, False, "relu", 2),
    Row(3, 72, 24, False, "relu", 1),
    Row(5, 72, 40, True, "relu", 2),
    Row(5, 120, 40, True, "relu", 1),
    Row(5, 120, 40, True, "relu", 1),
    Row(3, 240, 80, False, "hard_swish", 2),
    Row(3, 200, 80, False, "hard_swish", 1),
    Row(3, 184, 80, False, "hard_swish", 1),
    Row(3, 184, 80, False, "hard_swish", 1),
    Row(3, 480, 112, True, "hard_swish", 1),
    Row(3, 672, 112, True, "hard_swish", 1),
    Row(5, 672, 160, True, "hard_swish", 2),
    Row(5, 960, 160, True, "hard_swish", 1),
    Row(5, 960, 160, True, "hard_swish", 1),
)
"""Table 1 of the paper, MobileNetV3-Large."""

SMALL = (
    Row(3, 16, 16, True, "relu", 2),
    Row(3, 72, 24, False, "relu", 2),
    Row(3, 88, 24, False, "relu", 1),
    Row(5, 96, 40, True, "hard_swish", 2),
    Row(5, 240, 40, True, "hard_swish", 1),
    Row(5, 240, 40, True, "hard_swish", 1),
    Row(5, 120, 48, True, "hard_swish", 1),
    Row(5, 144, 48, True, "hard_swish", 1),
    Row(5, 288, 96, True, "hard_swish", 2),
    Row(5, 576, 96, True, "hard_swish", 1),
    Row(5, 576, 96, True, "hard_swish", 1),
)
"""Table 2 of the paper, MobileNetV3-Small."""

_layer = partial(conv_norm_activation, epsilon=1e-3, momentum=0.01)


class SqueezeExcite(nn.Module):
    """Weighs each channel, from 0 to 1, by the averages of all channels.

    Args:
        channels: of its input and output.
        squeezed: channels between its two 1x1 convolutions.
        activation: between them, by name.

    Input shape:
        (N, channels, H, W)

    Output shape:
        as the input.

    Reference:
        Hu, Shen, Sun. Squeeze-and-Excitation Networks. CVPR 2018.
    """

    def __init__(self, channels: int, squeezed: int, activation: str = "relu") -> None:
        super().__init__()
        self.channels, self.squeezed = channels, squeezed
        self.pool = GlobalAveragePool2d(keepdim=True)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.activation = activate(activation, squeezed, inplace=True)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.gate = activate("hard_sigmoid", channels, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed channels."""
        weight = self.pool(x)  # channels, 1, 1
        weight = self.activation(self.fc1(weight))  # squeezed, 1, 1
        weight = self.gate(self.fc2(weight))  # channels, 1, 1
        x = weight * x  # channels, H, W
        return x


class SearchedBlock(nn.Module):
    """An inverted residual of a chosen kernel, width and activation, with squeeze-excite where the table says so.

    Args:
        in_channels: channels that come in.
        row: of the table.
        width: factor on its channels.
        activation: in place of the row's, by name.
        norm: by name.
        ratio: of the channels inside to those that come in.
        skip: whether the input is added where the shape is the same.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(
        self,
        in_channels: int,
        row: Row,
        width: float,
        activation: str | None,
        norm: str,
        *,
        ratio: float,
        skip: bool = True,
    ) -> None:
        super().__init__()
        hidden = rounded(ratio * in_channels)
        self.in_channels, self.out_channels, self.stride = in_channels, rounded(row.channels, width), row.stride
        self.adds = skip and row.stride == 1 and in_channels == self.out_channels
        layer = partial(_layer, activation=activation or row.activation, norm=norm)

        self.block = nn.Sequential(
            *([layer(in_channels, hidden, 1)] if hidden != in_channels else []),
            layer(hidden, hidden, row.kernel, stride=row.stride, groups=hidden),
            *([SqueezeExcite(hidden, rounded(hidden // 4), activation or "relu")] if row.squeezes else []),
            _layer(hidden, self.out_channels, 1, activation=None, norm=norm),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, or its sum with the input."""
        identity = x  # in_channels, H, W
        x = self.block(x)  # out_channels, ceil(H/stride), ceil(W/stride)
        if self.adds:
            x += identity
        return x


class MobileNetV3(nn.Module):
    """MobileNet v3.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on the channels; as published, those behind the pooling are not made fewer.
        activation: by name, in place of the paper's mixture of ReLU and hard-swish (None).
        norm: by name; convolutions have biases where it is ``none``.
        skip: False for no skip connections.
        dropout: rate before the classifier.
        stem: ``imagenet`` (stride 2) or ``cifar`` (stride 1).
        size: ``large`` (Table 1) or ``small`` (Table 2).

    Input shape:
        (N, in_channels, H, W), any size.

    Output shape:
        (N, num_classes), logits.

    Raises:
        ValueError: a knob out of range.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        width: float = 1.0,
        activation: str | None = None,
        norm: str = "batch",
        skip: bool = True,
        dropout: float = 0.2,
        stem: str = "imagenet",
        size: str = "large",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("stem", stem, STEMS)
        check_choice("size", size, ("large", "small"))
        check_fraction("dropout", dropout)
        self.in_channels, self.num_classes = in_channels, num_classes
        rows, last_channels = (LARGE, 1280) if size == "large" else (SMALL, 1024)
        late = activation or "hard_swish"
        first_stride = 2 if stem == "imagenet" else 1

        channels = rounded(rows[0].channels, width)
        features: list[nn.Module] = [_layer(in_channels, channels, 3, stride=first_stride, activation=late, norm=norm)]
        whole = rows[0].channels  # what comes in where the width is 1
        for row in rows:
            ratio = row.expanded / whole
            block = SearchedBlock(channels, row, width, activation, norm, ratio=ratio, skip=skip)
            channels, whole = block.out_channels, row.channels
            features.append(block)
        self.channels = 6 * channels
        features.append(_layer(channels, self.channels, 1, activation=late, norm=norm))

        self.features = nn.Sequential(*features)
        self.shrinks = 16 * first_stride
        self.pool = GlobalAveragePool2d()
        self.last_channels = rounded(last_channels, max(width, 1.0))
        hidden, dense = nn.Linear(self.channels, self.last_channels), nn.Linear(self.last_channels, num_classes)
        self.classifier = nn.Sequential(
            hidden, activate(late, self.last_channels, inplace=True, dims=0), nn.Dropout(dropout), dense
        )

        # Over the outputs, as torchvision has it, depthwise kernels start so small that without norms nothing passes.
        he_normal(self, mode="fan_in" if norm == "none" else "fan_out")
        for layer in (hidden, dense):
            nn.init.normal_(layer.weight, 0.0, 0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        image = x  # in_channels, H, W
        x = self.features(image)  # channels, ceil(H/shrinks), ceil(W/shrinks)
        x = self.pool(x)  # channels
        x = self.classifier(x)  # num_classes
        return x


_info = partial(
    ModelInfo,
    family="mobilenet_v3",
    year=2019,
    source="A. Howard et al., Searching for MobileNetV3, ICCV 2019",
    input_shape=(3, 224, 224),
    smallest_input=1,
    idea="v2's blocks sized by a search, with squeeze-excite, hard-swish and a last stage behind the pooling",
    deviations="symmetric padding; no squeeze-excite in the small network's last convolution",
    head="classifier.3",
)
for _size, _width, _parameters, _macs in (
    ("large", 1.0, 5_483_032, 216_589_760),
    ("large", 0.75, 3_993_528, 154_560_624),
    ("large", 0.5, 2_689_520, 69_247_600),
    ("large", 0.25, 1_836_368, 31_707_296),
    ("small", 1.0, 2_542_856, 56_510_400),
    ("small", 0.75, 2_041_872, 43_399_344),
    ("small", 0.5, 1_592_704, 21_052_560),
    ("small", 0.25, 1_269_600, 11_918_336),
):
    _whole = f"mobilenet_v3_{_size}"
    register(
        _info(
            name=_whole if _width == 1 else f"{_whole}_{round(100 * _width):03}",
            title=f"MobileNet v3 {_size}" + ("" if _width == 1 else f", width {_width}"),
            parameters=_parameters,
            macs=_macs,
            parent="mobilenet_v2" if _width == 1 else _whole,
        )
    )(partial(MobileNetV3, width=_width, size=_size))
