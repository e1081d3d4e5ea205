"""The numbers of a figure as a table, for those who do not see it, and for those who want to know exactly."""

from __future__ import annotations

from layerlab.lab.answer import Answer, Finding
from layerlab.lab.report.series import series_of, tasks_of
from layerlab.lab.words.amounts import Amounts
from layerlab.lab.words.others import range_labels, set_label
from layerlab.lab.words.tables import Table
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["figure_table"]


def figure_table(answer: Answer, finding: Finding, language: str) -> Table:
    """Return what the figure of a finding shows.

    Args:
        answer: whole, or so far.
        finding: of the answer.
        language: ``en`` or ``pl``.
    """
    words = Vocabulary(answer, language, finding.comparison)
    if finding.kind == "sets":
        return _sets(words, finding)
    if finding.kind == "range":
        return _range(words, finding)
    return _runs(words, answer, finding)


def _runs(words: Vocabulary, answer: Answer, finding: Finding) -> Table:
    amounts = Amounts(words, finding.metric)
    tasks = tasks_of(answer, finding)
    columns = ["arm", *(["task"] if len(tasks) > 1 else []), "mean", "interval", "failed"]
    by_task = [(task, one) for task in tasks for one in series_of(answer, finding, task)]
    arms = list(dict.fromkeys(one.arm for _, one in by_task))
    rows = []
    for task, one in sorted(by_task, key=lambda pair: arms.index(pair[1].arm)):
        where = [words.task(task) if task else words.say("report.all-tasks")] if len(tasks) > 1 else []
        middle = amounts.value(one.middle)
        if any(value is None for value in one.values) and one.middle is not None:
            middle = f"{middle} ({words.say('figure.median')})"
        failed = words.say("failed.of", failed=sum(one.failed), runs=len(one.values))
        rows.append([words.arm(one.arm), *where, middle, amounts.values(one.low, one.high), failed])
    return Table([words.say(f"column.{name}") for name in columns], rows, texts=len(columns) - 3)


def _range(words: Vocabulary, finding: Finding) -> Table:
    content, labels = finding.content, range_labels(words, finding.content)
    columns = [words.say("column.arm"), *(words.level(content["by"], level) for level in content["levels"])]
    rows = [
        [labels.get(name, name), *(words.numbers.percent(share) for share in shares)]
        for name, shares in content["trained"].items()
    ]
    return Table(columns, rows)


def _sets(words: Vocabulary, finding: Finding) -> Table:
    """Return for each set the share of runs that solve each task; the smallest that do are marked."""
    tasks = finding.content["tasks"]
    columns = [words.factor(finding.content["factor"]).removeprefix("the "), *(words.task(task) for task in tasks)]
    rows = []
    for number, one in enumerate(next(iter(tasks.values()))["sets"]):
        cells = []
        for found in tasks.values():
            here = found["sets"][number]
            share = words.numbers.percent(here["hits"] / here["runs"] if here["runs"] else None)
            cells.append(f"{share} ◯" if here["set"] in found["smallest"] else share)
        rows.append([set_label(words, one["set"]), *cells])
    return Table(columns, rows)
