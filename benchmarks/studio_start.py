"""Claim: the studio is ready at most 3 s after `layerlab studio`: its page served, the first picture of a network sent.

Run: python benchmarks/studio_start.py [--runs 5]
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import machine
from websockets.sync.client import connect

BOUND = 3.0
STEPS = ("address printed", "page served", "network drawn", "first step drawn")


def start() -> list[float]:
    """Start a studio; return the seconds from there to each of ``STEPS``."""
    begun = time.perf_counter()
    command = [str(Path(sys.executable).with_name("layerlab")), "studio", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        found = re.search(r"http://(\S+?)/", process.stdout.readline() if process.stdout else "")
        if found is None:
            sys.exit("the studio did not start")
        times = [time.perf_counter() - begun]
        with urllib.request.urlopen(f"http://{found[1]}/", timeout=10) as page:
            page.read()
        times.append(time.perf_counter() - begun)
        with connect(f"ws://{found[1]}/ws/playground", max_size=None) as socket:
            for command_text, frames in (('{"id": 1, "do": "open"}', 2), ('{"id": 2, "do": "step"}', 1)):
                socket.send(command_text)
                seen = 0
                while seen < frames:
                    seen += isinstance(socket.recv(timeout=60), bytes)
                times.append(time.perf_counter() - begun)
        return times
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    """Start it several times and print medians with their spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    start()
    measured = [start() for _ in range(runs)]
    print(machine.describe())
    print(f"{'seconds until':<18} {'median':>7} {'min':>7} {'max':>7}")
    for name, values in zip(STEPS, zip(*measured, strict=True), strict=True):
        print(f"{name:<18} {statistics.median(values):7.2f} {min(values):7.2f} {max(values):7.2f}")
    ready = statistics.median(times[2] for times in measured)
    print(f"ratio to the bound of {BOUND:.0f} s: {ready / BOUND:.2f}; {'reached' if ready <= BOUND else 'MISSED'}")


if __name__ == "__main__":
    main()
