"""Small networks on two-dimensional tasks: the specification, the compiled engine, the session.

The names below are loaded when they are first used: the compiled engine takes some tenths of a second.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from layerlab.playground.specification import Specification

if TYPE_CHECKING:
    from layerlab.playground.data_sets import Points
    from layerlab.playground.link import Link, read_link, specification_of, write_link
    from layerlab.playground.many import Trained, train
    from layerlab.playground.network import Network
    from layerlab.playground.session import Session
    from layerlab.playground.source import write_keras, write_pytorch

__all__ = [
    "Link",
    "Network",
    "Points",
    "Session",
    "Specification",
    "Trained",
    "read_link",
    "specification_of",
    "train",
    "write_keras",
    "write_link",
    "write_pytorch",
]

_HOME = {
    "Link": "link",
    "Network": "network",
    "Points": "data_sets",
    "Session": "session",
    "Trained": "many",
    "read_link": "link",
    "specification_of": "link",
    "train": "many",
    "write_keras": "source",
    "write_link": "link",
    "write_pytorch": "source",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
