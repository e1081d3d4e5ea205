"""What a tab is given and gives: where its messages go, and the jobs that run beside its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Job", "Outlet"]


class Outlet(Protocol):
    """Where a tab's messages go; may be called from any thread, never waits."""

    def say(self, message: dict[str, Any]) -> None:
        """Send a text message."""

    def show(self, content: bytes, sent: Callable[[], None] | None = None) -> None:
        """Send a binary frame; ``sent`` is called once the page's side has really taken it."""


class Job(Protocol):
    """Something that runs beside a tab's own training."""

    def start(self) -> None:
        """Begin."""

    def cancel(self) -> None:
        """End soon."""
