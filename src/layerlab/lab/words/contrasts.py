"""What is said of two arms, and of several such pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from layerlab.lab.words.amounts import Amounts, Difference
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["Pair", "grouped", "inverse", "minus", "more_of", "of_contrasts", "of_several", "task_sentence"]

_KINDS: Final = ("better", "worse", "equivalent", "undecided", "unfair")
LISTED: Final = 12
"""Names in a list before it is cut."""


class Pair:
    """A contrast as it is told: where one arm is better, that one first.

    Args:
        words: of the comparison.
        metric: what was measured.
        contrast: :meth:`layerlab.lab.statistics.Contrast.to_dict`.
        labels: of the arms, where they are no arms of the design.
        as_planned: whether arm ``a`` comes first whichever is better.
    """

    def __init__(
        self,
        words: Vocabulary,
        metric: str,
        contrast: Mapping[str, Any],
        labels: Mapping[str, str] | None = None,
        *,
        as_planned: bool = False,
    ) -> None:
        self.words, self.metric, self.contrast = words, metric, contrast
        self.amounts = Amounts(words, metric)
        self.verdict: Mapping[str, Any] = contrast["verdict"]
        self.turned = self.verdict["winner"] == "b" and not as_planned
        first, second = ("b", "a") if self.turned else ("a", "b")
        self._sides = first, second
        known, self._counts = labels or {}, labels is not None
        self.names = contrast[first], contrast[second]
        self.labels = tuple(known.get(name) or words.arm(name) for name in self.names)

    def _advantage(self) -> tuple[float | None, float | None, float | None]:
        """Return the advantage of the first arm with its interval."""
        one = self.contrast
        value, low, high = one["difference"], one["low"], one["high"]
        if not self.turned:
            return value, low, high
        if one["log"]:
            return inverse(value), inverse(high), inverse(low)
        return minus(value), minus(high), minus(low)

    @property
    def difference(self) -> Difference:
        """The advantage of the first arm in words."""
        value, low, high = self._advantage()
        return self.amounts.difference(value, low, high, ratio=self.contrast["log"])

    @property
    def signed(self) -> str:
        """The advantage of the first arm, negative where it is none; a bare number where it is a ratio."""
        value = self._advantage()[0]
        if self.contrast["log"]:
            return self.words.numbers.significant(value)
        return _signed(self.difference.amount, value)

    @property
    def wins(self) -> tuple[float, float, float]:
        """Share of the pairs in which the first arm is better, with its interval."""
        one = self.contrast
        share, low, high = one["p_better"], one["p_better_low"], one["p_better_high"]
        return (1 - share, 1 - high, 1 - low) if self.turned else (share, low, high)

    @property
    def quoted(self) -> tuple[str, str]:
        """Both labels within a sentence."""
        return self.words.quoted(self.labels[0]), self.words.quoted(self.labels[1])

    @property
    def key(self) -> str:
        """Of the sentence."""
        kind, reason = self.verdict["kind"], self.verdict["reason"]
        return "exploratory" if reason in ("exploratory", "no-pairs") else str(kind)

    def favour(self) -> str:
        """Return ``0.02 in favour of tanh``."""
        value, _, _ = self._advantage()
        neutral = 1.0 if self.contrast["log"] else 0.0
        if value == neutral:
            return self.words.say("favour.none")
        ahead = value is None or value > neutral
        if not ahead and self.contrast["log"]:
            return self.words.say("favour", amount=self.amounts.times(inverse(value)), arm=self.quoted[1])
        return self.words.say("favour", amount=self.difference.amount, arm=self.quoted[0 if ahead else 1])

    def text(self) -> str:
        """Return the sentence without its evidence."""
        a, b = self.quoted
        seen, say = self.difference, self.words.say
        values: dict[str, Any] = {**metric_cases(self.words, self.metric), "a": a, "b": b}
        if self.key == "better":
            infinite = self.contrast["log"] and self._advantage()[0] is None
            claim = say("claim.infinite" if infinite else f"metric.{self.metric}.better", amount=seen.amount)
            values |= {"claim": claim, "difference": seen.amount}
        else:
            values |= {"difference": self.favour(), "more": more_of(self.words, self.verdict), "reason": self.reason()}
            values["smallest"] = self.amounts.smallest(self.contrast["smallest_difference"])
        values["interval"] = say("interval", low=seen.low, high=seen.high)
        return say(f"template.{self.key}", **values)

    def reason(self) -> str:
        """Return why it is no fair test; empty where it is one."""
        reason = self.verdict["reason"] if self.verdict["kind"] == "unfair" else ""
        if not reason:
            return ""
        failed = self.failed(0.5) if reason == "did-not-train" else ""
        if reason == "did-not-train" and not failed:
            return self.words.say("reason.did-not-train.unknown")
        return self.words.say(f"reason.{reason}", list=failed)

    def failed(self, least: float = 1e-9) -> str:
        """Return the arms of which at least this share did not train."""
        shares = [self._share_failed(side, name) for side, name in zip(self._sides, self.names, strict=True)]
        return self.words.joined(
            [
                self.words.say("failed.arm", arm=label, share=self.words.numbers.percent(share))
                for share, label in zip(shares, self.quoted, strict=True)
                if share >= least
            ]
        )

    def _share_failed(self, side: str, name: str) -> float:
        """Return the share over all runs. Over several tasks the contrast counts a seed that fails on most of them."""
        for row in self.words.answer.arms:
            if (row.comparison, row.arm, row.task) == (self.words.comparison, name, "") and row.runs:
                return row.failed / row.runs
        return float(self.contrast[f"failed_{side}"])

    def evidence(self) -> str:
        """Return the numbers behind the sentence."""
        one, say, numbers = self.contrast, self.words.say, self.words.numbers
        seen, sign = self.difference, one["basis"] == "sign"
        means = [self.amounts.value(one[f"mean_{side}"]) for side in self._sides]
        what = f"{'median-' if sign else ''}{'ratio' if one['log'] else 'difference'}"
        signed, wins = self.signed, self.wins
        parts = [
            say("evidence.medians" if sign else "evidence.means", first=means[0], second=means[1]),
            say(f"evidence.{what}", difference=signed),
        ]
        if one["n"] > 1:
            parts.append(say("evidence.interval", low=seen.low, high=seen.high))
        parts.append(say("evidence.n", n=one["n"]))
        if one["p_sign_flip"] is not None:
            p, holm = one["p_sign_flip"], one.get("p_holm")
            if holm is None or abs(holm - p) < 1e-9:
                parts.append(say("evidence.p", p=numbers.probability(p)))
            else:
                parts.append(say("evidence.holm", p=numbers.probability(p), holm=numbers.probability(holm)))
        share = [numbers.percent(one) for one in wins]
        parts.append(say("evidence.wins", share=share[0], low=share[1], high=share[2]))
        if self._counts:  # of levels at which runs train: failing is what they count
            return "; ".join(parts)
        if self.metric == "seconds_per_step":
            return "; ".join([*parts, say("evidence.timed")])
        failed = self.failed()
        if not failed or self.verdict["reason"] != "did-not-train":  # which the sentence says itself
            parts.append(say("evidence.failed", list=failed) if failed else say("evidence.trained"))
        return "; ".join(parts)

    def brief(self) -> str:
        """Return the interval and the number of seeds."""
        seen = self.difference
        seeds = self.words.count("seeds", self.contrast["n"])
        if self.key != "better":
            return seeds
        return self.words.say("brief", low=seen.low, high=seen.high, n=seeds)


def metric_cases(words: Vocabulary, metric: str) -> dict[str, str]:
    """Return the name of a metric in each case."""
    return {
        "metric": words.metric(metric),
        "metric_accusative": words.metric(metric, "accusative"),
        "metric_genitive": words.metric(metric, "genitive"),
    }


def more_of(words: Vocabulary, verdict: Mapping[str, Any]) -> str:
    """Return how many seeds a decision would take."""
    if verdict["reason"] in ("no-pairs", "not-a-line"):
        return words.say("more.pairs" if verdict["reason"] == "no-pairs" else "more.line")
    if (more := verdict["more_seeds"]) is None:
        return words.say("more.unknown")
    return words.say("more.seeds", seeds=words.count("more.seeds", more))


def grouped(words: Vocabulary, members: Sequence[tuple[str, str]]) -> str:
    """Return ``better: tanh, ELU; undecided: ReLU``.

    Args:
        words: of the comparison.
        members: kind and label of each.
    """
    parts = []
    for kind in _KINDS:
        labels = [label for found, label in members if found == kind]
        if len(labels) > LISTED:
            labels = [*labels[:LISTED], words.say("lists.rest", n=len(labels) - LISTED)]
        if labels:
            parts.append(words.say(f"lists.{kind}", list=words.joined(labels)))
    return "; ".join(parts) or words.say("lists.none")


def kind_of(contrast: Mapping[str, Any]) -> str:
    """Return how arm a stands to arm b: one of the kinds of :func:`grouped`."""
    verdict = contrast["verdict"]
    if verdict["kind"] == "better":
        return "better" if verdict["winner"] == "a" else "worse"
    return str(verdict["kind"])


def of_contrasts(words: Vocabulary, metric: str, contrasts: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence that tells the verdict of all contrasts of a metric, without evidence where there are many.

    Args:
        words: of the comparison.
        metric: what was measured.
        contrasts: at least one.
    """
    if len(contrasts) == 1:
        pair = Pair(words, metric, contrasts[0])
        return f"{pair.text()} ({pair.brief()})"
    return f"{of_several(words, metric, contrasts)} ({words.count('seeds', contrasts[0]['n'])})"


def of_several(words: Vocabulary, metric: str, contrasts: Sequence[Mapping[str, Any]]) -> str:
    """Return the verdicts of several contrasts in one sentence."""
    pairs = [Pair(words, metric, one) for one in contrasts]
    common = {one["b"] for one in contrasts}
    if len(common) == 1:
        members = []
        for one, pair in zip(contrasts, pairs, strict=True):
            label, kind = words.arm(one["a"]), kind_of(one)
            if kind in ("better", "worse"):
                label = words.say("lists.by", arm=label, amount=pair.difference.amount)
            members.append((kind, label))
        lists = grouped(words, members)
        reference = words.quoted(words.arm(common.pop()))
        return words.say("template.several", b=reference, lists=lists, **metric_cases(words, metric))
    decided = [pair for pair in pairs if pair.key == "better"]
    if decided:
        clearest = max(decided, key=lambda pair: _clearness(pair.contrast))
        return words.say("decided", done=len(decided), total=len(pairs), sentence=clearest.text(),
                         metric=words.metric(metric))  # fmt: skip
    members = [(kind_of(one), words.say("pair", a=words.arm(one["a"]), b=words.arm(one["b"]))) for one in contrasts]
    return words.say("decided.none", total=len(pairs), lists=grouped(words, members), metric=words.metric(metric))


def task_sentence(words: Vocabulary, pair: Pair, by_task: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how a contrast came out on each task, in the order in which the pair names its arms."""
    other = {"better": "worse", "worse": "better"} if pair.turned else {}
    kinds = {task: kind_of(contrast) for task, contrast in by_task.items()}
    members = [(other.get(kind, kind), words.task(task)) for task, kind in kinds.items()]
    a, b = pair.quoted
    return words.say("by-task", a=a, b=b, lists=grouped(words, members))


def _clearness(contrast: Mapping[str, Any]) -> float:
    """Return how far the interval lies from no difference, in widths of it."""
    low, high = contrast["low"], contrast["high"]
    if low is None or high is None or low == high:
        return float("inf")
    neutral = 1.0 if contrast["log"] else 0.0
    return max(float(low) - neutral, neutral - float(high)) / float(high - low)


def _signed(amount: str, value: float | None) -> str:
    return f"\N{MINUS SIGN}{amount}" if value is not None and value < 0 and amount.strip("0.,") else amount


def minus(value: float | None) -> float | None:
    """Return the difference seen from the other side."""
    return None if value is None else -value


def inverse(value: float | None) -> float | None:
    """Return the ratio seen from the other side; nothing is infinite, and infinite is nothing."""
    if value is None:
        return 0.0
    return 1 / value if value else None
