"""MobileNet v1: a VGG of depthwise-separable convolutions, with a dial for its width.

Andrew G. Howard, Menglong Zhu, Bo Chen, Dmitry Kalenichenko, Weijun Wang, Tobias Weyand, Marco Andreetto, Hartwig
Adam. *MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications*. 2017.

*The idea.* A 3x3 convolution looks around and mixes channels at once; done one after the other (depthwise, then 1x1)
the two cost eight to nine times less. With norm and activation after each half, thirteen such pairs make a network
for a telephone. Two dials trade accuracy for speed: a factor on all widths, and the resolution, which is free.

| stage | blocks | channels | output, 224 |
| --- | --- | --- | --- |
| convolution 3x3/2 | | 32 | 112 |
| stage 1 | 1 | 64 | 112 |
| stage 2, the first with stride 2 | 2 | 128 | 56 |
| stage 3, likewise | 2 | 256 | 28 |
| stage 4, likewise | 1 + 5 | 512 | 14 |
| stage 5, likewise | 2 | 1024 | 7 |
| global average pooling | | 1024 | 1 |
| dense, softmax outside | | 1000 | |

Differences from the paper: ReLU6 in place of ReLU, as in the authors' later code and in all published weights; the
last block has stride 1 (the paper's table says 2, and its output 7x7 says 1); padding is one pixel on every side,
as in PyTorch (``padding="same"`` and ``epsilon=1e-3`` are Keras's: stride 2 pads right and bottom); no dropout.
Weights start from He's normal distribution over the inputs of a kernel; the paper is silent.

Parameters: 4,231,976, multiply-accumulates: 568,740,352, as in the paper (4.2 and 569 million) and in timm.

What to try next: ``width=0.25``, ``depth=0`` (the paper's shallow network), ``activation="relu"``, another input size.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from layerlab.layers import GlobalAveragePool2d, SamePadding
from layerlab.zoo.initialisation import he_normal
from layerlab.zoo.knobs import STEMS, activate, check_choice, check_counts, check_fraction, normalize, scaled
from layerlab.zoo.registry import ModelInfo, register

__all__ = ["DepthwiseSeparable", "MobileNetV1"]

PADDINGS = ("symmetric", "same")


class DepthwiseSeparable(nn.Module):
    """A depthwise 3x3 convolution and a pointwise one, a norm and an activation after each.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out.
        stride: of the depthwise convolution.
        activation: by name.
        norm: by name.
        padding: ``symmetric``, or ``same``: with stride 2 one pixel at the right and one at the bottom.
        epsilon: of the norms.

    Input shape:
        (N, in_channels, H, W)

    Output shape:
        (N, out_channels, ceil(H / stride), ceil(W / stride)); with ``same`` and stride 2 rounded down.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        activation: str,
        norm: str,
        padding: str = "symmetric",
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        bias = norm == "none"
        one_sided = padding == "same" and stride == 2

        self.pad = nn.ZeroPad2d((0, 1, 0, 1)) if one_sided else nn.Identity()
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, 3, stride, padding=0 if one_sided else 1, groups=in_channels, bias=bias
        )
        self.norm1 = normalize(norm, in_channels, epsilon=epsilon)
        self.act1 = activate(activation, in_channels, inplace=True)

        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=bias)
        self.norm2 = normalize(norm, out_channels, epsilon=epsilon)
        self.act2 = activate(activation, out_channels, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Look around, then mix the channels."""
        x = self.depthwise(self.pad(x))  # in_channels, H, W
        x = self.act1(self.norm1(x))

        x = self.pointwise(x)  # out_channels, H, W
        x = self.act2(self.norm2(x))
        return x


class MobileNetV1(nn.Module):
    """MobileNet v1.

    Args:
        num_classes: width of the output.
        in_channels: channels of the image.
        width: factor on all channels, the paper's width multiplier.
        depth: blocks of 512 channels that repeat, 5 in the paper; 0 is its shallow network.
        activation: by name.
        norm: by name; convolutions have biases where it is ``none``.
        dropout: rate before the classifier.
        stem: ``imagenet`` (stride 2) or ``cifar`` (stride 1).
        padding: ``symmetric`` or ``same``, see :class:`DepthwiseSeparable`.
        epsilon: of the norms.

    Input shape:
        (N, in_channels, H, W), any size; with ``padding="same"`` at least 31.

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
        depth: int = 5,
        activation: str = "relu6",
        norm: str = "batch",
        dropout: float = 0.0,
        stem: str = "imagenet",
        padding: str = "symmetric",
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, in_channels=in_channels)
        if isinstance(depth, bool) or not isinstance(depth, int) or depth < 0:
            raise ValueError(f"depth must be a whole number of at least 0, not {depth!r}")
        check_choice("stem", stem, STEMS)
        check_choice("padding", padding, PADDINGS)
        check_fraction("dropout", dropout)
        if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float)) or not 0 < epsilon < 1:
            raise ValueError(f"epsilon must be a number between 0 and 1, not {epsilon!r}")
        self.num_classes = num_classes
        c32, c64, c128, c256, c512, c1024 = (scaled(channels, width) for channels in (32, 64, 128, 256, 512, 1024))
        self.c32, self.c64, self.c128, self.c256, self.c512, self.c1024 = c32, c64, c128, c256, c512, c1024

        def stage(in_channels: int, out_channels: int, blocks: int, stride: int = 2) -> nn.Sequential:
            sizes = [(in_channels, stride)] + [(out_channels, 1)] * (blocks - 1)
            return nn.Sequential(
                *(
                    DepthwiseSeparable(channels, out_channels, step, activation, norm, padding, epsilon)
                    for channels, step in sizes
                )
            )

        stride = 2 if stem == "imagenet" else 1
        same = padding == "same"
        self.stem = nn.Sequential(
            SamePadding(3, stride) if same else nn.Identity(),
            nn.Conv2d(in_channels, c32, 3, stride, padding=0 if same else 1, bias=norm == "none"),
            normalize(norm, c32, epsilon=epsilon),
            activate(activation, c32, inplace=True),
        )
        self.stage1 = stage(c32, c64, blocks=1, stride=1)
        self.stage2 = stage(c64, c128, blocks=2)
        self.stage3 = stage(c128, c256, blocks=2)
        self.stage4 = stage(c256, c512, blocks=1 + depth)
        self.stage5 = stage(c512, c1024, blocks=2)
        self.pool = GlobalAveragePool2d()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(c1024, num_classes)

        he_normal(self, mode="fan_in")  # of a depthwise kernel 9, whatever the width

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.stem(x)  # c32, H, W

        x = self.stage1(x)  # c64, H, W
        x = self.stage2(x)  # c128, ceil(H/2), ceil(W/2)
        x = self.stage3(x)  # c256, ceil(H/4), ceil(W/4)
        x = self.stage4(x)  # c512, ceil(H/8), ceil(W/8)
        x = self.stage5(x)  # c1024, ceil(H/16), ceil(W/16)

        x = self.pool(x)  # c1024
        x = self.classifier(self.dropout(x))  # num_classes
        return x


_info = partial(
    ModelInfo,
    family="mobilenet_v1",
    year=2017,
    source="A. Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017",
    input_shape=(3, 224, 224),
    smallest_input=1,
    idea="a convolution in two halves, space and channels, costs eight times less",
    deviations='ReLU6 in place of ReLU; symmetric padding unless padding="same"',
    head="classifier",
)
for _width, _parameters, _macs in (
    (1.0, 4_231_976, 568_740_352),
    (0.75, 2_585_560, 325_400_448),
    (0.5, 1_331_592, 149_497_088),
    (0.25, 470_072, 41_030_272),
):
    register(
        _info(
            name="mobilenet_v1" if _width == 1 else f"mobilenet_v1_{round(100 * _width):03}",
            title="MobileNet v1" if _width == 1 else f"MobileNet v1, width {_width}",
            parameters=_parameters,
            macs=_macs,
            parent="xception" if _width == 1 else "mobilenet_v1",
        )
    )(partial(MobileNetV1, width=_width))
