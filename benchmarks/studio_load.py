"""Claim: thirty tabs training at once get at least 10 frames a second each and an answer within 200 ms; memory is flat.

A real server process; thirty web sockets, each playing the default network at an epoch a frame, and beside them one
client that never reads and one that sends rubbish. The clients run on the same cores as the server.

Run: python benchmarks/studio_load.py [--tabs 30] [--minutes 0.5]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import machine
from websockets.asyncio.client import ClientConnection, connect

CLICK_EVERY = 1.0
DRAW = random.Random(0)  # noqa: S311 - no secrets here
HOSTILE = ["", "{", "[" * 50_000, "null", '{"id": 1}', '{"id": 1, "do": "open", "link": "x=1e999"}', "\x00" * 1000]
HOSTILE += [
    '{"id": 1, "do": "change", "changes": {"hidden_layers": [1e400]}}',
    '{"id": NaN, "do": "play"}',
    "9" * 100_000,
]


class Tab:
    """One page: counts its frames, clicks now and then."""

    def __init__(self) -> None:
        self.frames = 0
        self.replies: list[float] = []
        self.seen: list[float] = []

    async def live(self, address: str, end: float) -> None:
        """Play until ``end``, clicking every second."""
        async with connect(address, max_size=None, compression=None) as socket:
            await socket.send('{"id": 1, "do": "open", "link": ""}')
            await socket.send('{"id": 2, "do": "play", "minibatches": 25, "frames": 60}')
            next_click = time.monotonic() + DRAW.random() * CLICK_EVERY
            clicked = replied = 0.0
            while time.monotonic() < end:
                message = await socket.recv()
                now = time.monotonic()
                if isinstance(message, bytes):
                    self.frames += 1
                    if replied:
                        self.seen.append(now - clicked)
                        clicked = replied = 0.0
                elif clicked and '"id":3' in message:
                    self.replies.append(now - clicked)
                    replied = now
                if not clicked and now >= next_click:
                    clicked, next_click = now, now + CLICK_EVERY
                    value = DRAW.uniform(-1, 1)
                    await socket.send(
                        json.dumps({"id": 3, "do": "edit", "layer": 0, "unit": 0, "source": 0, "value": value})
                    )


async def never_read(address: str, end: float) -> None:
    """Play and take nothing."""
    async with connect(address, max_size=None, compression=None, max_queue=1, ping_interval=None) as socket:
        await socket.send('{"id": 1, "do": "open", "link": ""}')
        await socket.send('{"id": 2, "do": "play", "minibatches": 25, "frames": 60}')
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        socket.transport.abort()


async def be_hostile(address: str, end: float) -> None:
    """Send rubbish as fast as it is taken."""
    while time.monotonic() < end:
        async with connect(address, max_size=None, compression=None) as socket:
            await asyncio.gather(_send_rubbish(socket, end), _drain(socket), return_exceptions=True)


async def _send_rubbish(socket: ClientConnection, end: float) -> None:
    while time.monotonic() < end:
        await socket.send(DRAW.choice([*HOSTILE, DRAW.randbytes(DRAW.randrange(10_000))]))
    await socket.close()


async def _drain(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


def processor_seconds(process: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    """Return the megabytes that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s*(\d+)", status)
    return int(found[1]) / 1024 if found else float("nan")


async def measure(address: str, tabs: int, seconds: float, process: int, others: bool) -> None:
    """Run all clients and print what they saw."""
    start, used = time.monotonic(), time.process_time()
    end = start + seconds
    clients = [Tab() for _ in range(tabs)]
    tasks = [asyncio.create_task(client.live(address, end)) for client in clients]
    if others:
        tasks += [asyncio.create_task(never_read(address, end)), asyncio.create_task(be_hostile(address, end))]
    memories = []
    spent = processor_seconds(process)
    while time.monotonic() < end:
        await asyncio.sleep(min(seconds / 10, max(0.05, end - time.monotonic())))
        memories.append(memory(process))
    spent = processor_seconds(process) - spent
    await asyncio.gather(*tasks)
    rates = sorted(client.frames / seconds for client in clients)
    print(f"frames a second, {tabs} tabs  min {rates[0]:.1f}  median {statistics.median(rates):.1f}")
    own = time.process_time() - used
    print(
        f"processor time a frame {1000 * spent / sum(client.frames for client in clients):.2f} ms, clients {own:.1f} s"
    )
    for name, values in (
        ("click to reply", [value for client in clients for value in client.replies]),
        ("click to its picture", [value for client in clients for value in client.seen]),
    ):
        values.sort()
        shown = [1000 * values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.95, 1)]
        print(f"{name:<22} p50 {shown[0]:.0f} ms  p95 {shown[1]:.0f} ms  max {shown[2]:.0f} ms  ({len(values)} clicks)")
    print("memory, MB             " + " ".join(f"{value:.0f}" for value in memories))
    growth = memories[-1] - memories[len(memories) // 2]
    slowest = max(value for client in clients for value in client.seen)
    ratio = rates[0] / 10
    print(f"ratio to 10 frames a second {ratio:.1f}; {'reached' if ratio >= 1 and slowest <= 0.2 else 'MISSED'}")
    print(f"growth in the second half {growth:+.1f} MB")


def main() -> None:
    """Start a server, load it, end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tabs", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=0.25)
    parser.add_argument("--polite", action="store_true", help="without the client that never reads and the hostile one")
    arguments = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "layerlab", "studio", "--no-browser"], stdout=subprocess.PIPE, text=True
    )
    try:
        found = re.search(r"http://(\S+?)/", server.stdout.readline() if server.stdout else "")
        if found is None:
            sys.exit("the studio did not start")
        print(machine.describe())
        seconds = 60 * arguments.minutes
        address = f"ws://{found[1]}/ws/playground"
        asyncio.run(measure(address, arguments.tabs, seconds, server.pid, not arguments.polite))
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()
