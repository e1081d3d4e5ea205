"""The networks that are drawn to scale: which modules end a stage."""

from __future__ import annotations

from canvas import Canvas
from stages import Stage, draw_stages, draw_towers, measure

__all__ = ["NETWORKS", "network", "towers"]

_END = [Stage("average|pooling", "pool", "pool"), Stage("dense", "fc", "dense")]

NETWORKS: dict[str, tuple[str, list[Stage]]] = {
    "lenet5": (
        "LeNet-5 of 1998",
        [
            Stage("C1|5×5", "c1"),
            Stage("S2|sum, 2×2", "s2", "pool"),
            Stage("C3|5×5, table", "c3"),
            Stage("S4|sum, 2×2", "s4", "pool"),
            Stage("C5|5×5", "c5"),
            Stage("F6|dense", "f6", "dense"),
            Stage("output|distances", "output", "dense"),
        ],
    ),
    "alexnet": (
        "AlexNet with one tower, 2014",
        [
            Stage("conv 1|11×11 /4", "features.0"),
            Stage("pool, conv 2|5×5", "features.3"),
            Stage("pool, conv 3|3×3", "features.6"),
            Stage("conv 4|3×3", "features.8"),
            Stage("conv 5|3×3", "features.10"),
            Stage("pooling|3×3 /2", "features.12", "pool"),
            Stage("2 × dense|", "classifier.4", "dense"),
            Stage("dense|", "classifier.6", "dense"),
        ],
    ),
    "vgg16": (
        "VGG-16",
        [
            Stage("2 × conv|3×3", "features.3"),
            Stage("pool, 2 × conv|3×3", "features.8"),
            Stage("pool, 3 × conv|3×3", "features.15"),
            Stage("pool, 3 × conv|3×3", "features.22"),
            Stage("pool, 3 × conv|3×3", "features.29"),
            Stage("pooling|2×2", "features.30", "pool"),
            Stage("2 × dense|", "classifier.3", "dense"),
            Stage("dense|", "classifier.6", "dense"),
        ],
    ),
    "googlenet": (
        "GoogLeNet",
        [
            Stage("conv|7×7 /2", "conv1"),
            Stage("pool, conv|1×1, 3×3", "conv3"),
            Stage("pool, 3a–3b|2 modules", "inception3b"),
            Stage("pool, 4a–4e|5 modules", "inception4e"),
            Stage("pool, 5a–5b|2 modules", "inception5b"),
            Stage("average|pooling", "avgpool", "pool"),
            Stage("dense|", "fc", "dense"),
        ],
    ),
    "inception_v3": (
        "Inception v3",
        [
            Stage("3 × conv|3×3", "Conv2d_2b_3x3"),
            Stage("pool, 2 × conv|1×1, 3×3", "Conv2d_4a_3x3"),
            Stage("pool, 5b–5d|35×35 grid", "Mixed_5d"),
            Stage("6a–6e|17×17 grid", "Mixed_6e"),
            Stage("7a–7c|8×8 grid", "Mixed_7c"),
            Stage("average|pooling", "avgpool", "pool"),
            Stage("dense|", "fc", "dense"),
        ],
    ),
    "resnet50": (
        "ResNet-50",
        [
            Stage("conv|7×7 /2", "conv1"),
            Stage("pool, stage 1|3 blocks", "layer1"),
            Stage("stage 2|4 blocks", "layer2"),
            Stage("stage 3|6 blocks", "layer3"),
            Stage("stage 4|3 blocks", "layer4"),
            Stage("average|pooling", "avgpool", "pool"),
            Stage("dense|", "fc", "dense"),
        ],
    ),
    "densenet121": (
        "DenseNet-121",
        [
            Stage("conv|7×7 /2", "features.conv0"),
            Stage("pool, block 1|6 layers", "features.denseblock1"),
            Stage("transition|1×1, /2", "features.transition1", "pool"),
            Stage("block 2|12 layers", "features.denseblock2"),
            Stage("transition|1×1, /2", "features.transition2", "pool"),
            Stage("block 3|24 layers", "features.denseblock3"),
            Stage("transition|1×1, /2", "features.transition3", "pool"),
            Stage("block 4|16 layers", "features.denseblock4"),
            Stage("pool, dense|", "classifier", "dense"),
        ],
    ),
    "xception": (
        "Xception",
        [
            Stage("2 × conv|3×3", "act2"),
            Stage("block 1|/2", "block1", "depth"),
            Stage("block 2|/2", "block2", "depth"),
            Stage("block 3|/2", "block3", "depth"),
            Stage("middle flow|8 blocks", "block11", "depth"),
            Stage("block 12|/2", "block12", "depth"),
            Stage("separable|2 × 3×3", "act4", "depth"),
            *_END,
        ],
    ),
    "mobilenet_v1": (
        "MobileNet v1",
        [
            Stage("conv|3×3 /2", "stem"),
            Stage("separable|1 block", "stage1", "depth"),
            Stage("separable|2 blocks, /2", "stage2", "depth"),
            Stage("separable|2 blocks, /2", "stage3", "depth"),
            Stage("separable|6 blocks, /2", "stage4", "depth"),
            Stage("separable|2 blocks, /2", "stage5", "depth"),
            Stage("average|pooling", "pool", "pool"),
            Stage("dense|", "classifier", "dense"),
        ],
    ),
    "mobilenet_v2": (
        "MobileNet v2",
        [
            Stage("conv|3×3 /2", "features.0"),
            Stage("1 block|", "features.1", "depth"),
            Stage("2 blocks|/2", "features.3", "depth"),
            Stage("3 blocks|/2", "features.6", "depth"),
            Stage("4 + 3 blocks|/2", "features.13", "depth"),
            Stage("3 + 1 blocks|/2", "features.17", "depth"),
            Stage("conv|1×1", "features.18"),
            Stage("pool, dense|", "classifier", "dense"),
        ],
    ),
    "mobilenet_v3_large": (
        "MobileNet v3, large",
        [
            Stage("conv|3×3 /2", "features.0"),
            Stage("1 block|", "features.1", "depth"),
            Stage("2 blocks|/2", "features.3", "depth"),
            Stage("3 blocks|/2", "features.6", "depth"),
            Stage("4 + 2 blocks|/2", "features.12", "depth"),
            Stage("3 blocks|/2", "features.15", "depth"),
            Stage("conv|1×1", "features.16"),
            Stage("pool, dense|", "classifier.0", "dense"),
            Stage("dense|", "classifier.3", "dense"),
        ],
    ),
}

_SCALE = (
    "Each box is the output of a stage: its length is the channels, its height and its depth are the map's height and"
    " width, all boxes to the same two scales. Below, the share of the parameters and of the multiply-accumulates that"
    " each stage has."
)


def network(name: str) -> tuple[Canvas, str, str]:
    """Return the picture of ``name``, its title and its description."""
    title, stages = NETWORKS[name]
    measured = measure(name, stages)
    canvas = Canvas()
    draw_stages(canvas, measured, title=title)
    listed = "; ".join(
        f"{one.stage.label.replace('|', ' ').strip()}: {' × '.join(map(str, one.shape))}" for one in measured
    )
    return canvas, f"{title}, to scale", f"{_SCALE} Outputs: {listed}."


_TOWERS = [
    Stage("conv 1|11×11 /4", "conv1"),
    Stage("conv 2|5×5", "conv2"),
    Stage("conv 3|3×3", "conv3"),
    Stage("conv 4|3×3", "conv4"),
    Stage("conv 5|3×3", "conv5"),
    Stage("dense 6|", "dense6", "dense"),
    Stage("dense 7|", "dense7", "dense"),
]


def towers() -> tuple[Canvas, str, str]:
    """Return the picture of AlexNet's two towers."""
    canvas = Canvas()
    draw_towers(canvas, measure("alexnet_2012", _TOWERS)[1:])
    return (
        canvas,
        "AlexNet of 2012: two towers",
        "Half of the channels of each layer were on one graphics card, half on the other. Convolutions 2, 4 and 5 read"
        " their own half; convolution 3 and the dense layers read both: the blue arrows cross over.",
    )
