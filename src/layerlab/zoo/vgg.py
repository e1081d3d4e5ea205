"""VGG: nothing but 3x3 convolutions, and more of them.

Karen Simonyan, Andrew Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, ICLR 2015.

The idea: two 3x3 convolutions see as much of the image as one of 5x5, and three as much as one of 7x7, with fewer
weights and a nonlinearity after each. So a network can be made of one kind of layer only: stages of 3x3
convolutions, a pooling that halves the image after each stage, and twice the channels in the next. What is then
left to choose is the depth, and deeper was better up to 16 or 19 layers.

| stage | output | A (11) | B (13) | D (16) | E (19) |
| --- | --- | --- | --- | --- | --- |
| 1: 3x3 convolutions, max pooling 2x2 | 64 x 112 x 112 | 1 | 2 | 2 | 2 |
| 2: the same | 128 x 56 x 56 | 1 | 2 | 2 | 2 |
| 3: the same | 256 x 28 x 28 | 2 | 2 | 3 | 4 |
| 4: the same | 512 x 14 x 14 | 2 | 2 | 3 | 4 |
| 5: the same | 512 x 7 x 7 | 2 | 2 | 3 | 4 |
| dense, ReLU, dropout 0.5 | 4096 | | | | |
| dense, ReLU, dropout 0.5 | 4096 | | | | |
| dense | 1000 | | | | |
| parameters (convolutions; all) | | 9.2; 132.9 M | 9.4; 133.0 M | 14.7; 138.4 M | 20.0; 143.7 M |

Differences from the paper:

- Weights start from He's normal distribution (dense layers from a normal one of deviation 0.01). The paper draws
  from a normal one of variance 0.01 and starts the deep networks from trained layers of the 11-layer one.
- Images of other sizes are averaged to 7 x 7 before the dense layers; at 224 x 224 this changes nothing. The paper
  turns the dense layers into convolutions instead.
- The ``_bn`` members normalise each convolution's sums over the batch, which is younger than the paper. Their
  convolutions keep their biases, as torchvision's do.
- Configurations A-LRN and C (with 1x1 convolutions) are not offered.
- ``stem="cifar"`` is the field's network for small images, not the paper's: pooling rounds up, so that 28 x 28 goes
  28-14-7-4-2-1, and one dense layer takes the average of what is left.

Parameters: 132,863,336, 133,047,848, 138,357,544 and 143,667,240 (the paper's table 2 says 133, 133, 138 and 144
million), nine tenths of them in the dense layers; batch normalisation adds two a channel.

What to try next: ``depth`` at equal width, with ``norm="none"`` and ``"batch"``: how deep can a plain network be
before it stops learning? ``activation``; ``dropout=0``; then ``resnet18``, which adds the skips.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from itertools import chain

import torch
from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["CONFIGURATIONS", "VGG"]

CONFIGURATIONS = {
    11: ("A", ((64,), (128,), (256, 256), (512, 512), (512, 512))),
    13: ("B", ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512))),
    16: ("D", ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))),
    19: ("E", ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))),
}
"""The paper's table 1: for each depth its letter, and the channels of the 3x3 convolutions of the five stages."""

_HIDDEN = 4096
_CELLS = 7  # the side of the map that the dense layers take


class VGG(nn.Module):
    """Five stages of 3x3 convolutions and a classifier.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on the channels, and on the 4096 of the dense layers.
        depth: layers with weights: 11, 13, 16 or 19.
        activation: after each layer but the last, by name (see :func:`layerlab.layers.activation`).
        norm: after each convolution: ``batch``, ``group``, ``layer`` or ``none``.
        dropout: rate before the second and the last dense layer; with the small stem, before the only one.
        stem: ``imagenet``, or ``cifar`` for small images: pooling that rounds up, and one dense layer on the average.

    Input shape:
        (N, in_channels, H, W), H and W at least 32; with the small stem, any.

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
        depth: int = 16,
        activation: str = "relu",
        norm: str = "none",
        dropout: float = 0.5,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        check_choice("depth", depth, tuple(CONFIGURATIONS))
        check_fraction("dropout", dropout)
        check_choice("stem", stem, STEMS)
        small = stem == "cifar"

        layers: list[nn.Module] = []
        channels = in_channels
        for stage in CONFIGURATIONS[depth][1]:
            for units in stage:
                layers.append(nn.Conv2d(channels, channels := scaled(units, width), 3, padding=1))
                if norm != "none":
                    layers.append(normalize(norm, channels))
                layers.append(activate(activation, channels, inplace=True))
            layers.append(nn.MaxPool2d(2, ceil_mode=small))
        self.features = nn.Sequential(*layers)
        self.channels = channels

        self.cells = 1 if small else _CELLS
        self.avgpool = GlobalAveragePool2d(keepdim=True) if small else nn.AdaptiveAvgPool2d(self.cells)

        hidden = scaled(_HIDDEN, width)
        self.classifier = nn.Sequential(
            nn.Linear(channels * self.cells**2, hidden),
            activate(activation, hidden, inplace=True, dims=0),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            activate(activation, hidden, inplace=True, dims=0),
            nn.Dropout(dropout),
            nn.Linear(hidden, num_classes),
        )
        if small:  # the last two have the names that they have above, so that the head has one path
            last = {"5": nn.Dropout(dropout), "6": nn.Linear(channels, num_classes)}
            self.classifier = nn.Sequential(OrderedDict(last))

        he_normal(self)
        for module in self.classifier.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.features(x)  # channels, H, W: 512, 7, 7 for an image of 224

        x = self.avgpool(x)  # channels, cells, cells
        x = torch.flatten(x, 1)  # channels*cells**2

        x = self.classifier(x)  # K: one for each class
        return x


_SOURCE = "K. Simonyan, A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015"
_PARAMETERS = {11: 132_863_336, 13: 133_047_848, 16: 138_357_544, 19: 143_667_240}
_MACS = {11: 7_609_090_048, 13: 11_308_466_176, 16: 15_470_264_320, 19: 19_632_062_464}
_DEVIATIONS = "weights start from He's normal distribution; images of other sizes are averaged to 7 x 7"

for _depth, (_letter, _stages) in CONFIGURATIONS.items():
    for _norm in ("none", "batch"):
        _normed = _norm == "batch"
        register(
            ModelInfo(
                name=f"vgg{_depth}_bn" if _normed else f"vgg{_depth}",
                title=f"VGG-{_depth} with batch normalisation" if _normed else f"VGG-{_depth}",
                family="vgg",
                year=2014,
                source=_SOURCE,
                input_shape=(3, 224, 224),
                smallest_input=32,
                parameters=_PARAMETERS[_depth] + _normed * 2 * sum(chain(*_stages)),
                macs=_MACS[_depth],
                idea="nothing but 3x3 convolutions: two see as much as one 5x5, with fewer weights"
                if not _normed
                else "the same with batch normalisation, so that the deep ones learn from fresh weights",
                deviations=f"configuration {_letter}; {_DEVIATIONS}"
                + ("; batch normalisation is younger than the paper" if _normed else ""),
                parent=f"vgg{_depth}" if _normed else "alexnet_2012" if _depth == 11 else "vgg11",
                head="classifier.6",
            )
        )(partial(VGG, depth=_depth, norm=_norm))

register(
    ModelInfo(
        name="vgg11_cifar",
        title="VGG-11 for small images",
        family="vgg",
        year=2014,
        source=_SOURCE,
        input_shape=(3, 32, 32),
        smallest_input=1,
        parameters=579_786,
        macs=9_880_832,
        idea="a quarter of VGG-11's channels, batch normalisation, one dense layer: seconds on small images",
        deviations="not in the paper: width 0.25, batch normalisation, pooling that rounds up, one dense layer",
        parent="vgg11_bn",
        head="classifier.6",
    )
)(partial(VGG, num_classes=10, width=0.25, depth=11, norm="batch", stem="cifar"))
