"""Controlled experiments: design -> trials -> store -> statistics -> report; the questions.

The names below are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer
    from layerlab.lab.experiment import Experiment
    from layerlab.lab.question import list_questions, question

__all__ = ["Answer", "Experiment", "list_questions", "question"]

_HOME = {"Answer": "answer", "Experiment": "experiment", "list_questions": "question"}
# `question` is a module as well; the function is found there.


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
