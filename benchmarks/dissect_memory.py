"""Dissection of timm's ViT-giant, 1.1 billion parameters, built without memory: seconds and megabytes.

    python benchmarks/dissect_memory.py

Runs in a process of its own, in which nothing was dissected before. Memory is how far the peak of the resident size
rises above what the process held when the network was built (on Linux only, since the peak must be reset).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import machine

NETWORK = "vit_giant_patch14_dinov2"
MOST_SECONDS, MOST_MEGABYTES = 3.0, 200.0


def memory_in_kilobytes(name: str) -> int:
    """Return a figure of this process: ``VmRSS`` is the resident size, ``VmHWM`` its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def measure() -> None:
    """Print seconds, megabytes and totals as JSON."""
    import timm
    import torch

    import layerlab

    start = time.perf_counter()
    with torch.device("meta"):
        model = timm.create_model(NETWORK)
    built = time.perf_counter() - start
    size = model.default_cfg["input_size"]
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = memory_in_kilobytes("VmRSS")
    start = time.perf_counter()
    anatomy = layerlab.dissect(model, size)
    seconds = time.perf_counter() - start
    more = (memory_in_kilobytes("VmHWM") - before) * 1024 / 1e6
    totals = anatomy.totals
    print(
        json.dumps(
            {
                "built": built, "seconds": seconds, "megabytes": more, "parameters": totals.parameters,
                "macs": totals.macs, "size": size,
            }
        )
    )  # fmt: skip


def main() -> int:
    """Print the figures of several processes; return 1 when the median misses a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure()
        return 0

    command = [sys.executable, str(Path(__file__)), "--measure"]
    runs = []
    for _ in range(options.repeats):
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        runs.append(json.loads(output.splitlines()[-1]))
    first = runs[0]
    print(machine.describe())
    print(
        f"{NETWORK} at {'x'.join(map(str, first['size']))}: {first['parameters']:,} parameters, {first['macs']:,} MACs"
    )
    print(f"{'built s':>9} {'dissected s':>12} {'more MB':>9}")
    for run in runs:
        print(f"{run['built']:>9.2f} {run['seconds']:>12.2f} {run['megabytes']:>9.1f}")
    seconds = sorted(run["seconds"] for run in runs)[len(runs) // 2]
    megabytes = sorted(run["megabytes"] for run in runs)[len(runs) // 2]
    print(f"medians {seconds:.2f} s (under {MOST_SECONDS}) and {megabytes:.1f} MB (under {MOST_MEGABYTES})")
    return 0 if seconds < MOST_SECONDS and megabytes < MOST_MEGABYTES else 1


if __name__ == "__main__":
    raise SystemExit(main())
