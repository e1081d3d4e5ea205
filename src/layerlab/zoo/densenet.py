"""DenseNet: every layer reads the maps of all layers before it.

Gao Huang, Zhuang Liu, Laurens van der Maaten, Kilian Q. Weinberger. *Densely Connected Convolutional Networks*.
CVPR 2017. Memory: Pleiss et al. *Memory-Efficient Implementation of DenseNets*. 2017.

*The idea.* A layer need not learn again what an earlier one has found, if it can read it: the maps of all layers of
a block are joined, and each layer adds only a few, ``k``, the growth rate. A 1x1 convolution to 4k maps (the
bottleneck, "B") keeps the joined maps cheap, and a transition between blocks halves their number (compression, "C")
and their sides. Every layer is one step from the loss, so that gradients arrive undiminished.

| stage | 121 | 161 | 169 | 201 | output, 224 | bc_100_12 | output, 32 |
| --- | --- | --- | --- | --- | --- | --- | --- |
| growth rate k | 32 | 48 | 32 | 32 | | 12 | |
| convolution 7x7/2, 2k maps (CIFAR: 3x3) | 64 | 96 | 64 | 64 | 112 | 24 | 32 |
| max pooling 3x3/2 (CIFAR: none) | 64 | 96 | 64 | 64 | 56 | | |
| dense block 1, layers | 6 | 6 | 6 | 6 | 56 | 16 | 32 |
| transition 1, maps | 128 | 192 | 128 | 128 | 28 | 108 | 16 |
| dense block 2, layers | 12 | 12 | 12 | 12 | 28 | 16 | 16 |
| transition 2, maps | 256 | 384 | 256 | 256 | 14 | 150 | 8 |
| dense block 3, layers | 24 | 36 | 32 | 48 | 14 | 16 | 8 |
| transition 3, maps | 512 | 1056 | 640 | 896 | 7 | | |
| dense block 4, layers | 16 | 24 | 32 | 32 | 7 | | |
| maps at the end, averaged | 1024 | 2208 | 1664 | 1920 | 1 | 342 | 1 |

Differences from the paper: no dropout unless asked for (the paper has 0.2 on CIFAR without augmentation), and then
behind each dense layer only, not behind its 1x1 convolution and in transitions too; weights start from He's normal
distribution over the inputs of a kernel, as in torchvision, whose names are used (the authors' code: over its outputs).

Parameters: 7,978,856; 28,681,000; 14,149,480; 20,013,928 as in torchvision; bc_100_12 769,162 by hand (paper: 0.8M).

What to try next: ``skip=False`` (each layer reads only the one before it: see :class:`DenseNet`), ``growth_rate=8``,
``compression=1.0``, ``checkpointing=True`` with twice the batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from layerlab.layers import GlobalAveragePool2d
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["DenseBlock", "DenseLayer", "DenseNet", "Transition"]

LAYERS = {
    121: (6, 12, 24, 16),
    161: (6, 12, 36, 24),
    169: (6, 12, 32, 32),
    201: (6, 12, 48, 32),
    264: (6, 12, 64, 48),
}
"""Table 1 of the paper (161 from its earlier versions): dense layers in each block, by depth."""

BOTTLENECK = 4
"""Maps between the two convolutions of a layer, in growth rates."""


class DenseLayer(nn.Module):
    """The composite function H: norm, activation, 1x1 convolution, norm, activation, 3x3 convolution.

    Args:
        channels: maps that it reads, all together.
        growth_rate: maps that it adds.
        activation: by name.
        norm: by name.
        dropout: rate behind the second convolution.
        checkpointing: whether the bottleneck is computed again for the gradient in place of being kept.

    Input shape:
        any number of (N, c, H, W) whose channels sum to ``channels``.

    Output shape:
        (N, growth_rate, H, W)
    """

    def __init__(
        self,
        channels: int,
        growth_rate: int,
        activation: str = "relu",
        norm: str = "batch",
        dropout: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.growth_rate = growth_rate
        self.checkpointing = checkpointing
        wide, bias = BOTTLENECK * growth_rate, norm == "none"

        self.norm1 = normalize(norm, channels)
        # Without a norm it would overwrite the maps that later layers read.
        self.relu1 = activate(activation, channels, inplace=norm != "none")
        self.conv1 = nn.Conv2d(channels, wide, 1, bias=bias)

        self.norm2 = normalize(norm, wide)
        self.relu2 = activate(activation, wide, inplace=True)
        self.conv2 = nn.Conv2d(wide, growth_rate, 3, padding=1, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        """Return the new maps."""
        again = self.checkpointing and torch.is_grad_enabled()
        x = self._recomputed(x, *others) if again else self.bottleneck(x, *others)  # 4*growth_rate, H, W

        x = self.dropout(self.conv2(self.relu2(self.norm2(x))))  # growth_rate, H, W
        return x

    def bottleneck(self, x: Tensor, *others: Tensor) -> Tensor:
        """Return 4k maps of all those before."""
        x = torch.cat([x, *others], 1) if others else x
        x = self.conv1(self.relu1(self.norm1(x)))
        return x

    def _recomputed(self, *features: Tensor) -> Tensor:
        """Return the same, of which nothing is kept: the joined maps, a copy in each layer, are most of the memory."""
        result: Tensor = checkpoint(
            self.bottleneck,
            *features,
            use_reentrant=False,
            preserve_rng_state=False,  # it draws nothing
            context_fn=lambda: (contextlib.nullcontext(), _statistics_kept(self.norm1)),
        )
        return result


@contextlib.contextmanager
def _statistics_kept(norm: nn.Module) -> Iterator[None]:
    """Keep running statistics as they are: the second computation of a batch must not count it twice."""
    if not isinstance(norm, nn.modules.batchnorm._BatchNorm) or norm.num_batches_tracked is None:
        yield
        return
    momentum, counted = norm.momentum, norm.num_batches_tracked.clone()
    norm.momentum = 0.0
    try:
        yield
    finally:
        norm.momentum = momentum
        norm.num_batches_tracked.copy_(counted)


class DenseBlock(nn.Sequential):
    """Layers of which each reads all those before it.

    Args:
        layers: how many.
        channels: maps that come in.
        growth_rate: maps that each layer adds.
        skip: False joins nothing: each layer reads only the maps of the one before it.
        options: of each :class:`DenseLayer`.

    Input shape:
        (N, channels, H, W)

    Output shape:
        (N, channels + layers * growth_rate, H, W); without skips (N, growth_rate, H, W).
    """

    def __init__(self, layers: int, channels: int, growth_rate: int, *, skip: bool = True, **options: Any) -> None:
        super().__init__()
        self.skip = skip
        for number in range(1, layers + 1):
            self.add_module(f"denselayer{number}", DenseLayer(channels, growth_rate, **options))
            channels = channels + growth_rate if skip else growth_rate
        self.out_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps that came in and those of every layer."""
        features = [x]
        for layer in self:
            new = layer(*features)
            features = [*features, new] if self.skip else [new]

        x = torch.cat(features, 1)  # out_channels, H, W
        return x


class Transition(nn.Module):
    """Between two blocks: norm, activation, 1x1 convolution to fewer maps, average pooling to half the sides.

    Args:
        channels: maps that come in.
        out_channels: maps that go out.
        activation: by name.
        norm: by name.

    Input shape:
        (N, channels, H, W)

    Output shape:
        (N, out_channels, H // 2, W // 2)
    """

    def __init__(self, channels: int, out_channels: int, activation: str, norm: str) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.norm = normalize(norm, channels)
        self.relu = activate(activation, channels, inplace=norm != "none")
        self.conv = nn.Conv2d(channels, out_channels, 1, bias=norm == "none")
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Return fewer, smaller maps."""
        x = self.conv(self.relu(self.norm(x)))  # out_channels, H, W
        x = self.pool(x)  # out_channels, H/2, W/2
        return x


class DenseFeatures(nn.Module):
    """All of a :class:`DenseNet` before its average: the stem, the blocks with their transitions, the last norm."""

    def __init__(
        self,
        layers: Sequence[int],
        in_channels: int,
        growth_rate: int,
        compression: float,
        stem: str,
        *,
        skip: bool,
        activation: str,
        norm: str,
        **options: Any,
    ) -> None:
        super().__init__()
        options = {"activation": activation, "norm": norm, **options}
        self.first, bias = 2 * growth_rate, norm == "none"
        self.pooling = 2 if stem == "imagenet" else 1

        if stem == "imagenet":
            self.conv0 = nn.Conv2d(in_channels, self.first, 7, stride=2, padding=3, bias=bias)
            self.norm0 = normalize(norm, self.first)
            self.relu0 = activate(activation, self.first, inplace=True)
            self.pool0: nn.Module = nn.MaxPool2d(3, stride=2, padding=1)
        else:  # norm and activation are those of the first layer
            self.conv0 = nn.Conv2d(in_channels, self.first, 3, padding=1, bias=bias)
            self.norm0, self.relu0, self.pool0 = nn.Identity(), nn.Identity(), nn.Identity()

        channels = self.first
        for number, count in enumerate(layers, start=1):
            block = DenseBlock(count, channels, growth_rate, skip=skip, **options)
            channels = block.out_channels
            self.add_module(f"denseblock{number}", block)
            if number < len(layers):
                transition = Transition(channels, max(1, int(channels * compression)), activation, norm)
                channels = transition.out_channels
                self.add_module(f"transition{number}", transition)
        self.stages = [name for name, _ in self.named_children() if name.startswith(("denseblock", "transition"))]

        self.norm5 = normalize(norm, channels)
        self.relu5 = activate(activation, channels, inplace=norm != "none")
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps of the last block."""
        x = self.relu0(self.norm0(self.conv0(x)))  # first, H, W
        x = self.pool0(x)  # first, ceil(H/pooling), ceil(W/pooling)

        for name in self.stages:
            x = self.get_submodule(name)(x)

        x = self.relu5(self.norm5(x))  # channels, h, w
        return x


class DenseNet(nn.Module):
    """DenseNet-BC.

    Without concatenation (``skip=False``) a layer reads the maps of the one before it, so that all widths shrink:
    each layer has k maps to read (the first of a block those of the stem, 2k, or of the transition) and k to give,
    and the transition makes ``compression * k`` of them. Depth and kernels stay.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on the growth rate, of which all widths are multiples.
        depth: 121, 161, 169, 201 or 264 for the four blocks of Table 1, 6n + 4 for three blocks of n layers (CIFAR).
        growth_rate: maps that each layer adds, k.
        compression: share of its maps that a transition leaves, above 0 and at most 1.
        activation: by name.
        norm: by name; convolutions have biases where it is ``none``.
        skip: False for no concatenation.
        dropout: rate behind every dense layer.
        stem: ``imagenet`` (7x7/2, norm, activation, max pooling) or ``cifar`` (3x3 alone).
        checkpointing: keep little for the gradient and compute it again; outputs and gradients are the same, and
            memory grows with the number of layers, not with its square.

    Input shape:
        (N, in_channels, H, W)

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
        depth: int = 121,
        growth_rate: int = 32,
        compression: float = 0.5,
        activation: str = "relu",
        norm: str = "batch",
        skip: bool = True,
        dropout: float = 0.0,
        stem: str = "imagenet",
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels, depth=depth, growth_rate=growth_rate)
        check_choice("stem", stem, STEMS)
        check_fraction("dropout", dropout)
        if isinstance(compression, bool) or not isinstance(compression, (int, float)) or not 0 < compression <= 1:
            raise ValueError(f"compression must be above 0 and at most 1, not {compression!r}")
        self.num_classes = num_classes
        self.features = DenseFeatures(
            _layers(depth),
            in_channels,
            scaled(growth_rate, width),
            compression,
            stem,
            skip=skip,
            activation=activation,
            norm=norm,
            dropout=dropout,
            checkpointing=checkpointing,
        )
        self.channels = self.features.channels
        self.pool = GlobalAveragePool2d()
        self.classifier = nn.Linear(self.channels, num_classes)
        he_normal(self, mode="fan_in")
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.features(x)  # channels, h, w
        x = self.pool(x)  # channels
        x = self.classifier(x)  # num_classes
        return x


def _layers(depth: int) -> Sequence[int]:
    """Return the layers of each block; depth counts them twice, and the stem, the transitions and the classifier."""
    if depth in LAYERS:
        return LAYERS[depth]
    if depth < 10 or (depth - 4) % 6:
        raise ValueError(f"depth must be one of {[*LAYERS]} (four blocks) or 6n + 4 (three blocks), not {depth}")
    return ((depth - 4) // 6,) * 3


_info = partial(
    ModelInfo,
    family="densenet",
    year=2017,
    source="G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, Densely Connected Convolutional Networks, CVPR 2017",
    idea="every layer reads the maps of all layers before it and adds a few",
    deviations="no dropout unless asked for, and behind whole layers only",
    head="classifier",
)
for _depth, _growth_rate, _parameters, _macs in (
    (121, 32, 7_978_856, 2_834_161_664),
    (161, 48, 28_681_000, 7_727_907_072),
    (169, 32, 14_149_480, 3_359_843_328),
    (201, 32, 20_013_928, 4_291_365_888),
):
    register(
        _info(
            name=f"densenet{_depth}",
            title=f"DenseNet-{_depth}",
            input_shape=(3, 224, 224),
            smallest_input=29,
            parameters=_parameters,
            macs=_macs,
            parent="resnet50" if _depth == 121 else "densenet121",
        )
    )(partial(DenseNet, depth=_depth, growth_rate=_growth_rate))

for _depth, _parameters, _macs in ((100, 769_162, 287_929_692), (40, 176_122, 72_365_352)):
    register(
        _info(
            name=f"densenet_bc_{_depth}_12",
            title=f"DenseNet-BC-{_depth}, growth rate 12",
            input_shape=(3, 32, 32),
            smallest_input=4,
            parameters=_parameters,
            macs=_macs,
            parent="densenet121" if _depth == 100 else "densenet_bc_100_12",
        )
    )(partial(DenseNet, num_classes=10, depth=_depth, growth_rate=12, stem="cifar"))
