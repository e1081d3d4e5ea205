"""AlexNet: the network that won ImageNet in 2012 by eleven points and ended the age of hand-made features.

Alex Krizhevsky, Ilya Sutskever, Geoffrey E. Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*,
NIPS 2012 (`alexnet_2012`).
Alex Krizhevsky, *One weird trick for parallelizing convolutional neural networks*, arXiv 2014 (`alexnet`).

The idea: LeNet's plan grows to eight layers and sixty million weights once two GPUs share the work, each with half of
the maps. Rectifiers do not saturate and train several times faster than tanh. Dropout in the dense layers and
pictures shifted and mirrored keep so many weights from learning the training set by heart.

`alexnet_2012`, two towers:

| stage | output | parameters | multiply-adds |
| --- | --- | --- | --- |
| conv1 11x11 / 4, response normalisation | 96 x 55 x 55 | 34,944 | 105.4 M |
| max pooling 3x3 / 2 | 96 x 27 x 27 | | |
| conv2 5x5, each tower its own maps, response normalisation | 256 x 27 x 27 | 307,456 | 223.9 M |
| max pooling 3x3 / 2 | 256 x 13 x 13 | | |
| conv3 3x3, both towers | 384 x 13 x 13 | 885,120 | 149.5 M |
| conv4 3x3, each tower its own maps | 384 x 13 x 13 | 663,936 | 112.1 M |
| conv5 3x3, each tower its own maps | 256 x 13 x 13 | 442,624 | 74.8 M |
| max pooling 3x3 / 2 | 256 x 6 x 6 | | |
| dense 4096, dropout | 4096 | 37,752,832 | 37.7 M |
| dense 4096, dropout | 4096 | 16,781,312 | 16.8 M |
| dense 1000 | 1000 | 4,097,000 | 4.1 M |

`alexnet`, one tower: 64, 192, 384, 256 and 256 kernels, each of which sees all maps; padding 2 in conv1; no response
normalisation.

Differences from the paper of 2012:
- The input is 227 wide; the paper's text says 224, with which its own figure of 55 places does not come out.
- Response normalisation runs over all maps of the layer, as the paper's formula says. Its author's code for two GPUs
  normalises each tower by itself; here the two maps on either side of the border between the towers meet.
- Other sizes of input are averaged down (or repeated up) to 6 x 6 before the dense layers; at 227 that does nothing.

Differences from the paper of 2014, all torchvision's:
- conv4 has 256 kernels, as in the author's code for one GPU; the paper's footnote says 384.
- No response normalisation. Dropout comes before the first two dense layers, not behind them.
- Any size from 63, by average pooling to 6 x 6.

Kernels of `alexnet` start from He's normal distribution; all weights of `alexnet_2012` as in its paper, with a
deviation of 0.01, which at another ``width`` is divided by its root, or the signal would die out on its way.

Parameters: 60,965,224 by hand (the table; the paper says 60 million); `alexnet` 61,100,840, as torchvision's.

What to try next: ``norm="none"`` against ``norm="lrn"`` (the paper: 1.4 points), ``activation="tanh"`` (its figure 1),
``dropout=0.0``, ``norm="batch"``, which came three years later. `alexnet_cifar` does all of it in seconds.
"""

from __future__ import annotations

import functools
import math

from torch import Tensor, nn
from torch.nn import init

from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import (
    NORMS,
    STEMS,
    activate,
    check_choice,
    check_counts,
    check_fraction,
    normalize,
    scaled,
)
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["AlexNet", "AlexNet2012", "response_normalization"]

# Kernels of the five convolutions, and units of the two hidden dense layers.
TWO_TOWERS = (96, 256, 384, 384, 256, 4096, 4096)
ONE_TOWER = (64, 192, 384, 256, 256, 4096, 4096)

_SIDE = 6  # of the maps that the dense layers see


def response_normalization() -> nn.LocalResponseNorm:
    """Return b_i = a_i / (2 + 1e-4 * sum of a_j² over the five maps around i) ** 0.75 (the paper, section 3.3).

    PyTorch's layer divides its alpha by the number of maps.
    """
    return nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0)


class AlexNet2012(nn.Module):
    """AlexNet as published in 2012.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on the kernels and the units of every hidden layer.
        activation: of the hidden layers, by name.
        norm: ``lrn`` (local response normalisation behind the first two layers, as published), ``batch``, ``group`` or
            ``layer`` (behind every convolution), or ``none``.
        dropout: rate behind the two hidden dense layers.
        stem: ``imagenet`` as published; ``cifar`` for small images: conv1 is 3x3 with stride 1 and is not pooled.

    Input shape:
        (N, in_channels, H, W), H and W at least 67 (7 with ``stem="cifar"``).

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
        activation: str = "relu",
        norm: str = "lrn",
        dropout: float = 0.5,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        _check(num_classes, in_channels, norm, dropout, stem)
        # Each tower has half of the maps.
        k1, k2, k3, k4, k5, k6, k7 = (scaled(count, width, divisor=2) for count in TWO_TOWERS)
        convolution = functools.partial(_convolution, activation=activation, norm=norm)
        first = (3, 1, 1) if stem == "cifar" else (11, 4, 0)

        self.conv1 = nn.Sequential(*convolution(in_channels, k1, *first, responds=True))
        self.pool1 = nn.Identity() if stem == "cifar" else nn.MaxPool2d(3, 2)
        self.conv2 = nn.Sequential(*convolution(k1, k2, 5, 1, 2, groups=2, responds=True))
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3 = nn.Sequential(*convolution(k2, k3, 3, 1, 1))
        self.conv4 = nn.Sequential(*convolution(k3, k4, 3, 1, 1, groups=2))
        self.conv5 = nn.Sequential(*convolution(k4, k5, 3, 1, 1, groups=2))
        self.pool5 = nn.MaxPool2d(3, 2)
        self.resize = nn.AdaptiveAvgPool2d(_SIDE)

        self.dense6 = nn.Sequential(*_dense(_SIDE**2 * k5, k6, activation), nn.Dropout(dropout))
        self.dense7 = nn.Sequential(*_dense(k6, k7, activation), nn.Dropout(dropout))
        self.dense8 = nn.Linear(k7, num_classes)

        # Section 5: deviation 0.01, and biases of 1 give the rectifiers something to let through at the beginning.
        # At another width it keeps what a unit adds up as large as at the paper's.
        deviation = 0.01 / math.sqrt(width)
        _draw(self.conv1[0], 0.01, bias=0.0)
        for stage in (self.conv2, self.conv4, self.conv5, self.dense6, self.dense7):
            _draw(stage[0], deviation, bias=1.0)
        for layer in (self.conv3[0], self.dense8):
            _draw(layer, deviation, bias=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.conv1(x)  # 96, 55, 55
        x = self.pool1(x)  # 96, 27, 27

        x = self.conv2(x)  # 256, 27, 27
        x = self.pool2(x)  # 256, 13, 13

        x = self.conv3(x)  # 384, 13, 13
        x = self.conv4(x)  # 384, 13, 13
        x = self.conv5(x)  # 256, 13, 13
        x = self.pool5(x)  # 256, 6, 6

        x = self.resize(x).flatten(1)  # 9216
        x = self.dense6(x)  # 4096
        x = self.dense7(x)  # 4096
        x = self.dense8(x)  # 1000
        return x


class AlexNet(nn.Module):
    """AlexNet with one tower, as torchvision has it: its names, so that its weights fit.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on the kernels and the units of every hidden layer.
        activation: of the hidden layers, by name.
        norm: ``none``; ``lrn`` (local response normalisation behind the first two layers); ``batch``, ``group`` or
            ``layer`` (behind every convolution).
        dropout: rate before the two hidden dense layers.
        stem: ``imagenet``, or ``cifar`` for small images: the first layer is 3x3 with stride 1 and is not pooled.

    Input shape:
        (N, in_channels, H, W), H and W at least 63 (7 with ``stem="cifar"``).

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
        activation: str = "relu",
        norm: str = "none",
        dropout: float = 0.5,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        _check(num_classes, in_channels, norm, dropout, stem)
        self.num_classes = num_classes
        k1, k2, k3, k4, k5, k6, k7 = (scaled(count, width) for count in ONE_TOWER)
        convolution = functools.partial(_convolution, activation=activation, norm=norm)
        first = (3, 1, 1) if stem == "cifar" else (11, 4, 2)

        self.features = nn.Sequential(
            *convolution(in_channels, k1, *first, responds=True),
            *([] if stem == "cifar" else [nn.MaxPool2d(3, 2)]),
            *convolution(k1, k2, 5, 1, 2, responds=True),
            nn.MaxPool2d(3, 2),
            *convolution(k2, k3, 3, 1, 1),
            *convolution(k3, k4, 3, 1, 1),
            *convolution(k4, k5, 3, 1, 1),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(_SIDE)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            *_dense(_SIDE**2 * k5, k6, activation),
            nn.Dropout(dropout),
            *_dense(k6, k7, activation),
            nn.Linear(k7, num_classes),
        )
        he_normal(self, mode="fan_in")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.features(x)  # C, H, W
        x = self.avgpool(x)  # C, 6, 6
        x = x.flatten(1)  # 36*C
        x = self.classifier(x)  # num_classes
        return x


def _check(num_classes: int, in_channels: int, norm: str, dropout: float, stem: str) -> None:
    check_counts(num_classes=num_classes, in_channels=in_channels)
    check_choice("norm", norm, ("lrn", *NORMS))
    check_fraction("dropout", dropout)
    check_choice("stem", stem, STEMS)


def _convolution(
    in_channels: int,
    channels: int,
    kernel_size: int,
    stride: int,
    padding: int,
    groups: int = 1,
    *,
    activation: str,
    norm: str,
    responds: bool = False,
) -> list[nn.Module]:
    """Return a convolution, its norm, its activation and, where it ``responds``, response normalisation."""
    biased = norm in ("none", "lrn")
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, channels, kernel_size, stride, padding, groups=groups, bias=biased)
    ]
    if not biased:
        layers.append(normalize(norm, channels))
    layers.append(activate(activation, channels, inplace=True))
    if norm == "lrn" and responds:
        layers.append(response_normalization())
    return layers


def _dense(in_features: int, units: int, activation: str) -> list[nn.Module]:
    return [nn.Linear(in_features, units), activate(activation, units, inplace=True, dims=0)]


def _draw(layer: nn.Module, deviation: float, bias: float) -> None:
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        init.normal_(layer.weight, std=deviation)
        if layer.bias is not None:
            init.constant_(layer.bias, bias)


_info_of_2014 = functools.partial(
    ModelInfo,
    family="alexnet",
    year=2014,
    source="Krizhevsky. One weird trick for parallelizing convolutional neural networks. arXiv:1404.5997",
    deviations="torchvision's: 256 kernels in conv4, no response normalisation, dropout before the dense layers",
    head="classifier.6",
)
register(
    ModelInfo(
        name="alexnet_2012",
        title="AlexNet (2012, two towers)",
        family="alexnet",
        year=2012,
        source="Krizhevsky, Sutskever, Hinton. ImageNet Classification with Deep Convolutional Neural Networks. NIPS",
        input_shape=(3, 227, 227),
        smallest_input=67,
        parameters=60_965_224,
        macs=724_406_816,
        idea="LeNet's plan, a thousand times larger: rectifiers, dropout, and two GPUs that share the maps",
        deviations="227 pixels in place of 224; response normalisation across both towers; any input size from 67",
        parent="lenet5",
        head="dense8",
    )
)(AlexNet2012)
register(
    _info_of_2014(
        name="alexnet",
        title="AlexNet (2014, one tower)",
        input_shape=(3, 224, 224),
        smallest_input=63,
        parameters=61_100_840,
        macs=714_188_480,
        idea="the network of 2012 without the two towers and without response normalisation",
        parent="alexnet_2012",
    )
)(AlexNet)
register(
    _info_of_2014(
        name="alexnet_cifar",
        title="AlexNet for small images",
        input_shape=(3, 32, 32),
        smallest_input=7,
        parameters=896_690,
        macs=13_510_272,
        idea="an eighth of AlexNet's width behind a 3x3 stem, for images of 32 x 32",
        parent="alexnet",
    )
)(functools.partial(AlexNet, num_classes=10, width=0.125, stem="cifar"))
