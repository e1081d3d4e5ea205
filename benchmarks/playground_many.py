"""Claim: 512 networks (32 specifications x 16 seeds) train at least 30 times as fast as in JavaScript, one by one.

Peer: benchmarks/peer/playground.mjs in Node, as in playground_single.py. Our time is that of the whole call, on all
cores, data and weights drawn in it; the peer's is training alone.

Run: python benchmarks/playground_many.py [--epochs 100]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time

import machine
import numpy as np
from peer import node

from layerlab.playground.many import train
from layerlab.playground.specification import Specification

SEEDS = range(16)
SPECIFICATIONS = [
    Specification(dataset=dataset, activation=activation, learning_rate=rate)
    for dataset, activation, rate in itertools.product(
        ("circle", "xor", "gauss", "spiral"), ("tanh", "relu", "sigmoid", "linear"), (0.01, 0.03)
    )
]
REPEATS = 5


def main() -> None:
    """Print medians, spreads and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=100)
    epochs = parser.parse_args().epochs
    print(machine.describe())
    networks = [node.network_of(one.replace(seed=str(seed))) for one in SPECIFICATIONS for seed in SEEDS]
    theirs, their_losses = node.train(networks, epochs)
    wanted = np.reshape(their_losses, (len(SPECIFICATIONS), len(SEEDS), epochs, 2))
    updates = len(networks) * epochs * 25
    print(f"{len(networks)} networks, {epochs} epochs; microseconds for one update of one network, all in")
    print(f"{'engine':<24} {'median':>8} {'min':>8} {'max':>8} {'ratio':>8}  losses differ by at most")
    print(f"{'Node, one by one':<24} {1e6 * theirs[0] / updates:8.3f}")
    ratio = 0.0
    for precision in ("double", "single"):
        train(SPECIFICATIONS[:4], seeds=SEEDS, epochs=1, precision=precision)
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            trained = train(SPECIFICATIONS, seeds=SEEDS, epochs=epochs, precision=precision)
            seconds.append(time.perf_counter() - start)
        ratio = theirs[0] / statistics.median(seconds)
        early = np.abs(trained.losses[:, :, 1:6] - wanted[:, :, :5]).max()
        low, middle, high = (1e6 * f(seconds) / updates for f in (min, statistics.median, max))
        print(f"{'train, ' + precision:<24} {middle:8.3f} {low:8.3f} {high:8.3f} {ratio:8.1f}  {early:.1e} (5 epochs)")
        if precision == "double":
            np.testing.assert_allclose(trained.losses[:, :, 1:], wanted, rtol=1e-6)
    print(f"bound 30 x: {'reached' if ratio >= 30 else 'MISSED'}")


if __name__ == "__main__":
    main()
