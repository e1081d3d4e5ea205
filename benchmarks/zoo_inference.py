"""Inference of optimised networks against torchvision's in eager float32, with the same weights.

    python benchmarks/zoo_inference.py [--quick] [--networks resnet50 ...] [--repeats 9] [--weights imagenet]

The weights are torchvision's: random ones as its constructor draws them, or with ``--weights imagenet`` the published
ones (they are downloaded). They are transplanted into ours, and ours is optimised twice, freely and with
``precision="32"``. The images are crops of scikit-learn's two photographs. How fast a network is does not depend on its
weights; that classes are kept says little where they are random, since such a network gives most images one class.
"""

from __future__ import annotations

import argparse
import functools
import statistics
from collections.abc import Callable
from typing import Any

import in_turn
import machine
import torch
import torchvision
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

import layerlab
from layerlab.training.precision import bf16_is_native

NETWORKS = ("resnet50", "densenet121", "googlenet", "mobilenet_v2")
BATCH, SIDE = 8, 224
NEEDED = {"optimize": 3.0, 'optimize, precision="32"': 1.25}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def crops(count: int) -> Tensor:
    """Return squares of the photographs, of all sizes and places, the same ones every time."""
    photographs = [torch.from_numpy(image.copy()).movedim(-1, 0) / 255 for image in load_sample_images().images]
    generator = torch.Generator().manual_seed(0)
    found = []
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        limit = min(photograph.shape[1:])
        side = int(torch.randint(limit // 4, limit + 1, (), generator=generator))
        top, left = (int(torch.randint(0, size - side + 1, (), generator=generator)) for size in photograph.shape[1:])
        square = photograph[None, :, top : top + side, left : left + side]
        found.append(nn.functional.interpolate(square, (SIDE, SIDE), mode="bilinear", antialias=True))
    return (torch.cat(found) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)


def reference(name: str, weights: str | None) -> nn.Module:
    """Return torchvision's network, in evaluation mode."""
    torch.manual_seed(0)
    published = {"imagenet": "IMAGENET1K_V1"}.get(weights or "")
    options = {"init_weights": True} if name == "googlenet" and published is None else {}
    network: nn.Module = getattr(torchvision.models, name)(weights=published, **options)
    return network.eval()


def compare(name: str, repeats: int, count: int, weights: str | None) -> dict[str, float]:
    """Print the figures of one network; return the ratios."""
    images = crops(count)
    theirs = reference(name, weights)
    knobs = {"auxiliary": False} if name == "googlenet" and weights else {}  # published without auxiliary heads
    ours = layerlab.create(name, **knobs)
    layerlab.transplant(theirs, ours)
    ours.eval()
    example, more = images[:BATCH], images[BATCH:]
    fast = {
        "optimize": layerlab.optimize(ours, example, more=more),
        'optimize, precision="32"': layerlab.optimize(ours, example, more=more, precision="32"),
    }
    ways: dict[str, Callable[[], Any]] = {"torchvision": functools.partial(theirs, example)}
    ways |= {way: functools.partial(network, example) for way, network in fast.items()}
    with torch.inference_mode():
        seconds = in_turn.seconds_of(ways, repeats)
        batches = images.split(BATCH)
        classes = [theirs(x).argmax(1) for x in batches]
        kept = {
            way: sum(int((network(x).argmax(1) == found).sum()) for x, found in zip(batches, classes, strict=True))
            for way, network in fast.items()
        }
    print(f"{name}: torchvision sees {len(torch.cat(classes).unique())} classes in {count} images")
    print(f"  {'torchvision':26}{in_turn.spread(seconds['torchvision']):>20} ms")
    ratios = {}
    for way, network in fast.items():
        ratios[way] = in_turn.ratio(seconds["torchvision"], seconds[way])
        print(
            f"  {way:26}{in_turn.spread(seconds[way]):>20} ms  {ratios[way]:5.2f} times"
            f"  same class {kept[way] / count:.1%}  ({network.report.chosen.name})",
            flush=True,
        )
    return ratios


def main() -> int:
    """Print the table; return 1 when a mean is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--images", type=int, default=128, help="on which the classes are compared")
    parser.add_argument("--weights", choices=["imagenet"], help="the published weights")
    parser.add_argument("--quick", action="store_true", help="two repeats, 16 images")
    arguments = parser.parse_args()
    repeats, count = (2, 16) if arguments.quick else (arguments.repeats, arguments.images)
    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"batch of {BATCH} x 3 x {SIDE} x {SIDE}: median (lowest-highest) of {repeats}, in turn", flush=True)
    found = [compare(name, repeats, count, arguments.weights) for name in arguments.networks]
    needed = dict(NEEDED)
    if not bf16_is_native(torch.device("cpu")):
        needed["optimize"] = needed['optimize, precision="32"']
    means = {way: statistics.geometric_mean([ratios[way] for ratios in found]) for way in needed}
    for way, mean in means.items():
        print(f"{way}: geometric mean {mean:.2f} times (needed {needed[way]})")
    return int(any(means[way] < needed[way] for way in means))


if __name__ == "__main__":
    raise SystemExit(main())
