"""The socket of an experiment: a page is told where it is and what was measured so far; only the newest counts."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from layerlab.studio.command_error import CommandError, described
from layerlab.studio.lab.jobs import Jobs
from layerlab.studio.socket import look_at

__all__ = ["DESIGN", "watch"]

DESIGN: Final = re.compile(r"[0-9a-f]{16}")
"""The hash of a design."""
TRY_AGAIN_LATER: Final = 1013
BREATH: Final = 0.1
"""Seconds between two messages at least."""


async def watch(websocket: WebSocket, design: str, jobs: Jobs) -> None:
    """Tell a page of an experiment until it is gone."""
    await websocket.accept()
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(changed.set)

    try:
        if not DESIGN.fullmatch(design):
            raise CommandError("lab.error.design", f'no design is called "{design[:40]}"', design=design[:40])
        forget = jobs.watch(design, tell)
    except CommandError as error:
        await _turn_away(websocket, described(error))
        return
    sending = asyncio.create_task(_send(websocket, design, jobs, changed))
    listening = asyncio.create_task(_listen(websocket))
    for task in (sending, listening):
        task.add_done_callback(look_at)
    try:
        await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        forget()
        for task in (sending, listening):
            task.cancel()
        await asyncio.wait({sending, listening})


async def _send(websocket: WebSocket, design: str, jobs: Jobs, changed: asyncio.Event) -> None:
    shown_status: dict[str, Any] | None = None
    shown_live = ""
    while True:
        changed.clear()
        status, live = jobs.status(design)
        # What was measured first: a page that hears that it is done has seen the last of it.
        if live and live != shown_live:
            await websocket.send_text(live)
        if status != shown_status:
            await websocket.send_text(json.dumps({"status": status}))
        shown_status, shown_live = status, live
        await asyncio.sleep(BREATH)
        await changed.wait()


async def _listen(websocket: WebSocket) -> None:
    """Wait until the page is gone; it has nothing to say."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _turn_away(websocket: WebSocket, error: dict[str, Any]) -> None:
    try:
        await websocket.send_text(json.dumps({"error": error}))
        await websocket.close(TRY_AGAIN_LATER, "refused")
    except (WebSocketDisconnect, RuntimeError):  # gone already
        return
