"""ResNet for images of 32 x 32: as deep as one likes, and small enough to try what depth does.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016 (written
in 2015), section 4.2. The paper's networks for photographs are in resnet.py.

The idea: on a task where 20 layers are enough, more layers should do no harm; without shortcuts they do, even to the
training error, and with shortcuts they help. Three stages of n blocks, each of two 3x3 convolutions, make 6n + 2
layers, so that n alone sets the depth. The shortcuts have no parameters, so that a network with them and one without
have the same weights to learn.

| stage | output | parameters of 20 layers (n = 3) |
| --- | --- | --- |
| convolution 3x3, batch normalisation | 16 x 32 x 32 | 464 |
| layer1, n blocks | 16 x 32 x 32 | 14,016 |
| layer2, n blocks, the first halves the image | 32 x 16 x 16 | 51,072 |
| layer3, n blocks, the first halves the image | 64 x 8 x 8 | 203,520 |
| average pooling, dense 10 | 10 | 650 |

Differences from the paper: none known. Where a block halves the image, its shortcut takes every second pixel and
has zeros in the new channels (option A); here they stand behind the old ones, where the paper does not say where they
are. Any other size of image is taken too.

Parameters: 269,722 (20 layers), 464,154 (32), 658,586 (44), 853,018 (56), 1,727,962 (110), by hand from the paper's
table; it prints 0.27, 0.46, 0.66, 0.85 and 1.7 million. The plain networks have as many.

What to try next: ``create("plain56")`` against ``resnet56`` (examples/degradation.py does it); ``depth=1202``, where
the paper found overfitting; ``shortcut="B"``; ``norm="none"``; ``width=4``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register
from layerlab.zoo.resnet import BasicBlock, projection, stage_of

__all__ = ["SHORTCUTS", "CifarResNet", "SubsampleAndPad", "blocks_of", "shortcut_maker"]

SHORTCUTS = ("A", "B")


class SubsampleAndPad(nn.Module):
    """The shortcut without parameters (option A): every ``stride``-th pixel, and zeros for the new channels.

    Args:
        in_channels: of its input.
        out_channels: of its output, not fewer.
        stride: between the pixels that are kept.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, H / stride, W / stride), rounded up.

    Raises:
        ValueError: fewer channels after than before.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        if out_channels < in_channels:
            raise ValueError(f"out_channels must be at least in_channels ({in_channels}), not {out_channels!r}")
        self.in_channels, self.out_channels, self.stride = in_channels, out_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return the pixels that are kept, with the new channels behind the old ones; h and w are its size."""
        x = x[:, :, :: self.stride, :: self.stride]  # in_channels, h, w
        x = F.pad(x, (0, 0, 0, 0, 0, self.out_channels - self.in_channels))  # out_channels, h, w
        return x

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}"


def shortcut_maker(option: str, norm: str) -> Callable[[int, int, int], nn.Module]:
    """Return what makes the shortcut of a block that changes the shape: of option A or B of the paper.

    Raises:
        ValueError: another option.
    """
    check_choice("shortcut", option, SHORTCUTS)
    return SubsampleAndPad if option == "A" else functools.partial(projection, norm=norm)


def blocks_of(depth: int, layers: int) -> int:
    """Return the n of a network of three times n blocks, ``3 * layers * n + 2`` layers deep.

    Raises:
        ValueError: there is no such n.
    """
    check_counts(depth=depth)
    step = 3 * layers
    if depth < step + 2 or depth % step != 2:
        nearest = max(round((depth - 2) / step), 1) * step + 2
        raise ValueError(f"depth must be {step}n + 2, not {depth}; the nearest that is: {nearest}")
    return (depth - 2) // step


class CifarResNet(nn.Module):
    """A 3x3 convolution, three stages of n blocks, global average pooling and a dense layer.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channel counts.
        depth: any 6n + 2.
        activation: of every activation, by name.
        norm: ``batch``, ``group``, ``layer`` or ``none``.
        skip: whether blocks have their input added; False: the paper's plain network.
        dropout: rate before the dense layer (the paper has none).
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
        shortcut: str = "A",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("skip", skip, (True, False))
        check_fraction("dropout", dropout)
        blocks = blocks_of(depth, 2)
        make = shortcut_maker(shortcut, norm)
        way = make if skip else None
        block = functools.partial(BasicBlock, activation=activation, norm=norm)
        self.num_classes = num_classes
        first, second, third = (scaled(units, width) for units in (16, 32, 64))

        self.conv1 = nn.Conv2d(in_channels, first, 3, 1, 1, bias=norm == "none")
        self.bn1 = normalize(norm, first)
        self.act1 = activate(activation, first, inplace=True)

        self.layer1 = stage_of(block, (first, first, first), blocks, 1, way)
        self.layer2 = stage_of(block, (first, second, second), blocks, 2, way)
        self.layer3 = stage_of(block, (second, third, third), blocks, 2, way)

        self.avgpool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.fc = nn.Linear(third, num_classes)

        he_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.conv1(x)  # 16, 32, 32
        x = self.bn1(x)
        x = self.act1(x)

        x = self.layer1(x)  # 16, 32, 32
        x = self.layer2(x)  # 32, 16, 16
        x = self.layer3(x)  # 64, 8, 8

        x = self.avgpool(x)  # 64
        x = self.dropout(x)
        x = self.fc(x)  # num_classes
        return x


_SOURCE = "K. He, X. Zhang, S. Ren, J. Sun, Deep Residual Learning for Image Recognition, CVPR 2016"
_IDEA = "ResNet for small images: n sets the depth of 6n + 2 layers, and no shortcut has a parameter"
_PLAIN_IDEA = "the control: the weights of the ResNet of its depth without shortcuts, harder to train the deeper it is"

for _depth, _parameters, _macs in (
    (20, 269_722, 40_551_040),
    (32, 464_154, 68_862_592),
    (44, 658_586, 97_174_144),
    (56, 853_018, 125_485_696),
    (110, 1_727_962, 252_887_680),
):
    for _name, _skip in (("resnet", True), ("plain", False)):
        if not _skip and _depth > 56:
            continue  # the paper could not train it
        register(
            ModelInfo(
                name=f"{_name}{_depth}",
                title=f"{'ResNet' if _skip else 'Plain'}-{_depth} (32 x 32)",
                family="resnet_cifar",
                year=2015,
                source=_SOURCE,
                input_shape=(3, 32, 32),
                smallest_input=1,
                parameters=_parameters,
                macs=_macs,
                idea=_IDEA if _skip else _PLAIN_IDEA,
                deviations="none known",
                parent=("resnet18" if _depth > 56 else f"plain{_depth}") if _skip else "plain18",
                head="fc",
            )
        )(functools.partial(CifarResNet, depth=_depth, skip=_skip))
