"""ResNet: networks that learn what to add to their input, and the plain networks that they were compared with.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016 (written
in 2015). The paper's networks for small images are in resnet_cifar.py.

The idea: a deeper plain network has a higher *training* error than a shallow one, although it could copy the shallow
one and do nothing in the rest: doing nothing is hard to learn. So each block of two or three convolutions has its
input added to its output and learns the difference only. Doing nothing is then a weight of zero, the gradient has a
way past every block, and 152 layers train as willingly as 18.

Blocks of two 3x3 convolutions in 18 and 34 (c = 1); of 1x1, 3x3 and 1x1, with a quarter of the channels in the
middle (bottleneck, c = 4), in 50, 101 and 152:

| stage | output | blocks in 18 / 34 / 50 / 101 / 152 |
| --- | --- | --- |
| convolution 7x7, stride 2 | 64 x 112 x 112 | |
| max pooling 3x3, stride 2 | 64 x 56 x 56 | |
| layer1 | 64c x 56 x 56 | 2 / 3 / 3 / 3 / 3 |
| layer2 | 128c x 28 x 28 | 2 / 4 / 4 / 4 / 8 |
| layer3 | 256c x 14 x 14 | 2 / 6 / 6 / 23 / 36 |
| layer4 | 512c x 7 x 7 | 2 / 3 / 3 / 3 / 3 |
| average pooling, dense | 1000 | |

Differences from the paper: those of torchvision, whose weights fit. A bottleneck halves the image in its 3x3
convolution ("v1.5") and not in the first 1x1, which passes over three of four pixels (``stride_on_first=True`` is the
paper's). Where a block changes the shape, its shortcut is a 1x1 convolution with batch normalisation (the paper's
option B); in the paper's first comparison, with the plain networks, 18 and 34 have option A there, which has no
parameters. Weights start from He's normal distribution scaled by the outputs of a layer, not by its inputs.

Parameters: as torchvision 0.29.1 has them; those of the plain networks by hand from the paper's table (a plain
network is the residual one without the 1x1 convolutions of its shortcuts).

What to try next: ``resnet34`` against ``plain34``; ``zero_gamma=True``, with which every block starts as doing
nothing; ``norm="none"``; ``stem="cifar"`` to train on small images.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["BasicBlock", "Bottleneck", "ResNet", "projection", "stage_of"]

_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
_FIRST_OF_BOTTLENECKS = 50


class BasicBlock(nn.Module):
    """Two 3x3 convolutions; the input is added before the last activation.

    Args:
        in_channels: of its input.
        channels: of its output.
        stride: of the first convolution.
        shortcut: what the input passes on its way to the sum; None: nothing is added.
        activation: by name.
        norm: by name.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, channels, H / stride, W / stride), rounded up.
    """

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int,
        shortcut: nn.Module | None,
        activation: str = "relu",
        norm: str = "batch",
    ) -> None:
        super().__init__()
        self.channels = channels
        bias = norm == "none"

        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=bias)
        self.bn1 = normalize(norm, channels)
        self.act1 = activate(activation, channels, inplace=True)

        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=bias)
        self.bn2 = normalize(norm, channels)
        self.act2 = activate(activation, channels, inplace=True)

        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated sum; h and w are the size behind the stride."""
        identity = x

        x = self.conv1(x)  # channels, h, w
        x = self.bn1(x)
        x = self.act1(x)

        x = self.conv2(x)  # channels, h, w
        x = self.bn2(x)

        if self.downsample is not None:
            identity = self.downsample(identity)  # channels, h, w
            x += identity
        x = self.act2(x)
        return x


class Bottleneck(nn.Module):
    """A 1x1 convolution to few channels, a 3x3 among them, a 1x1 to four times as many; the input is added.

    Args:
        in_channels: of its input.
        channels: of the 3x3 convolution.
        stride: of the block.
        shortcut: what the input passes on its way to the sum; None: nothing is added.
        activation: by name.
        norm: by name.
        stride_on_first: whether the first 1x1 convolution has the stride (the paper) or the 3x3 (torchvision).

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, 4 * channels, H / stride, W / stride), rounded up.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int,
        shortcut: nn.Module | None,
        activation: str = "relu",
        norm: str = "batch",
        stride_on_first: bool = False,
    ) -> None:
        super().__init__()
        self.channels = channels
        strides = (stride, 1) if stride_on_first else (1, stride)
        bias = norm == "none"

        self.conv1 = nn.Conv2d(in_channels, channels, 1, strides[0], bias=bias)
        self.bn1 = normalize(norm, channels)
        self.act1 = activate(activation, channels, inplace=True)

        self.conv2 = nn.Conv2d(channels, channels, 3, strides[1], 1, bias=bias)
        self.bn2 = normalize(norm, channels)
        self.act2 = activate(activation, channels, inplace=True)

        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=bias)
        self.bn3 = normalize(norm, 4 * channels)
        self.act3 = activate(activation, 4 * channels, inplace=True)

        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated sum; h and w are the size behind the stride."""
        identity = x

        x = self.conv1(x)  # channels, H, W
        x = self.bn1(x)
        x = self.act1(x)

        x = self.conv2(x)  # channels, h, w
        x = self.bn2(x)
        x = self.act2(x)

        x = self.conv3(x)  # 4*channels, h, w
        x = self.bn3(x)

        if self.downsample is not None:
            identity = self.downsample(identity)  # 4*channels, h, w
            x += identity
        x = self.act3(x)
        return x


def projection(in_channels: int, out_channels: int, stride: int, norm: str = "batch") -> nn.Sequential:
    """Return the shortcut that changes the shape (option B): a 1x1 convolution, normalised."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=norm == "none"),
        normalize(norm, out_channels),
    )


def stage_of(
    block: Callable[..., nn.Module],
    channels: Sequence[int],
    blocks: int,
    stride: int,
    shortcut: Callable[[int, int, int], nn.Module] | None,
) -> nn.Sequential:
    """Return so many blocks in a row, the first of which changes the shape.

    Args:
        block: called with the channels before and inside, the stride and the shortcut.
        channels: before the stage, inside its blocks, and after them.
        blocks: how many.
        stride: of the first.
        shortcut: called with the channels before and after, and the stride, where these differ; None: no shortcuts.
    """
    before, inside, after = channels
    stage = nn.Sequential()
    for _ in range(blocks):
        way: nn.Module | None = None
        if shortcut is not None:
            way = nn.Identity() if (before, stride) == (after, 1) else shortcut(before, after, stride)
        stage.append(block(before, inside, stride, way))
        before, stride = after, 1
    return stage


class ResNet(nn.Module):
    """A stem, four stages of blocks, global average pooling and a dense layer.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channel counts.
        depth: 18, 34, 50, 101 or 152.
        activation: of every activation, by name.
        norm: ``batch``, ``group``, ``layer`` or ``none``.
        skip: whether blocks have their input added; False: the paper's plain network.
        dropout: rate before the dense layer (the paper has none).
        stem: ``imagenet``, or ``cifar``: a 3x3 convolution without stride and no pooling, for small images.
        stride_on_first: whether a bottleneck's first 1x1 convolution has its stride, as in the paper.
        zero_gamma: whether the last normalisation of each block starts from zero.

    Input shape:
        (N, in_channels, H, W), any H and W.

    Output shape:
        (N, num_classes), logits.

    Raises:
        ValueError: a knob out of range, or two that exclude each other.
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
        stride_on_first: bool = False,
        zero_gamma: bool = False,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("depth", depth, tuple(_BLOCKS))
        check_choice("stem", stem, STEMS)
        check_fraction("dropout", dropout)
        for knob, value in (("skip", skip), ("stride_on_first", stride_on_first), ("zero_gamma", zero_gamma)):
            check_choice(knob, value, (True, False))
        if stride_on_first and depth < _FIRST_OF_BOTTLENECKS:
            raise ValueError(f"stride_on_first=True needs bottlenecks: depth 50, 101 or 152, not {depth}")
        if zero_gamma and not (skip and norm != "none"):
            raise ValueError(f"zero_gamma=True needs skip=True and a norm, not skip={skip} and norm={norm!r}")
        self.num_classes = num_classes
        self.expansion = Bottleneck.expansion if depth >= _FIRST_OF_BOTTLENECKS else BasicBlock.expansion
        channels = scaled(64, width)

        if stem == "imagenet":
            self.conv1 = nn.Conv2d(in_channels, channels, 7, 2, 3, bias=norm == "none")
        else:
            self.conv1 = nn.Conv2d(in_channels, channels, 3, 1, 1, bias=norm == "none")
        self.bn1 = normalize(norm, channels)
        self.act1 = activate(activation, channels, inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if stem == "imagenet" else nn.Identity()

        block: Callable[..., nn.Module] = functools.partial(BasicBlock, activation=activation, norm=norm)
        if self.expansion > 1:
            block = functools.partial(Bottleneck, activation=activation, norm=norm, stride_on_first=stride_on_first)
        shortcut = functools.partial(projection, norm=norm) if skip else None
        inside = [scaled(units, width) for units in (64, 128, 256, 512)]
        after = [self.expansion * units for units in inside]
        blocks = _BLOCKS[depth]
        self.layer1 = stage_of(block, (channels, inside[0], after[0]), blocks[0], 1, shortcut)
        self.layer2 = stage_of(block, (after[0], inside[1], after[1]), blocks[1], 2, shortcut)
        self.layer3 = stage_of(block, (after[1], inside[2], after[2]), blocks[2], 2, shortcut)
        self.layer4 = stage_of(block, (after[2], inside[3], after[3]), blocks[3], 2, shortcut)

        self.avgpool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.fc = nn.Linear(after[3], num_classes)

        he_normal(self, mode="fan_out")
        if zero_gamma:
            for part in self.modules():
                if isinstance(part, (BasicBlock, Bottleneck)):
                    last = "bn3.weight" if isinstance(part, Bottleneck) else "bn2.weight"
                    nn.init.zeros_(part.get_parameter(last))

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

        x = self.avgpool(x)  # 512*expansion
        x = self.dropout(x)
        x = self.fc(x)  # num_classes
        return x


_SOURCE = "K. He, X. Zhang, S. Ren, J. Sun, Deep Residual Learning for Image Recognition, CVPR 2016"
_IDEA = "each block learns what to add to its input, so that depth no longer hinders training"
_PLAIN_IDEA = "the control of ResNet: the same convolutions without shortcuts, harder to train the deeper it is"
_SHORTCUTS = (
    "torchvision's: shortcuts that change the shape are 1x1 convolutions (the paper tries padding with zeros too)"
)
_STRIDE = "torchvision's: the 3x3 convolution has the stride, not the first 1x1 (stride_on_first=True is the paper's)"

for _name, _parameters, _macs, _parent, _idea, _deviations in (
    ("resnet18", 11_689_512, 1_814_073_344, "plain18", _IDEA, _SHORTCUTS),
    ("resnet34", 21_797_672, 3_663_761_408, "plain34", _IDEA, _SHORTCUTS),
    ("resnet50", 25_557_032, 4_089_184_256, "resnet34", _IDEA, _STRIDE),
    ("resnet101", 44_549_160, 7_801_405_440, "resnet50", _IDEA, _STRIDE),
    ("resnet152", 60_192_808, 11_513_626_624, "resnet101", _IDEA, _STRIDE),
    ("plain18", 11_515_688, 1_794_805_760, "vgg19", _PLAIN_IDEA, "none known"),
    ("plain34", 21_623_848, 3_644_493_824, "vgg19", _PLAIN_IDEA, "none known"),
):
    _kind, _depth = ("ResNet", int(_name[6:])) if _name.startswith("resnet") else ("Plain", int(_name[5:]))
    register(
        ModelInfo(
            name=_name,
            title=f"{_kind}-{_depth}",
            family="resnet",
            year=2015,
            source=_SOURCE,
            input_shape=(3, 224, 224),
            smallest_input=1,
            parameters=_parameters,
            macs=_macs,
            idea=_idea,
            deviations=_deviations,
            parent=_parent,
            head="fc",
        )
    )(functools.partial(ResNet, depth=_depth, skip=_kind == "ResNet"))
