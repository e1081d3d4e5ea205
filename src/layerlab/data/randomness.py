"""Random numbers as a pure function of a key, the same on every machine.

A run that is resumed in the middle of an epoch must draw what the uninterrupted run would have drawn, so no
generator is carried from batch to batch: each draw names what it is for, such as (augmentation, seed, epoch,
batch). The raw stream of PCG64 is used because NumPy keeps it stable over versions, which it does not promise
of its distributions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["AUGMENTATION", "ORDER", "SPLIT", "permutation", "uniform"]

SPLIT, ORDER, AUGMENTATION = 1, 2, 3
"""What a draw is for: the first word of its key, so that equal seeds do not give related draws."""


def permutation(count: int, *key: int) -> Tensor:
    """Return the order of ``count`` things under ``key`` (non-negative integers), int64."""
    # A stable sort: equal draws, however unlikely, are then ordered alike everywhere.
    return torch.from_numpy(np.argsort(_raw(count, key), kind="stable"))


def uniform(rows: int, columns: int, *key: int) -> Tensor:
    """Return a table of draws from [0, 1) under ``key``: float64, (rows, columns)."""
    raw = _raw(rows * columns, key) >> np.uint64(11)
    return torch.from_numpy(raw.astype(np.float64) * 2.0**-53).view(rows, columns)


def _raw(count: int, key: tuple[int, ...]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    # With its length: NumPy takes a key and the same key with zeros behind it for one.
    return np.asarray(np.random.PCG64([len(key), *key]).random_raw(count), dtype=np.uint64)
