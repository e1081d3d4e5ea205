"""What a session remembers of its run: the loss curve and the states to go back to, both in bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from layerlab.playground.network import Snapshot

    Floats = NDArray[np.float64]

__all__ = ["Curve", "History"]

MOST_LOSSES: Final = 100_000
"""Epochs whose losses are all kept (2.4 MB); a longer run keeps every second, then every fourth..."""
MOST_SNAPSHOTS: Final = 200
MOST_BYTES: Final = 8_000_000
"""For the snapshots of one session; the largest networks keep fewer."""
LEAST_SNAPSHOTS: Final = 10


class Curve:
    """The losses of a run, epoch by epoch.

    Args:
        most: rows kept; when there are more, every second goes, so that memory stays flat over hours.
    """

    def __init__(self, most: int = MOST_LOSSES) -> None:
        self._most = most
        self._rows: Floats = np.empty((64, 3))
        self._count = 0
        self._stride = 1

    def append(self, rows: ArrayLike) -> None:
        """Add rows (k, 3) of epoch, training loss and test loss; their epochs follow those that are there."""
        new = np.asarray(rows, np.float64).reshape(-1, 3)
        if not len(new):
            return
        if self._stride > 1:
            if self._count and self._rows[self._count - 1, 0] % self._stride:
                self._count -= 1  # it stood there only as the last
            kept = new[:, 0] % self._stride == 0
            kept[-1] = True
            new = new[kept]
        self._put(new)
        while self._count > self._most:
            self._halve()

    def rows(self, last: int | None = None) -> Floats:
        """Return a view of the rows (k, 3), up to epoch ``last``."""
        if last is None:
            return self._rows[: self._count]
        return self._rows[: int(np.searchsorted(self._rows[: self._count, 0], last, side="right"))]

    def cut(self, last: int) -> None:
        """Forget what came after epoch ``last``."""
        self._count = len(self.rows(last))

    def _put(self, rows: Floats) -> None:
        needed = self._count + len(rows)
        if needed > len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty((max(needed - len(self._rows), len(self._rows)), 3))])
        self._rows[self._count : needed] = rows
        self._count = needed

    def _halve(self) -> None:
        self._stride *= 2
        rows = self.rows()
        kept = rows[:, 0] % self._stride == 0
        kept[-1] = True
        rows = rows[kept]
        self._rows[: len(rows)] = rows
        self._count = len(rows)


class History:
    """States of a run to go back to: every epoch at first, then every second, every fourth...; the first and last stay.

    Args:
        bytes_each: size of a snapshot; it decides how many are kept.
    """

    def __init__(self, bytes_each: int) -> None:
        self._most = max(LEAST_SNAPSHOTS, min(MOST_SNAPSHOTS, MOST_BYTES // max(1, bytes_each)))
        self._kept: dict[int, Snapshot] = {}
        self._stride = 1

    @property
    def epochs(self) -> list[int]:
        """The epochs that are kept, in order."""
        return list(self._kept)

    @property
    def last(self) -> int:
        """The last epoch that is kept."""
        return next(reversed(self._kept))

    def until_next(self, epoch: int) -> int:
        """Return how many epochs after ``epoch`` the next state is kept."""
        return self._stride - epoch % self._stride

    def add(self, snapshot: Snapshot) -> None:
        """Keep the state at the end of its epoch, in place of one of that epoch and of all that came later."""
        epoch = snapshot.epoch
        self.cut(epoch - 1)
        last = next(reversed(self._kept), 0)
        if last % self._stride and len(self._kept) > 1:
            del self._kept[last]  # it stood there only as the last
        self._kept[epoch] = snapshot
        while len(self._kept) > self._most:
            self._stride *= 2
            ends = (next(iter(self._kept)), epoch)
            self._kept = {e: kept for e, kept in self._kept.items() if e % self._stride == 0 or e in ends}

    def cut(self, last: int) -> None:
        """Forget what came after epoch ``last``."""
        while self._kept and next(reversed(self._kept)) > last:
            self._kept.popitem()

    def nearest(self, epoch: int) -> Snapshot:
        """Return the state of the kept epoch that is nearest to ``epoch``; of two, the earlier."""
        return self._kept[min(self._kept, key=lambda kept: (abs(kept - epoch), kept))]

    def before(self, epoch: int) -> Snapshot:
        """Return the last state kept at ``epoch`` or before it."""
        epochs = self.epochs
        return self._kept[epochs[max(0, bisect_right(epochs, epoch) - 1)]]
