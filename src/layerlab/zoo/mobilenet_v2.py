"""MobileNet v2: thin between the blocks, wide inside them, and nothing cut off where it is thin.

Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov, Liang-Chieh Chen. *MobileNetV2: Inverted Residuals and
Linear Bottlenecks*. CVPR 2018.

*The idea.* ReLU destroys what it sets to zero, the more the fewer channels there are: so a block widens its input by
a 1x1 convolution (expansion t, six times), looks around depthwise there, where that is cheap, and comes back to few
channels by a 1x1 convolution *without* activation (the linear bottleneck). The skip connection joins the thin ends,
the reverse of ResNet's bottleneck, so that little has to be kept in memory.

| stage | t | channels | blocks | stride | output, 224 |
| --- | --- | --- | --- | --- | --- |
| convolution 3x3/2 | | 32 | | 2 | 112 |
| inverted residual | 1 | 16 | 1 | 1 | 112 |
| inverted residual | 6 | 24 | 2 | 2 | 56 |
| inverted residual | 6 | 32 | 3 | 2 | 28 |
| inverted residual | 6 | 64 | 4 | 2 | 14 |
| inverted residual | 6 | 96 | 3 | 1 | 14 |
| inverted residual | 6 | 160 | 3 | 2 | 7 |
| inverted residual | 6 | 320 | 1 | 1 | 7 |
| convolution 1x1 | | 1280 | | 1 | 7 |
| global average pooling, dense | | 1000 | | | |

Widths other than 1 are rounded to multiples of 8 (never below 0.9 of the exact number), and the 1280 do not shrink.

Differences from the paper: one pixel of padding on every side (TensorFlow's stride 2 pads right and bottom); dropout
0.2 before the classifier, as in the published code; weights start from He's normal distribution, the classifier's
from a normal one of 0.01. Names are torchvision's.

Parameters: 3,504,872, multiply-accumulates: 300,774,272, as in the paper (3.4 and 300 million) and in torchvision.

What to try next: ``activation="linear"`` and ``"relu"``, ``skip=False``, ``width=0.25``, another input size.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["InvertedResidual", "MobileNetV2", "conv_norm_activation", "rounded"]

BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Table 2 of the paper: expansion t, channels c, blocks n, stride s of the first of them."""


def rounded(channels: float, width: float = 1.0) -> int:
    """Return ``width`` times so many channels as the published networks round it.

    That is the nearest multiple of 8 (from the middle up), and the next one where that would lose more than a tenth.

    Example:
        >>> rounded(24, 0.75), rounded(24, 0.5)
        (24, 16)
    """
    scaled(1, width)  # refuses what is no factor
    exact = channels * width
    nearest = max(8, int(exact + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * exact else nearest + 8


def conv_norm_activation(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: str | None = "relu6",
    norm: str = "batch",
    epsilon: float = 1e-5,
    momentum: float = 0.1,
) -> nn.Sequential:
    """Return a convolution that keeps the sides (but for its stride), its norm and its activation, if any."""
    padding = kernel_size // 2
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=norm == "none"),
        normalize(norm, out_channels, epsilon=epsilon, momentum=momentum),
    ]
    if activation is not None:
        layers.append(activate(activation, out_channels, inplace=True))
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """Widen, look around, come back without activation; the input is added where the shape is the same.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out.
        stride: of the depthwise convolution.
        expansion: how many times wider it is inside.
        activation: by name.
        norm: by name.
        skip: whether the input is added at all.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        expansion: int,
        activation: str,
        norm: str,
        *,
        skip: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride = in_channels, out_channels, stride
        self.adds = skip and stride == 1 and in_channels == out_channels
        hidden = in_channels * expansion
        layer = partial(conv_norm_activation, activation=activation, norm=norm)

        self.conv = nn.Sequential(
            *([layer(in_channels, hidden, 1)] if expansion != 1 else []),
            layer(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=norm == "none"),
            normalize(norm, out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, or its sum with the input."""
        identity = x  # in_channels, H, W
        x = self.conv(x)  # out_channels, ceil(H/stride), ceil(W/stride)
        if self.adds:
            x += identity
        return x


class MobileNetV2(nn.Module):
    """MobileNet v2.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channels but the last 1280, which only grow.
        activation: by name.
        norm: by name; convolutions have biases where it is ``none``.
        skip: False for no skip connections.
        dropout: rate before the classifier.
        stem: ``imagenet`` (stride 2) or ``cifar`` (stride 1).

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
        activation: str = "relu6",
        norm: str = "batch",
        skip: bool = True,
        dropout: float = 0.2,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("stem", stem, STEMS)
        check_fraction("dropout", dropout)
        self.in_channels, self.num_classes = in_channels, num_classes
        layer = partial(conv_norm_activation, activation=activation, norm=norm)

        channels = rounded(32, width)
        first_stride = 2 if stem == "imagenet" else 1
        features: list[nn.Module] = [layer(in_channels, channels, 3, stride=first_stride)]
        for expansion, base, blocks, stride in BLOCKS:
            out_channels = rounded(base, width)
            for number in range(blocks):
                step = stride if number == 0 else 1
                features.append(InvertedResidual(channels, out_channels, step, expansion, activation, norm, skip=skip))
                channels = out_channels
        self.last_channels = rounded(1280, max(1.0, width))
        features.append(layer(channels, self.last_channels, 1))

        self.features = nn.Sequential(*features)
        self.shrinks = 16 * first_stride
        self.pool = GlobalAveragePool2d()
        dense = nn.Linear(self.last_channels, num_classes)
        self.classifier = nn.Sequential(nn.Dropout(dropout), dense)

        # Over the outputs, as torchvision has it, depthwise kernels start so small that without norms nothing passes.
        he_normal(self, mode="fan_in" if norm == "none" else "fan_out")
        nn.init.normal_(dense.weight, 0.0, 0.01)
        nn.init.zeros_(dense.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        image = x  # in_channels, H, W
        x = self.features(image)  # last_channels, ceil(H/shrinks), ceil(W/shrinks)
        x = self.pool(x)  # last_channels
        x = self.classifier(x)  # num_classes
        return x


_info = partial(
    ModelInfo,
    family="mobilenet_v2",
    year=2018,
    source="M. Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
    input_shape=(3, 224, 224),
    smallest_input=1,
    idea="wide inside a block, thin and linear between blocks",
    deviations="symmetric padding",
    head="classifier.1",
)
for _width, _parameters, _macs in (
    (1.0, 3_504_872, 300_774_272),
    (0.75, 2_636_424, 209_069_792),
    (0.5, 1_968_680, 97_131_840),
    (0.25, 1_519_112, 37_201_312),
):
    register(
        _info(
            name="mobilenet_v2" if _width == 1 else f"mobilenet_v2_{round(100 * _width):03}",
            title="MobileNet v2" if _width == 1 else f"MobileNet v2, width {_width}",
            parameters=_parameters,
            macs=_macs,
            parent="mobilenet_v1" if _width == 1 else "mobilenet_v2",
        )
    )(partial(MobileNetV2, width=_width))
