"""How fast this machine computes and moves memory, and so how fast an operation can be at best: the roofline.

An operation takes at least as long as its arithmetic at the machine's peak, and at least as long as its memory at the
machine's bandwidth. Both rates are measured, not read from a data sheet: a large matrix product, and copies of three
sizes, since what fits into a cache moves faster than what does not. Reference: S. Williams, A. Waterman, D. Patterson,
"Roofline: an insightful visual performance model for multicore architectures", 2009.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import torch

from layerlab.anatomy.record import Operation

__all__ = ["Bound", "Machine", "bound_of", "measure_machine", "synchronize"]

_LONG_ENOUGH = 0.01  # seconds; a product that takes less is dominated by what surrounds it
_LARGEST_SIDE = 8192
_COPIES = (2**18, 2**22, 2**27)  # bytes of the copy: in the second cache, in the last, in memory
_REPEATS = 7


@dataclass(frozen=True)
class Machine:
    """What was measured of the machine.

    Attributes:
        device: where it was measured, ``"cpu"``.
        dtype: in which type of numbers, ``"float32"``.
        threads: how many threads an operation may use on a CPU.
        flops: floating-point operations in a second of a matrix product.
        bandwidths: for memory of at least so many bytes, read and written together, bytes in a second; the smallest
            first, and none slower than the one after it.
    """

    device: str
    dtype: str
    threads: int
    flops: float
    bandwidths: tuple[tuple[int, float], ...]

    def bandwidth(self, size: float) -> float:
        """Return the bytes that move in a second when an operation moves ``size`` bytes."""
        rate = self.bandwidths[0][1]
        for least, measured in self.bandwidths:
            if size >= least:
                rate = measured
        return rate


@dataclass(frozen=True)
class Bound:
    """The least time that operations can take one after another, in seconds.

    Attributes:
        seconds: for each operation the longer of its two times, added up.
        arithmetic: the part of it where the arithmetic is the longer one.
        memory: the part of it where moving memory is.
    """

    arithmetic: float = 0.0
    memory: float = 0.0

    @property
    def seconds(self) -> float:
        """The whole bound."""
        return self.arithmetic + self.memory

    @property
    def binds(self) -> str | None:
        """``"arithmetic"`` or ``"memory"``, whichever is the larger part; ``None`` where nothing is computed."""
        if not self.seconds:
            return None
        return "arithmetic" if self.arithmetic >= self.memory else "memory"


def bound_of(operations: Iterable[Operation], machine: Machine) -> Bound:
    """Return the roofline bound of operations that run one after another."""
    arithmetic = memory = 0.0
    for operation in operations:
        computing = 2 * operation.macs / machine.flops
        moving = operation.moved_bytes / machine.bandwidth(operation.moved_bytes)
        if computing >= moving:
            arithmetic += computing
        else:
            memory += moving
    return Bound(arithmetic, memory)


def measure_machine(device: torch.device, dtype: torch.dtype) -> Machine:
    """Return the measured rates of a device; measured once in a process for a type and a number of threads."""
    return _measured(device, dtype if dtype.is_floating_point else torch.float32, torch.get_num_threads())


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that it was given; a CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


@cache
def _measured(device: torch.device, dtype: torch.dtype, threads: int) -> Machine:
    with torch.no_grad():
        rates = [_bandwidth(device, size) for size in _COPIES]
        flops = _flops(device, dtype)
    # A rate at one size is a lower bound of what a smaller size can do: calling costs a part of a small copy.
    bandwidths = tuple((2 * size, max(rates[place:])) for place, size in enumerate(_COPIES))
    return Machine(str(device), str(dtype).removeprefix("torch."), threads, flops, bandwidths)


def _bandwidth(device: torch.device, size: int) -> float:
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    count = max(1, 2**24 // size)  # a small copy alone is too short for the clock

    def copies() -> None:
        for _ in range(count):
            target.copy_(source)

    return 2 * size * count / _shortest(copies, device)


def _flops(device: torch.device, dtype: torch.dtype) -> float:
    """Return the best rate of square products, of which the sides double until one takes long enough."""
    side, best = 256, 0.0
    while True:
        matrix = torch.ones(side, side, dtype=dtype, device=device)
        result = torch.empty_like(matrix)
        seconds = _shortest(lambda: torch.mm(matrix, matrix, out=result), device)  # noqa: B023 - runs at once
        best = max(best, 2 * side**3 / seconds)
        if seconds > _LONG_ENOUGH or side >= _LARGEST_SIDE:
            return best
        side *= 2


def _shortest(run: Callable[[], object], device: torch.device) -> float:
    run()
    seconds = []
    for _ in range(_REPEATS):
        synchronize(device)
        start = time.perf_counter()
        run()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
