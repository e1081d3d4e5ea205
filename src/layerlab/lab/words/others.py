"""What is said of pairs over a factor, of ranges, of grids and of sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layerlab.lab.metrics import METRICS
from layerlab.lab.words.amounts import Amounts
from layerlab.lab.words.contrasts import grouped, kind_of, metric_cases
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["best_cell", "grid_failures", "grid_headline", "grid_sentence", "levels_sentence", "pairs_sentence",
           "range_arms", "range_sentence", "range_shares", "set_label", "sets_headline", "sets_sentences"]  # fmt: skip


def pair_levels(words: Vocabulary, content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the labels of the two levels that are compared, the second, which is ``a``, first."""
    plan = words.plan(words.comparison)
    first, second = list(plan["vary"][content["factor"]])[:2]
    return words.level(content["factor"], second), words.level(content["factor"], first)


def pairs_sentence(words: Vocabulary, metric: str, content: Mapping[str, Any]) -> str:
    """Return from which level on one arm is better."""
    a, b = (words.quoted(label) for label in pair_levels(words, content))
    values = {
        **metric_cases(words, metric),
        "a": a,
        "b": b,
        "factor": words.factor(content["by"]),
        "factor_genitive": words.factor(content["by"], "genitive"),
    }
    if content.get("onset") is None:
        return words.say("template.no-onset", lists=_level_lists(words, content), **values)
    return words.say("template.onset", level=words.level(content["by"], content["onset"]), **values)


def levels_sentence(words: Vocabulary, content: Mapping[str, Any]) -> str:
    """Return how the pair came out at each level."""
    a, b = (words.quoted(label) for label in pair_levels(words, content))
    return words.say("levels", a=a, b=b, factor=words.factor(content["by"]), lists=_level_lists(words, content))


def _level_lists(words: Vocabulary, content: Mapping[str, Any]) -> str:
    number = all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in content["levels"])
    members = [
        (kind_of(one), words.value(level) if number else words.level(content["by"], level))
        for level, one in zip(content["levels"], content["contrasts"], strict=True)
    ]
    return grouped(words, members)


def range_labels(words: Vocabulary, content: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of the levels of the factor, by the text that stands for each in the finding."""
    levels = words.plan(words.comparison)["vary"][content["factor"]]
    return {str(level): words.level(content["factor"], level) for level in levels}


def range_arms(words: Vocabulary, content: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the label of each level of the factor, and with how many values of ``by`` it trained on average."""
    labels = range_labels(words, content)
    return [(labels.get(name, name), sum(shares)) for name, shares in content["trained"].items()]


def range_sentence(words: Vocabulary, content: Mapping[str, Any]) -> str:
    """Return with how many values of a factor each arm trained."""
    total = len(content["levels"])
    arms = [
        words.say(
            "range.arm", arm=label, count=words.numbers.fixed(count, 0 if count == int(count) else 1), total=total
        )
        for label, count in range_arms(words, content)
    ]
    names = {"factor": words.factor(content["by"]), "factor_genitive": words.factor(content["by"], "genitive")}
    return words.say("template.range", arms="; ".join(arms), **names)


def range_shares(words: Vocabulary, content: Mapping[str, Any]) -> list[str]:
    """Return for each arm the share of runs that trained at each level."""
    labels = range_labels(words, content)
    said = []
    for name, shares in content["trained"].items():
        parts = [
            words.say("range.share", share=words.numbers.percent(share), level=words.level(content["by"], level))
            for share, level in zip(shares, content["levels"], strict=True)
        ]
        said.append(words.say("range.trained", arm=words.quoted(labels.get(name, name)), list=words.joined(parts)))
    return said


def best_cell(metric: str, content: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return row and column of the best mean; None where there is none."""
    sign = 1 if METRICS[metric].goal == "low" else -1
    cells = [
        (sign * value, i, j)
        for i, row in enumerate(content["means"])
        for j, value in enumerate(row)
        if value is not None
    ]
    return min(cells)[1:] if cells else None


def grid_sentence(words: Vocabulary, metric: str, content: Mapping[str, Any]) -> str:
    """Return which cell is best."""
    found = best_cell(metric, content)
    if found is None:
        return words.say("answer.nothing-reached", metric=words.metric(metric))
    i, j = found
    best = words.say(
        "grid.best",
        row=words.level(content["factor"], content["rows"][i]),
        column=words.level(content["by"], content["columns"][j]),
    )
    value = Amounts(words, metric).value(content["means"][i][j])
    return words.say("template.grid", best=best, value=value, **metric_cases(words, metric))


def grid_headline(words: Vocabulary, metric: str, content: Mapping[str, Any]) -> str:
    """Return which cell is best, and the levels of ``by`` at which half of the runs or more did not train."""
    text = grid_sentence(words, metric, content)
    rows = content["failed"]
    failed = [
        words.level(content["by"], level)
        for j, level in enumerate(content["columns"])
        if 2 * sum(row[j] for row in rows) >= len(rows)
    ]
    return f"{text}; {words.say('grid.half-failed', list=words.joined(failed))}" if failed else text


def grid_failures(words: Vocabulary, content: Mapping[str, Any]) -> str:
    """Return the share that did not train at each level of ``by``, the mean over the rows."""
    rows = content["failed"]
    shares = [sum(row[j] for row in rows) / len(rows) for j in range(len(content["columns"]))]
    parts = [
        words.say("range.share", share=words.numbers.percent(share), level=words.level(content["by"], level))
        for share, level in zip(shares, content["columns"], strict=True)
        if share > 0
    ]
    return words.say("grid.failed", list=words.joined(parts)) if parts else words.say("grid.trained")


def set_label(words: Vocabulary, items: list[Any]) -> str:
    """Return a set in braces."""
    return "{" + words.value(items) + "}"


def sets_sentences(words: Vocabulary, content: Mapping[str, Any]) -> list[str]:
    """Return for each task the smallest sets that solve it."""
    said = []
    for task, found in content["tasks"].items():
        label = words.task(task)
        if not found["smallest"]:
            said.append(words.say("template.no-set", task=label))
            continue
        sets = words.say("sets.or").join(set_label(words, items) for items in found["smallest"])
        said.append(words.say("template.sets", task=label, sets=sets))
    return said


def sets_headline(words: Vocabulary, content: Mapping[str, Any]) -> str:
    """Return on how many tasks different sets do; of one task, its smallest sets."""
    if len(content["tasks"]) == 1:
        return sets_sentences(words, content)[0]
    several = sum(len(found["smallest"]) > 1 for found in content["tasks"].values())
    return words.say("sets.several", count=several, total=len(content["tasks"]))
