"""Numbers as a reader of each language expects them: decimal sign, groups of digits, percent, units of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Numbers", "decimals_for"]

_MINUS = "\N{MINUS SIGN}"
_INFINITE = "∞"
_THIN = "\N{NO-BREAK SPACE}"
_MOST_DECIMALS = 6
_TIMES = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def decimals_for(scale: float, digits: int = 2) -> int:
    """Return how many decimals show ``digits`` significant digits of a number of the size of ``scale``."""
    if not math.isfinite(scale) or scale == 0:
        return digits
    return min(max(digits - 1 - math.floor(math.log10(abs(scale))), 0), _MOST_DECIMALS)


@dataclass(frozen=True)
class Numbers:
    """How one language writes numbers."""

    language: str

    def fixed(self, value: float | None, decimals: int) -> str:
        """Return a number with so many decimals; None is infinite."""
        if value is None or math.isinf(value):
            return f"{_MINUS if value is not None and value < 0 else ''}{_INFINITE}"
        text = f"{abs(value):,.{decimals}f}"
        sign = _MINUS if value < 0 and text.strip("0.,") else ""
        return sign + self._localized(text)

    def significant(self, value: float | None, digits: int = 3) -> str:
        """Return a number with so many significant digits, and none of a whole number lost."""
        if value is None or math.isinf(value) or value == 0:
            return self.fixed(value, 0)
        # 0.9996 has one digit more before the sign once it is rounded.
        return self.fixed(value, decimals_for(float(f"{value:.{digits - 1}e}"), digits))

    def plain(self, value: float | int) -> str:
        """Return a setting as it was given: 0.03, 10, 1e-05."""
        if isinstance(value, int) or (abs(value) < 1e6 and value == int(value)):
            return self.fixed(value, 0)
        text = f"{abs(value):.6g}"
        return (_MINUS if value < 0 else "") + (self._localized(text) if "e" not in text else text)

    def whole(self, value: float) -> str:
        """Return a whole number, in groups of three digits."""
        return self.fixed(value, 0)

    def percent(self, share: float | None, decimals: int = 0) -> str:
        """Return a share of 0 to 1 as percent; what is not quite none or all is not rounded to it."""
        if share is None:
            return "–"
        if decimals == 0 and (0 < share < 0.005 or 0.995 < share < 1):
            decimals = 1
        return self.with_percent(self.fixed(100 * share, decimals))

    def with_percent(self, number: str) -> str:
        """Return a number with the sign of percent."""
        return number + ("%" if self.language == "pl" else f"{_THIN}%")

    def probability(self, p: float) -> str:
        """Return ``= 0.012``, or ``< 0.001``."""
        return f"< {self.fixed(0.001, 3)}" if p < 0.001 else f"= {self.significant(p, 2) if p < 1 else '1'}"

    def seconds(self, value: float | None, digits: int = 3) -> str:
        """Return a time with its unit, from microseconds to hours."""
        if value is None or math.isinf(value):
            return self.fixed(value, 0)
        unit, factor = next((one for one in _TIMES if abs(value) >= one[1] * (2 if one[1] > 1 else 1)), _TIMES[-1])
        return f"{self.significant(value / factor, digits)}{_THIN}{unit}"

    def _localized(self, text: str) -> str:
        if self.language != "pl":
            return text
        return text.replace(",", _THIN).replace(".", ",")
