"""Loading PyTorch once, by one thread: two at it would see each other's half-loaded modules."""

from __future__ import annotations

import importlib
import threading

__all__ = ["load_layers"]

_lock = threading.Lock()


def load_layers() -> None:
    """Load the layers, and PyTorch with them; seconds the first time, nothing after it."""
    with _lock:
        importlib.import_module("layerlab.layers")
