"""``layerlab studio``: find a port, serve, say so, open the browser, end quickly."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from typing import Final

import uvicorn
from fastapi import FastAPI

from layerlab.errors import LayerlabError
from layerlab.studio.app import create_app
from layerlab.studio.limits import Limits
from layerlab.studio.security import is_loopback, new_token

__all__ = ["DEFAULT_PORT", "has_browser", "listen", "make_server", "serve"]

DEFAULT_PORT: Final = 8321
PORTS_TRIED: Final = 100
SEND_BUFFER: Final = 128 * 1024
"""Bytes that the system may hold for a page that does not read: few, so that what it reads next is new."""


FAREWELL_SECONDS: Final = 0.3


def serve(
    host: str = "127.0.0.1",
    port: int | None = None,
    *,
    open_browser: bool = True,
    announce: Callable[[str], None] = lambda _: None,
    limits: Limits | None = None,
) -> None:
    """Serve the studio until Ctrl-C.

    Args:
        host: name or address to listen at. Beyond loopback a token is made, and is part of the address announced.
        port: None takes the first free one from 8321.
        open_browser: where there is one.
        announce: called with the page's address once it is served.
        limits: what a tab may take.

    Raises:
        LayerlabError: the port is taken, or there is no such host.
    """
    token = None if is_loopback(host) else new_token()
    listener = listen(host, port)
    app = create_app(token=token, host=host, limits=limits)
    address = _address(host, listener.getsockname()[1], token)

    def ready() -> None:
        announce(address)
        if open_browser and has_browser():
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    make_server(app, limits or Limits(), ready).run(sockets=[listener])


def make_server(app: FastAPI, limits: Limits, ready: Callable[[], None]) -> uvicorn.Server:
    """Return the server of ``app``, which calls ``ready`` once it accepts."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=4 * limits.message_bytes,
        ws_per_message_deflate=False,  # compressing would cost more than training does
        timeout_graceful_shutdown=5,
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    """A server that says when it accepts."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, also where a page does not take what is still on its way to it."""
        self.config.app.state.visitors.close()  # type: ignore[union-attr]
        asyncio.get_running_loop().call_later(FAREWELL_SECONDS, self._abort)
        await super().shutdown(sockets)

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say so."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket bound to ``port`` of ``host``; without a port, to the first free one from 8321.

    Raises:
        LayerlabError: the port is taken, or there is no such host.
    """
    ports = range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED) if port is None else [port]
    for candidate in ports:
        try:
            return _bind(host, candidate)
        except socket.gaierror as error:
            raise LayerlabError(
                f'--host "{host}": {error.strerror}; expected a name or address of this machine'
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise LayerlabError(
                    f'--host "{host}" is no address of this machine; try 127.0.0.1 or 0.0.0.0'
                ) from error
            if error.errno == errno.EACCES:
                raise LayerlabError(f"port {candidate} may not be used; try a --port above 1024") from error
            if error.errno != errno.EADDRINUSE:
                raise
    if port is None:
        raise LayerlabError(f"all ports from {DEFAULT_PORT} to {ports[-1]} are in use; name a free one with --port")
    raise LayerlabError(f"port {port} is in use; leave --port out to take a free one, or name another")


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listener.bind(where)
        listener.listen()  # with SO_REUSEADDR, two may bind; only one may listen
    except OSError:
        listener.close()
        raise
    return listener


def _address(host: str, port: int, token: str | None) -> str:
    shown = _own_address() if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared with, not bound to
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


def _own_address() -> str:
    """Return this machine's address in its network; its name where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # kept for documentation: asks for the way there, sends nothing
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def has_browser() -> bool:
    """Tell whether there is a browser that a person would see: not over ssh, nor in a container."""
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
