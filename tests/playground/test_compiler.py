"""Kernels are cached, know their sources, and are compiled all the same where nothing can be written."""

from __future__ import annotations

from typing import Any

import numba
import pytest

from layerlab.playground.kernels import classic, compiler


def double(x: int) -> int:
    return 2 * x


def test_where_nothing_can_be_written_it_compiles_without_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit(*arguments: Any, **options: Any) -> Any:
        if options.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(*arguments, **options)

    monkeypatch.setattr(compiler, "njit", njit)
    assert compiler.compiled(double)(21) == 42


def test_a_cached_kernel_knows_all_the_sources_that_it_was_compiled_from() -> None:
    cache: Any = classic.run._cache  # type: ignore[attr-defined]
    assert cache._cache_file._source_stamp == compiler.STAMP
    assert {"functions.py", "vectors.py", "classic.py", "layout.py"} <= {name for name, _, _ in compiler.STAMP}
