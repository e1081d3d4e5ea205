"""Inference of optimised networks against torchvision's in eager float32, with the same weights.

    python benchmarks/zoo_inference.py [--quick] [--networks resnet50 ...] [--repeats 9]

Both networks have the same weights. Random ones would give one class for everything, so that nothing could be said of
the classes that are kept: ours is trained on digits of 32x32 first (a minute or two each; ``--epochs 0`` leaves it
out), and the images are digits too, repeated until 224x224 are full, which looks to the last pooling like one of them.
Ours is optimised twice, freely and with ``precision="32"``; the classes are compared on digits of the test part.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from typing import Any

import in_turn
import machine
import torch
import torchvision
from torch import Tensor, nn

import layerlab
from layerlab.training.optimize import OptimizedModel
from layerlab.training.precision import bf16_is_native

NETWORKS = ("resnet50", "densenet121", "googlenet", "mobilenet_v2")
BATCH, SIDE, SMALL_SIDE = 8, 224, 32
NEEDED = {"optimize": 3.0, 'optimize, precision="32"': 1.25}


def trained(name: str, epochs: int) -> nn.Module:
    """Return our network, with ten classes, in evaluation mode."""
    torch.manual_seed(0)
    if not epochs:
        return layerlab.create(name, num_classes=10).eval()
    with tempfile.TemporaryDirectory() as folder:
        network = layerlab.create(name, num_classes=10)
        data = layerlab.load_data("mnist5k", size=SMALL_SIDE, channels=3)
        run = layerlab.fit(network, data, epochs=epochs, output=f"{folder}/run", progress=False, learning_rate=2e-3)
        return run.model.eval()


def digits(count: int) -> tuple[Tensor, Tensor]:
    """Return digits that no training saw, as images for a network of ImageNet."""
    part = layerlab.load_data("mnist5k", size=SMALL_SIDE, channels=3).test
    images, labels = next(iter(part.batches(len(part), shuffle=True, seed=0, epoch=0)))
    return images[:count].repeat(1, 1, SIDE // SMALL_SIDE, SIDE // SMALL_SIDE), labels[:count]


def compare(name: str, repeats: int, count: int, epochs: int) -> dict[str, float]:
    """Print the figures of one network; return the ratios."""
    images, labels = digits(count)
    ours = trained(name, epochs)
    options = {"init_weights": False} if name == "googlenet" else {}
    theirs: nn.Module = getattr(torchvision.models, name)(weights=None, num_classes=10, **options)
    layerlab.transplant(ours, theirs)
    theirs.eval()
    example, more = images[:BATCH], images[BATCH:]
    fast: dict[str, OptimizedModel] = {
        "optimize": layerlab.optimize(ours, example, more=more),
        'optimize, precision="32"': layerlab.optimize(ours, example, more=more, precision="32"),
    }

    def run(network: nn.Module) -> Callable[[], Any]:
        return lambda: network(example)

    ways = {"torchvision": run(theirs)} | {way: run(network) for way, network in fast.items()}
    batches = list(zip(images.split(BATCH), labels.split(BATCH), strict=True))
    with torch.inference_mode():
        seconds = in_turn.seconds_of(ways, repeats)
        classes = [theirs(x).argmax(1) for x, _ in batches]
        right = sum(int((found == y).sum()) for found, (_, y) in zip(classes, batches, strict=True))
        kept = {
            way: sum(int((network(x).argmax(1) == found).sum()) for (x, _), found in zip(batches, classes, strict=True))
            for way, network in fast.items()
        }
    print(f"{name}: torchvision is right on {right / len(images):.0%} of {len(images)} digits")
    print(f"  {'torchvision':26}{in_turn.spread(seconds['torchvision']):>20} ms")
    ratios = {}
    for way, network in fast.items():
        ratios[way] = in_turn.ratio(seconds["torchvision"], seconds[way])
        chosen = network.report.chosen
        print(
            f"  {way:26}{in_turn.spread(seconds[way]):>20} ms  {ratios[way]:5.2f} times  same class"
            f" {kept[way] / len(images):.1%}  ({chosen.name})"
        )
    return ratios


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--digits", type=int, default=256, help="on which the classes are compared")
    parser.add_argument("--epochs", type=int, default=3, help="of the training before")
    parser.add_argument("--quick", action="store_true", help="two repeats, few digits, no training")
    arguments = parser.parse_args()
    repeats, count, epochs = arguments.repeats, arguments.digits, arguments.epochs
    if arguments.quick:
        repeats, count, epochs = 2, 32, 0
    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"batch of {BATCH} x 3 x {SIDE} x {SIDE}: median (lowest-highest) of {repeats}, in turn")
    found = [compare(name, repeats, count, epochs) for name in arguments.networks]
    for way, needed in NEEDED.items():
        if way == "optimize" and not bf16_is_native(torch.device("cpu")):
            needed = NEEDED['optimize, precision="32"']  # noqa: PLW2901
        mean = statistics.geometric_mean([ratios[way] for ratios in found])
        print(f"{way}: geometric mean {mean:.2f} times (needed {needed})")


if __name__ == "__main__":
    main()
