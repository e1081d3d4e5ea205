"""GoogLeNet, the first Inception network: every module looks with several sizes of kernel at once.

Christian Szegedy and eight others, *Going Deeper with Convolutions*, CVPR 2015 (Inception version 1).

The idea: how large a kernel ought to be is left to learning, by giving each module 1x1, 3x3 and 5x5 convolutions and
a pooling side by side and concatenating what they find. A 1x1 convolution before each costly kernel reduces the
channels first, which is what makes 22 layers affordable. Two auxiliary classifiers halfway send gradient into the
lower layers while it trains, and are dropped afterwards.

| stage | output | ours (as torchvision's) | the paper's |
| --- | --- | --- | --- |
| convolution 7x7/2 | 64 x 112 x 112 | 9,536 | 9,472 |
| max pooling 3x3/2 | 64 x 56 x 56 | | and response normalisation |
| convolutions 1x1, 3x3 | 192 x 56 x 56 | 115,200 | 114,944 |
| max pooling 3x3/2 | 192 x 28 x 28 | | response normalisation first |
| inception 3a, 3b | 480 x 28 x 28 | 496,096 | 552,432 |
| max pooling 3x3/2 | 480 x 14 x 14 | | |
| inception 4a - 4e | 832 x 14 x 14 | 2,653,088 | 2,809,168 |
| max pooling | 832 x 7 x 7 | 2x2/2 | 3x3/2 |
| inception 5a, 5b | 1024 x 7 x 7 | 2,325,984 | 2,487,536 |
| average, dropout, dense | 1000 | 1,025,000 | 1,025,000 |
| auxiliary heads, behind 4a and 4d | 1000 | 6,379,984 | 6,379,728 |

Differences from the paper, ``googlenet`` (torchvision's weights fit it):

- The kernels of the "5x5" branch are 3x3: a mistake in torchvision, which its published weights have made final.
- Batch normalisation (epsilon 1e-3) follows each convolution, which has no bias; there is no response normalisation.
- The fourth pooling is 2x2 and not 3x3; dropout is 0.2 and not 0.4.
- The auxiliary heads average to 4 x 4 whatever the size, where the paper pools 5x5 with stride 3.

Differences from the paper, ``googlenet_paper``: the paper prints neither the constants of the response normalisation
(AlexNet's are taken: k = 2, n = 5, alpha = 1e-4, beta = 0.75) nor where weights start (He's normal distribution). An
auxiliary head averages to 4 x 4 where the paper's pooling would not give that: at 224 x 224 it does. Any ``norm`` but
``none`` takes the place of the response normalisation.

``googlenet_cifar`` is not in the paper: an eighth of the channels, a stem without strides and pooling, no auxiliary
heads. The stem of both others is that with ``stem="cifar"``.

Parameters: 6,624,904 and 6,379,984 in the auxiliary heads (torchvision's), 6,998,552 and 6,379,728 (by hand, from the
channels of the paper's table). The paper's own column of parameters does not quite follow from its channels: see
:data:`TABLE_1`.

What to try next: ``googlenet`` with ``published=True``: the 5x5 kernels with batch normalisation. ``auxiliary=False``:
do the heads still help with it? ``norm="none"``: what did it bring? Then ``inception_v3``, which factorises kernels.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.convolution_unit import ConvolutionUnit
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["TABLE_1", "AuxiliaryHead", "GoogLeNet", "GoogLeNetOutput", "Inception", "Row"]


class Row(NamedTuple):
    """A row of the paper's table 1 that has weights."""

    module: str
    output: tuple[int, int, int]
    """Channels, height, width."""
    widths: tuple[int, ...]
    """1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; pool projection."""
    parameters: float
    """In units of 1024, as printed."""
    operations: int
    """Multiplications and additions in millions, as printed."""


TABLE_1 = (
    Row("convolution", (64, 112, 112), (), 2.7, 34),
    Row("convolution 3x3", (192, 56, 56), (), 112, 360),
    Row("3a", (256, 28, 28), (64, 96, 128, 16, 32, 32), 159, 128),
    Row("3b", (480, 28, 28), (128, 128, 192, 32, 96, 64), 380, 304),
    Row("4a", (512, 14, 14), (192, 96, 208, 16, 48, 64), 364, 73),
    Row("4b", (512, 14, 14), (160, 112, 224, 24, 64, 64), 437, 88),
    Row("4c", (512, 14, 14), (128, 128, 256, 24, 64, 64), 463, 100),
    Row("4d", (528, 14, 14), (112, 144, 288, 32, 64, 64), 580, 119),
    Row("4e", (832, 14, 14), (256, 160, 320, 32, 128, 128), 840, 170),
    Row("5a", (832, 7, 7), (256, 160, 320, 32, 128, 128), 1072, 54),
    Row("5b", (1024, 7, 7), (384, 192, 384, 48, 128, 128), 1388, 71),
    Row("linear", (1000, 1, 1), (), 1000, 1),
)
"""The paper's table 1. Its channels are the network; its figures are those of the authors' program, which multiplied
differently in places: by the channels the first convolution has 9,408 weights, and 5a has 1018 K and 51 M."""

_WIDTHS = {row.module: row.widths for row in TABLE_1}


class Inception(nn.Module):
    """Four branches side by side, concatenated: 1x1; 1x1, 3x3; 1x1, 5x5; pooling, 1x1.

    Args:
        in_channels: channels of the input.
        widths: as in :class:`Row`.
        large_kernel: of the third branch: 5 in the paper, 3 in torchvision.
        activation: by name.
        norm: after each convolution.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, H, W), the sum of 1x1, 3x3, 5x5 and pool projection.

    Raises:
        ValueError: an unknown norm.
    """

    def __init__(
        self, in_channels: int, widths: tuple[int, ...], large_kernel: int, activation: str, norm: str
    ) -> None:
        super().__init__()
        ones, reduce3, threes, reduce5, fives, projected = widths
        self.ones, self.threes, self.fives, self.projected = ones, threes, fives, projected
        self.out_channels = ones + threes + fives + projected

        unit = partial(ConvolutionUnit, activation=activation, norm=norm)
        self.branch1 = unit(in_channels, ones)
        self.branch2 = nn.Sequential(unit(in_channels, reduce3), unit(reduce3, threes, 3))
        self.branch3 = nn.Sequential(unit(in_channels, reduce5), unit(reduce5, fives, large_kernel))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), unit(in_channels, projected))

    def forward(self, x: Tensor) -> Tensor:
        """Return the four answers behind one another."""
        one = self.branch1(x)  # ones, H, W
        three = self.branch2(x)  # threes, H, W
        five = self.branch3(x)  # fives, H, W
        pooled = self.branch4(x)  # projected, H, W
        x = torch.cat([one, three, five, pooled], 1)  # out_channels, H, W
        return x


class AuxiliaryHead(nn.Module):
    """A classifier on a map halfway, for training only.

    Args:
        in_channels: channels of the map.
        num_classes: width of the output.
        width: factor on the 128 channels and the 1024 of the dense layer.
        published: pool 5x5 with stride 3, as in the paper, where that gives 4 x 4; else average to 4 x 4.
        activation: by name.
        norm: after the convolution.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, num_classes), logits.

    Raises:
        ValueError: an unknown norm.
    """

    def __init__(
        self, in_channels: int, num_classes: int, width: float, published: bool, activation: str, norm: str
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.published = published
        self.reduced, hidden = scaled(128, width), scaled(1024, width)
        self.conv = ConvolutionUnit(in_channels, self.reduced, activation=activation, norm=norm)
        self.fc1 = nn.Linear(self.reduced * 16, hidden)
        self.activation = activate(activation, hidden, inplace=True, dims=0)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        as_published = self.published and all(14 <= side <= 16 for side in x.shape[2:])
        pool = functional.avg_pool2d(x, 5, 3) if as_published else functional.adaptive_avg_pool2d(x, 4)
        x = pool  # in_channels, 4, 4
        x = self.conv(x)  # reduced, 4, 4

        x = torch.flatten(x, 1)  # 16*reduced
        x = self.dropout(self.activation(self.fc1(x)))  # hidden: 1024
        x = self.fc2(x)  # K: one for each class
        return x


class GoogLeNetOutput(NamedTuple):
    """What the network returns in training when it has auxiliary heads; torchvision's order."""

    logits: Tensor
    aux2: Tensor
    aux1: Tensor


class GoogLeNet(nn.Module):
    """A stem, nine inception modules and a dense layer on the average.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channels, and on the 1024 of the auxiliary heads.
        activation: of every convolution and the hidden dense layers, by name.
        norm: after each convolution: ``batch``, ``group``, ``layer`` or ``none``.
        dropout: rate before the classifier; that of the auxiliary heads stays 0.7.
        auxiliary: whether there are two auxiliary heads in training.
        stem: ``imagenet``, or ``cifar``: the first convolution is 3x3 and neither it nor the stem's pooling strides.
        published: the paper's kernels and poolings, and response normalisation where ``norm`` is ``none``; else
            torchvision's.

    Input shape:
        (N, in_channels, H, W), H and W at least 15 (31 as published); 2 (4) with the small stem.

    Output shape:
        (N, num_classes), logits; in training with auxiliary heads a :class:`GoogLeNetOutput` of three such.

    Raises:
        ValueError: a knob out of range.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        width: float = 1.0,
        activation: str = "relu",
        norm: str = "batch",
        dropout: float = 0.2,
        auxiliary: bool = True,
        stem: str = "imagenet",
        published: bool = False,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_fraction("dropout", dropout)
        check_choice("auxiliary", auxiliary, (True, False))
        check_choice("published", published, (True, False))
        check_choice("stem", stem, STEMS)
        small = stem == "cifar"

        unit = partial(ConvolutionUnit, activation=activation, norm=norm)

        def respond() -> nn.Module:
            # PyTorch divides alpha by the 5 channels of the window; the paper's formula does not.
            plain = published and norm == "none"
            return nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0) if plain else nn.Identity()

        def pool() -> nn.Module:
            return nn.Identity() if small else nn.MaxPool2d(3, 2, ceil_mode=True)

        def inception(inputs: int, module: str) -> Inception:
            widths = tuple(scaled(channels, width) for channels in _WIDTHS[module])
            return Inception(inputs, widths, 5 if published else 3, activation, norm)

        def head(inputs: int) -> AuxiliaryHead | None:
            return AuxiliaryHead(inputs, num_classes, width, published, activation, norm) if auxiliary else None

        first, third = scaled(64, width), scaled(192, width)
        self.conv1 = unit(in_channels, first, 3) if small else unit(in_channels, first, 7, stride=2)
        self.maxpool1 = pool()
        self.norm1 = respond()
        self.conv2 = unit(first, first)
        self.conv3 = unit(first, third, 3)
        self.norm2 = respond()
        self.maxpool2 = pool()

        self.inception3a = inception(third, "3a")
        self.inception3b = inception(self.inception3a.out_channels, "3b")
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)

        self.inception4a = inception(self.inception3b.out_channels, "4a")
        self.inception4b = inception(self.inception4a.out_channels, "4b")
        self.inception4c = inception(self.inception4b.out_channels, "4c")
        self.inception4d = inception(self.inception4c.out_channels, "4d")
        self.inception4e = inception(self.inception4d.out_channels, "4e")
        self.maxpool4 = nn.MaxPool2d(3 if published else 2, 2, ceil_mode=True)

        self.inception5a = inception(self.inception4e.out_channels, "5a")
        self.inception5b = inception(self.inception5a.out_channels, "5b")

        self.aux1 = head(self.inception4a.out_channels)
        self.aux2 = head(self.inception4d.out_channels)

        self.avgpool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.inception5b.out_channels, num_classes)

        if norm == "none":
            he_normal(self, mode="fan_in")
            return
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                # torchvision cuts this distribution at 2, which is 200 standard deviations.
                nn.init.normal_(module.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutput:
        """Return logits, in training with those of the auxiliary heads. Numbers in words: at 224 and width 1."""
        x = self.conv1(x)  # C, H1, W1: 64, 112, 112
        x = self.norm1(self.maxpool1(x))  # C, H2, W2: 64, 56, 56

        x = self.conv2(x)  # C, H2, W2: 64, 56, 56
        x = self.conv3(x)  # 3*C, H2, W2: 192, 56, 56
        x = self.maxpool2(self.norm2(x))  # 3*C, H, W: 192, 28, 28

        x = self.inception3a(x)  # 4*C, H, W: 256, 28, 28
        x = self.inception3b(x)  # 15*C/2, H, W: 480, 28, 28
        x = self.maxpool3(x)  # 15*C/2, H/2, W/2: 480, 14, 14

        x = self.inception4a(x)  # 8*C, H/2, W/2: 512, 14, 14
        aux1 = self.aux1(x) if self.training and self.aux1 is not None else None
        x = self.inception4b(x)  # 8*C, H/2, W/2: 512, 14, 14
        x = self.inception4c(x)  # 8*C, H/2, W/2: 512, 14, 14
        x = self.inception4d(x)  # 33*C/4, H/2, W/2: 528, 14, 14
        aux2 = self.aux2(x) if self.training and self.aux2 is not None else None
        x = self.inception4e(x)  # 13*C, H/2, W/2: 832, 14, 14
        x = self.maxpool4(x)  # 13*C, H/4, W/4: 832, 7, 7

        x = self.inception5a(x)  # 13*C, H/4, W/4: 832, 7, 7
        x = self.inception5b(x)  # 16*C, H/4, W/4: 1024, 7, 7

        x = self.avgpool(x)  # 16*C: 1024
        x = self.dropout(x)
        x = self.fc(x)  # K: one for each class
        return x if aux1 is None or aux2 is None else GoogLeNetOutput(x, aux2, aux1)


_SOURCE = "C. Szegedy et al., Going Deeper with Convolutions, CVPR 2015"

register(
    ModelInfo(
        name="googlenet",
        title="GoogLeNet (Inception v1) with batch normalisation",
        family="googlenet",
        year=2014,
        source=_SOURCE,
        input_shape=(3, 224, 224),
        smallest_input=15,
        parameters=6_624_904,
        auxiliary_parameters=6_379_984,
        macs=1_498_376_192,
        idea="1x1, 3x3 and 5x5 kernels and a pooling side by side; 1x1 convolutions make that affordable",
        deviations="torchvision's: 3x3 in place of 5x5 kernels, batch and no response normalisation, dropout 0.2",
        parent="googlenet_paper",
        head="fc",
        auxiliary_heads=("aux1.fc2", "aux2.fc2"),
    )
)(GoogLeNet)

register(
    ModelInfo(
        name="googlenet_paper",
        title="GoogLeNet (Inception v1) as published",
        family="googlenet",
        year=2014,
        source=_SOURCE,
        input_shape=(3, 224, 224),
        smallest_input=31,
        parameters=6_998_552,
        auxiliary_parameters=6_379_728,
        macs=1_582_671_872,
        idea="1x1, 3x3 and 5x5 kernels and a pooling side by side; 1x1 convolutions make that affordable",
        deviations="response normalisation with AlexNet's constants, weights from He's distribution: neither printed",
        parent="alexnet_2012",
        head="fc",
        auxiliary_heads=("aux1.fc2", "aux2.fc2"),
    )
)(partial(GoogLeNet, norm="none", dropout=0.4, published=True))

register(
    ModelInfo(
        name="googlenet_cifar",
        title="GoogLeNet for small images",
        family="googlenet",
        year=2014,
        source=_SOURCE,
        input_shape=(3, 32, 32),
        smallest_input=2,
        parameters=90_450,
        macs=22_867_200,
        idea="GoogLeNet's nine modules with an eighth of the channels: seconds on small images",
        deviations="not in the paper: width 0.125, a stem without strides and pooling, no auxiliary heads",
        parent="googlenet",
        head="fc",
    )
)(partial(GoogLeNet, num_classes=10, width=0.125, auxiliary=False, stem="cifar"))
