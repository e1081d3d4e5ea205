"""How much, in the unit of a metric: a value, a difference with its interval, a ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass

from layerlab.lab.metrics import METRICS, Metric
from layerlab.lab.words.numbers import decimals_for
from layerlab.lab.words.vocabulary import Vocabulary, plural

__all__ = ["Amounts", "Difference"]


@dataclass(frozen=True)
class Difference:
    """A difference with its 95 % interval, all three with the decimals that the interval warrants."""

    amount: str
    """With its unit, without a sign."""
    low: str
    high: str


@dataclass(frozen=True)
class Amounts:
    """What one metric's numbers look like."""

    words: Vocabulary
    name: str

    @property
    def metric(self) -> Metric:
        """What is measured."""
        return METRICS[self.name]

    def value(self, value: float | None) -> str:
        """Return a value, such as a mean."""
        numbers = self.words.numbers
        if value is None:
            return "–" if self.metric.scale == "linear" else numbers.fixed(None, 0)
        if self.metric.unit == "share":
            return numbers.percent(value, 1)
        if self.metric.unit == "seconds":
            return numbers.seconds(value)
        return numbers.significant(value, 3)

    def values(self, low: float | None, high: float | None) -> str:
        """Return an interval of values for a table; a dash where there is none."""
        if low is None or high is None:
            return "–"
        return self.words.say("interval.short", low=self.value(low), high=self.value(high))

    def difference(self, value: float | None, low: float | None, high: float | None, *, ratio: bool) -> Difference:
        """Return a difference as it is stored, in the metric; None is infinite.

        Args:
            value: the mean difference, or with ``ratio`` the factor.
            low: of its interval; None: unbounded; of a factor, infinite.
            high: likewise.
            ratio: whether it is a factor.
        """
        numbers = self.words.numbers
        if ratio:
            return Difference(self.times(value), numbers.significant(low), numbers.significant(high))
        scale = 100.0 if self.metric.unit == "share" else 1.0
        half = math.inf if low is None or high is None else scale * (high - low) / 2
        most = 2 if self.metric.unit == "share" else 6
        decimals = min(decimals_for(half if math.isfinite(half) and half else scale * (value or 0), 2), most)
        shown = None if value is None else abs(scale * value)
        texts = [numbers.fixed(end, decimals) for end in (_scaled(low, scale, -1), _scaled(high, scale, 1))]
        return Difference(self._with_unit(numbers.fixed(shown, decimals), shown, decimals), texts[0], texts[1])

    def times(self, value: float | None) -> str:
        """Return a factor, ``1.8 times``."""
        text = self.words.numbers.significant(value)
        form = "other" if value is None or any(sign in text for sign in ".,") else plural(self.words.language, value)
        return self.words.say(f"amount.times.{form}", value=text)

    def smallest(self, value: float) -> str:
        """Return the smallest difference that matters."""
        text = self.words.numbers.plain(round(100 * value, 6) if self.metric.unit == "share" else value)
        if self.metric.scale == "log":
            return self.words.say("amount.factor", value=text)
        return self._with_unit(text, 100 * value, 0 if self.metric.unit == "share" and text.isdigit() else 1)

    def _with_unit(self, text: str, value: float | None, decimals: int) -> str:
        if self.metric.unit != "share":
            return text
        form = "other" if decimals or value is None else plural(self.words.language, round(value))
        return self.words.say(f"amount.points.{form}", value=text)


def _scaled(end: float | None, scale: float, sign: int) -> float:
    return sign * math.inf if end is None else scale * end
