"""Draws the guide's diagrams of networks: `python scripts/figures/diagrams.py [--output FOLDER] [NAME...]`.

Each is what `Anatomy.diagram` gives, so run it again when that changes; a test compares what they say.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision

import layerlab
from layerlab import Anatomy

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "anatomy"


def resnet50() -> Anatomy:
    """Residual stages: blocks folded to a count."""
    return layerlab.dissect(torchvision.models.resnet50(), (3, 224, 224))


def inception() -> Anatomy:
    """The first module of GoogLeNet: four branches, joined."""
    return layerlab.dissect(layerlab.create("googlenet").inception3a, (192, 28, 28))


def encoder_block() -> Anatomy:
    """One block of ViT-B/16: two skips."""
    return layerlab.dissect(torchvision.models.vit_b_16().encoder.layers[0], (197, 768))


DIAGRAMS: dict[str, Callable[[], Anatomy]] = {
    "resnet50": resnet50,
    "inception": inception,
    "encoder-block": encoder_block,
}


def draw(name: str) -> str:
    """Return a diagram as the text of an SVG."""
    with torch.device("meta"):
        return DIAGRAMS[name]().diagram()


def main() -> None:
    """Draw what the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(DIAGRAMS), metavar="NAME")
    parser.add_argument("--output", type=Path, default=FOLDER)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        (options.output / f"{name}.svg").write_text(draw(name))


if __name__ == "__main__":
    main()
