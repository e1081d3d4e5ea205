"""Claim: 40 seeds of the digits MLP train at least 6 times as fast stacked as in a plain loop, one after another.

The loop: the same network, weights, images and batches, eager torch, gradients by autograd, steps by
``torch.optim.SGD``, nothing measured on the way; with one thread or as many as torch chooses, whichever is faster on
the first few networks. Ours is the engine's whole call: weights and
divisions are drawn in it, and both parts are evaluated after every epoch. Both start from the same weights; after an
epoch their held-out losses must agree to 1e-4. Later a ReLU near zero may fall to one side here and to the other
there, which is printed.

Run: python benchmarks/lab_stacked.py [--seeds 40] [--epochs 20]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import machine
import torch
from torch.nn import functional

from layerlab.lab.engines.networks import NetworksEngine
from layerlab.lab.engines.networks_data import divide, load
from layerlab.lab.engines.networks_lanes import Lanes
from layerlab.lab.trial import Outcome, Replicate, Trial

REPEATS = 3
CLAIM = 6.0


def main() -> None:
    """Print medians, spreads and the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    print(machine.describe())
    first, whole = (trials_of(arguments.seeds, epochs) for epochs in (1, arguments.epochs))
    plain_first, _ = one_after_another(first)
    stacked_first, _ = stacked(first)  # which warms both up
    threads = min({1, torch.get_num_threads()}, key=lambda number: one_after_another(whole[:2], number)[1])
    theirs, ours = [], []
    for _ in range(REPEATS):
        plain, seconds = one_after_another(whole, threads)
        theirs.append(seconds)
        together, seconds = stacked(whole)
        ours.append(seconds)
    print(f"{arguments.seeds} networks, {arguments.epochs} epochs; seconds for all of them")
    print(f"the loop is faster with {threads} of {torch.get_num_threads()} threads")
    print(f"{'way':<20} {'median':>8} {'min':>8} {'max':>8}")
    for name, seconds_of in (("one after another", theirs), ("stacked", ours)):
        print(f"{name:<20} {statistics.median(seconds_of):8.2f} {min(seconds_of):8.2f} {max(seconds_of):8.2f}")
    early = differences(plain_first, stacked_first)
    late = differences(plain, together)
    print(f"held-out losses differ by at most {max(early):.1e} after one epoch; after the last {max(late):.1e}, and")
    print(f"{sum(each <= 1e-4 for each in late)} of {len(late)} by at most 1e-4")
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"{ratio:.1f} times as fast; bound {CLAIM:g}: {'reached' if ratio >= CLAIM else 'MISSED'}")
    if max(early) > 1e-4:
        raise SystemExit("the two ways do not train the same networks")


def trials_of(seeds: int, epochs: int) -> list[Trial]:
    """Return the trials of as many seeds."""
    engine = NetworksEngine()
    settings = engine.settings({"epochs": epochs}, "digits")
    return [Trial(engine.name, settings, Replicate(seed, seed, seed), "test") for seed in range(seeds)]


def stacked(trials: Sequence[Trial]) -> tuple[list[float], float]:
    """Return the held-out losses by the engine, and its seconds."""
    outcomes: dict[Trial, Outcome] = {}
    start = time.perf_counter()
    NetworksEngine().run(trials, outcomes.__setitem__)
    seconds = time.perf_counter() - start
    return [float(outcomes[trial].values["loss"] or 0) for trial in trials], seconds


def one_after_another(trials: Sequence[Trial], threads: int = 1) -> tuple[list[float], float]:
    """Return the held-out losses by a plain loop, and the seconds of its training alone."""
    losses, seconds, before = [], 0.0, torch.get_num_threads()
    torch.set_num_threads(threads)
    images = load("digits")
    for trial in trials:
        division, settings = divide(trial, images), trial.settings
        lanes = Lanes([trial], stacked=False)  # for its first weights and its order
        network = lanes.network.network.train()
        orders = [list(lanes.batches(epoch)) for epoch in range(1, settings["epochs"] + 1)]
        optimizer = torch.optim.SGD(network.parameters(), lr=settings["learning_rate"])
        start = time.perf_counter()
        for batches in orders:
            for rows, labels in batches:
                optimizer.zero_grad()
                loss = functional.cross_entropy(network(images.pixels[rows[0]]), labels[0])
                loss.backward()
                optimizer.step()
        seconds += time.perf_counter() - start
        with torch.no_grad():
            logits = network(images.pixels[division.held_out])
            losses.append(functional.cross_entropy(logits, images.labels[division.held_out]).item())
    torch.set_num_threads(before)
    return losses, seconds


def differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Return how far apart they are, pair by pair."""
    return [abs(a - b) for a, b in zip(first, second, strict=True)]


if __name__ == "__main__":
    main()
