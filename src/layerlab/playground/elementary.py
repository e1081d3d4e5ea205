"""Sine, cosine and logarithm to the very bit that JavaScript engines give.

C libraries and NumPy differ from them in the last bit of some values, which hundreds of epochs then make visible. The
engines compute as Sun's fdlibm does: reduce to a small argument, then a polynomial; here for whole arrays.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["cos", "log", "sin", "sin_and_cos"]

Array = NDArray[np.float64]
Words = NDArray[np.int64]

SINE: Final = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
COSINE: Final = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)
LOGARITHM: Final = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
HALF_PI: Final = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624871116645580e-21)
"""Pi/2 in pieces of 33 bits, so that a small whole number times a piece is exact."""
HALF_PI_REST: Final = (6.07710050650619224932e-11, 2.02226624879595063154e-21, 8.47842766036889956997e-32)
"""What each piece leaves of pi/2."""
LN2: Final = (6.93147180369123816490e-01, 1.90821492927058770002e-10)


def sin(x: Array) -> Array:
    """Return the sine of each number, all of size below 800,000."""
    return sin_and_cos(x)[0]


def cos(x: Array) -> Array:
    """Return the cosine of each number, all of size below 800,000."""
    return sin_and_cos(x)[1]


def sin_and_cos(x: Array) -> tuple[Array, Array]:
    """Return both, which costs little more than one."""
    quarter, near, rest = _reduced(x)
    sine = np.where(quarter == 0, _smaller_sine(near), _small_sine(near, rest))
    cosine = _small_cosine(near, rest)
    odd = (quarter & 1) == 1
    return (
        _negated(np.where(odd, cosine, sine), (quarter & 2) == 2),
        _negated(np.where(odd, sine, cosine), ((quarter + 1) & 2) == 2),
    )


def log(x: Array) -> Array:
    """Return the natural logarithm of each number, all positive and not subnormal."""
    high = _high(x)
    fraction = high & 0xFFFFF
    upper = (fraction + 0x95F64) & 0x100000  # from the square root of 2 on, take half of it
    k = ((high >> 20) - 1023 + (upper >> 20)).astype(np.float64)
    f = _with_high(x, fraction | (upper ^ 0x3FF00000)) - 1.0
    tiny = f * f * (0.5 - 0.33333333333333333 * f)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    l1, l2, l3, l4, l5, l6, l7 = LOGARITHM
    r = z * (l1 + w * (l3 + w * (l5 + w * l7))) + w * (l2 + w * (l4 + w * l6))
    half = 0.5 * f * f
    middle = ((fraction - 0x6147A) | (0x6B851 - fraction)) > 0
    whole, small = k * LN2[0], k * LN2[1]
    on_one = np.where(middle, f - (half - s * (half + r)), f - s * (f - r))
    elsewhere = whole - (np.where(middle, half - (s * (half + r) + small), s * (f - r) - small) - f)
    near_one = ((2 + fraction) & 0xFFFFF) < 3
    on_one = np.where(near_one, f - tiny, on_one)
    elsewhere = np.where(near_one, whole - ((tiny - small) - f), elsewhere)
    return np.where(k == 0, on_one, np.where(f == 0, whole + small, elsewhere))


def _reduced(x: Array) -> tuple[Words, Array, Array]:
    """Return how many quarter turns lie in x, and what remains, in two parts: a double and what it leaves."""
    size = np.abs(x)
    high = _high(size)
    inside = high <= 0x3FE921FB  # up to pi/4
    n = np.where(inside, 0.0, np.floor(size * 6.36619772367581382433e-01 + 0.5))
    r = size - n * HALF_PI[0]
    w = n * HALF_PI_REST[0]
    near = r - w
    close = (high == _high(n * (np.pi / 2))) | (n >= 32)
    for piece, lost_bits in ((1, 16), (2, 49)):
        cancelled = close & ~inside & ((high >> 20) - ((_high(near) >> 20) & 0x7FF) > lost_bits)
        if not cancelled.any():
            break
        step = n * HALF_PI[piece]
        finer = r - step
        w = np.where(cancelled, n * HALF_PI_REST[piece] - ((r - finer) - step), w)
        r = np.where(cancelled, finer, r)
        near = r - w
    rest = np.where(inside, 0.0, (r - near) - w)
    sign = np.where(inside, 1.0, np.copysign(1.0, x))
    return (n * sign).astype(np.int64), np.where(inside, x, near * sign), rest * sign


def _negated(value: Array, where: NDArray[np.bool_]) -> Array:
    return np.where(where, -value, value)


def _smaller_sine(x: Array) -> Array:
    """Return the sine of what needed no reduction."""
    z = x * x
    return np.where(np.abs(x) < 2.0**-27, x, x + z * x * (SINE[0] + z * _sine_series(z)))


def _small_sine(x: Array, rest: Array) -> Array:
    z = x * x
    v = z * x
    value = x - ((z * (0.5 * rest - v * _sine_series(z)) - rest) - v * SINE[0])
    return np.where(np.abs(x) < 2.0**-27, x, value)


def _sine_series(z: Array) -> Array:
    _, s2, s3, s4, s5, s6 = SINE
    return s2 + z * (s3 + z * (s4 + z * (s5 + z * s6)))


def _small_cosine(x: Array, rest: Array) -> Array:
    c1, c2, c3, c4, c5, c6 = COSINE
    z = x * x
    r = z * (c1 + z * (c2 + z * (c3 + z * (c4 + z * (c5 + z * c6)))))
    high = _high(x) & 0x7FFFFFFF
    quarter = np.where(high > 0x3FE90000, 0.28125, _with_high(np.zeros_like(x), high - 0x00200000))
    quarter = np.where(high < 0x3FD33333, 0.0, quarter)
    return np.where(
        quarter == 0, 1.0 - (0.5 * z - (z * r - x * rest)), (1.0 - quarter) - ((0.5 * z - quarter) - (z * r - x * rest))
    )


def _high(x: Array) -> Words:
    """Return the upper 32 of the 64 bits of each number."""
    return np.ascontiguousarray(x).view(np.int64) >> 32


def _with_high(x: Array, high: Words) -> Array:
    """Return x with other upper bits."""
    return (np.ascontiguousarray(x).view(np.int64) & 0xFFFFFFFF | high << 32).view(np.float64)
