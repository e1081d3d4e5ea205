"""Time of a picture, and of densenet121's whole graph laid out at once, with and without chains.

    python benchmarks/diagram_layout.py [--limit SECONDS]

DenseNet concatenates a growing list: drawn as it is called, n layers have n * n / 2 edges, which Graphviz takes minutes
to route as curves and seconds as straight lines. A concatenation that begins with an earlier one takes that instead
(layerlab.anatomy.chains).
"""

from __future__ import annotations

import argparse
import statistics
import time

import machine
import torchvision

import layerlab
from layerlab.anatomy.chains import chained_sources
from layerlab.anatomy.layout import Plan, lay_out
from layerlab.anatomy.picture import picture

NETWORKS = ("resnet152", "densenet121", "vit_b_16")
MOST_SECONDS = 1.0
NODE = (60.0, 20.0)


def seconds_of_picture(anatomy: layerlab.Anatomy, repeats: int) -> list[float]:
    """Return the times of the picture of everything that can be opened, one of warming up not counted."""
    found = []
    for repeat in range(repeats + 1):
        start = time.perf_counter()
        picture(anatomy)
        if repeat:
            found.append(time.perf_counter() - start)
    return found


def seconds_of_layout(anatomy: layerlab.Anatomy, sources: list[tuple[int, ...]], limit: float) -> tuple[int, float]:
    """Return the number of edges and the time of one layout of all operations; the limit where it takes longer."""
    edges = tuple((source, number) for number, before in enumerate(sources) for source in before if source >= 0)
    start = time.perf_counter()
    try:
        lay_out([Plan("densenet121", tuple(NODE for _ in anatomy.operations), edges)], seconds=limit)
    except layerlab.LayerlabError as error:
        print(f"  {error}")
    return len(edges), time.perf_counter() - start


def main() -> int:
    """Print the tables; return 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--limit", type=float, default=60.0, help="seconds after which the graph without chains is given up"
    )
    options = parser.parse_args()
    print(machine.describe())
    slowest = 0.0
    for name in NETWORKS:
        anatomy = layerlab.dissect(torchvision.models.get_model(name, weights=None), (3, 224, 224))
        times = seconds_of_picture(anatomy, options.repeats)
        slowest = max(slowest, statistics.median(times))
        print(f"{name:12} picture {statistics.median(times):5.2f} s ({min(times):.2f} to {max(times):.2f})")
        if name == "densenet121":
            dense = anatomy
    edges, chained = seconds_of_layout(dense, chained_sources(dense.operations), options.limit)
    print(f"densenet121, all operations at once, chained:   {edges} edges, {chained:.2f} s")
    edges, called = seconds_of_layout(dense, [operation.sources for operation in dense.operations], options.limit)
    print(f"densenet121, all operations at once, as called: {edges} edges, {called:.2f} s")
    print(f"slowest picture {slowest:.2f} s (must be under {MOST_SECONDS:g})")
    print(f"with chains at least {called / chained:.0f} x faster (must be 10)")
    return 0 if slowest < MOST_SECONDS and called > 10 * chained else 1


if __name__ == "__main__":
    raise SystemExit(main())
