"""What a page may ask to be told of a session as it trains."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from layerlab.playground.session import Session

__all__ = ["divergence_event", "observed", "plain"]


def observed(session: Session, watched: frozenset[str]) -> dict[str, Any]:
    """Return ``metrics`` and ``health``, where they are watched: they cost."""
    found: dict[str, Any] = {}
    if "metrics" in watched:
        found["metrics"] = plain(session.metrics())
    if "health" in watched:
        from layerlab.playground.health import health, verdicts

        layers = health(session.network)
        found["health"] = {"layers": plain(layers), "verdicts": plain(verdicts(layers))}
    return found


def divergence_event(session: Session) -> dict[str, Any]:
    """Return why a session's numbers have left the finite, as an event."""
    return {"event": "diverged", "epoch": session.epoch, **plain(session.divergence)}


def plain(value: Any) -> Any:
    """Return dataclasses and arrays as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value
