"""What the page knows of a curve already, and what it must be told: never lost, never without bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from layerlab.playground.session import Session

__all__ = ["Curve"]

MOST_POINTS: Final = 4000
"""Points that a page holds at most; then it is given the whole curve anew, thinned."""
THINNED: Final = 1000


class Curve:
    """The loss curve as one page has it."""

    def __init__(self) -> None:
        self._count = 0
        self._epoch = -1

    def restart(self) -> None:
        """Have the next news be the whole curve."""
        self._count, self._epoch = 0, -1

    def news(self, session: Session) -> tuple[int, NDArray[np.float64]]:
        """Return the points that the page lacks, (k, 3), and how many of its own it keeps before them."""
        epoch = session.epoch
        if epoch < self._epoch:  # gone back
            self.restart()
        if self._count + epoch - self._epoch > MOST_POINTS or self._epoch < 0:
            self._count, new = 0, session.curve(THINNED)
        else:
            new = session.curve(THINNED, after=self._epoch)
        start = self._count
        self._count += len(new)
        self._epoch = epoch
        return start, np.asarray(new, dtype=np.float64).reshape(-1, 3)
