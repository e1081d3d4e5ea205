"""One specification with many seeds, trained side by side: curves that grow, decision maps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from layerlab.studio.frames import pack
from layerlab.studio.painting import SMALL, small_map

if TYPE_CHECKING:
    from layerlab.playground.network import Network
    from layerlab.playground.specification import Specification
    from layerlab.studio.tab import Outlet

__all__ = ["SeedRun"]

CURVE_POINTS: Final = 250
FRAME_SECONDS: Final = 0.1


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
        self._networks: list[Network] = []
        self._stride = math.ceil(epochs / CURVE_POINTS)
        points = 1 + math.ceil(epochs / self._stride)
        self._curves = np.full((len(self.seeds), points, 3), np.nan, dtype=np.float32)
        self._taken = [0] * len(self.seeds)
        self._over = [False] * len(self.seeds)
        self._next = 0
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
        while now < deadline and not all(self._over):
            self._advance()
            now = time.monotonic()
        finished = all(self._over)
        if not self._frame_is_out and (finished or now >= self._next_frame):
            self._frame_is_out = True
            frame = self._frame(finished)
            spent = time.monotonic() - now
            self._next_frame = now + max(FRAME_SECONDS, 5 * spent)
            self._outlet.show(frame, self._sent)
            if finished:
                self._networks.clear()  # a seed that is opened is trained again, with its history
                self._cancelled = True
        return None if finished else now  # at the end the page's answer wakes it for the last frame

    def _sent(self) -> None:
        self._frame_is_out = False
        if not self._cancelled:
            self._wake(self)

    def _advance(self) -> None:
        """Take one network one point of its curve further, each in its turn."""
        index = self._next
        self._next = (index + 1) % len(self.seeds)
        if index == len(self._networks):
            self._networks.append(self._make(self.seeds[index]))
            self._record(index, self._networks[index].evaluate())
            return
        if self._over[index]:
            return
        network = self._networks[index]
        wanted = min(self._stride, self.epochs - network.epoch)
        losses = network.run(wanted)
        if len(losses):
            self._record(index, losses[-1])
        self._over[index] = network.epoch >= self.epochs or len(losses) < wanted or not np.isfinite(losses[-1, 0])

    def _record(self, index: int, losses: Sequence[float] | NDArray[np.float64]) -> None:
        self._curves[index, self._taken[index]] = (self._networks[index].epoch, *losses)
        self._taken[index] += 1

    def _make(self, seed: str) -> Network:
        from layerlab.playground.session import Session

        return Session(self.specification.replace(seed=seed)).network

    def _frame(self, finished: bool) -> bytes:
        maps = np.full((len(self.seeds), SMALL, SMALL), 128, dtype=np.uint8)
        for index, network in enumerate(self._networks):
            maps[index] = small_map(network)
        taken = max(self._taken)
        final = np.array([self._curves[i, max(0, count - 1), 1:] for i, count in enumerate(self._taken)])
        header: dict[str, Any] = {
            "kind": "seeds",
            "done": sum(self._over),
            "total": len(self.seeds),
            "epochs": self.epochs,
            "seeds": self.seeds,
            "finished": finished,
        }
        return pack(header, {"curves": self._curves[:, :taken], "maps": maps, "final": final.astype(np.float32)})
