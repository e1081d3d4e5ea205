"""Building the largest residual network: ours against torchvision's constructor, with weights and without.

python benchmarks/zoo_construction.py [--quick] [--name resnet152] [--repeats 9]
"""

from __future__ import annotations

import argparse

import in_turn
import machine
import torch
import torchvision

import layerlab

LIMIT_ON_META = 0.1


def on_meta(name: str) -> torch.nn.Module:
    """Build torchvision's on the device that has shapes only."""
    with torch.device("meta"):
        model: torch.nn.Module = getattr(torchvision.models, name)()
    return model


def main() -> int:
    """Print the table; return 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="resnet152")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="three repeats")
    arguments = parser.parse_args()
    name, repeats = arguments.name, 3 if arguments.quick else arguments.repeats
    ways = {
        "torchvision": lambda: getattr(torchvision.models, name)(weights=None),
        "create": lambda: layerlab.create(name),
        "torchvision, meta": lambda: on_meta(name),
        "create, meta": lambda: layerlab.create(name, device="meta"),
    }
    seconds = in_turn.seconds_of(ways, repeats)
    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"{name}, built {repeats} times, in turn: median (shortest-longest)")
    for way, times in seconds.items():
        print(f"  {way:18}{in_turn.spread(times):>22} ms")
    ratio = in_turn.ratio(seconds["torchvision"], seconds["create"])
    meta = sorted(seconds["create, meta"])[repeats // 2]
    print(
        f"create: {ratio:.2f} times as fast (needed 1); on meta {1000 * meta:.0f} ms"
        f" (needed {1000 * LIMIT_ON_META:.0f})"
    )
    return int(ratio < 1 or meta >= LIMIT_ON_META)


if __name__ == "__main__":
    raise SystemExit(main())
