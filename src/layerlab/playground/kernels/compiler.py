"""How the kernels are compiled: cached on disk, without the interpreter's lock, in strict floating point."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from numba import njit

__all__ = ["compiled", "inlined"]

Function = TypeVar("Function", bound=Callable[..., Any])

SOURCES: Final = sorted([*Path(__file__).parent.glob("*.py"), Path(__file__).parents[1] / "layout.py"])
"""The kernels, and the codes that are compiled into them."""
STAMP: Final = tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in SOURCES)
"""What a cached kernel must have been compiled from."""


def compiled(function: Function) -> Function:
    """Return ``function`` compiled at its first call, or loaded from the cache that an earlier process left.

    Numba keeps the cache beside the source, else in the user's cache folder; where neither can be written, it compiles
    in every process.
    """
    try:
        dispatcher: Any = njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        return cast("Function", njit(nogil=True, error_model="numpy")(function))
    # Numba would look at the function's own file alone, though others are compiled into it.
    with suppress(AttributeError):
        dispatcher._cache._cache_file._source_stamp = STAMP
    return cast("Function", dispatcher)


def inlined(function: Function) -> Function:
    """Return ``function`` as a part of the kernels that call it; it is not called from elsewhere."""
    options: Any = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("Function", njit(nogil=True, error_model="numpy", **options)(function))
