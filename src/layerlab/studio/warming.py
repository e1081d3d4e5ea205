"""Loading, beside the first visitors, what their first clicks will need."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from layerlab.studio.layer_pages.loading import load_layers

__all__ = ["warm_up"]

_log = logging.getLogger(__name__)


def warm_up(is_busy: Callable[[], bool], *, pause: float = 3.0) -> threading.Event:
    """Load the compiled engine at once, and PyTorch, for the Layers pages, as soon as nobody trains.

    Loading PyTorch holds the interpreter for a second, which would be seen in every tab that plays.

    Args:
        is_busy: tells whether somebody trains.
        pause: seconds before PyTorch, and between two looks.

    Returns:
        Set it to have what has not begun left out.
    """
    ended = threading.Event()

    def work() -> None:
        try:
            _load_engine()
            while not ended.wait(pause):
                if not is_busy():
                    load_layers()
                    return
        except Exception:  # whoever needs it will meet the same, and be told
            _log.exception("warming up failed")

    threading.Thread(target=work, name="studio-warm-up", daemon=True).start()
    return ended


def _load_engine() -> None:
    """Have the compiled loops loaded, the default network's first, and the page's picture of it."""
    from layerlab.playground.session import Session
    from layerlab.playground.warm_up import warm_up as load_kernels
    from layerlab.studio.painting import frame

    session = Session()
    session.step_minibatches(1)
    session.step()
    frame(session.network, {}, None, session.curve())
    load_kernels()
