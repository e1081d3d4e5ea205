"""Inception v3: large kernels factorised into small and into flat ones.

Christian Szegedy and four others, *Rethinking the Inception Architecture for Computer Vision*, CVPR 2016.

The idea: GoogLeNet's modules can see more for less when their kernels are taken apart: 5x5 into two 3x3, 7x7 into 1x7
and 7x1 after one another, and on the smallest maps 3x3 into 1x3 and 3x1 side by side. The image shrinks in modules
that stride and pool side by side, so that nothing is lost in one narrow layer. Three kinds of module follow, one for
each size of map: 35 x 35, 17 x 17 and 8 x 8.

| stage | output | parameters |
| --- | --- | --- |
| convolution 3x3/2 | 32 x 149 x 149 | 928 |
| convolution 3x3 | 32 x 147 x 147 | 9,280 |
| convolution 3x3, padded | 64 x 147 x 147 | 18,560 |
| max pooling 3x3/2 | 64 x 73 x 73 | |
| convolution 1x1 | 80 x 73 x 73 | 5,280 |
| convolution 3x3 | 192 x 71 x 71 | 138,624 |
| max pooling 3x3/2 | 192 x 35 x 35 | |
| Mixed 5b - 5d: 5x5 and two 3x3 | 288 x 35 x 35 | 818,528 |
| Mixed 6a: to half the size | 768 x 17 x 17 | 1,153,280 |
| Mixed 6b - 6e: 1x7 and 7x1 | 768 x 17 x 17 | 6,821,376 |
| Mixed 7a: to half the size | 1280 x 8 x 8 | 1,698,304 |
| Mixed 7b, 7c: 1x3 and 3x1 | 2048 x 8 x 8 | 11,121,408 |
| average, dropout, dense | 1000 | 2,049,000 |
| auxiliary head, on 6e | 1000 | 3,326,696 |

Differences from the paper (they are those of the authors' later program, from which torchvision's weights come):

- The paper's table 1 shows another stem (three convolutions in place of the 1x1 and 3x3 to 192 channels) and does not
  print the channels inside its modules; these are the program's.
- The modules on 35 x 35 keep one 5x5 kernel; the paper takes both apart. 6a has no 1x1 before its plain 3x3.
- Dropout is 0.5, torchvision's; the program has 0.2. Weights start from a normal distribution of deviation 0.1;
  in the auxiliary head's 5x5 convolution 0.01 (torchvision means that, and draws with 0.1), in its dense layer 0.001.
- Below 299 x 299, where the auxiliary head's pooling 5x5/3 and 5x5 kernel do not fit, it averages to 5 x 5 instead.

Parameters: 23,834,568, and 3,326,696 in the auxiliary head (torchvision's).

There is no small member here: of 32 x 32 the stem leaves one place, before the first module has looked. The small
network of this idea is ``googlenet_cifar``.

What to try next: ``auxiliary=False`` (the paper found that the head helps only near the end of training);
``norm="none"``; ``width=0.5``; ``googlenet`` at the same number of multiplications.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.convolution_unit import ConvolutionUnit
from layerlab.zoo.inception_modules import Module8, Module17, Module35, To8, To17
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import check_choice, check_counts, check_fraction, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["AuxiliaryHead", "InceptionV3", "InceptionV3Output"]


class AuxiliaryHead(nn.Module):
    """A classifier on the last map of 17 x 17, for training only.

    Args:
        in_channels: channels of the map.
        num_classes: width of the output.
        width: factor on its 128 and 768 channels.
        activation: after every convolution, by name.
        norm: after every convolution, by name.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, num_classes), logits.

    Raises:
        ValueError: a knob out of range.
    """

    def __init__(self, in_channels: int, num_classes: int, width: float, activation: str, norm: str) -> None:
        super().__init__()
        reduced, last = scaled(128, width), scaled(768, width)
        unit = partial(ConvolutionUnit, activation=activation, norm=norm)
        self.conv0 = unit(in_channels, reduced)
        self.conv1 = unit(reduced, last, 5, padding=0)
        self.average = GlobalAveragePool2d()
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        fits = min(x.shape[2:]) >= 17  # else the 5x5 kernel would not find 5 x 5 places
        x = avg_pool2d(x, 5, stride=3) if fits else adaptive_avg_pool2d(x, 5)  # 768, 5, 5
        x = self.conv0(x)  # 128, 5, 5
        x = self.conv1(x)  # 768, 1, 1
        x = self.average(x)  # 768
        x = self.fc(x)  # K: one for each class
        return x


class InceptionV3Output(NamedTuple):
    """What the network returns in training when it has its auxiliary head."""

    logits: Tensor
    auxiliary: Tensor


class InceptionV3(nn.Module):
    """A plain stem, eleven modules on three sizes of map, and a dense layer on the average.

    The names of its parts are those of the authors' program, as in torchvision.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channels.
        activation: after every convolution, by name.
        norm: after every convolution: ``batch``, ``group``, ``layer`` or ``none``.
        dropout: rate before the classifier.
        auxiliary: whether there is an auxiliary head in training.

    Input shape:
        (N, in_channels, H, W), H and W at least 75.

    Output shape:
        (N, num_classes), logits; in training with the auxiliary head an :class:`InceptionV3Output` of two such.

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
        dropout: float = 0.5,
        auxiliary: bool = True,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_fraction("dropout", dropout)
        check_choice("auxiliary", auxiliary, (True, False))
        w = partial(scaled, width=width)
        unit = partial(ConvolutionUnit, activation=activation, norm=norm)
        knobs = (width, activation, norm)

        self.Conv2d_1a_3x3 = unit(in_channels, w(32), 3, stride=2, padding=0)
        self.Conv2d_2a_3x3 = unit(w(32), w(32), 3, padding=0)
        self.Conv2d_2b_3x3 = unit(w(32), w(64), 3)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = unit(w(64), w(80))
        self.Conv2d_4a_3x3 = unit(w(80), w(192), 3, padding=0)
        self.maxpool2 = nn.MaxPool2d(3, 2)

        self.Mixed_5b = Module35(w(192), 32, *knobs)
        self.Mixed_5c = Module35(self.Mixed_5b.out_channels, 64, *knobs)
        self.Mixed_5d = Module35(self.Mixed_5c.out_channels, 64, *knobs)

        self.Mixed_6a = To17(self.Mixed_5d.out_channels, *knobs)
        self.Mixed_6b = Module17(self.Mixed_6a.out_channels, 128, *knobs)
        self.Mixed_6c = Module17(self.Mixed_6b.out_channels, 160, *knobs)
        self.Mixed_6d = Module17(self.Mixed_6c.out_channels, 160, *knobs)
        self.Mixed_6e = Module17(self.Mixed_6d.out_channels, 192, *knobs)

        self.AuxLogits = AuxiliaryHead(self.Mixed_6e.out_channels, num_classes, *knobs) if auxiliary else None

        self.Mixed_7a = To8(self.Mixed_6e.out_channels, *knobs)
        self.Mixed_7b = Module8(self.Mixed_7a.out_channels, *knobs)
        self.Mixed_7c = Module8(self.Mixed_7b.out_channels, *knobs)

        self.avgpool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.Mixed_7c.out_channels, num_classes)

        if norm == "none":  # a deviation of 0.1 counts on the norms
            he_normal(self, mode="fan_in")
            return
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                # torchvision cuts this distribution at 2, which is 20 standard deviations.
                nn.init.normal_(module.weight, std=0.1)
        if self.AuxLogits is not None:
            nn.init.normal_(self.AuxLogits.conv1.conv.weight, std=0.01)
            nn.init.normal_(self.AuxLogits.fc.weight, std=0.001)

    def forward(self, x: Tensor) -> Tensor | InceptionV3Output:
        """Return logits, in training with those of the auxiliary head."""
        x = self.Conv2d_1a_3x3(x)  # 32, 149, 149
        x = self.Conv2d_2a_3x3(x)  # 32, 147, 147
        x = self.Conv2d_2b_3x3(x)  # 64, 147, 147
        x = self.maxpool1(x)  # 64, 73, 73
        x = self.Conv2d_3b_1x1(x)  # 80, 73, 73
        x = self.Conv2d_4a_3x3(x)  # 192, 71, 71
        x = self.maxpool2(x)  # 192, 35, 35

        x = self.Mixed_5b(x)  # 256, 35, 35
        x = self.Mixed_5c(x)  # 288, 35, 35
        x = self.Mixed_5d(x)  # 288, 35, 35

        x = self.Mixed_6a(x)  # 768, 17, 17
        x = self.Mixed_6b(x)  # 768, 17, 17
        x = self.Mixed_6c(x)  # 768, 17, 17
        x = self.Mixed_6d(x)  # 768, 17, 17
        x = self.Mixed_6e(x)  # 768, 17, 17
        auxiliary = self.AuxLogits(x) if self.training and self.AuxLogits is not None else None

        x = self.Mixed_7a(x)  # 1280, 8, 8
        x = self.Mixed_7b(x)  # 2048, 8, 8
        x = self.Mixed_7c(x)  # 2048, 8, 8

        x = self.avgpool(x)  # 2048
        x = self.dropout(x)
        x = self.fc(x)  # K: one for each class
        return x if auxiliary is None else InceptionV3Output(x, auxiliary)


register(
    ModelInfo(
        name="inception_v3",
        title="Inception v3",
        family="inception",
        year=2015,
        source="C. Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016",
        input_shape=(3, 299, 299),
        smallest_input=75,
        parameters=23_834_568,
        auxiliary_parameters=3_326_696,
        macs=5_713_216_096,
        idea="large kernels taken apart: 5x5 into two 3x3, 7x7 into 1x7 and 7x1, 3x3 into 1x3 and 3x1",
        deviations="the stem and channels of the authors' later program, from which torchvision's weights come",
        parent="googlenet",
        head="fc",
        auxiliary_heads=("AuxLogits.fc",),
    )
)(InceptionV3)
