"""Claim: trials of default playground networks end at least 100 times as fast as in a PyTorch loop, one by one.

The trials: 32 specifications with 16 seeds each, 100 epochs, through the lab's engine: drawing data and weights,
training, losses after every epoch, accuracy and the curve. Peer: the same trials, one seed of each specification,
through a plain loop on the same points with the same weights in the same order, drawn before its clock starts; so its
time is that of updates and losses alone.

Run: python benchmarks/lab_trials.py [--epochs 100]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from typing import TYPE_CHECKING

import machine
import numpy as np
import torch
from torch import nn

from layerlab.lab.engines.playground import PlaygroundEngine, specification_of_trial
from layerlab.lab.trial import Outcome, Replicate, Trial
from layerlab.playground.data_sets import generate
from layerlab.playground.network import Network
from layerlab.playground.random_numbers import Random

if TYPE_CHECKING:
    from layerlab.playground.specification import Specification

SEEDS = range(16)
REPEATS = 5
EARLY = 5
"""Epochs whose losses are compared: float32 has not gone its own way yet."""
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "linear": nn.Identity}


def main() -> None:
    """Print trials a second, and how many times as many."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=100)
    epochs = parser.parse_args().epochs
    print(machine.describe())
    torch.set_num_threads(1)
    engine = PlaygroundEngine()
    trials = [
        Trial(
            "playground",
            engine.settings({"activation": activation, "learning_rate": rate, "epochs": epochs}, task),
            Replicate(seed, seed, seed),
            "test",
        )
        for task, activation, rate in itertools.product(
            ("circle", "xor", "gauss", "spiral"), ("tanh", "relu", "sigmoid", "linear"), (0.01, 0.03)
        )
        for seed in SEEDS
    ]
    outcomes: dict[str, Outcome] = {}

    def report(trial: Trial, outcome: Outcome) -> None:
        outcomes[trial.key] = outcome

    engine.run(trials[:16], report)  # compiled, or loaded
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for group in engine.groups(trials):
            engine.run(group, report)
        seconds.append(time.perf_counter() - start)
    ours = len(trials) / statistics.median(seconds)
    spread = ", ".join(f"{len(trials) / one:,.0f}" for one in sorted(seconds, reverse=True))
    print(f"{'lab, all trials':<24} {ours:10,.1f} trials/s (each of {REPEATS} times: {spread})")
    begun = time.process_time()
    engine.run(trials, report, threads=1)
    ours_of_a_core = len(trials) / (time.process_time() - begun)
    print(f"{'lab, of one core':<24} {ours_of_a_core:10,.1f} trials/s of processor time")

    spent, apart, begun = 0.0, 0.0, time.process_time()
    peers = trials[:: len(SEEDS)]
    for trial in peers:
        took, losses = _torch(specification_of_trial(trial), epochs)
        spent += took
        curve = np.array([point[1:] for point in outcomes[trial.key].curve[: EARLY + 1]], np.float64)
        apart = max(apart, float(np.abs(curve - losses[: len(curve)]).max()))
    theirs = len(peers) / spent
    print(f"{'PyTorch, one by one':<24} {theirs:10,.1f} trials/s (one seed of each specification)")
    theirs_of_a_core = len(peers) / (time.process_time() - begun)
    print(f"{'PyTorch, of one core':<24} {theirs_of_a_core:10,.1f} trials/s of processor time")
    print(f"losses of the first {EARLY} epochs differ by at most {apart:.1e}")
    ratio = ours / theirs
    print(f"{ratio:,.0f} times as many trials a second ({ours_of_a_core / theirs_of_a_core:,.0f} times of one core)")
    print(f"bound 100 x: {'reached' if ratio >= 100 else 'MISSED'}")
    if apart > 1e-4:
        raise SystemExit("the two do not train the same networks")


def _torch(specification: Specification, epochs: int) -> tuple[float, np.ndarray]:
    """Train one network in PyTorch. Return the seconds and the losses (epochs + 1, 2)."""
    random = Random(specification.seed)
    points = generate(specification, random)
    network = Network(specification, points, random)
    parts = []
    for layer in network.layers:
        linear = nn.Linear(layer.inputs, layer.units)
        linear.load_state_dict({"weight": torch.tensor(layer.weights), "bias": torch.tensor(layer.biases)})
        parts += [linear, ACTIVATIONS[layer.activation]()]
    model = nn.Sequential(*parts)
    optimizer = torch.optim.SGD(model.parameters(), lr=specification.learning_rate)
    train, test = (torch.tensor(part, dtype=torch.float32) for part in (points.train, points.test))
    batches = [(batch[:, :2], batch[:, 2:]) for batch in train.split(specification.batch_size)]
    losses = np.empty((epochs + 1, 2))

    def evaluate(epoch: int) -> None:
        with torch.no_grad():
            for part, data in enumerate((train, test)):
                losses[epoch, part] = 0.5 * nn.functional.mse_loss(model(data[:, :2]), data[:, 2:])

    start = time.perf_counter()
    evaluate(0)
    for epoch in range(1, epochs + 1):
        for inputs, labels in batches:
            optimizer.zero_grad()
            loss = 0.5 * nn.functional.mse_loss(model(inputs), labels)
            loss.backward()
            optimizer.step()
        evaluate(epoch)
    return time.perf_counter() - start, losses


if __name__ == "__main__":
    main()
