"""Images a second of ``layerlab.fit`` against a plain eager PyTorch loop, and the accuracy of both.

The plain loop is what a person writes: a DataLoader over a TensorDataset, float32, the same network, batch size,
optimiser and schedule, validation after each epoch. Both are timed over whole epochs as a user sees them: ``fit``
with its checkpoints, validation and records; start-up (imports, reading the data) is left out on both sides.
They take turns, so that a busy moment of the machine meets both.

    python benchmarks/fit_throughput.py [--batch-size 32 64 128] [--epochs 10] [--seeds 3]
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time

import machine
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import layerlab
from layerlab.data import Dataset, load_data
from layerlab.training import TrainingConfig
from layerlab.training.optimisers import default_learning_rate
from layerlab.training.precision import bf16_is_native


def plain_loop(dataset: Dataset, batch_size: int, epochs: int, seed: int) -> tuple[float, float]:
    """Train eagerly; return images a second and the test accuracy of the best epoch."""
    torch.manual_seed(seed)
    network = layerlab.create("lecture_cnn", num_classes=len(dataset.classes))
    logits_of = nn.Sequential(*list(network.children())[:-1], *list(network.dense2.children())[:-1])  # no softmax
    parts = {
        name: next(iter(part.batches(len(part))))
        for name, part in (("train", dataset.train), ("validation", dataset.validation), ("test", dataset.test))
    }
    loader = DataLoader(TensorDataset(*parts["train"]), batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=default_learning_rate("adam"))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, default_learning_rate("adam"), total_steps=epochs * len(loader) + 1
    )
    best, kept = float("inf"), network.state_dict()
    began = time.perf_counter()
    for _ in range(epochs):
        logits_of.train()
        for images, labels in loader:
            loss = nn.functional.cross_entropy(logits_of(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        logits_of.eval()
        with torch.no_grad():
            images, labels = parts["validation"]
            pieces = zip(images.split(64), labels.split(64), strict=True)
            value = sum(nn.functional.cross_entropy(logits_of(x), y, reduction="sum").item() for x, y in pieces)
            if value < best:
                best, kept = value, copy.deepcopy(network.state_dict())
    speed = epochs * len(dataset.train) / (time.perf_counter() - began)
    network.load_state_dict(kept)
    images, labels = parts["test"]
    with torch.no_grad():
        return speed, (logits_of(images).argmax(1) == labels).float().mean().item()


def with_fit(dataset: Dataset, batch_size: int, epochs: int, seed: int) -> tuple[float, float]:
    """Train with ``fit``; return the same two figures."""
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        run = layerlab.fit(
            "lecture_cnn",
            dataset,
            batch_size=batch_size,
            epochs=epochs,
            seed=seed,
            output=f"{folder}/run",
            progress=False,
            callbacks=[lambda _record: marks.append(time.perf_counter())],
        )
    # From the end of the first epoch to the end of the last, records and checkpoints included.
    return (epochs - 1) * len(dataset.train) / (marks[-1] - marks[0]), run.metrics["test_accuracy"]


def compare(dataset: Dataset, batch_size: int, epochs: int, seeds: int) -> None:
    """Print the figures of one batch size."""
    plain, ours = [], []
    for seed in range(seeds):
        plain.append(plain_loop(dataset, batch_size, epochs, seed))
        ours.append(with_fit(dataset, batch_size, epochs, seed))
    ratios = [mine[0] / theirs[0] for mine, theirs in zip(ours, plain, strict=True)]
    print(f"batch {batch_size}  {'images/s: median':>18}{'lowest':>9}{'highest':>9}{'test accuracy':>15}")
    for name, rows in (("plain loop", plain), ("fit", ours)):
        speeds = [row[0] for row in rows]
        accuracy = statistics.mean(row[1] for row in rows)
        print(f"{name:10}{statistics.median(speeds):18,.0f}{min(speeds):9,.0f}{max(speeds):9,.0f}{accuracy:15.2%}")
    gap = 100 * (statistics.mean(row[1] for row in ours) - statistics.mean(row[1] for row in plain))
    needed = 2.0 if bf16_is_native(torch.device("cpu")) and not torch.cuda.is_available() else 1.1
    print(
        f"ratio of each pair: {', '.join(f'{ratio:.2f}' for ratio in ratios)}; median {statistics.median(ratios):.2f}"
        f" (needed {needed}); accuracy {gap:+.2f} points (allowed 0.5 less)"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[TrainingConfig.batch_size, 64, 128])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    dataset = load_data("mnist5k")
    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"lecture_cnn on mnist5k, {arguments.epochs} epochs, {arguments.seeds} seeds")
    for batch_size in arguments.batch_size:
        compare(dataset, batch_size, arguments.epochs, arguments.seeds)


if __name__ == "__main__":
    main()
