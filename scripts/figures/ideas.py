"""Pictures of single ideas: a table, a growing stack, the family tree, the zoo as a map."""

from __future__ import annotations

import math

from canvas import Canvas, text_width

import layerlab

__all__ = ["IDEAS"]

Picture = tuple[Canvas, str, str]


def connections() -> Picture:
    """Draw which maps of S2 each map of C3 reads, and the drawings that the output compares with."""
    from layerlab.zoo.lenet import CONNECTIONS, DIGITS

    canvas, cell = Canvas(), 22.0
    columns = len(CONNECTIONS)
    canvas.text(0, -34, "Which maps of S2 a map of C3 reads", size=13, bold=True, anchor="start")
    canvas.text(columns * cell / 2, -17, "map of C3", size=11, style="soft")
    canvas.text(-12, 6 * cell + 18, "inputs", size=10.5, style="soft", anchor="end")
    for row in range(6):
        canvas.text(
            -12,
            (row + 0.5) * cell + 4,
            f"map {row} of S2" if row == 0 else str(row),
            size=10.5,
            style="soft",
            anchor="end",
        )
    for column, read in enumerate(CONNECTIONS):
        x = column * cell
        canvas.text(x + cell / 2, -4, str(column), size=10.5, style="soft")
        canvas.text(x + cell / 2, 6 * cell + 18, str(len(read)), size=10.5, style="soft")
        for row in range(6):
            canvas.box(x + 1, row * cell + 1, cell - 2, cell - 2, "conv" if row in read else "paper", radius=2)
            if row in read:
                canvas.circle(x + cell / 2, (row + 0.5) * cell, 3.5, "mark")
    kept = sum(map(len, CONNECTIONS))
    canvas.text(
        0, 6 * cell + 40,
        f"{kept} of {6 * columns} pairs: {kept} × 25 weights + {columns} biases = {kept * 25 + columns:,}",
        size=11, style="soft", anchor="start",
    )  # fmt: skip

    top, pixel = 6 * cell + 74, 3.6
    canvas.text(0, top, "What the output compares the 84 values of F6 with", size=13, bold=True, anchor="start")
    rows = [line.split() for line in DIGITS.split("\n") if line]
    for digit in range(10):
        left = digit * 35.8
        canvas.box(left, top + 12, 7 * pixel, 12 * pixel, "input", radius=0)
        for y, line in enumerate(rows):
            for x, mark in enumerate(line[digit]):
                if mark == "#":
                    corner = left + x * pixel, top + 12 + y * pixel
                    canvas.box(*corner, pixel, pixel, "mark", radius=0, edge=False)
    return (
        canvas,
        "LeNet-5's connection table and its prototypes",
        "A matrix of 6 rows, the maps of S2, and 16 columns, the maps of C3: the first six columns have three marks,"
        " nine have four, the last has six. Below, the ten digits as drawings of 7 by 12 pixels.",
    )


def stacked() -> Picture:
    """Draw what two and three 3×3 convolutions see beside one 5×5 and one 7×7."""
    canvas, cell = Canvas(), 17.0

    def grid(x: float, y: float, size: int, marked: int, kind: str) -> None:
        low = (size - marked) // 2
        for row in range(size):
            for column in range(size):
                inside = low <= row < low + marked and low <= column < low + marked
                canvas.box(x + column * cell, y + row * cell, cell, cell, kind if inside else "paper", radius=0)

    x = 0.0
    steps = [
        (7, 7, "the input", "input"),
        (5, 5, "after one 3×3", "conv"),
        (3, 3, "after two", "conv"),
        (1, 1, "after three", "conv"),
    ]
    for index, (size, marked, label, kind) in enumerate(steps):
        y = (7 - size) * cell / 2
        grid(x, y, size, marked, kind)
        width = max(size * cell, text_width(label, 11))
        canvas.text(x + size * cell / 2, 7 * cell + 20, label, size=11, bold=True)
        canvas.text(x + size * cell / 2, 7 * cell + 35, f"{size}×{size}", size=10.5, style="soft")
        if index < len(steps) - 1:
            after = x + size * cell
            following = (width - size * cell) / 2 + 40 + (14 if steps[index + 1][0] < 5 else 0)
            canvas.line([(after + 8, 3.5 * cell), (after + following - 8, 3.5 * cell)], arrow=True)
            x = after + following
    left, gap = x + 76, 26.0
    widest = 49
    canvas.text(left, 2, "weights for C channels in and out", size=11, bold=True, anchor="start")
    rows = [("one 5×5", 25, "conv"), ("two 3×3", 18, "act"), ("one 7×7", 49, "conv"), ("three 3×3", 27, "act")]
    for index, (label, count, kind) in enumerate(rows):
        y = 16 + index * gap + (8 if index > 1 else 0)
        canvas.text(left, y + 12, label, size=11, anchor="start")
        canvas.box(left + 66, y, 150 * count / widest, 16, kind, radius=2)
        canvas.text(left + 72 + 150 * count / widest, y + 12, f"{count} C²", size=10.5, style="soft", anchor="start")
    return (
        canvas,
        "Three 3×3 convolutions see what one 7×7 sees",
        "One value after three 3×3 convolutions depends on 3×3 values after two, on 5×5 after one and on 7×7 of the"
        " input. Three of them have 27 C² weights where one 7×7 has 49 C²; two have 18 C² where one 5×5 has 25 C².",
    )


def dense_growth() -> Picture:
    """Draw the first layers of DenseNet-121's first block as channels that are kept and channels that are added."""
    module = layerlab.create("densenet121", device="meta").get_submodule("features.denseblock1")
    first, growth, inside = (
        len(module.get_parameter(f"denselayer1.{path}.weight")) for path in ("norm1", "conv2", "conv1")
    )
    canvas, pixel, count = Canvas(), 0.72, 4
    kinds = ["input", "conv", "act", "dense", "pool"]
    x, width, gap = 0.0, 34.0, 116.0
    tallest = (first + count * growth) * pixel
    canvas.text(0, -44, f"{first} channels, then {growth} more from each layer", size=13, bold=True, anchor="start")
    for layer in range(count + 1):
        parts = [first] + [growth] * layer
        y = 0.0
        for kind, part in zip(kinds, parts, strict=False):
            canvas.box(x, y, width, part * pixel, kind, radius=0)
            y += part * pixel
        canvas.text(x + width / 2, tallest + 18, str(sum(parts)), size=11, bold=True)
        canvas.text(x + width / 2, -8, "input" if not layer else f"after {layer}", size=10.5, style="soft")
        if layer < count:
            foot = y + growth * pixel / 2
            middle = x + width + gap / 2
            canvas.line([(x + width, 8), (x + width + gap - 2, 8)], arrow=True)
            canvas.text(middle, 3, "kept", size=10, style="soft")
            canvas.line(
                [(x + width, y / 2), (x + width + 12, y / 2), (x + width + 12, foot), (x + width + 18, foot)],
                arrow=True,
            )
            canvas.box(x + width + 18, foot - 11, gap - 36, 22, kinds[layer + 1])
            canvas.text(middle, foot + 4, f"layer {layer + 1}", size=11)
            canvas.line([(x + width + gap - 18, foot), (x + width + gap - 2, foot)], arrow=True)
        x += width + gap
    total = len([name for name, _ in module.named_children()])
    canvas.text(
        0, tallest + 44,
        f"Each layer: norm, ReLU, conv 1×1 to {inside}, norm, ReLU, conv 3×3 to {growth}. After all {total}:"
        f" {first} + {total} × {growth} = {first + total * growth}.",
        size=11, style="soft", anchor="start",
    )  # fmt: skip
    return (
        canvas,
        "A dense block",
        f"Stacks of channels. The first has {first}; each layer reads the whole stack and puts {growth} channels of its"
        " own under it; everything above is kept as it was.",
    )


_STEPS = [
    ("lenet5", "convolve, subsample, learn all of it"),
    ("alexnet_2012", "ReLU, dropout, and two graphics cards"),
    ("vgg16", "only 3×3, and more of them"),
    ("googlenet_paper", "several sizes side by side, 1×1 first"),
    ("resnet50", "learn the difference: add the input"),
    ("preact_resnet50", "nothing on the shortcut"),
    ("densenet121", "keep everything: concatenate"),
    ("inception_v3", "n×n as 1×n and n×1; batch norm"),
    ("xception", "places and channels apart"),
    ("mobilenet_v1", "the same, to save operations"),
    ("mobilenet_v2", "narrow ends, wide and cheap inside"),
    ("mobilenet_v3_large", "searched for; gates on the channels"),
]


def order() -> Picture:
    """Draw the reading order: year, name, the one new idea, and what it is built from."""
    canvas, step = Canvas(), 40.0
    names = [name for name, _ in _STEPS]
    left = 214.0
    for index, (name, idea) in enumerate(_STEPS):
        info = layerlab.model_info(name)
        y = index * step
        canvas.text(left - 174, y + 4, str(info.year), size=11, style="soft", anchor="end")
        width = 144.0
        canvas.box(left - 164, y - 13, width, 26, "conv")
        canvas.text(left - 164 + width / 2, y + 4.5, name, size=11.5, bold=True)
        canvas.text(left + 26, y + 4.5, idea, size=12, anchor="start")
        if index:
            canvas.line([(left - 92, y - step + 13), (left - 92, y - 14)], arrow=True)
    return (
        canvas,
        "Read in this order",
        "; ".join(
            f"{layerlab.model_info(name).year} {name}: {idea}"
            for name, idea in zip(names, (i for _, i in _STEPS), strict=True)
        ),
    )


_COLOURS = {
    "LeNet": ("norm", "lenet*"),
    "AlexNet": ("dense", "alexnet*"),
    "VGG": ("pool", "vgg*"),
    "Inception": ("join", "*ception_v3 googlenet*"),
    "ResNet": ("conv", "resnet* preact_resnet*"),
    "DenseNet": ("act", "densenet*"),
    "Xception, MobileNet": ("depth", "xception* mobilenet*"),
}
_NAMED = (
    *("lenet5", "alexnet_2012", "vgg16", "vgg19", "vgg11", "googlenet", "inception_v3"),
    *("resnet18", "resnet50", "resnet152", "resnet20", "resnet110"),
    *("densenet121", "densenet201", "densenet_bc_100_12", "xception", "xception_cifar"),
    *("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "mobilenet_v1_025"),
)
_DOT = 4.6


def zoo_map() -> Picture:
    """Draw the networks as points: parameters to the right, multiply-accumulates upwards."""
    canvas = Canvas()
    width, height = 660.0, 440.0
    low_x, high_x, low_y, high_y = 4.6, 8.45, 5.4, 10.6

    def place(name: str) -> tuple[float, float]:
        info = layerlab.model_info(name)
        return across(info.parameters), up(info.macs)

    def across(parameters: float) -> float:
        return (math.log10(parameters) - low_x) / (high_x - low_x) * width

    def up(macs: float) -> float:
        return height - (math.log10(macs) - low_y) / (high_y - low_y) * height

    for power, label in ((5, "100 k"), (6, "1 M"), (7, "10 M"), (8, "100 M")):
        canvas.line([(across(10**power), 0), (across(10**power), height)], style="edge")
        canvas.text(across(10**power), height + 16, label, size=10.5, style="soft")
    for power, label in ((6, "1 M"), (7, "10 M"), (8, "100 M"), (9, "1 G"), (10, "10 G")):
        canvas.line([(0, up(10**power)), (width, up(10**power))], style="edge")
        canvas.text(-8, up(10**power) + 4, label, size=10.5, style="soft", anchor="end")
    canvas.text(width / 2, height + 36, "parameters", size=12, bold=True)
    canvas.text(-44, -14, "multiply-accumulates for one image of the original size", size=12, bold=True, anchor="start")

    members = {
        name: kind
        for kind, patterns in _COLOURS.values()
        for pattern in patterns.split()
        for name in layerlab.list_models(pattern)
    }
    for name, kind in members.items():
        canvas.dot(*place(name), kind, radius=_DOT)
    taken = [_around(*place(name), _DOT, _DOT) for name in members]
    for name in _NAMED:
        _label(canvas, name, place(name), taken)

    for index, (family, (kind, _)) in enumerate(_COLOURS.items()):
        y = height - 20 * (len(_COLOURS) - index) + 4
        canvas.dot(width - 142, y, kind, radius=_DOT)
        canvas.text(width - 130, y + 4, family, size=11, anchor="start")
    return (
        canvas,
        "The zoo as a map",
        f"{len(members)} networks by parameters and multiply-accumulates, both on logarithmic scales, from LeNet-5"
        " with 60 thousand parameters to VGG-19 with 144 million and 20 billion multiply-accumulates. MobileNets lie"
        " below the others of equal parameters; DenseNets above them.",
    )


Span = tuple[float, float, float, float]


def _around(x: float, y: float, half_width: float, half_height: float) -> Span:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _label(canvas: Canvas, name: str, point: tuple[float, float], taken: list[Span]) -> None:
    """Write a name beside its point, at the first place where it covers nothing, else where it covers least."""
    x, y = point
    half = text_width(name, 10.5) / 2
    places = [
        (x + right * (half + 8), y + down)
        for down in (0, -8, 8, -13, 13, -20, 20)
        for right in ((1, -1) if abs(down) < 13 else (0, 0.6, -0.6))
    ]

    def covered(centre: tuple[float, float]) -> float:
        left, top, right, foot = _around(*centre, half, 6)
        shared = ((min(right, far) - max(left, low), min(foot, deep) - max(top, up)) for low, up, far, deep in taken)
        return sum(wide * high for wide, high in shared if wide > 0 and high > 0)

    best = min(places, key=covered)
    taken.append(_around(*best, half, 6))
    canvas.text(best[0], best[1] + 3.8, name, size=10.5)


IDEAS = {
    "lenet-connections": connections,
    "vgg-stack": stacked,
    "densenet-block": dense_growth,
    "reading-order": order,
    "zoo-map": zoo_map,
}
