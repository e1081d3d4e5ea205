"""All sentences of an answer: the headline, what every finding says, and what to bear in mind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.words.amounts import Amounts
from layerlab.lab.words.caveats import caveat_text
from layerlab.lab.words.contrasts import (
    Pair,
    grouped,
    kind_of,
    more_of,
    of_contrasts,
    of_several,
    task_sentence,
)
from layerlab.lab.words.others import (
    grid_failures,
    grid_headline,
    grid_sentence,
    levels_sentence,
    pairs_sentence,
    range_labels,
    range_sentence,
    range_shares,
    sets_headline,
    sets_sentences,
)
from layerlab.lab.words.trends import Course, trends_by_task
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["Sentence", "headline", "sentences", "verdict_line"]

FULL: Final = 8
"""So many contrasts are told one by one; more are told together, and stand in the table."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer."""

    kind: str
    """``headline``, ``finding``, ``caveat`` or ``design``."""
    text: str
    comparison: str = ""
    metric: str = ""


def headline(answer: Answer, language: str = "en") -> str:
    """Return the answer in one sentence, that of the first finding.

    Args:
        answer: whole, or so far.
        language: ``en`` or ``pl``.

    Raises:
        LayerlabError: an unknown language, or words of the question that cannot be used.
    """
    words = Vocabulary(answer, language)
    if not answer.findings:
        return words.sentence(words.say("answer.none"))
    return finding_line(answer, answer.findings[0], language)


def finding_line(answer: Answer, finding: Finding, language: str = "en", *, where: bool = True) -> str:
    """Return what a finding says in a sentence, as a headline says it.

    Args:
        answer: whole, or so far.
        finding: of the answer.
        language: ``en`` or ``pl``.
        where: whether the sentence names its comparison.
    """
    own = Vocabulary(answer, language).of(finding.comparison)
    text = _HEADLINE[finding.kind](own, finding)
    if where and (title := own.title(finding.comparison)):
        text = own.say("where", where=title, sentence=text)
    if not answer.complete:
        text = own.say("answer.so-far", sentence=text)
    return own.sentence(text)


def verdict_line(answer: Answer, language: str = "en") -> str:
    """Return the verdict of the first finding in a few words, such as ``undecided, about 12 more seeds``."""
    words = Vocabulary(answer, language)
    if not answer.findings:
        return words.say("answer.none")
    first = answer.findings[0]
    own = words.of(first.comparison)
    if first.kind == "trend":
        return verdict_words(own, first.metric, first.content["trends"][0]["trend"])
    if first.kind == "pairs":
        level = first.content.get("onset")
        known = {} if level is None else {"level": own.level(first.content["by"], level)}
        return own.say("verdict.onset" if known else "verdict.no-onset", **known)
    contrasts = first.content.get("contrasts") or []
    if len(contrasts) > 1:
        return grouped_counts(own, contrasts)
    labels = range_labels(own, first.content) if first.kind == "range" else None
    return "".join(verdict_words(own, first.metric, one, labels) for one in contrasts) or own.say("verdict.described")


def grouped_counts(words: Vocabulary, contrasts: Sequence[Mapping[str, Any]]) -> str:
    """Return how many contrasts are better, worse, equivalent, undecided, unfair."""
    kinds = [kind_of(one) for one in contrasts]
    return grouped(words, [(kind, words.numbers.whole(kinds.count(kind))) for kind in dict.fromkeys(kinds)])


def verdict_words(
    words: Vocabulary, metric: str, found: Mapping[str, Any], labels: Mapping[str, str] | None = None
) -> str:
    """Return the verdict of a contrast or trend in a few words."""
    verdict = found["verdict"]
    if "xs" in found:
        course = Course(words, metric, found)
        kind, values = course.kind, {"best": course.level(found["best"])} if found["best"] is not None else {}
    else:
        pair = Pair(words, metric, found, labels)
        kind, values = pair.key, {"arm": pair.labels[0]}
    if verdict["reason"] in ("exploratory", "no-pairs"):
        kind = "exploratory"
    if kind == "undecided" and verdict["more_seeds"]:
        return words.say("verdict.undecided.more", n=words.count("more.seeds", verdict["more_seeds"]))
    return words.say(f"verdict.{kind}", **values)


def sentences(answer: Answer, language: str = "en") -> list[Sentence]:
    """Return all sentences: the headline, the findings in order, the design and the caveats.

    Args:
        answer: whole, or so far.
        language: ``en`` or ``pl``.

    Raises:
        LayerlabError: an unknown language, or words of the question that cannot be used.
    """
    words = Vocabulary(answer, language)
    said = [Sentence("headline", headline(answer, language))]
    for finding in answer.findings:
        own = words.of(finding.comparison)
        where = own.title(finding.comparison)
        for text in _DETAIL[finding.kind](own, finding):
            whole = own.say("where", where=where, sentence=text) if where else text
            said.append(Sentence("finding", own.sentence(whole), finding.comparison, finding.metric))
    said += [Sentence("design", text) for text in _design(words)]
    said += [
        Sentence("caveat", caveat_text(words, one), str(one.values.get("comparison", ""))) for one in answer.caveats
    ]
    return said


def _with(text: str, evidence: str) -> str:
    return f"{text} ({evidence})"


def _contrast_details(words: Vocabulary, finding: Finding) -> list[str]:
    contrasts = finding.content.get("contrasts") or []
    by_task = finding.content.get("contrasts_by_task" if finding.kind == "trend" else "by_task") or {}
    said = []
    for number, one in enumerate(contrasts if len(contrasts) <= FULL else ()):
        pair = Pair(words, finding.metric, one)
        said.append(_with(pair.text(), pair.evidence()))
        if by_task and finding.metric != "seconds_per_step":
            said.append(task_sentence(words, pair, {task: found[number] for task, found in by_task.items()}))
    if len(contrasts) > FULL:
        said = [of_several(words, finding.metric, contrasts)]
    if aggregates := finding.content.get("aggregates"):
        amounts = Amounts(words, finding.metric)
        arms = [
            words.say(
                "iqm.arm", arm=words.arm(one["arm"]), value=amounts.value(one["iqm"]), low=amounts.value(one["low"]),
                high=amounts.value(one["high"]),
            )
            for one in aggregates["iqm"]
        ]  # fmt: skip
        said.append(words.say("iqm", list="; ".join(arms)))
    return said


def _trend_headline(words: Vocabulary, finding: Finding) -> str:
    courses = [(one["group"], Course(words, finding.metric, one["trend"])) for one in finding.content["trends"]]
    first = courses[0][1]
    if len(courses) == 1:
        return f"{_of_group(words, courses[0][0], first.text())} ({first.brief()})"
    parts = [_of_group(words, group, course.text()) for group, course in courses]
    return f"{'; '.join(parts)} ({words.count('seeds', first.trend['n'])})"  # no interval is that of all


def _of_group(words: Vocabulary, group: Mapping[str, Any], text: str) -> str:
    return words.say("where", where=words.levels(group), sentence=text) if group else text


def _trend_details(words: Vocabulary, finding: Finding) -> list[str]:
    said = []
    for number, one in enumerate(finding.content["trends"]):
        course = Course(words, finding.metric, one["trend"])
        said.append(_of_group(words, one["group"], _with(course.text(), course.evidence())))
        by_task = finding.content.get("by_task")
        if by_task and finding.metric != "seconds_per_step":  # whose times are those of the arm, on whatever task
            text = trends_by_task(words, finding.metric, by_task, number)
            said.append(_of_group(words, one["group"], text))
    return said + _contrast_details(words, finding)


def _pairs_details(words: Vocabulary, finding: Finding) -> list[str]:
    said = [pairs_sentence(words, finding.metric, finding.content)]
    if finding.content.get("onset") is not None:
        said.append(levels_sentence(words, finding.content))
    return said + _contrast_details(words, finding)


def _range_details(words: Vocabulary, finding: Finding) -> list[str]:
    labels = range_labels(words, finding.content)
    said = [range_sentence(words, finding.content)]
    factor = words.factor(finding.content["by"], "genitive" if words.language == "en" else "")
    for one in finding.content["contrasts"]:
        # Counts of levels have no unit, as losses have none.
        pair = Pair(words, "loss", one, labels)
        key = pair.key if pair.key in ("better", "equivalent") else "undecided"
        a, b = pair.quoted
        text = words.say(
            f"range.{key}", a=a, b=b, factor=factor, amount=pair.difference.amount, more=more_of(words, pair.verdict)
        )
        said.append(_with(text, pair.evidence()))
    return said + range_shares(words, finding.content)


def _design(words: Vocabulary) -> list[str]:
    """Return what was done, in two sentences."""
    answer = words.answer
    seeds, tasks = words.count("seeds", answer.seeds), words.count("tasks", len(answer.tasks))
    said = [words.say("design.replicates", seeds=seeds, tasks=tasks)]
    for key, taken_over in (("design.tuned", False), ("design.tuned-on", True)):
        plans = [plan for plan in answer.design["comparisons"] if bool(plan["tune_on"]) == taken_over]
        if tuned := dict.fromkeys(name for plan in plans for name in plan["tune"]):
            said.append(words.say(key, list=words.joined([words.factor(name) for name in tuned])))
    return said


_HEADLINE: Final[Mapping[str, Callable[[Vocabulary, Finding], str]]] = {
    "contrasts": lambda words, found: (
        of_contrasts(words, found.metric, found.content["contrasts"])
        if found.content["contrasts"]
        else words.say("answer.none")
    ),
    "trend": _trend_headline,
    "pairs": lambda words, found: pairs_sentence(words, found.metric, found.content),
    "range": lambda words, found: range_sentence(words, found.content),
    "grid": lambda words, found: grid_headline(words, found.metric, found.content),
    "sets": lambda words, found: sets_headline(words, found.content),
}
_DETAIL: Final[Mapping[str, Callable[[Vocabulary, Finding], list[str]]]] = {
    "contrasts": _contrast_details,
    "trend": _trend_details,
    "pairs": _pairs_details,
    "range": _range_details,
    "grid": lambda words, found: [
        grid_sentence(words, found.metric, found.content),
        grid_failures(words, found.content),
    ],
    "sets": lambda words, found: sets_sentences(words, found.content),
}
