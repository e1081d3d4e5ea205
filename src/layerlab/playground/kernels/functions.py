"""exp, expm1, tanh and their kin without a branch, for vectors and single numbers inside compiled code.

In float64 they follow the published algorithms of FDLIBM, operation by operation; V8, and so every page of TensorFlow
Playground, computes by them too, which makes the results equal to the last bit (below the smallest normal number, exp
gives 0). In float32 the hyperbolic tangent is a ratio of polynomials, fitted to a relative error of 4e-7.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from numba import types

from layerlab.playground.kernels.codes import ELU_ALPHA, LEAKY_SLOPE
from layerlab.playground.kernels.vectors import Pack, instruction

__all__ = [
    "elu",
    "exp",
    "expm1",
    "leaky",
    "positive",
    "sigmoid",
    "slope_of_elu",
    "slope_of_leaky",
    "slope_of_positive",
    "tanh",
    "where_larger",
]

LN2_HIGH: Final = 6.93147180369123816490e-01
LN2_LOW: Final = 1.90821492927058770002e-10
INVERSE_LN2: Final = 1.44269504088896338700
HALF_LN2: Final = 0.3465735912322998  # where FDLIBM, which looks at the upper half of the bits, begins to reduce
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
TANH_SINGLE_MOST: Final = 8.5
TANH_SINGLE: Final = (
    (9.9999996570889e-01, 1.2949896554e-01, 2.9538834985e-03, 9.57379343e-06, -1.371908534e-08, 2.0724302e-11),
    (1.0, 4.628319988973301e-01, 2.3898323211347664e-02, 2.3270403487520746e-04),
)


def _polynomial(x: Pack, coefficients: tuple[float, ...]) -> Pack:
    """Return the polynomial with these coefficients, the constant one first."""
    value = x.constant(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = coefficient + x * value
    return value


def _nearest_power(x: Pack) -> Pack:
    """Return k such that x - k ln 2 is small, 0 where x is small itself."""
    rounded = (INVERSE_LN2 * x + x.choose(x.is_(">", 0.0), 0.5, -0.5)).truncate()
    return x.choose(x.absolute().is_("<", HALF_LN2), 0.0, rounded)


def _expm1(x: Pack) -> Pack:
    x = x.choose(x.is_("<", -44.0), -44.0, x)  # where the result is -1 already
    k = _nearest_power(x)
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    x = high - low
    lost = (high - x) - low
    half = 0.5 * x
    square = x * half
    r = _polynomial(square, (1.0, *EXPM1))
    t = 3.0 - r * half
    error = square * ((r - t) / (6.0 - x * t))
    rest = (x * (error - lost) - lost) - square
    power, inverse = k.power_of_two(), (-k).power_of_two()
    one = x.choose(x.is_("<", -0.25), -2.0 * (rest - (x + 0.5)), 1.0 + 2.0 * (x - rest))
    outside = (1.0 - (rest - x)) * power - 1.0
    result = x.choose(k.is_("<=", 56.0), ((x - (rest + inverse)) + 1.0) * power, outside)
    result = x.choose(k.is_("<", 20.0), ((1.0 - inverse) - (rest - x)) * power, result)
    result = x.choose(k.is_("==", 1.0), one, result)
    result = x.choose(k.is_("==", 0.0), x - (x * error - square), result)
    result = x.choose(k.is_("==", -1.0), 0.5 * (x - rest) - 0.5, result)
    return x.choose(k.is_("<", -1.0), outside, result)


def _exp(value: Pack) -> Pack:
    x = value.choose(value.is_("<", EXP_MOST), value, EXP_MOST)
    x = x.choose(x.is_(">", EXP_LEAST), x, EXP_LEAST)
    k = _nearest_power(x)
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    x = high - low
    t = x * x
    c = x - t * _polynomial(t, EXP)
    quotient = (x * c) / (2.0 - c)
    result = x.choose(k.is_("==", 0.0), 1.0 - (-quotient - x), 1.0 - ((low - quotient) - high))
    result = (result * (k - 1.0).power_of_two()) * 2.0
    result = x.choose(value.is_("==", 1.0), math.e, result)
    result = x.choose(value.absolute().is_("<", TINY), 1.0 + value, result)
    result = x.choose(value.is_("<", EXP_LEAST), 0.0, result)
    result = x.choose(value.is_(">", EXP_MOST), math.inf, result)
    return x.choose(value.is_("!=", value), value, result)


def _tanh(value: Pack) -> Pack:
    size = value.absolute()
    large = size.is_(">=", 1.0)
    x = size.choose(large, 2.0, -2.0) * size
    t = _expm1(x.choose(x.is_("<", 44.0), x, 44.0))
    quotient = t.choose(large, 2.0, -t) / (t + 2.0)
    result = t.choose(large, 1.0 - quotient, quotient)
    result = t.choose(size.is_(">=", 22.0), 1.0, result)
    result = t.choose(value.is_("<", 0.0), -result, result)
    result = t.choose(size.is_("<", TINY), value, result)
    return t.choose(value.is_("!=", value), value, result)


def _tanh_single(value: Pack) -> Pack:
    x = value.choose(value.is_(">", TANH_SINGLE_MOST), TANH_SINGLE_MOST, value)
    x = x.choose(x.is_("<", -TANH_SINGLE_MOST), -TANH_SINGLE_MOST, x)
    square = x * x
    above, below = TANH_SINGLE
    result = x * _polynomial(square, above) / _polynomial(square, below)
    result = x.choose(result.is_(">", 1.0), 1.0, result)
    return x.choose(result.is_("<", -1.0), -1.0, result)


def _is_single(x: Pack) -> bool:
    return bool(getattr(x.kind, "element", x.kind) == types.float32)


def _tanh_of_either(x: Pack) -> Pack:
    return _tanh_single(x) if _is_single(x) else _tanh(x)


def _sigmoid(x: Pack) -> Pack:
    return 0.5 * _tanh_single(0.5 * x) + 0.5 if _is_single(x) else 1.0 / (1.0 + _exp(-x))


def _positive(x: Pack) -> Pack:
    return x.choose(x.is_("<", 0.0), 0.0, x)


def _slope_of_positive(x: Pack) -> Pack:
    return x.choose(x.is_("<=", 0.0), 0.0, 1.0)


def _elu(x: Pack) -> Pack:
    return x.choose(x.is_(">", 0.0), x, ELU_ALPHA * _expm1(x.choose(x.is_(">", 0.0), 0.0, x)))


def _slope_of_elu(x: Pack) -> Pack:
    return x.choose(x.is_("<=", 0.0), x + ELU_ALPHA, 1.0)


def _leaky(x: Pack) -> Pack:
    return x.choose(x.is_("<", 0.0), LEAKY_SLOPE * x, x)


def _slope_of_leaky(x: Pack) -> Pack:
    return x.choose(x.is_("<=", 0.0), LEAKY_SLOPE, 1.0)


@instruction
def where_larger(_typing: Any, first: Any, second: Any, chosen: Any, other: Any) -> Any:
    """where_larger(first, second, chosen, other): ``chosen`` where ``second`` is larger than ``first``, else other."""

    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        one, two, yes, no = (Pack(builder, first, value) for value in args)
        return one.choose(two.is_(">", one), yes, no).value

    return first(first, second, chosen, other), generate


def _callable(formula: Callable[[Pack], Pack], text: str) -> Any:
    """Return a function for compiled code, of a vector or a single number."""

    def template(_typing: Any, x: Any) -> Any:
        def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            return formula(Pack(builder, x, args[0])).value

        return x(x), generate

    template.__doc__ = text
    return instruction(template)


exp = _callable(_exp, "The exponential of float64.")
expm1 = _callable(_expm1, "exp(x) - 1 of float64, for x up to 700.")
tanh = _callable(_tanh_of_either, "The hyperbolic tangent.")
sigmoid = _callable(_sigmoid, "1 / (1 + exp(-x)).")
positive = _callable(_positive, "max(0, x).")
slope_of_positive = _callable(_slope_of_positive, "The derivative of max(0, x), by its value: 0 where that is 0.")
elu = _callable(_elu, "The exponential linear unit, of float64.")
slope_of_elu = _callable(_slope_of_elu, "The derivative of elu, by its value.")
leaky = _callable(_leaky, "The leaky ReLU.")
slope_of_leaky = _callable(_slope_of_leaky, "The derivative of leaky, by its value.")
