"""What is said of a metric over the levels of a numeric factor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from layerlab.lab.words.amounts import Amounts
from layerlab.lab.words.contrasts import inverse, metric_cases, minus, more_of
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["Course", "trends_by_task"]

_KINDS: Final = ("rises", "falls", "turns", "flat", "undecided", "unfair")


class Course:
    """A trend as it is told.

    Args:
        words: of the comparison.
        metric: what was measured.
        trend: :meth:`layerlab.lab.statistics.Trend.to_dict`.
    """

    def __init__(self, words: Vocabulary, metric: str, trend: Mapping[str, Any]) -> None:
        self.words, self.metric, self.trend = words, metric, trend
        self.amounts = Amounts(words, metric)
        self.verdict: Mapping[str, Any] = trend["verdict"]

    @property
    def kind(self) -> str:
        """One of ``rises``, ``falls``, ``turns``, ``flat``, ``undecided``, ``unfair``."""
        kind = str(self.verdict["kind"])
        fair = kind not in ("unfair", "flat") and self.verdict["reason"] not in ("exploratory", "no-pairs")
        return "turns" if fair and self.trend["turns"] else kind

    def level(self, x: float) -> str:
        """Return the label of a level."""
        return self.words.level(self.trend["factor"], int(x) if x == int(x) else x)

    def text(self) -> str:
        """Return the sentence without its evidence."""
        one, words = self.trend, self.words
        kept = [x for x in one["xs"] if x not in one["left_out"]] or list(one["xs"])
        values: dict[str, Any] = {
            **metric_cases(words, self.metric),
            "factor": words.factor(one["factor"]),
            "factor_genitive": words.factor(one["factor"], "genitive"),
            "first": self.level(kept[0]),
            "last": self.level(kept[-1]),
            "smallest": self.amounts.smallest(one["smallest_difference"]),
            "change": self._change(),
            "more": more_of(words, self.verdict),
        }
        if self.kind == "turns":
            key = "rises-then-falls" if self.amounts.metric.goal == "high" else "falls-then-rises"
            values["best"] = self.level(one["best"])
        elif self.kind == "unfair":
            key, values["reason"] = "trend-unfair", self._reason()
        else:
            key = f"trend-{self.kind}" if self.kind == "undecided" else self.kind
            values["slope"] = self._slope()
        if (own := self._own_key()) and words.find(f"template.{own}") is not None:
            key = own
        return words.say(f"template.{key}", **values)

    def _own_key(self) -> str:
        """Return the key under which a question may say which end is better, of the metric that decides."""
        if self.words.plan(self.words.comparison)["metrics"][0] != self.metric:
            return ""
        if self.kind == "turns":
            return "best-inside"
        if self.kind not in ("rises", "falls"):
            return ""
        return "more-is-better" if (self.kind == "rises") == (self.amounts.metric.goal == "high") else "less-is-better"

    def _slope(self) -> str:
        """Return ``each doubling of the width raises the test loss by 0.03``."""
        one, slope = self.trend, self.trend["slope"]
        each = "double" if one["log_x"] else "unit"
        if one["log"]:
            grows = slope is None or slope >= 1
            factor = slope if grows else 1 / slope if slope else None
            way, amount = "times" if grows else "part", self.words.numbers.significant(factor)
        else:
            way = "up" if slope is None or slope > 0 else "down"
            amount = self.amounts.difference(slope, one["slope_low"], one["slope_high"], ratio=False).amount
        return self.words.say(
            f"slope.{each}.{way}",
            factor=self.words.factor(one["factor"], "genitive"),
            metric=self.words.metric(self.metric, "accusative"),
            amount=amount,
        )

    def _change(self) -> str:
        """Return how much more or less there is at the last level than at the first."""
        one, change = self.trend, self.trend["change"]
        if one["log"]:
            return self.words.say("change.times", amount=self.words.numbers.significant(change))
        if change == 0:
            return self.words.say("change.none")
        seen = self.amounts.difference(change, one["change_low"], one["change_high"], ratio=False)
        return self.words.say("change.more" if change is None or change > 0 else "change.less", amount=seen.amount)

    def _reason(self) -> str:
        reason = self.verdict["reason"]
        if reason != "did-not-train":
            return self.words.say(f"reason.{reason}")
        return self.words.say("reason.did-not-train.levels", list=self._left_out())

    def _left_out(self) -> str:
        return self.words.joined([self.level(x) for x in self.trend["left_out"]])

    def evidence(self) -> str:
        """Return the numbers behind the sentence."""
        one, say, numbers = self.trend, self.words.say, self.words.numbers
        parts = []
        if one["change"] is not None or one["log"]:
            change, ends = one["change"], (one["change_low"], one["change_high"])
            seen = self.amounts.difference(change, *ends, ratio=one["log"])
            signed = numbers.significant(change) if one["log"] else _signed(seen.amount, change)
            parts.append(say("evidence.factor" if one["log"] else "evidence.change", difference=signed))
            if one["n"] > 1:
                parts.append(say("evidence.interval", low=seen.low, high=seen.high))
        parts.append(say("evidence.n", n=one["n"]))
        if one["p_sign_flip"] is not None:
            parts.append(say("evidence.p", p=numbers.probability(one["p_sign_flip"])))
        if self.metric == "seconds_per_step":
            parts.append(say("evidence.timed"))
        elif one["left_out"]:
            parts.append(say("evidence.left-out", list=self._left_out()))
        return "; ".join(parts)

    def brief(self) -> str:
        """Return the interval of the slope, where the sentence tells it, and the number of seeds."""
        one, seeds = self.trend, self.words.count("seeds", self.trend["n"])
        if self.kind not in ("rises", "falls"):
            return seeds
        slope, low, high = one["slope"], one["slope_low"], one["slope_high"]
        if one["log"] and slope is not None and slope < 1:  # which the sentence turns: it divides
            low, high = inverse(high), inverse(low)
        elif not one["log"] and slope is not None and slope < 0:
            low, high = minus(high), minus(low)
        seen = self.amounts.difference(slope, low, high, ratio=one["log"])
        return self.words.say("brief", low=seen.low, high=seen.high, n=seeds)


def trends_by_task(
    words: Vocabulary, metric: str, by_task: Mapping[str, Sequence[Mapping[str, Any]]], number: int
) -> str:
    """Return how one trend came out on each task."""
    found: dict[str, list[str]] = {}
    factor = ""
    for task, trends in by_task.items():
        course = Course(words, metric, trends[number])
        factor = course.trend["factor"]
        label = words.task(task)
        if course.kind == "turns":
            label = f"{label} ({course.level(course.trend['best'])})"
        found.setdefault(course.kind, []).append(label)
    lists = [words.say(f"by-task.{kind}", list=words.joined(found[kind])) for kind in _KINDS if kind in found]
    return words.say("by-task.trend", metric=words.metric(metric), factor=words.factor(factor), lists="; ".join(lists))


def _signed(amount: str, value: float | None) -> str:
    return f"\N{MINUS SIGN}{amount}" if value is not None and math.copysign(1, value) < 0 else amount
