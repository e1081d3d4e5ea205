"""Xception: Inception taken to its end, where every channel is looked at alone.

François Chollet. *Xception: Deep Learning with Depthwise Separable Convolutions*. CVPR 2017.

*The idea.* Inception's branches look for patterns in a few groups of channels, after a 1x1 convolution has mixed
them; with as many groups as channels, that is a depthwise-separable convolution. The network is nothing else: 36
convolutional layers in 14 modules, all but the first and last with a skip connection around them. For the same
number of parameters as Inception v3 it classifies better, since it uses them better.

| flow | stage | channels | output, 299 |
| --- | --- | --- | --- |
| entry | convolution 3x3/2, unpadded | 32 | 149 |
| | convolution 3x3, unpadded | 64 | 147 |
| | block 1: 2 separable, pooling 3x3/2 | 128 | 74 |
| | block 2: likewise | 256 | 37 |
| | block 3: likewise | 728 | 19 |
| middle | blocks 4-11: 3 separable each, eight times | 728 | 19 |
| exit | block 12: 2 separable, pooling 3x3/2 | 728, 1024 | 10 |
| | separable convolution | 1536 | 10 |
| | separable convolution | 2048 | 10 |
| | global average pooling | 2048 | 1 |
| | dropout 0.5, dense | 1000 | |

In a block ReLU comes before each separable convolution (but for the first of block 1, whose input has had its own)
and batch normalisation after it; nothing stands between depthwise and pointwise.

Differences from the paper: ``padding`` and ``epsilon`` by default as in the published PyTorch weights (timm's
``legacy_xception``, whose names are used): pooling padded on all sides and 1e-5. ``padding="same", epsilon=1e-3``
is the author's Keras network, pooling padded at the right and bottom first. Weights start from He's normal
distribution over the inputs of a kernel. ``xception_cifar`` is our own small version: an eighth of the width, two
middle blocks, unstrided stem.

Parameters: 22,855,952 as in the paper; 8,357,403,496 multiply-accumulates as in timm.

What to try next: ``depth=1``, ``width=0.25``, ``activation="elu"``, ``skip=False`` (figure 9 of the paper).
"""

from __future__ import annotations

import itertools
from functools import partial

from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d, SameMaxPool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["SeparableConvolution", "Xception", "XceptionBlock"]

PADDINGS = ("symmetric", "same")


class SeparableConvolution(nn.Module):
    """A depthwise 3x3 convolution and a pointwise one, with nothing between them.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out.
        bias: whether the pointwise one has a constant.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, H, W)
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Look around in each channel, then mix them."""
        mixed: Tensor = self.pointwise(self.conv1(x))
        return mixed


class XceptionBlock(nn.Module):
    """Separable convolutions with an activation before and a norm after each, and a skip connection around them.

    Args:
        channels: that come in and that each separable convolution gives: two or more numbers.
        stride: 2 for max pooling 3x3/2 at the end; the skip connection is then a 1x1 convolution.
        adds: whether there is a skip connection.
        activates_first: whether an activation comes before the first convolution.
        activation: by name.
        norm: by name.
        padding: of the pooling, ``symmetric`` or ``same``.
        epsilon: of the norms.

    Input shape:
        (N, channels[0], H, W)

    Output shape:
        (N, channels[-1], ceil(H / stride), ceil(W / stride))
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        stride: int,
        activation: str,
        norm: str,
        padding: str,
        epsilon: float,
        *,
        adds: bool = True,
        activates_first: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride = channels[0], channels[-1], stride
        self.adds = adds
        bias = norm == "none"

        self.skip: nn.Module | None = None
        if adds and (stride != 1 or self.in_channels != self.out_channels):
            self.skip = nn.Conv2d(self.in_channels, self.out_channels, 1, stride, bias=bias)
            self.skipbn = normalize(norm, self.out_channels, epsilon=epsilon)

        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(itertools.pairwise(channels)):
            if number > 0 or activates_first:
                # The skip connection still needs what the first activation reads.
                layers.append(activate(activation, before, inplace=number > 0))
            layers.append(SeparableConvolution(before, after, bias=bias))
            layers.append(normalize(norm, after, epsilon=epsilon))
        if stride == 2:
            layers.append(SameMaxPool2d(3, 2) if padding == "same" else nn.MaxPool2d(3, 2, 1))
        self.rep = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways."""
        identity = x  # in_channels, H, W
        x = self.rep(identity)  # out_channels, ceil(H/stride), ceil(W/stride)
        if self.skip is not None:
            identity = self.skipbn(self.skip(identity))  # out_channels, ceil(H/stride), ceil(W/stride)
        if self.adds:
            x += identity
        return x


class Xception(nn.Module):
    """Xception.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channels.
        depth: blocks of the middle flow, 8 in the paper.
        activation: by name.
        norm: by name; convolutions have biases where it is ``none``.
        skip: False for no skip connections.
        dropout: rate before the classifier.
        stem: ``imagenet`` (stride 2, unpadded) or ``cifar`` (stride 1, padded).
        padding: of the poolings, ``symmetric`` or ``same`` (Keras's).
        epsilon: of the norms; Keras has 1e-3.

    Input shape:
        (N, in_channels, H, W), at least 6 with the stem of ImageNet.

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
        depth: int = 8,
        activation: str = "relu",
        norm: str = "batch",
        skip: bool = True,
        dropout: float = 0.5,
        stem: str = "imagenet",
        padding: str = "symmetric",
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels, depth=depth)
        check_choice("stem", stem, STEMS)
        check_choice("padding", padding, PADDINGS)
        check_fraction("dropout", dropout)
        if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float)) or not 0 < epsilon < 1:
            raise ValueError(f"epsilon must be a number between 0 and 1, not {epsilon!r}")
        self.num_classes = num_classes
        self.c32, self.c64, self.c128, self.c256, self.c728 = (scaled(c, width) for c in (32, 64, 128, 256, 728))
        self.c1024, self.c1536, self.c2048 = (scaled(c, width) for c in (1024, 1536, 2048))
        bias = norm == "none"
        stride, border = (2, 0) if stem == "imagenet" else (1, 1)
        block = partial(XceptionBlock, activation=activation, norm=norm, padding=padding, epsilon=epsilon, adds=skip)

        self.conv1 = nn.Conv2d(in_channels, self.c32, 3, stride, border, bias=bias)
        self.bn1 = normalize(norm, self.c32, epsilon=epsilon)
        self.act1 = activate(activation, self.c32, inplace=True)
        self.conv2 = nn.Conv2d(self.c32, self.c64, 3, 1, border, bias=bias)
        self.bn2 = normalize(norm, self.c64, epsilon=epsilon)
        self.act2 = activate(activation, self.c64, inplace=True)

        self.block1 = block((self.c64, self.c128, self.c128), 2, activates_first=False)
        self.block2 = block((self.c128, self.c256, self.c256), 2)
        self.block3 = block((self.c256, self.c728, self.c728), 2)

        self.middle = [f"block{number}" for number in range(4, 4 + depth)]
        for name in self.middle:
            self.add_module(name, block((self.c728,) * 4, 1))

        self.exit = f"block{4 + depth}"
        self.add_module(self.exit, block((self.c728, self.c728, self.c1024), 2))
        self.conv3 = SeparableConvolution(self.c1024, self.c1536, bias=bias)
        self.bn3 = normalize(norm, self.c1536, epsilon=epsilon)
        self.act3 = activate(activation, self.c1536, inplace=True)
        self.conv4 = SeparableConvolution(self.c1536, self.c2048, bias=bias)
        self.bn4 = normalize(norm, self.c2048, epsilon=epsilon)
        self.act4 = activate(activation, self.c2048, inplace=True)

        self.pool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.c2048, num_classes)

        he_normal(self, mode="fan_in")  # of a depthwise kernel 9, whatever the width

    def forward(self, x: Tensor) -> Tensor:
        """Return logits. H, W are the sides behind the stem: 147 for 299."""
        x = self.act1(self.bn1(self.conv1(x)))  # c32, h, w
        x = self.act2(self.bn2(self.conv2(x)))  # c64, H, W

        x = self.block1(x)  # c128, ceil(H/2), ceil(W/2)
        x = self.block2(x)  # c256, ceil(H/4), ceil(W/4)
        x = self.block3(x)  # c728, ceil(H/8), ceil(W/8)

        for name in self.middle:
            x = self.get_submodule(name)(x)  # c728, ceil(H/8), ceil(W/8)

        x = self.get_submodule(self.exit)(x)  # c1024, ceil(H/16), ceil(W/16)
        x = self.act3(self.bn3(self.conv3(x)))  # c1536, ceil(H/16), ceil(W/16)
        x = self.act4(self.bn4(self.conv4(x)))  # c2048, ceil(H/16), ceil(W/16)

        x = self.pool(x)  # c2048
        x = self.fc(self.dropout(x))  # num_classes
        return x


_info = partial(
    ModelInfo,
    family="xception",
    year=2017,
    source="F. Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR 2017",
    idea="Inception with a branch for every channel: depthwise-separable convolutions with skips",
    head="fc",
)
register(
    _info(
        name="xception",
        title="Xception",
        input_shape=(3, 299, 299),
        smallest_input=7,
        parameters=22_855_952,
        macs=8_357_403_496,
        deviations='poolings padded on all sides and epsilon 1e-5 unless padding="same", epsilon=1e-3',
        parent="inception_v3",
    )
)(Xception)
register(
    _info(
        name="xception_cifar",
        title="Xception, small",
        input_shape=(3, 32, 32),
        smallest_input=1,
        parameters=189_349,
        macs=3_997_296,
        deviations="an eighth of the width, two middle blocks, unstrided stem",
        parent="xception",
    )
)(partial(Xception, num_classes=10, width=0.125, depth=2, dropout=0.0, stem="cifar"))
