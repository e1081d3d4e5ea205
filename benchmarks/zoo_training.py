"""Images a second of ``layerlab.fit`` against a plain eager float32 loop over torchvision's network, and both losses.

    python benchmarks/zoo_training.py [--quick] [--networks resnet18 mobilenet_v2] [--epochs 4] [--seeds 3]

The plain loop is what a person writes: a DataLoader over tensors in memory, the same optimiser, learning rate and
schedule, validation after each epoch. Both are timed from the end of the first epoch to the end of the last, as a
user sees them, ``fit`` with its checkpoints and records. They take turns, so that a busy moment of the machine meets
both. Digits at 64x64 in three channels, batches of 32.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass

import machine
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import layerlab
from layerlab.data import Dataset
from layerlab.training.optimisers import default_learning_rate
from layerlab.training.precision import bf16_is_native

NETWORKS = ("resnet18", "mobilenet_v2")
BATCH, SIDE = 32, 64
NEEDED = 1.6
EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Curve:
    """What a training came to."""

    images_per_second: float
    losses: list[float]
    """Of the training part, epoch by epoch, each measured while the network learned."""
    validation: float
    """The last one's."""


def plain_loop(name: str, dataset: Dataset, epochs: int, seed: int) -> Curve:
    """Train torchvision's network eagerly."""
    torch.manual_seed(seed)
    network = getattr(torchvision.models, name)(weights=None, num_classes=len(dataset.classes))
    tensors = [next(iter(part.batches(len(part)))) for part in (dataset.train, dataset.validation)]
    loader = DataLoader(TensorDataset(*tensors[0]), batch_size=BATCH, shuffle=True)
    rate = default_learning_rate("adam")
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(loader) + 1)
    losses: list[float] = []
    marks: list[float] = []
    value = 0.0
    for _ in range(epochs):
        network.train()
        total = 0.0
        for images, labels in loader:
            loss = nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(labels)
        losses.append(total / len(dataset.train))
        network.eval()
        with torch.no_grad():
            pairs = zip(*(tensor.split(EVALUATION_BATCH) for tensor in tensors[1]), strict=True)
            value = sum(nn.functional.cross_entropy(network(x), y, reduction="sum").item() for x, y in pairs)
        marks.append(time.perf_counter())
    return Curve(_speed(marks, dataset), losses, value / len(dataset.validation))


def with_fit(name: str, dataset: Dataset, epochs: int, seed: int) -> tuple[Curve, str]:
    """Train ours with ``fit``; return the curve and the way it chose."""
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        run = layerlab.fit(
            name,
            dataset,
            batch_size=BATCH,
            epochs=epochs,
            seed=seed,
            output=f"{folder}/run",
            progress=False,
            callbacks=[lambda _record: marks.append(time.perf_counter())],
        )
        history, way = run.history, run.config["resolved"]
    losses = [record["train_loss"] for record in history]
    chosen = f"{way['precision']}, {way['memory_format']}"
    return Curve(_speed(marks, dataset), losses, history[-1]["val_loss"]), chosen


def _speed(marks: list[float], dataset: Dataset) -> float:
    return (len(marks) - 1) * len(dataset.train) / (marks[-1] - marks[0])


def compare(name: str, dataset: Dataset, epochs: int, seeds: int) -> None:
    """Print the figures of one network."""
    plain: list[Curve] = []
    ours: list[Curve] = []
    chosen = ""
    for seed in range(seeds):
        plain.append(plain_loop(name, dataset, epochs, seed))
        curve, chosen = with_fit(name, dataset, epochs, seed)
        ours.append(curve)
    print(f"{name} ({chosen})")
    print(f"  {'':12}{'images/s: median':>18}{'lowest':>9}{'highest':>9}  training loss by epoch, mean of the seeds")
    for way, curves in (("plain loop", plain), ("fit", ours)):
        speeds = [curve.images_per_second for curve in curves]
        losses = "  ".join(f"{statistics.mean(values):.3f}" for values in zip(*(c.losses for c in curves), strict=True))
        print(f"  {way:12}{statistics.median(speeds):18,.0f}{min(speeds):9,.0f}{max(speeds):9,.0f}  {losses}")
    for way, curves in (("plain loop", plain), ("fit", ours)):
        last = "  ".join(f"{curve.losses[-1]:.3f}/{curve.validation:.3f}" for curve in curves)
        print(f"  {way}: last training and validation loss of each seed: {last}")
    ratios = [mine.images_per_second / theirs.images_per_second for mine, theirs in zip(ours, plain, strict=True)]
    needed = f"needed {NEEDED}" if bf16_is_native(torch.device("cpu")) else "no bfloat16 here: nothing is needed"
    print(f"  of each pair: {', '.join(f'{r:.2f}' for r in ratios)}; median {statistics.median(ratios):.2f} ({needed})")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--epochs", type=int, default=4, help="at least 2: the first is not timed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="two epochs, one seed")
    arguments = parser.parse_args()
    epochs, seeds = (2, 1) if arguments.quick else (max(2, arguments.epochs), arguments.seeds)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["LAYERLAB_CACHE"] = cache  # what fit chose on another day, perhaps a busy one, is not asked
        dataset = layerlab.load_data("mnist5k", size=SIDE, channels=3)
        print(f"{machine.describe()}, {torch.get_num_threads()} threads")
        print(f"mnist5k at {SIDE} x {SIDE}, 3 channels, batches of {BATCH}, {epochs} epochs, seeds: {seeds}")
        for name in arguments.networks:
            compare(name, dataset, epochs, seeds)


if __name__ == "__main__":
    main()
