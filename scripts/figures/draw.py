"""Draws every figure of the guide's pages on the zoo: `python scripts/figures/draw.py [--output FOLDER] [NAME...]`.

Shapes and counts come from the networks themselves, so run it again when one of them changes; a test compares.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from canvas import Canvas
from ideas import IDEAS
from modules import MODULES
from networks import NETWORKS, network, towers

FIGURES: dict[str, Callable[[], tuple[Canvas, str, str]]] = {
    **{f"{name.replace('_', '-')}-stages": partial(network, name) for name in NETWORKS},
    "alexnet-towers": towers,
    **MODULES,
    **IDEAS,
}
FOLDER = Path(__file__).parents[2] / "docs" / "images" / "zoo"


def main() -> None:
    """Draw what the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(sorted(FIGURES))} (default: all)")
    parser.add_argument("--output", type=Path, default=FOLDER, help="default: docs/images/zoo")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(FIGURES))
    if unknown:
        sys.exit(f"no figure {', '.join(unknown)}; there are {', '.join(sorted(FIGURES))}")
    given.output.mkdir(parents=True, exist_ok=True)
    for name in given.names or FIGURES:
        canvas, title, description = FIGURES[name]()
        canvas.save(given.output / f"{name}.svg", title, description)


if __name__ == "__main__":
    main()
