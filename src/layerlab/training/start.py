"""How the processes of a run on several devices start, from a script and from a notebook.

A process that starts afresh (*spawn*) imports what it is given by name, so it cannot have a class that stands in a
notebook's cell; a copy of this process (*fork*) has everything, but PyTorch refuses to train in the copy once CUDA, or
autograd's threads, have run in the original. So processes start afresh wherever they can.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import numpy as np
import torch

__all__ = ["in_a_copy", "needs_a_copy", "refusal_of_a_copy"]

T = TypeVar("T")

_YES = 3
"""An exit code that nothing else gives."""
_TOO_LATE = ("CUDA is already initialized", "re-initialize CUDA", "autograd's threading in combination with fork")
"""What Lightning and PyTorch say of a copy that was made too late."""


def needs_a_copy(what: Any) -> str | None:
    """Return the name of the first thing in ``what`` that only a copy of this process has, or None.

    With a script there is none: a process that starts afresh reads the script again.
    """
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script is not None:
        return None if Path(script).exists() else "the program"  # it came through a pipe
    search = _Search(io.BytesIO())
    try:
        search.dump(what)
    except Exception:  # of several kinds: a lambda, a class within a function, an open file
        return search.found or "something that cannot be pickled"
    return search.found


class _Search(ForkingPickler):
    """Goes through all that a new process would be sent, numbers aside."""

    found: str | None = None

    def reducer_override(self, what: Any) -> Any:
        """Note what stands in the notebook."""
        if isinstance(what, (torch.Tensor, np.ndarray)):
            return int, ()
        if isinstance(what, (type, FunctionType)) and what.__module__ == "__main__":
            self.found = self.found or what.__qualname__
        return NotImplemented


def in_a_copy(ask: Callable[[T], bool], about: T) -> bool:
    """Return the answer of a copy of this process, so that autograd does not run in this one, which is copied again.

    A copy that fails answers no.
    """

    def answer() -> None:
        torch.set_num_threads(1)  # the threads of the original are not copied
        with contextlib.suppress(Exception):
            os._exit(_YES if ask(about) else 0)
        os._exit(0)

    copy = multiprocessing.get_context("fork").Process(target=answer)
    copy.start()
    copy.join()
    return copy.exitcode == _YES


def refusal_of_a_copy(said: str, name: str, devices: int) -> str | None:
    """Return the sentence about a copy that was made too late, or None if ``said`` is about something else."""
    if not any(words in said for words in _TOO_LATE):
        return None
    return (
        f"devices is {devices} and {name} stands in the notebook, so that the processes must be copies of this one, "
        "which cannot train once CUDA or autograd's threads have run here; put it into a file and import it"
    )
