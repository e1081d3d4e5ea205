"""The socket: one tab each, its messages taken one by one, its frames never queued."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from layerlab.studio.command_error import CommandError, described
from layerlab.studio.commands import carry_out
from layerlab.studio.frames import to_json
from layerlab.studio.limits import Limits
from layerlab.studio.scheduler import Scheduler
from layerlab.studio.tab import Tab

__all__ = ["Visitors", "look_at"]

_log = logging.getLogger(__name__)

TRY_AGAIN_LATER: Final = 1013
ROOM: Final = 32
"""Messages that may wait for a page to read them; then no more of its commands are taken."""


class Outbox:
    """What waits to be sent to one page. ``say`` and ``show`` may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: deque[tuple[str | bytes, Callable[[], None] | None]] = deque()
        self._filled = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._closed = False

    def say(self, message: dict[str, Any]) -> None:
        """Send a text message."""
        self._put(to_json(message), None)

    def show(self, content: bytes, sent: Callable[[], None] | None = None) -> None:
        """Send a frame; ``sent`` is called when the page's side has taken it."""
        self._put(content, sent)

    def _put(self, content: str | bytes, sent: Callable[[], None] | None) -> None:
        if self._closed or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._append, content, sent)

    def _append(self, content: str | bytes, sent: Callable[[], None] | None) -> None:
        self._items.append((content, sent))
        self._filled.set()
        if len(self._items) >= ROOM:
            self._has_room.clear()

    async def room(self) -> None:
        """Wait until the page has read enough."""
        await self._has_room.wait()

    async def deliver(self, websocket: WebSocket) -> None:
        """Send what comes, in order, for ever."""
        try:
            while True:
                await self._filled.wait()
                while self._items:
                    content, sent = self._items.popleft()
                    await (websocket.send_text(content) if isinstance(content, str) else websocket.send_bytes(content))
                    if sent is not None:
                        sent()
                    if len(self._items) < ROOM:
                        self._has_room.set()
                self._filled.clear()
        finally:
            self._has_room.set()  # whoever waits for room shall see that the page is gone

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True
        self._items.clear()


class Visitors:
    """All open tabs.

    Args:
        scheduler: that gives them their turns.
        limits: of each and of all.
    """

    def __init__(self, scheduler: Scheduler, limits: Limits) -> None:
        self.scheduler = scheduler
        self.limits = limits
        self.tabs: set[Tab] = set()
        self._deliveries: set[asyncio.Task[None]] = set()

    async def receive(self, websocket: WebSocket) -> None:
        """Serve one socket to its end."""
        await websocket.accept()
        if len(self.tabs) >= self.limits.tabs:
            await self._turn_away(websocket)
            return
        outbox = Outbox(asyncio.get_running_loop())
        tab = Tab(outbox, self.limits, self.scheduler.wake, self.scheduler.forget, carry_out)
        self.tabs.add(tab)
        delivery = asyncio.create_task(outbox.deliver(websocket))
        listening = asyncio.create_task(self._listen(websocket, tab, outbox))
        for task in (delivery, listening):
            task.add_done_callback(look_at)
        self._deliveries.add(delivery)
        try:  # either ends when the page is gone; what it sent before may still wait to be heard by the other
            await asyncio.wait({delivery, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.tabs.discard(tab)
            self._deliveries.discard(delivery)
            outbox.close()
            tab.close()
            delivery.cancel()
            listening.cancel()
            await asyncio.wait({delivery, listening})

    def close(self) -> None:
        """End all sockets."""
        for delivery in self._deliveries:
            delivery.cancel()

    def any_plays(self) -> bool:
        """Tell whether a tab trains."""
        return any(tab.pace is not None for tab in list(self.tabs))

    async def _listen(self, websocket: WebSocket, tab: Tab, outbox: Outbox) -> None:
        loop = asyncio.get_running_loop()
        allowance = Allowance(self.limits.commands_per_second)
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await asyncio.sleep(allowance.wait(time.monotonic()))
            text = message.get("text")
            if text is None:
                refusal = CommandError("error.binary", "the studio takes text messages only")
                outbox.say({"id": None, "error": described(refusal)})
            else:
                done = asyncio.Event()
                tab.submit(text, partial(_set_from_outside, loop, done))
                await done.wait()
            await outbox.room()

    async def _turn_away(self, websocket: WebSocket) -> None:
        refusal = CommandError(
            "error.too-many-tabs",
            f"{self.limits.tabs} tabs are open, as many as this studio serves; close one and reload",
            limit=self.limits.tabs,
        )
        try:
            await websocket.send_text(to_json({"event": "refused", "id": None, "error": described(refusal)}))
            await websocket.close(TRY_AGAIN_LATER, "too many tabs")
        except (WebSocketDisconnect, RuntimeError):  # gone already
            return


def look_at(task: asyncio.Task[None]) -> None:
    """Say what ended a task, unless it was that the page is gone."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):
        _log.error("a socket failed", exc_info=error)


def _set_from_outside(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """Set an event of ``loop`` from another thread."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


class Allowance:
    """Lets so many messages a second through, a second's worth at once; says how long the next has to wait."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._earliest = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds that a message of now must wait."""
        self._earliest = max(self._earliest, now - 1) + 1 / self._rate
        return max(0.0, self._earliest - now)
