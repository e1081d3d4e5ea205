"""exp, expm1 and tanh in float64 without a branch, so that loops over them become vectors.

They follow the published algorithms of FDLIBM, operation by operation; V8, and so every page of TensorFlow Playground,
computes by them too, which makes the results equal to the last bit (below the smallest normal number, exp gives 0).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from layerlab.playground.kernels.compiler import inlined

__all__ = ["exp", "expm1", "sigmoid", "tanh"]

LN2_HIGH: Final = 6.93147180369123816490e-01
LN2_LOW: Final = 1.90821492927058770002e-10
INVERSE_LN2: Final = 1.44269504088896338700
HALF_LN2: Final = 0.34657359123229980  # where FDLIBM, which looks at the upper half of the bits, begins to reduce
TINY: Final = 2.0**-28
EXP_MOST: Final = 709.782712893384
EXP_LEAST: Final = -708.0
EXPM1: Final = (
    -3.33333333333331316428e-02,
    1.58730158725481460165e-03,
    -7.93650757867487942473e-05,
    4.00821782732936239552e-06,
    -2.01099218183624371326e-07,
)
EXP: Final = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
SHIFT: Final = 2.0**52 + 1023.0


@inlined
def power_of_two(exponent: float) -> float:
    """Return 2 to a whole ``exponent`` between -1022 and 1023, by placing its bits."""
    return np.int64(np.float64(exponent + SHIFT).view(np.int64) << 52).view(np.float64)  # type: ignore[no-any-return]


@inlined
def nearest_power(x: float) -> float:
    """Return k such that x - k ln 2 is small, 0 where x is small itself."""
    return 0.0 if abs(x) < HALF_LN2 else np.trunc(INVERSE_LN2 * x + (0.5 if x > 0.0 else -0.5))


@inlined
def expm1(x: float) -> float:
    """Return exp(x) - 1 for x up to 700, to the bit as V8 gives it."""
    x = -44.0 if x < -44.0 else x  # where the result is -1 already
    k = nearest_power(x)
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    x = high - low
    lost = (high - x) - low
    half = 0.5 * x
    square = x * half
    r = 1.0 + square * (EXPM1[0] + square * (EXPM1[1] + square * (EXPM1[2] + square * (EXPM1[3] + square * EXPM1[4]))))
    t = 3.0 - r * half
    error = square * ((r - t) / (6.0 - x * t))
    rest = (x * (error - lost) - lost) - square
    power, inverse = power_of_two(k), power_of_two(-k)
    none = x - (x * error - square)
    minus_one = 0.5 * (x - rest) - 0.5
    one = 1.0 + 2.0 * (x - rest)
    one = -2.0 * (rest - (x + 0.5)) if x < -0.25 else one
    small = ((1.0 - inverse) - (rest - x)) * power
    large = ((x - (rest + inverse)) + 1.0) * power
    outside = (1.0 - (rest - x)) * power - 1.0
    result = large if k <= 56.0 else outside
    result = small if k < 20.0 else result
    result = one if k == 1.0 else result
    result = none if k == 0.0 else result
    result = minus_one if k == -1.0 else result
    return outside if k < -1.0 else result


@inlined
def tanh(value: float) -> float:
    """Return the hyperbolic tangent, to the bit as V8 gives it."""
    size = abs(value)
    large = size >= 1.0
    x = (2.0 if large else -2.0) * size
    x = x if x < 44.0 else 44.0
    t = expm1(x)
    quotient = (2.0 if large else -t) / (t + 2.0)
    complement = 1.0 - quotient
    result = complement if large else quotient
    result = 1.0 if size >= 22.0 else result
    negative = -result
    result = negative if value < 0.0 else result
    result = value if size < TINY else result
    return result if value == value else value  # noqa: PLR0124 (NaN alone differs from itself)


@inlined
def exp(value: float) -> float:
    """Return the exponential, to the bit as V8 gives it."""
    x = value if value < EXP_MOST else EXP_MOST
    x = x if x > EXP_LEAST else EXP_LEAST
    k = nearest_power(x)
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    x = high - low
    t = x * x
    c = x - t * (EXP[0] + t * (EXP[1] + t * (EXP[2] + t * (EXP[3] + t * EXP[4]))))
    quotient = (x * c) / (2.0 - c)
    reduced = 1.0 - ((low - quotient) - high)
    plain = 1.0 - (-quotient - x)
    result = plain if k == 0.0 else reduced
    result = (result * power_of_two(k - 1.0)) * 2.0
    result = 2.718281828459045 if value == 1.0 else result
    near_one = 1.0 + value
    result = near_one if abs(value) < TINY else result
    result = 0.0 if value < EXP_LEAST else result
    result = np.inf if value > EXP_MOST else result
    return result if value == value else value  # noqa: PLR0124


@inlined
def sigmoid(value: float) -> float:
    """Return 1 / (1 + exp(-value)), to the bit as V8 gives it."""
    return 1.0 / (1.0 + exp(-value))
