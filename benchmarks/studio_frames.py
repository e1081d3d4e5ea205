"""Claim: the page draws at least 30 frames a second, default network, 25 minibatches a frame, sharing its machine.

The page and the server run here, side by side; what is counted are pictures of the network that were drawn.
Run: python benchmarks/studio_frames.py  (Chromium: LAYERLAB_CHROMIUM, or one on the path)
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import machine
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Page

WINDOWS = 7
SECONDS = 2.0
BOUND = 30
COUNT = """() => new Promise((resolve) => requestAnimationFrame(() => import('/store.js').then(({ store }) => resolve({
  drawn: Number(document.querySelector('.network-overlay').dataset.drawn),
  iteration: store.frame.iteration, at: performance.now() / 1000 }))))"""


def chromium() -> str:
    """Return the path of a Chromium."""
    names = [os.environ.get("LAYERLAB_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if found is None:
        sys.exit("no Chromium: name one in LAYERLAB_CHROMIUM")
    return found


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(page: Page) -> tuple[list[float], float]:
    """Return the frames a second of each window, and the minibatches trained for each frame drawn."""
    before: dict[str, Any] = page.evaluate(COUNT)
    first, rates = before, []
    for _ in range(WINDOWS):
        page.wait_for_timeout(1000 * SECONDS)
        after: dict[str, Any] = page.evaluate(COUNT)
        rates.append((after["drawn"] - before["drawn"]) / (after["at"] - before["at"]))
        before = after
    return rates, (before["iteration"] - first["iteration"]) / (before["drawn"] - first["drawn"])


def main() -> None:
    """Play the default network in a real browser and count."""
    port = free_port()
    command = [sys.executable, "-m", "layerlab", "studio", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout is not None:
            server.stdout.readline()  # it accepts
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector(".node.unit")
            page.keyboard.press("Space")  # one epoch a frame: 250 points in batches of 10 are 25 minibatches
            page.wait_for_timeout(2000)
            rates, minibatches = measure(page)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    median = statistics.median(rates)
    print(machine.describe())
    print(f"frames drawn a second: median {median:.1f}, {min(rates):.1f} to {max(rates):.1f} over {WINDOWS} windows")
    print(f"minibatches a frame:   {minibatches:.1f}")
    print(f"bound {BOUND}: {'reached' if median >= BOUND else 'MISSED'} ({median / BOUND:.2f} of it)")


if __name__ == "__main__":
    main()
