"""The blocks that the papers introduced, described by what is connected; :mod:`blocks` lays them out."""

from __future__ import annotations

from blocks import Layer, Parallel, Series, row
from canvas import Canvas

import layerlab

__all__ = ["MODULES"]

Picture = tuple[Canvas, str, str]


def _conv(size: str, channels: int | str = "", more: str = "") -> Layer:
    words = f"conv {size}" + (f", {channels}" if channels != "" else "") + (f" {more}" if more else "")
    return Layer(words, "conv")


NORM = Layer("batch norm", "norm")
RELU = Layer("ReLU", "act")
IDENTITY = Series()


def residual() -> Picture:
    """Draw the original block, the bottleneck with both places of its stride, and pre-activation."""
    basic = Series(Parallel(Series(_conv("3×3"), NORM, RELU, _conv("3×3"), NORM), IDENTITY, join="+"), RELU)

    def bottleneck(first: str, second: str) -> Series:
        inside = Series(_conv("1×1", more=first), NORM, RELU, _conv("3×3", more=second), NORM, RELU, _conv("1×1"), NORM)
        return Series(Parallel(inside, Series(_conv("1×1", more="/2"), NORM), join="+"), RELU)

    before = Series(Parallel(Series(NORM, RELU, _conv("3×3"), NORM, RELU, _conv("3×3")), IDENTITY, join="+"))
    canvas = Canvas()
    row(
        canvas,
        [
            ("Basic block", "ResNet-18, 34, CIFAR", "", basic),
            ("Bottleneck, v1", "stride on the first 1×1", "", bottleneck("/2", "")),
            ("Bottleneck, v1.5", "stride on the 3×3", "", bottleneck("", "/2")),
            ("Pre-activation, v2", "nothing after the sum", "", before),
        ],
    )
    return (
        canvas,
        "Four residual blocks",
        "Basic: convolution, norm, ReLU, convolution, norm, plus the input, then ReLU. Bottleneck: 1×1, 3×3, 1×1, here"
        " the first of a stage, whose shortcut is a 1×1 convolution of stride 2; v1 has the stride on the first 1×1,"
        " v1.5 on the 3×3. Pre-activation: norm and ReLU stand before each convolution, and the sum is left as it is.",
    )


def inception() -> Picture:
    """Draw the naive module and module 3a as the paper has it, with the real widths of ``googlenet_paper``."""
    naive = Series(
        Parallel(
            Series(_conv("1×1")),
            Series(_conv("3×3")),
            Series(_conv("5×5")),
            Series(Layer("max pool 3×3", "pool")),
            join="concatenate the channels",
            straight=-1,
        )
    )
    widths = _inception_widths("googlenet_paper", "inception3a")
    one, three_reduced, three, five_reduced, five, pooled = widths
    total = one + three + five + pooled
    reduced = Series(
        Parallel(
            Series(_conv("1×1", one)),
            Series(_conv("1×1", three_reduced), _conv("3×3", three)),
            Series(_conv("1×1", five_reduced), _conv("5×5", five)),
            Series(Layer("max pool 3×3", "pool"), _conv("1×1", pooled)),
            join="concatenate the channels",
            out=f"{one} + {three} + {five} + {pooled} = {total}",
            straight=-1,
        )
    )
    canvas = Canvas()
    row(
        canvas,
        [
            ("The naive module", "pooling keeps all channels: wider each time", "", naive),
            ("Module 3a", "192 channels in; 1×1 convolutions first make them few", "", reduced),
        ],
    )
    return (
        canvas,
        "The Inception module",
        "Left: convolutions of 1×1, 3×3 and 5×5 and a max pooling read the same input and are concatenated. Right, as"
        f" it is built: 1×1 convolutions reduce the channels first. Module 3a gives {total} channels.",
    )


def _inception_widths(name: str, path: str) -> list[int]:
    """Return the output channels of a module's convolutions, in their order."""
    from torch import nn

    module = layerlab.create(name, device="meta").get_submodule(path)
    return [part.out_channels for part in module.modules() if isinstance(part, nn.Conv2d)]


def inception_v3() -> Picture:
    """Draw the three modules of Inception v3 and how it halves a grid."""
    a = Series(
        Parallel(
            Series(_conv("1×1")),
            Series(_conv("1×1"), _conv("5×5")),
            Series(_conv("1×1"), _conv("3×3"), _conv("3×3")),
            Series(Layer("average pool", "pool"), _conv("1×1")),
            join="concatenate",
            straight=-1,
        )
    )
    c = Series(
        Parallel(
            Series(_conv("1×1")),
            Series(_conv("1×1"), _conv("1×7"), _conv("7×1")),
            Series(_conv("1×1"), _conv("7×1"), _conv("1×7"), _conv("7×1"), _conv("1×7")),
            Series(Layer("average pool", "pool"), _conv("1×1")),
            join="concatenate",
            straight=-1,
        )
    )
    b = Series(
        Parallel(
            Series(_conv("3×3", more="/2")),
            Series(_conv("1×1"), _conv("3×3"), _conv("3×3", more="/2")),
            Series(Layer("max pool /2", "pool")),
            join="concatenate",
            straight=-1,
        )
    )
    fork = Parallel(Series(_conv("1×3")), Series(_conv("3×1")), join="concatenate", straight=-1)
    e = Series(
        Parallel(
            Series(_conv("1×1")),
            Series(_conv("1×1"), fork),
            Series(_conv("1×1"), _conv("3×3"), fork),
            Series(Layer("average pool", "pool"), _conv("1×1")),
            join="concatenate",
            straight=-1,
        )
    )
    canvas = Canvas()
    foot = row(canvas, [("35×35 grid", "Mixed 5b–5d", "", a), ("17×17 grid", "Mixed 6b–6e: n×n is 1×n, n×1", "", c)])
    row(
        canvas,
        [("35×35 to 17×17", "Mixed 6a: halve without a bottleneck", "", b), ("8×8 grid", "Mixed 7b, 7c", "", e)],
        y=foot + 36,
    )
    return (
        canvas,
        "The modules of Inception v3",
        "On the 35×35 grid branches of 1×1, 5×5, twice 3×3 and pooling. On the 17×17 grid each 7×7 is a 1×7 and a 7×1."
        " The grid is halved by strided convolutions beside a strided pooling. On the 8×8 grid the last convolution of"
        " a branch is a 1×3 beside a 3×1.",
    )


def separable() -> Picture:
    """Draw Xception's blocks: entry, middle, and what is inside a separable convolution."""

    def sep(channels: int) -> Layer:
        return Layer(f"separable 3×3, {channels}", "depth")

    inside = Series(Layer("depthwise 3×3, 728 of 1 channel", "depth"), _conv("1×1", 728))
    first = Series(
        Parallel(
            Series(sep(128), NORM, RELU, sep(128), NORM, Layer("max pool 3×3 /2", "pool")),
            Series(_conv("1×1", 128, "/2"), NORM),
            join="+",
        )
    )
    middle = Series(
        Parallel(Series(RELU, sep(728), NORM, RELU, sep(728), NORM, RELU, sep(728), NORM), IDENTITY, join="+")
    )
    canvas = Canvas()
    row(
        canvas,
        [
            ("Separable convolution", "no activation between the two", "", inside),
            ("Block 1", "64 in; no ReLU before the first", "", first),
            ("Middle flow, 8 times", "728 in, 728 out", "", middle),
        ],
    )
    return (
        canvas,
        "Xception's separable convolution and blocks",
        "A separable convolution is a 3×3 convolution of each channel by itself, then a 1×1 convolution over channels."
        " Entry blocks end in a strided pooling and have a strided 1×1 convolution as shortcut; the middle flow repeats"
        " three times ReLU, separable convolution, norm, with an identity shortcut.",
    )


def mobile() -> Picture:
    """Draw the blocks of the three MobileNets."""
    v1 = Series(Layer("depthwise 3×3", "depth"), NORM, Layer("ReLU6", "act"), _conv("1×1"), NORM, Layer("ReLU6", "act"))
    relu6 = Layer("ReLU6", "act")
    v2 = Series(
        Parallel(
            Series(
                _conv("1×1", "6 C"),
                NORM,
                relu6,
                Layer("depthwise 3×3, 6 C", "depth"),
                NORM,
                relu6,
                _conv("1×1", "C"),
                NORM,
            ),
            IDENTITY,
            join="+",
        )
    )
    swish = Layer("hard swish", "act")
    squeeze = Series(
        Layer("global average", "pool"),
        _conv("1×1", "t C / 4"),
        RELU,
        _conv("1×1", "t C"),
        Layer("hard sigmoid", "act"),
    )
    gate = Parallel(IDENTITY, squeeze, join="×")
    v3 = Series(
        Parallel(
            Series(
                _conv("1×1", "t C"),
                NORM,
                swish,
                Layer("depthwise 5×5, t C", "depth"),
                NORM,
                swish,
                gate,
                _conv("1×1", "C"),
                NORM,
            ),
            IDENTITY,
            join="+",
        )
    )
    canvas = Canvas()
    row(
        canvas,
        [
            ("v1", "depthwise separable", "", v1),
            ("v2", "inverted residual, linear end", "", v2),
            ("v3", "the same, with squeeze and excitation", "", v3),
        ],
    )
    return (
        canvas,
        "The blocks of MobileNet v1, v2 and v3",
        "v1: depthwise 3×3, then 1×1, each with norm and activation. v2: a 1×1 convolution widens six times, the"
        " depthwise convolution works there, a 1×1 without activation narrows; the shortcut joins the narrow ends. v3:"
        " the same with hard swish and a gate on each channel, computed from its average over the map.",
    )


MODULES = {
    "resnet-blocks": residual,
    "inception-module": inception,
    "inception-v3-modules": inception_v3,
    "xception-blocks": separable,
    "mobilenet-blocks": mobile,
}
