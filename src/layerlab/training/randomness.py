"""Randomness as a pure function of (seed, epoch, batch, rank), so that a resumed run draws what it would have drawn."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch.amp import is_autocast_available

__all__ = ["beta_draw", "by_itself", "seed_everything", "step_seed", "untouched_generators"]


def step_seed(*key: int) -> int:
    """Return 63 bits that depend on every number of ``key``."""
    text = ",".join(map(str, key)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 1


def seed_everything(*key: int) -> None:
    """Seed the generators of torch (all devices), NumPy and Python with ``key``."""
    seed = step_seed(*key)
    # Not torch.manual_seed: where CUDA is not in use, it notes each call with its stack, for later.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)


def beta_draw(alpha: float, *key: int) -> float:
    """Return a draw of Beta(alpha, alpha) that depends on ``key`` alone."""
    return float(np.random.Generator(np.random.PCG64(step_seed(*key))).beta(alpha, alpha))


@contextmanager
def untouched_generators() -> Iterator[None]:
    """Give the caller's random generators back as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def by_itself(device: torch.device, *, gradients: bool) -> Iterator[None]:
    """Compute as if nothing were set around: no autocast, no inference mode. Generators are given back as they were."""
    precision = torch.autocast(device.type, enabled=False) if is_autocast_available(device.type) else nullcontext()
    with untouched_generators(), torch.inference_mode(mode=False), torch.set_grad_enabled(gradients), precision:
        yield
