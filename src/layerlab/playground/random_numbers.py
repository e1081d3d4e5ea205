"""The random numbers of TensorFlow Playground: ARC4, keyed by a text, as seedrandom 2.4.3 draws from it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from layerlab.playground.elementary import log
from layerlab.playground.kernels.compiler import compiled

__all__ = ["Random"]

BLOCK: Final = 512
"""Numbers drawn ahead at a time; nobody sees it, for a stream is a stream."""


class Random:
    """A stream of random numbers that is the same for the same seed on every machine.

    Args:
        seed: any text; its UTF-16 code units are the key, as in JavaScript.

    Example:
        >>> Random("0.5").random()
        0.49767758747058916
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._state = _keyed(_key(seed))
        _draw(self._state, np.empty(0), 256)  # seedrandom throws the first 256 bytes away
        self._ahead: list[float] = []
        self._next = 0
        self._drawn = False

    @property
    def is_fresh(self) -> bool:
        """Whether nothing has been drawn yet."""
        return not self._drawn

    def go_on_as(self, other: Random) -> None:
        """Be where ``other`` is in its stream."""
        self.seed, self._state, self._ahead = other.seed, other._state.copy(), other._ahead
        self._next, self._drawn = other._next, other._drawn

    def random(self) -> float:
        """Return the next number of [0, 1)."""
        if self._next == len(self._ahead):
            self._ahead = self._block(BLOCK).tolist()
            self._next = 0
        self._next += 1
        return self._ahead[self._next - 1]

    def numbers(self, count: int) -> NDArray[np.float64]:
        """Return the next ``count`` numbers of [0, 1), shape (count,): what as many calls of :meth:`random` give."""
        waiting = self._ahead[self._next : self._next + count]
        self._next += len(waiting)
        return np.concatenate([waiting, self._block(count - len(waiting))])

    def uniform(self, a: float, b: float) -> float:
        """Return the next number of [a, b)."""
        return self.random() * (b - a) + a

    def normal(self, mean: float, variance: float) -> float:
        """Return the next normal number."""
        return float(self.normals(np.array(mean), variance))

    def normals(self, mean: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
        """Return a normal number for each of ``mean``, in order: Marsaglia's polar method, the first of each pair."""
        v1, s = np.empty(mean.size), np.empty(mean.size)
        done = 0
        while done < mean.size:  # never more pairs than are missing, so that none is drawn in vain
            pairs = 2 * self.numbers(2 * (mean.size - done)).reshape(-1, 2) - 1
            size = pairs[:, 0] * pairs[:, 0] + pairs[:, 1] * pairs[:, 1]
            inside = (size > 0) & (size <= 1)
            end = done + int(inside.sum())
            v1[done:end], s[done:end] = pairs[inside, 0], size[inside]
            done = end
        spread = np.sqrt(-2 * log(s) / s) * v1
        normal: NDArray[np.float64] = mean + np.sqrt(variance) * spread.reshape(mean.shape)
        return normal

    def shuffle(self, array: NDArray[Any]) -> None:
        """Bring the rows of ``array`` into a random order, in place."""
        count = len(array)
        order = list(range(count))
        others = np.floor(self.numbers(count) * np.arange(count, 0, -1)).astype(np.int64).tolist()
        for last, k in zip(range(count - 1, -1, -1), others, strict=True):
            order[last], order[k] = order[k], order[last]
        array[:] = array[order]

    def _block(self, count: int) -> NDArray[np.float64]:
        numbers = np.empty(count)
        self._drawn = self._drawn or count > 0
        _draw(self._state, numbers, 0)
        return numbers


def _key(seed: str) -> NDArray[np.uint8]:
    """Return the bytes that seedrandom mixes from a text: one a code unit, wrapping after 256."""
    units = np.frombuffer(seed.encode("utf-16-le", "surrogatepass"), "<u2").tolist()
    key: list[int] = []
    smear = 0
    for i, unit in enumerate(units):
        if i < 256:
            key.append(0)
        smear ^= key[i & 255] * 19
        key[i & 255] = (smear + unit) & 255
    return np.array(key or [0], np.uint8)


@compiled
def _keyed(key: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ARC4's state after its key schedule: the 256 bytes of the permutation, then i and j. Shape (258,)."""
    s = np.zeros(258, np.uint8)
    for i in range(256):
        s[i] = i
    j = np.int64(0)
    for i in range(256):
        j = (j + np.int64(key[i % len(key)]) + np.int64(s[i])) & 255
        t = s[i]
        s[i] = s[j]
        s[j] = t
    return s


@compiled
def _draw(state: NDArray[np.uint8], numbers: NDArray[np.float64], skipped: int) -> None:
    """Skip some bytes, then fill ``numbers``: six bytes each, and more until 53 bits are significant."""
    i = np.int64(state[256])
    j = np.int64(state[257])
    for n in range(-skipped, len(numbers)):
        value = np.int64(0)
        scale = 2.0**48
        taken = 0
        while True:
            i = (i + 1) & 255
            t = np.int64(state[i])
            j = (j + t) & 255
            state[i] = state[j]
            state[j] = t
            byte = np.int64(state[(t + np.int64(state[i])) & 255])
            taken += 1
            if n < 0:
                break
            if taken <= 6:
                value = (value << 8) + byte
                byte = np.int64(0)
            if taken >= 6:
                if value >= 1 << 52:
                    break
                value = (value + byte) << 8
                scale *= 256.0
        if n >= 0:
            while value >= 1 << 53:
                value >>= 1
                scale /= 2.0
                byte >>= 1
            numbers[n] = (value + byte) / scale
    state[256] = i
    state[257] = j
