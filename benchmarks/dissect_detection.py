"""Dissection of torchvision's Mask R-CNN, which must run for real, against its plain forward.

    python benchmarks/dissect_detection.py

The same network with the same image of 320x320 (resized to 800x800), in turn, after one run
of each that is not counted.
"""

from __future__ import annotations

import argparse

import machine
import torch
import torchvision
from in_turn import ratio, seconds_of, spread

import layerlab

MOST = 2.0


def main() -> int:
    """Print the times; return 1 when a dissection takes more than twice a forward."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(0)
    model = torchvision.models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).eval()
    images = [torch.rand(3, 320, 320)]

    def forward() -> object:
        with torch.no_grad():
            return model(images)

    seconds = seconds_of({"forward": forward, "dissect": lambda: layerlab.dissect(model, (images,))}, options.repeats)
    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"maskrcnn_resnet50_fpn, {options.repeats} repeats in turn, seconds: median (least-most)")
    for name, values in seconds.items():
        print(f"{name:10} {spread(values, 1):>20}")
    times = ratio(seconds["dissect"], seconds["forward"])
    print(f"dissect / forward: {times:.2f} (must be under {MOST})")
    return 0 if times < MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
