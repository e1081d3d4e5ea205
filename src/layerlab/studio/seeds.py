"""One specification with many seeds, trained side by side: curves that grow, decision maps."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from layerlab.studio.frames import pack
from layerlab.studio.painting import SMALL, small_map

if TYPE_CHECKING:
    from layerlab.playground.network import Network
    from layerlab.playground.specification import Specification
    from layerlab.studio.outlet import Outlet

__all__ = ["SeedRun"]

CURVE_POINTS: Final = 250
FRAME_SECONDS: Final = 0.1
MOST_BYTES: Final = 32_000_000
"""Of the networks that train side by side; of larger ones fewer do, the others after them."""


class SeedRun:
    """Trains the networks in turns of some milliseconds, so that other tabs are not kept waiting.

    Args:
        specification: its own seed is replaced.
        seeds: one network each, the same as it would be alone.
        epochs: of each.
        slice_seconds: of one turn.
        outlet: of the tab.
        wake: asks the scheduler for a turn.
    """

    def __init__(
        self,
        specification: Specification,
        seeds: Sequence[str],
        epochs: int,
        slice_seconds: float,
        outlet: Outlet,
        wake: Callable[[SeedRun], None],
    ) -> None:
        self.specification = specification
        self.seeds = list(seeds)
        self.epochs = epochs
        self._slice = slice_seconds
        self._outlet, self._wake = outlet, wake
        self._stride = math.ceil(epochs / CURVE_POINTS)
        self._curves = np.full((len(seeds), 1 + math.ceil(epochs / self._stride), 3), np.nan, dtype=np.float32)
        self._maps = np.full((len(seeds), SMALL, SMALL), 128, dtype=np.uint8)
        self._taken = [0] * len(seeds)  # points of each curve
        self._waiting = deque(range(len(seeds)))
        self._live: deque[tuple[int, Network]] = deque()
        self._together = max(2, MOST_BYTES // bytes_of(specification))
        self._cost = 0.0  # seconds of one epoch, as measured so far
        self._frame_is_out = False
        self._next_frame = 0.0
        self._cancelled = False

    def start(self) -> None:
        """Begin."""
        self._wake(self)

    def epochs_of(self, index: int) -> int:
        """Return how many epochs a seed's network has been trained for."""
        return int(self._curves[index, max(0, self._taken[index] - 1), 0]) if self._taken[index] else 0

    def cancel(self) -> None:
        """End before the end."""
        self._cancelled = True

    def turn(self, now: float) -> float | None:
        """Train for a slice; show what there is."""
        if self._cancelled:
            return None
        deadline = now + self._slice
        while now < deadline and (self._live or self._waiting):
            self._advance(deadline - now)
            now = time.monotonic()
        finished = not self._live and not self._waiting
        if not self._frame_is_out and (finished or now >= self._next_frame):
            self._frame_is_out = True
            self._next_frame = now + FRAME_SECONDS
            self._paint_some(now + self._slice)
            self._outlet.show(self._frame(finished), self._sent)
            self._cancelled = self._cancelled or finished
        return None if finished else now  # at the end the page's answer wakes it for the last frame

    def _sent(self) -> None:
        self._frame_is_out = False
        if not self._cancelled:
            self._wake(self)

    def _advance(self, seconds: float) -> None:
        """Take the next network towards the next point of its curve, for about so many seconds."""
        if self._waiting and len(self._live) < self._together:
            index = self._waiting.popleft()
            network = self._make(self.seeds[index])
            self._record(index, 0, network.evaluate())
            self._live.append((index, network))
            return
        index, network = self._live[0]
        wanted = min(self._stride - network.epoch % self._stride, self.epochs - network.epoch)
        fitting = int(seconds / self._cost) if self._cost else 1
        count = max(1, min(wanted, fitting))
        start = time.monotonic()
        losses = network.run(count)
        self._cost = max((time.monotonic() - start) / count, self._cost * 0.9)
        over = len(losses) < count or not np.isfinite(losses[-1, 0]) or network.epoch >= self.epochs
        if over or network.epoch % self._stride == 0:
            self._record(index, network.epoch, losses[-1] if len(losses) else (math.nan, math.nan))
            self._live.rotate(-1)
        if over:  # a seed that is opened is trained again, with its history
            self._maps[index] = small_map(network)
            self._live.remove((index, network))

    def _record(self, index: int, epoch: int, losses: Sequence[float] | NDArray[np.float64]) -> None:
        self._curves[index, self._taken[index]] = (epoch, *losses)
        self._taken[index] += 1

    def _make(self, seed: str) -> Network:
        from layerlab.playground.session import Session

        return Session(self.specification.replace(seed=seed)).network

    def _paint_some(self, deadline: float) -> None:
        """Bring maps up to date, those first whose turn it is, as far as time allows."""
        for index, network in self._live:
            if time.monotonic() >= deadline:
                return
            self._maps[index] = small_map(network)

    def _frame(self, finished: bool) -> bytes:
        final = np.array([self._curves[i, max(0, count - 1), 1:] for i, count in enumerate(self._taken)])
        header: dict[str, Any] = {
            "kind": "seeds",
            "done": len(self.seeds) - len(self._live) - len(self._waiting),
            "total": len(self.seeds),
            "epochs": self.epochs,
            "seeds": self.seeds,
            "finished": finished,
        }
        return pack(
            header,
            {"curves": self._curves[:, : max(self._taken)], "maps": self._maps, "final": final.astype(np.float32)},
        )


def bytes_of(specification: Specification) -> int:
    """Return about how much memory a network of ``specification`` takes: its weights, and the points of a batch."""
    weights = sum(units * inputs for units, inputs in zip(specification.units, specification.fan_in, strict=True))
    rows = 2 * (sum(specification.units) + sum(specification.fan_in))
    return 8 * (16 * weights + rows * (2 * specification.batch_size + 500))
