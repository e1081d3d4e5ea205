"""Pre-activation ResNet (v2): normalise and activate before each convolution, and leave the sum alone.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun, *Identity Mappings in Deep Residual Networks*, ECCV 2016.

The idea: in ResNet an activation stands behind each sum, so that what a block receives is not quite what it passes
on. Here normalisation and activation move in front of the convolutions, and nothing stands on the way of the sum: the
output is the first input plus all that the blocks have added, and the gradient reaches every block unchanged. That
made 1,001 layers trainable, and every weight sees a normalised input.

For photographs (blocks as in ResNet; bottlenecks, c = 4, from 50 on), and for 32 x 32, n blocks a stage (two 3x3
convolutions: 6n + 2 layers; bottlenecks: 9n + 2):

| stage | output | stage | output |
| --- | --- | --- | --- |
| convolution 7x7, stride 2, norm, activation | 64 x 112 x 112 | convolution 3x3, norm, activation | 16 x 32 x 32 |
| max pooling 3x3, stride 2 | 64 x 56 x 56 | | |
| layer1 | 64c x 56 x 56 | layer1 | 16c x 32 x 32 |
| layer2 | 128c x 28 x 28 | layer2 | 32c x 16 x 16 |
| layer3 | 256c x 14 x 14 | layer3 | 64c x 8 x 8 |
| layer4, norm, activation | 512c x 7 x 7 | norm, activation | 64c x 8 x 8 |
| average pooling, dense | 1000 | average pooling, dense | 10 |

The first block of all has its normalisation and activation in front of the fork, which is to say in the stem; the sum
of the last one is normalised and activated once more. Shortcuts that change the shape are, as the paper has them, 1x1
convolutions of the activated input in networks of bottlenecks, and in 20, 56 and 110 every second pixel with zeros
for the new channels (option A), taken from the sum as it is.

Differences from the paper: it names 110 and 164 layers for 32 x 32, and 101, 152 and 200 for photographs (200 is
``depth=200``); 18, 34 and 50, 20 and 56 are the same blocks at ResNet's depths, 18 and 34 with 1x1 convolutions as
shortcuts. For photographs the stride stands in the 3x3 convolution of a bottleneck, as in ResNet v1.5; in 164 in the
first 1x1, as in the authors' code.

Parameters: by hand from the paper's tables (tests/zoo/test_preact_resnet.py); it prints 1.7 million for 110 and for
164 layers.

What to try next: ``preact_resnet110`` against ``resnet110``; ``depth=1001, bottleneck=True`` with patience;
``skip=False``: without its way past the blocks the order matters little.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register
from layerlab.zoo.resnet import stage_of
from layerlab.zoo.resnet_cifar import SHORTCUTS, SubsampleAndPad, blocks_of

__all__ = ["CifarPreactResNet", "PreactBlock", "PreactResNet"]

_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}
_FIRST_OF_BOTTLENECKS = 50
_EXPANSION = 4


class PreactBlock(nn.Module):
    """Norm, activation and convolution, two or three times; the input is added, and nothing follows.

    Args:
        in_channels: of its input.
        channels: of its 3x3 convolutions.
        stride: of the block.
        shortcut: what the input passes on its way to the sum, a convolution after the first activation and anything
            else before it; None: nothing is added.
        activation: by name.
        norm: by name.
        bottleneck: whether the convolutions are 1x1, 3x3 and 1x1, the last to four times as many channels; otherwise
            they are two of 3x3.
        stride_on_first: whether a bottleneck's first 1x1 convolution has the stride, or its 3x3.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, channels, H / stride, W / stride), rounded up; (N, 4 * channels, ...) of a bottleneck.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int,
        shortcut: nn.Module | None,
        activation: str = "relu",
        norm: str = "batch",
        bottleneck: bool = False,
        stride_on_first: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.bottleneck = channels, bottleneck
        self.expansion = _EXPANSION if bottleneck else 1
        bias = norm == "none"

        kernel = 1 if bottleneck else 3
        strides = (1, stride) if bottleneck and not stride_on_first else (stride, 1)

        self.bn1 = normalize(norm, in_channels)
        # Without a norm it is given the block's input itself, which the sum needs as it is.
        self.act1 = activate(activation, in_channels, inplace=norm != "none")
        self.conv1 = nn.Conv2d(in_channels, channels, kernel, strides[0], kernel // 2, bias=bias)

        self.bn2 = normalize(norm, channels)
        self.act2 = activate(activation, channels, inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, strides[1], 1, bias=bias)

        if bottleneck:
            self.bn3 = normalize(norm, channels)
            self.act3 = activate(activation, channels, inplace=True)
            self.conv3 = nn.Conv2d(channels, _EXPANSION * channels, 1, bias=bias)

        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum; h and w are the size behind the stride."""
        identity = x
        x = self.bn1(x)
        x = self.act1(x)
        if isinstance(self.downsample, nn.Conv2d):
            identity = x
        x = self.conv1(x)  # channels, H, W

        x = self.bn2(x)
        x = self.act2(x)
        x = self.conv2(x)  # channels, h, w

        if self.bottleneck:
            x = self.bn3(x)
            x = self.act3(x)
            x = self.conv3(x)  # 4*channels, h, w

        if self.downsample is not None:
            identity = self.downsample(identity)  # expansion*channels, h, w
            x += identity
        return x


def _shortcut_maker(option: str, norm: str) -> Callable[[int, int, int], nn.Module]:
    """Return what makes the shortcut of a block that changes the shape.

    A 1x1 convolution has no norm of its own: what it is given has been normalised.
    """
    check_choice("shortcut", option, SHORTCUTS)
    if option == "A":
        return SubsampleAndPad
    return lambda before, after, stride: nn.Conv2d(before, after, 1, stride, bias=norm == "none")


def _without_its_own_activation(stage: nn.Sequential) -> nn.Sequential:
    """Return the stage whose first block stands right behind the stem, which has activated its input."""
    stage[0].bn1, stage[0].act1 = nn.Identity(), nn.Identity()
    return stage


class PreactResNet(nn.Module):
    """A stem, four stages of pre-activation blocks, a last activation, global average pooling and a dense layer.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channel counts.
        depth: 18, 34, 50, 101, 152 or 200.
        activation: of every activation, by name.
        norm: ``batch``, ``group``, ``layer`` or ``none``.
        skip: whether blocks have their input added.
        dropout: rate before the dense layer (the paper has none).
        stem: ``imagenet``, or ``cifar``: a 3x3 convolution without stride and no pooling, for small images.

    Input shape:
        (N, in_channels, H, W), any H and W.

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
        depth: int = 50,
        activation: str = "relu",
        norm: str = "batch",
        skip: bool = True,
        dropout: float = 0.0,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("depth", depth, tuple(_BLOCKS))
        check_choice("skip", skip, (True, False))
        check_choice("stem", stem, STEMS)
        check_fraction("dropout", dropout)
        bottleneck = depth >= _FIRST_OF_BOTTLENECKS
        block = functools.partial(PreactBlock, activation=activation, norm=norm, bottleneck=bottleneck)
        way = _shortcut_maker("B", norm) if skip else None
        self.num_classes, self.expansion = num_classes, _EXPANSION if bottleneck else 1
        inside = [scaled(units, width) for units in (64, 128, 256, 512)]
        after = [self.expansion * units for units in inside]
        blocks = _BLOCKS[depth]

        if stem == "imagenet":
            self.conv1 = nn.Conv2d(in_channels, inside[0], 7, 2, 3, bias=norm == "none")
        else:
            self.conv1 = nn.Conv2d(in_channels, inside[0], 3, 1, 1, bias=norm == "none")
        self.bn1 = normalize(norm, inside[0])
        self.act1 = activate(activation, inside[0], inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if stem == "imagenet" else nn.Identity()

        self.layer1 = _without_its_own_activation(stage_of(block, (inside[0], inside[0], after[0]), blocks[0], 1, way))
        self.layer2 = stage_of(block, (after[0], inside[1], after[1]), blocks[1], 2, way)
        self.layer3 = stage_of(block, (after[1], inside[2], after[2]), blocks[2], 2, way)
        self.layer4 = stage_of(block, (after[2], inside[3], after[3]), blocks[3], 2, way)
        self.bn2 = normalize(norm, after[3])
        self.act2 = activate(activation, after[3], inplace=True)

        self.avgpool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.fc = nn.Linear(after[3], num_classes)

        he_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.conv1(x)  # 64, 112, 112
        x = self.bn1(x)
        x = self.act1(x)
        x = self.maxpool(x)  # 64, 56, 56

        x = self.layer1(x)  # 64*expansion, 56, 56
        x = self.layer2(x)  # 128*expansion, 28, 28
        x = self.layer3(x)  # 256*expansion, 14, 14
        x = self.layer4(x)  # 512*expansion, 7, 7
        x = self.bn2(x)
        x = self.act2(x)

        x = self.avgpool(x)  # 512*expansion
        x = self.dropout(x)
        x = self.fc(x)  # num_classes
        return x


class CifarPreactResNet(nn.Module):
    """A 3x3 convolution, three stages of n pre-activation blocks, a last activation, pooling and a dense layer.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channel counts.
        depth: any 6n + 2, or 9n + 2 with bottlenecks.
        activation: of every activation, by name.
        norm: ``batch``, ``group``, ``layer`` or ``none``.
        skip: whether blocks have their input added.
        dropout: rate before the dense layer (the paper has none).
        bottleneck: whether blocks are bottlenecks, with the stride in their first 1x1 convolution.
        shortcut: where a block changes the shape: ``A``, without parameters, or ``B``, a 1x1 convolution.

    Input shape:
        (N, in_channels, H, W), any H and W.

    Output shape:
        (N, num_classes), logits.

    Raises:
        ValueError: a knob out of range.
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        width: float = 1.0,
        depth: int = 20,
        activation: str = "relu",
        norm: str = "batch",
        skip: bool = True,
        dropout: float = 0.0,
        bottleneck: bool = False,
        shortcut: str = "A",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("skip", skip, (True, False))
        check_choice("bottleneck", bottleneck, (True, False))
        check_fraction("dropout", dropout)
        blocks = blocks_of(depth, 3 if bottleneck else 2)
        make = _shortcut_maker(shortcut, norm)
        way = make if skip else None
        block = functools.partial(
            PreactBlock, activation=activation, norm=norm, bottleneck=bottleneck, stride_on_first=True
        )
        self.num_classes, self.expansion = num_classes, _EXPANSION if bottleneck else 1
        inside = [scaled(units, width) for units in (16, 32, 64)]
        after = [self.expansion * units for units in inside]

        self.conv1 = nn.Conv2d(in_channels, inside[0], 3, 1, 1, bias=norm == "none")
        self.bn1 = normalize(norm, inside[0])
        self.act1 = activate(activation, inside[0], inplace=True)

        self.layer1 = _without_its_own_activation(stage_of(block, (inside[0], inside[0], after[0]), blocks, 1, way))
        self.layer2 = stage_of(block, (after[0], inside[1], after[1]), blocks, 2, way)
        self.layer3 = stage_of(block, (after[1], inside[2], after[2]), blocks, 2, way)
        self.bn2 = normalize(norm, after[2])
        self.act2 = activate(activation, after[2], inplace=True)

        self.avgpool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.fc = nn.Linear(after[2], num_classes)

        he_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.conv1(x)  # 16, 32, 32
        x = self.bn1(x)
        x = self.act1(x)

        x = self.layer1(x)  # 16*expansion, 32, 32
        x = self.layer2(x)  # 32*expansion, 16, 16
        x = self.layer3(x)  # 64*expansion, 8, 8
        x = self.bn2(x)
        x = self.act2(x)

        x = self.avgpool(x)  # 64*expansion
        x = self.dropout(x)
        x = self.fc(x)  # num_classes
        return x


_SOURCE = "K. He, X. Zhang, S. Ren, J. Sun, Identity Mappings in Deep Residual Networks, ECCV 2016"
_IDEA = "norm and activation stand before each convolution, so that nothing is in the way of the sum of all blocks"
_DEPTH = "these blocks at a depth of ResNet that the paper has not"
_STRIDE = "the 3x3 convolution of a block has the stride"

for _depth, _parameters, _macs, _deviations in (
    (18, 11_687_720, 1_814_073_344, f"{_DEPTH}; shortcuts that change the shape are 1x1 convolutions"),
    (34, 21_795_880, 3_663_761_408, f"{_DEPTH}; shortcuts that change the shape are 1x1 convolutions"),
    (50, 25_549_352, 4_089_184_256, f"{_DEPTH}; {_STRIDE}"),
    (101, 44_541_480, 7_801_405_440, _STRIDE),
    (152, 60_185_128, 11_513_626_624, _STRIDE),
):
    register(
        ModelInfo(
            name=f"preact_resnet{_depth}",
            title=f"Pre-activation ResNet-{_depth}",
            family="preact_resnet",
            year=2016,
            source=_SOURCE,
            input_shape=(3, 224, 224),
            smallest_input=1,
            parameters=_parameters,
            macs=_macs,
            idea=_IDEA,
            deviations=_deviations,
            parent=f"resnet{_depth}",
            head="fc",
        )
    )(functools.partial(PreactResNet, depth=_depth))

for _depth, _parameters, _macs, _bottleneck, _shortcut in (
    (20, 269_722, 40_551_040, False, "A"),
    (56, 853_018, 125_485_696, False, "A"),
    (110, 1_727_962, 252_887_680, False, "A"),
    (164, 1_703_258, 244_500_992, True, "B"),
):
    register(
        ModelInfo(
            name=f"preact_resnet{_depth}",
            title=f"Pre-activation ResNet-{_depth} (32 x 32)",
            family="preact_resnet",
            year=2016,
            source=_SOURCE,
            input_shape=(3, 32, 32),
            smallest_input=1,
            parameters=_parameters,
            macs=_macs,
            idea=_IDEA,
            deviations="none known" if _depth >= 110 else _DEPTH,
            parent=f"resnet{min(_depth, 110)}",
            head="fc",
        )
    )(functools.partial(CifarPreactResNet, depth=_depth, bottleneck=_bottleneck, shortcut=_shortcut))
