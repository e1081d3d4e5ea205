"""A studio that really serves, in a thread of this process, and a page's side of the socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from websockets.sync.client import ClientConnection, connect

from layerlab.studio.app import create_app
from layerlab.studio.frames import unpack
from layerlab.studio.limits import Limits
from layerlab.studio.serve import listen, make_server

Arrays = dict[str, np.ndarray]


class Served:
    """A running studio."""

    def __init__(self, **settings: Any) -> None:
        self.app: FastAPI = create_app(threads=2, **settings)
        listener = listen("127.0.0.1", 0)
        self.host = f"127.0.0.1:{listener.getsockname()[1]}"
        self.server = make_server(self.app, settings.get("limits") or Limits(), lambda: None)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.005)

    @property
    def tabs(self) -> set[Any]:
        return self.app.state.visitors.tabs

    def connect(self) -> ClientConnection:
        return connect(f"ws://{self.host}/ws/playground", max_size=None, compression=None, close_timeout=1)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()


class Page:
    """What a page does: commands with their replies; what else comes is kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self.socket = connection
        self.events: list[dict[str, Any]] = []
        self.frames: list[tuple[dict[str, Any], Arrays]] = []
        self._last = 0

    def send(self, do: str, **arguments: Any) -> int:
        self._last += 1
        self.socket.send(json.dumps({**arguments, "id": self._last, "do": do}))
        return self._last

    def take(self, seconds: float = 30) -> dict[str, Any] | None:
        """Read one message; return it if it is a reply."""
        message = self.socket.recv(timeout=seconds)
        if isinstance(message, bytes):
            self.frames.append(unpack(message))
            return None
        read = json.loads(message)
        if "event" in read:
            self.events.append(read)
            return None
        return read

    def call(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        wanted = self.send(do, **arguments)
        reply = None
        while reply is None or reply["id"] != wanted:
            reply = self.take()
        assert reply.get("ok") is True, reply
        return reply

    def error(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and return why it was refused."""
        wanted = self.send(do, **arguments)
        reply = None
        while reply is None:
            reply = self.take()
        assert reply["id"] == wanted
        assert set(reply) == {"id", "error"}
        assert set(reply["error"]) == {"key", "values", "text"}
        assert "\n" not in reply["error"]["text"]
        return reply["error"]

    def picture(self, wanted: Callable[[dict[str, Any]], bool] = lambda header: True, kind: str = "frame") -> Any:
        """Return the first frame of ``kind`` from now on that is wanted."""
        end = time.monotonic() + 30
        self.frames.clear()
        while time.monotonic() < end:
            for header, arrays in self.frames:
                if header["kind"] == kind and wanted(header):
                    return header, arrays
            self.frames.clear()
            self.take()
        raise AssertionError("no such frame came")

    def event(self, name: str) -> dict[str, Any]:
        """Return the next event of that name."""
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            self.take()

    def quiet(self, seconds: float = 0.3) -> int:
        """Read until nothing comes; return how many messages came."""
        count = 0
        while True:
            try:
                self.take(seconds)
            except TimeoutError:
                return count
            count += 1


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    running = Served()
    yield running
    running.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Return a function that starts another studio, with settings of its own."""
    running: list[Served] = []

    def start(**settings: Any) -> Served:
        running.append(Served(**settings))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def page(served: Served) -> Iterator[Page]:
    with served.connect() as connection:
        yield Page(connection)


@pytest.fixture
def opened(page: Page) -> Page:
    page.call("open", link="")
    page.picture()
    return page


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
