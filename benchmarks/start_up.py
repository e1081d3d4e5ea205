"""Claim: `layerlab --help` takes at most 0.3 s, because it loads no torch. Peer: a bare `import torch`.

Run: python benchmarks/start_up.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import machine

RUNS = 9
COMMANDS = {
    "layerlab --help": [str(Path(sys.executable).with_name("layerlab")), "--help"],
    "import layerlab": [sys.executable, "-c", "import layerlab"],
    "python, nothing": [sys.executable, "-c", "pass"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def seconds(command: list[str]) -> float:
    """Return the wall-clock time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Interleave the commands and print medians with their spread."""
    for command in COMMANDS.values():
        seconds(command)
    times = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    print(machine.describe())
    peer = statistics.median(times["import torch"])
    print(f"{'command':<18} {'median s':>9} {'min':>7} {'max':>7} {'share of import torch':>22}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<18} {median:9.3f} {min(values):7.3f} {max(values):7.3f} {median / peer:22.3f}")
    print(f"bound 0.3 s: {'reached' if statistics.median(times['layerlab --help']) <= 0.3 else 'MISSED'}")


if __name__ == "__main__":
    main()
