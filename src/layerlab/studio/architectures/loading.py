"""Loading what builds and dissects networks, once and by one thread."""

from __future__ import annotations

import importlib
import threading

from layerlab.studio.layer_pages.loading import load_layers

__all__ = ["load_zoo"]

_lock = threading.Lock()


def load_zoo() -> None:
    """Load the zoo, Keras's reader and the anatomy; seconds the first time, nothing after it."""
    load_layers()
    with _lock:
        for name in ("layerlab.notation", "layerlab.zoo", "layerlab.anatomy"):
            importlib.import_module(name)
