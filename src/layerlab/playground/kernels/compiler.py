"""How the kernels are compiled: cached on disk, without the interpreter's lock, in strict floating point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["compiled", "inlined"]

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return ``function`` compiled at its first call, or loaded from the cache that an earlier process left.

    Numba keeps the cache beside the source, else in the user's cache folder; where neither can be written, it compiles
    in every process.
    """
    try:
        return cast("Function", njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:
        return cast("Function", njit(nogil=True, error_model="numpy")(function))


def inlined(function: Function) -> Function:
    """Return ``function`` as a part of the kernels that call it.

    It is never compiled by itself, which halves the time of compilation, and loops over it become vectors.
    """
    return cast(
        "Function",
        njit(nogil=True, error_model="numpy", forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(
            function
        ),
    )
