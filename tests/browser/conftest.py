"""A real Chromium for the tests of pages: found on this machine and started once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
ON_A_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_chromium() -> str | None:
    """Return the path of Chromium: ``LAYERLAB_CHROMIUM``, a known name, or the application of macOS."""
    if named := os.environ.get("LAYERLAB_CHROMIUM"):
        return shutil.which(named)
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found or (str(ON_A_MAC) if ON_A_MAC.exists() else None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A running Chromium; a test without one fails, for a page that was not opened was not tested."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium: apt-get install chromium, or name one in LAYERLAB_CHROMIUM", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Studio:
    """A studio in a process of its own, on a free port; it can be stopped and started again where it was."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it accepts."""
        command = [sys.executable, "-m", "layerlab", "studio", "--no-browser", "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert self.address in line, line + self._process.stdout.read()

    def stop(self) -> None:
        """End it; twice is once."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


@pytest.fixture(scope="session")
def studio() -> Iterator[Studio]:
    """A running studio."""
    running = Studio()
    running.start()
    yield running
    running.stop()


OpenPage = Callable[..., "Page"]


@pytest.fixture
def open_page(chromium: Browser, studio: Studio) -> Iterator[OpenPage]:
    """Return a function that opens a page of the studio; nothing may have gone wrong on it when the test ends.

    Its arguments: the path with search and hash, what to do to the page before it is opened (``before``), then those
    of Playwright's ``new_context``; English if not said otherwise. ``page.complaints``, a list, holds what went wrong
    so far: a test that expects some takes it away.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_it(path: str = "/", *, before: Callable[[Page], None] | None = None, **settings: Any) -> Page:
        context = chromium.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.complaints = complaints  # type: ignore[attr-defined]
        if before is not None:
            before(page)
        page.goto(studio.address + path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not complaints
