"""Ways to do the same thing, timed in turn so that a busy moment of the machine meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def seconds_of(ways: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each way at each repeat, after one run that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def spread(seconds: list[float], scale: float = 1000) -> str:
    """Return the median and, in brackets, the shortest and the longest."""
    low, middle, high = (scale * value for value in (min(seconds), statistics.median(seconds), max(seconds)))
    return f"{middle:.0f} ({low:.0f}-{high:.0f})" if low >= 10 else f"{middle:.2f} ({low:.2f}-{high:.2f})"


def ratio(slow: list[float], fast: list[float]) -> float:
    """Return how many times as fast the second is: the median over the repeats, each with its neighbour."""
    return statistics.median(theirs / ours for theirs, ours in zip(slow, fast, strict=True))
