"""Inference of optimised networks against torchvision's in eager float32, with the same weights.

    python benchmarks/zoo_inference.py [--quick] [--networks resnet50 ...] [--repeats 9]

Each of torchvision's networks is given weights that tell digits apart, since without a network there are none of
ImageNet: random convolutions, the norms' statistics of digits, and a last layer fitted to what comes out (ridge
regression, ten classes of the thousand). They are transplanted into ours, and ours is optimised twice, freely and
with ``precision="32"``; the classes are compared on digits that the last layer was not fitted to.
"""

from __future__ import annotations

import argparse
import statistics
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
BATCH, SIDE = 8, 224
NEEDED = {"optimize": 3.0, 'optimize, precision="32"': 1.25}


def digits(count: int) -> tuple[Tensor, Tensor]:
    """Return digits as images for a network of ImageNet."""
    part = layerlab.load_data("mnist5k", size=SIDE, channels=3).train
    images, labels = next(iter(part.batches(count, shuffle=True, seed=0, epoch=0)))
    return images, labels


def reference(name: str, images: Tensor, labels: Tensor) -> nn.Module:
    """Return torchvision's network, able to tell digits apart."""
    torch.manual_seed(0)
    network: nn.Module = (
        getattr(torchvision.models, name)(weights=None, init_weights=True)
        if name == "googlenet"
        else (getattr(torchvision.models, name)(weights=None))
    )
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean over all batches
    with torch.no_grad():
        for batch in images.split(32)[:2]:
            network.train()(batch)
        head = [module for module in network.eval().modules() if isinstance(module, nn.Linear)][-1]
        seen: list[Tensor] = []
        hook = head.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].double()))
        for batch in images.split(BATCH):
            network(batch)
        hook.remove()
        features = torch.cat(seen)
        centre = features.mean(0)
        targets = 2 * nn.functional.one_hot(labels, 10).double() - 1
        gram = (features - centre) @ (features - centre).T
        gram += 1e-2 * gram.diagonal().mean() * torch.eye(len(gram))
        weight = (features - centre).T @ torch.linalg.solve(gram, targets - targets.mean(0))
        head.weight.zero_()
        head.bias.fill_(-2)
        head.weight[:10] = weight.T.float()
        head.bias[:10] = (targets.mean(0) - centre @ weight).float()
    return network


def compare(name: str, repeats: int, count: int) -> dict[str, float]:
    """Print the figures of one network; return the ratios."""
    images, labels = digits(count + count // 2)
    theirs = reference(name, images[count // 2 :], labels[count // 2 :])
    ours = layerlab.create(name)
    layerlab.transplant(theirs, ours)
    example, more = images[:BATCH], images[BATCH : count // 2]
    fast: dict[str, OptimizedModel] = {
        "optimize": layerlab.optimize(ours, example, more=more),
        'optimize, precision="32"': layerlab.optimize(ours, example, more=more, precision="32"),
    }

    def run(network: nn.Module) -> Callable[[], Any]:
        return lambda: network(example)

    ways = {"torchvision": run(theirs)} | {way: run(network) for way, network in fast.items()}
    with torch.inference_mode():
        seconds = in_turn.seconds_of(ways, repeats)
        right = sum(int((theirs(x).argmax(1) == y).sum()) for x, y in _batches(images, labels, count // 2))
        kept = {
            way: sum(
                int((network(x).argmax(1) == theirs(x).argmax(1)).sum())
                for x, _ in _batches(images, labels, count // 2)
            )
            for way, network in fast.items()
        }
    print(f"{name}: torchvision is right on {right / (count // 2):.0%} of {count // 2} digits")
    print(f"  {'torchvision':26}{in_turn.spread(seconds['torchvision']):>20} ms")
    ratios = {}
    for way, network in fast.items():
        ratios[way] = in_turn.ratio(seconds["torchvision"], seconds[way])
        chosen = network.report.chosen
        print(
            f"  {way:26}{in_turn.spread(seconds[way]):>20} ms  {ratios[way]:5.2f} times  same class"
            f" {kept[way] / (count // 2):.1%}  ({chosen.name})"
        )
    return ratios


def _batches(images: Tensor, labels: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(images[:count].split(BATCH), labels[:count].split(BATCH), strict=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--digits", type=int, default=256, help="half of them compare classes, the last layer gets more"
    )
    parser.add_argument("--quick", action="store_true", help="two repeats, few digits")
    arguments = parser.parse_args()
    repeats, count = (2, 64) if arguments.quick else (arguments.repeats, arguments.digits)
    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"batch of {BATCH} x 3 x {SIDE} x {SIDE}: median (lowest-highest) of {repeats}, in turn")
    found = [compare(name, repeats, count) for name in arguments.networks]
    for way, needed in NEEDED.items():
        if way == "optimize" and not bf16_is_native(torch.device("cpu")):
            needed = NEEDED['optimize, precision="32"']  # noqa: PLW2901
        mean = statistics.geometric_mean([ratios[way] for ratios in found])
        print(f"{way}: geometric mean {mean:.2f} times (needed {needed})")


if __name__ == "__main__":
    main()
