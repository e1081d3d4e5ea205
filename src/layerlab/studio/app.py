"""The studio as a web application: its page, its texts, its socket, the pages of its tabs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header, Response, WebSocket

from layerlab import __version__
from layerlab.studio import architectures, lab, layer_pages
from layerlab.studio.files import locale_file, static_file
from layerlab.studio.limits import Limits
from layerlab.studio.scheduler import Scheduler
from layerlab.studio.security import Access, Guard, is_loopback
from layerlab.studio.socket import Visitors
from layerlab.studio.warming import warm_up

__all__ = ["create_app"]

Seen = Annotated[str | None, Header(alias="If-None-Match", include_in_schema=False)]


def create_app(
    *,
    token: str | None = None,
    host: str = "127.0.0.1",
    allowed_origins: Iterable[str] = (),
    limits: Limits | None = None,
    threads: int | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        token: what a visitor must bring; None: nothing.
        host: the name or address that it is served at; requests under another name are refused.
        allowed_origins: further pages that may talk to it, as ``https://school.example``.
        limits: what a tab may take.
        threads: that train; by default one a core.
    """
    threads = threads or os.cpu_count() or 1

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        scheduler = Scheduler(threads)
        app.state.visitors = visitors = Visitors(scheduler, limits or Limits())
        ended = warm_up(visitors.any_plays)
        yield
        ended.set()
        app.state.jobs.close()
        scheduler.close()

    app = FastAPI(title="Layerlab studio", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Guard, access=Access.to(host, token=token, origins=allowed_origins))
    app.include_router(layer_pages.router)
    app.include_router(architectures.router)
    app.include_router(lab.router)
    app.state.jobs = lab.Jobs(lab.LabLimits() if is_loopback(host) else lab.LabLimits.of_visitors())

    @app.websocket("/ws/playground")
    async def playground(websocket: WebSocket) -> None:
        await app.state.visitors.receive(websocket)

    @app.get("/locale/{language}.json")
    async def locale(language: str, seen: Seen = None) -> Response:
        """All texts of the page in one language."""
        return locale_file(language, seen)

    @app.get("/{path:path}", include_in_schema=False)
    async def static(path: str, seen: Seen = None) -> Response:
        return static_file(path, seen)

    return app
