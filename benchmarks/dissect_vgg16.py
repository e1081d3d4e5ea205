"""Dissection of torchvision's vgg16 against torchinfo's summary of it: time and memory, in one run.

    python benchmarks/dissect_vgg16.py

Both look at the same model with the same input, in turn, after one run each that is not counted. Memory is how
far the peak of the resident size rises above what a process held that has built the model and done nothing else
(on Linux only, since the peak must be reset).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import machine
import torch
import torchinfo
import torchvision

import layerlab

SIZE = (3, 224, 224)
MEGABYTE_LIMIT = 100


def with_layerlab(model: torch.nn.Module) -> None:
    """Dissect and render: torchinfo's summary is asked for its text as well."""
    str(layerlab.dissect(model, SIZE))


def with_torchinfo(model: torch.nn.Module) -> None:
    """Summarise, with the columns that both have."""
    columns = ("output_size", "num_params", "mult_adds")
    str(torchinfo.summary(model, (1, *SIZE), col_names=columns, verbose=0))


WAYS: dict[str, Callable[[torch.nn.Module], None]] = {"layerlab": with_layerlab, "torchinfo": with_torchinfo}


def memory_in_kilobytes(name: str) -> int:
    """Return a figure of this process: ``VmRSS`` is the resident size, ``VmHWM`` its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def measure_memory(way: str) -> None:
    """Print by how many megabytes the peak exceeds what was resident before; run in a process of its own."""
    model = torchvision.models.vgg16()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = memory_in_kilobytes("VmRSS")
    WAYS[way](model)
    print((memory_in_kilobytes("VmHWM") - before) * 1024 / 1e6)


def extra_memory(way: str) -> float:
    """Return the growth of the peak in a fresh process, in megabytes."""
    command = [sys.executable, str(Path(__file__)), "--memory", way]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def times(repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each way, taken in turn."""
    model = torchvision.models.vgg16()
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for repeat in range(repeats + 1):
        for way, run in WAYS.items():
            start = time.perf_counter()
            run(model)
            if repeat:
                seconds[way].append(time.perf_counter() - start)
    return seconds


def main() -> int:
    """Print the table; return 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--memory", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        measure_memory(options.memory)
        return 0

    seconds = times(options.repeats)
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    memory = {way: extra_memory(way) for way in WAYS}
    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"vgg16 at 1x3x224x224, {options.repeats} repeats in turn")
    print(f"{'':10} {'median ms':>10} {'quartiles ms':>16} {'extra MB':>9}")
    for way, values in seconds.items():
        low, _, high = statistics.quantiles(values, n=4)
        spread = f"{low * 1000:.1f} - {high * 1000:.1f}"
        print(f"{way:10} {medians[way] * 1000:>10.1f} {spread:>16} {memory[way]:>9.1f}")
    ratio = medians["torchinfo"] / medians["layerlab"]
    print(f"torchinfo / layerlab: {ratio:.2f} (must be at least 1); extra memory must be under {MEGABYTE_LIMIT} MB")
    return 0 if ratio >= 1 and memory["layerlab"] < MEGABYTE_LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
