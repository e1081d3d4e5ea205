"""A plain network of 56 layers trains worse than one of 20; with shortcuts it does not.

The finding from which ResNet came (He and others, *Deep Residual Learning for Image Recognition*, figures 1 and 6),
found again on digits of 8 x 8. All four networks are trained alike, each with three seeds; on two quiet cores it
takes some minutes. Run it: python examples/degradation.py [--figure degradation.svg]
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import layerlab

NETWORKS = {
    "plain20": ("Plain, 20 layers", "#e8a33d"),
    "plain56": ("Plain, 56 layers", "#b3541e"),
    "resnet20": ("ResNet, 20 layers", "#6fb1e0"),
    "resnet56": ("ResNet, 56 layers", "#1f5f99"),
}
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""0.975 quantiles of Student's distribution, by the number of seeds."""


def train(data: Any, epochs: int, seeds: int) -> dict[str, list[layerlab.Run]]:
    """Train each network with each seed, all in the same way."""
    runs: dict[str, list[layerlab.Run]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            runs[name] = [
                layerlab.fit(
                    f"{name}:width=0.5",  # a name, so that the seed draws the first weights too
                    data,
                    epochs=epochs,
                    seed=seed,
                    batch_size=64,
                    optimizer="sgd",
                    learning_rate=0.1,
                    precision="32",
                    memory_format="contiguous",
                    output=Path(folder) / f"{name}-{seed}",
                )
                for seed in range(seeds)
            ]
    return runs


def with_interval(values: Sequence[float], digits: int) -> str:
    """Return the mean and the half width of its 95 % interval over the seeds."""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) not in STUDENT:
        return mean
    half = STUDENT[len(values)] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean} ± {half:.{digits}f}"


def with_range(losses: Sequence[float]) -> str:
    """Return the geometric mean and its 95 % interval over the seeds: losses differ by factors, not by amounts."""
    logarithms = [math.log(loss) for loss in losses]
    mean = statistics.mean(logarithms)
    if len(losses) not in STUDENT:
        return f"{math.exp(mean):.2g}"
    half = STUDENT[len(losses)] * statistics.stdev(logarithms) / math.sqrt(len(losses))
    return f"{math.exp(mean):.2g} ({math.exp(mean - half):.2g} to {math.exp(mean + half):.2g})"


def table(runs: dict[str, list[layerlab.Run]]) -> str:
    """Return one line a network: the last epoch's training loss and accuracy, and the test accuracy."""
    lines = [f"{'':18}  {'training loss':>24}  {'training acc. %':>15}  {'test acc. %':>15}"]
    for name, (title, _) in NETWORKS.items():
        last = [run.history[-1] for run in runs[name]]
        cells = [
            with_interval([100 * one["train_accuracy"] for one in last], 1),
            with_interval([100 * run.metrics["test_accuracy"] for run in runs[name]], 1),
        ]
        loss = with_range([one["train_loss"] for one in last])
        lines.append(f"{title:18}  {loss:>24}  " + "  ".join(f"{cell:>15}" for cell in cells))
    return "\n".join(lines)


def figure(runs: dict[str, list[layerlab.Run]]) -> str:
    """Return an SVG of the training loss: a thin line for each seed, a thick one for their mean."""
    losses = {name: [[one["train_loss"] for one in run.history] for run in each] for name, each in runs.items()}
    everything = [loss for each in losses.values() for curve in each for loss in curve]
    lowest, highest = math.floor(math.log10(min(everything))), math.log10(max(everything)) + 0.1
    epochs = max(len(curve) for each in losses.values() for curve in each)
    left, top, width, height = 70, 64, 450, 300

    def path(curve: Sequence[float], colour: str, thickness: float, opacity: float) -> str:
        points = " ".join(f"{x_of(number):.1f},{y_of(loss):.1f}" for number, loss in enumerate(curve, 1))
        look = f'fill="none" stroke="{colour}" stroke-width="{thickness}" stroke-opacity="{opacity}"'
        return f'<polyline points="{points}" {look} stroke-linejoin="round"/>'

    def x_of(epoch: float) -> float:
        return left + width * (epoch - 1) / max(epochs - 1, 1)

    def y_of(loss: float) -> float:
        return top + height * (highest - math.log10(loss)) / (highest - lowest)

    seeds = len(next(iter(runs.values())))
    made_with = next(iter(runs.values()))[0].config["versions"]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 440" font-family="sans-serif" font-size="13">',
        '<rect width="760" height="440" fill="#ffffff"/>',
        '<text x="20" y="28" font-size="17" font-weight="bold">Deeper trains worse, unless there are shortcuts</text>',
        f'<text x="20" y="48" fill="#555555">Training loss on digits of 8 x 8: thin, each of {seeds} seeds; thick,'
        " their geometric mean</text>",
    ]
    for power in range(lowest, math.floor(highest) + 1):
        y = y_of(10.0**power)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for epoch in sorted({1, *range(5, epochs + 1, 5), epochs}):
        parts.append(f'<text x="{x_of(epoch):.1f}" y="{top + height + 20}" text-anchor="middle">{epoch}</text>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle">epoch</text>')
    parts.append(f'<text x="{left + width + 24}" y="{top + 14}" fill="#555555">after the last epoch:</text>')
    for row, (name, (title, colour)) in enumerate(NETWORKS.items()):
        parts += [path(curve, colour, 1, 0.5) for curve in losses[name]]
        parts.append(
            path([statistics.geometric_mean(column) for column in zip(*losses[name], strict=True)], colour, 3, 1)
        )
        x, y = left + width + 24, top + 44 + 48 * row
        parts.append(f'<line x1="{x}" x2="{x + 20}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 28}" y="{y}" font-weight="bold">{title}</text>')
        parts.append(f'<text x="{x + 28}" y="{y + 18}">{with_range([curve[-1] for curve in losses[name]])}</text>')
    about = f"{made_with['processor']}, PyTorch {made_with['torch']}, {datetime.now(UTC):%Y-%m-%d}"
    interval = "; in brackets: 95 % interval of the mean" if seeds in STUDENT else ""
    parts.append(f'<text x="20" y="428" font-size="11" fill="#555555">{about}{interval}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print the table and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--data", default="digits", help="any data set (default: digits)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--figure", type=Path, default=Path("degradation.svg"), help="the SVG file to write")
    chosen = parser.parse_args(arguments)
    runs = train(chosen.data, chosen.epochs, chosen.seeds)
    print(table(runs))  # noqa: T201
    chosen.figure.write_text(figure(runs), encoding="utf-8")


if __name__ == "__main__":
    main()
