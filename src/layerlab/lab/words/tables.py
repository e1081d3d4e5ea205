"""The tables of an answer in words: arms, contrasts, design; each a list of columns and rows of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from layerlab.lab.answer import Answer, ArmRow, Finding
from layerlab.lab.words.amounts import Amounts
from layerlab.lab.words.caveats import cost_spreads, detectable_amount
from layerlab.lab.words.contrasts import Pair
from layerlab.lab.words.others import range_labels
from layerlab.lab.words.sentences import verdict_words
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["Table", "arms_table", "contrasts_table", "design_rows", "grid_table", "tuning_table"]

_STEP: Final = "seconds_per_step"


@dataclass(frozen=True)
class Table:
    """Texts in rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1
    """How many columns, from the left, hold words and not numbers."""
    ends: bool = False
    """Whether the last column holds words."""


def arms_table(
    answer: Answer, comparison: str, language: str, *, brief: bool = False, first_only: bool = False
) -> Table:
    """Return the arms of a comparison, over all tasks: their cost, what was tuned, what they reached, how many failed.

    Args:
        answer: whole, or so far.
        comparison: its name.
        language: ``en`` or ``pl``.
        brief: whether only the metric that decides has its interval.
        first_only: whether the metric that decides is the only one.
    """
    words = Vocabulary(answer, language, comparison)
    plan = words.plan(comparison)
    rows = [row for row in answer.arms if row.comparison == comparison and not row.task]
    # The time of an update is among the costs.
    metrics = [name for name in plan["metrics"] if any(name in row.values for row in rows) and name != _STEP]
    metrics = metrics[:1] if first_only else metrics
    bounded = metrics[:1] if brief else metrics
    tuned = list(plan["tune"])
    timed = any(row.seconds_per_step is not None for row in rows)
    columns = [words.say("column.arm"), words.say("column.parameters"), words.say("column.macs")]
    columns += [words.say("column.step")] if timed else []
    columns += [words.factor(name).removeprefix("the ") for name in tuned]
    for name in metrics:
        columns += [words.metric(name, "short"), *([words.say("column.interval")] if name in bounded else [])]
    columns.append(words.say("column.failed"))
    shown = {name: name in bounded for name in metrics}
    return Table(columns, [_arm_cells(words, row, tuned, shown, timed=timed) for row in rows])


def _arm_cells(
    words: Vocabulary, row: ArmRow, tuned: Sequence[str], metrics: Mapping[str, bool], *, timed: bool
) -> list[str]:
    numbers = words.numbers
    cells = [words.arm(row.arm), numbers.whole(row.parameters), numbers.whole(row.macs)]
    if timed:
        cells.append("–" if row.seconds_per_step is None else numbers.seconds(row.seconds_per_step))
    # One value for all tasks only where it is the same on each.
    cells += [_tuned(words, row, name) for name in tuned]
    for name, bounded in metrics.items():
        amounts, values = Amounts(words, name), row.values.get(name, {})
        middle = values.get("mean")
        cells.append(amounts.value(values.get("median") if middle is None else middle))
        cells += [amounts.values(values.get("low"), values.get("high"))] if bounded else []
    failed = words.say("failed.of", failed=numbers.whole(row.failed), runs=numbers.whole(row.runs))
    return [*cells, failed]


def _tuned(words: Vocabulary, row: ArmRow, name: str) -> str:
    """Return what was chosen; where tasks differ, from the least to the most."""
    if name in row.tuned:
        return words.value(row.tuned[name])
    chosen = sorted(
        {
            one.values[name]
            for one in words.answer.tuning
            if one.comparison == row.comparison and one.arm == row.arm and one.chosen and name in one.values
        }
    )
    return "–".join(words.value(one) for one in (chosen[0], chosen[-1])) if chosen else "–"


def grid_table(answer: Answer, finding: Finding, language: str) -> Table:
    """Return the mean of every cell of a grid.

    Args:
        answer: whole, or so far.
        finding: of the answer, of the kind ``grid``.
        language: ``en`` or ``pl``.
    """
    words = Vocabulary(answer, language, finding.comparison)
    content, amounts = finding.content, Amounts(words, finding.metric)
    columns = [words.factor(content["by"]).removeprefix("the "), *(words.value(one) for one in content["columns"])]
    rows = []
    for level, means in zip(content["rows"], content["means"], strict=True):
        rows.append([words.level(content["factor"], level), *map(amounts.value, means)])
    return Table(columns, rows)


def contrasts_table(answer: Answer, finding: Finding, language: str, *, tasks: bool = True) -> Table | None:
    """Return the contrasts of a finding with their evidence; None where it has none.

    Args:
        answer: whole, or so far.
        finding: of the answer.
        language: ``en`` or ``pl``.
        tasks: whether those on single tasks follow.
    """
    words = Vocabulary(answer, language, finding.comparison)
    contrasts = finding.content.get("contrasts") or []
    if not contrasts:
        return None
    labels = range_labels(words, finding.content) if finding.kind == "range" else None
    metric = "loss" if finding.kind == "range" else finding.metric
    by_task: Mapping[str, Any] = finding.content.get("contrasts_by_task" if finding.kind == "trend" else "by_task", {})
    shown = [("", contrasts), *(by_task.items() if tasks and finding.kind != "range" else ())]
    several = len(shown) > 1
    columns = [words.say("column.contrast")]
    columns += [words.say("column.task")] if several else []
    names = ("difference", "interval", "n", "p", "holm", "wins", "verdict")
    columns += [words.say(f"column.{name}") for name in names]
    rows = []
    for number, _ in enumerate(contrasts):
        for task, of_task in shown:
            pair = Pair(words, metric, of_task[number], labels, as_planned=True)
            where = [words.task(task) if task else words.say("report.all-tasks")] if several else []
            said = verdict_words(words, metric, of_task[number], labels)
            rows.append([words.say("pair", a=pair.labels[0], b=pair.labels[1]), *where, *_evidence_cells(pair), said])
    return Table(columns, rows, texts=2 if several else 1, ends=True)


def _evidence_cells(pair: Pair) -> list[str]:
    one, numbers = pair.contrast, pair.words.numbers
    seen = pair.difference
    cells = [pair.signed, pair.words.say("interval.short", low=seen.low, high=seen.high)]
    if pair.metric == _STEP:
        return [cells[0], "–", "1", "–", "–", "–"]
    p_values = [one["p_sign_flip"], one.get("p_holm")]
    cells += [str(one["n"]), *("–" if p is None else numbers.probability(p).removeprefix("= ") for p in p_values)]
    return [*cells, numbers.percent(pair.wins[0])]


def tuning_table(answer: Answer, comparison: str, language: str) -> Table | None:
    """Return the values that were tried for each arm on each task and which was chosen; None where nothing was."""
    rows = [one for one in answer.tuning if one.comparison == comparison]
    if not rows:
        return None
    words = Vocabulary(answer, language, comparison)
    names = list(rows[0].values)
    columns = [words.say("column.arm"), words.say("column.task"), *(words.factor(name) for name in names)]
    columns = [one.removeprefix("the ") for one in columns]
    columns += [words.say(f"column.{name}") for name in ("score", "failed", "chosen")]
    cells = [
        [
            words.arm(one.arm),
            words.task(one.task),
            *(words.value(one.values[name]) for name in names),
            words.numbers.significant(one.score) if one.score is not None else "–",
            words.say("failed.of", failed=one.failed, runs=one.runs),
            "✓" if one.chosen else "",
        ]
        for one in rows
    ]
    return Table(columns, cells, texts=2)


def design_rows(answer: Answer, comparison: str, language: str) -> list[tuple[str, str]]:
    """Return the design of a comparison: what it is, and how it is.

    Args:
        answer: whole, or so far.
        comparison: its name.
        language: ``en`` or ``pl``.
    """
    words = Vocabulary(answer, language, comparison)
    plan = words.plan(comparison)
    metrics: list[str] = list(plan["metrics"])
    shown = [words.metric(name, "short") for name in metrics]
    if len(shown) > 1:
        shown[0] = words.say("design.first", metric=shown[0])
    rows = [("metric", words.joined(shown)), ("studied", _studied(words, plan))]
    grid = [_grid(words, name, values) for name, values in plan["tune"].items()]
    if grid and plan["tune_on"]:
        grid.append(words.say("design.on", arm=words.quoted(words.arm(plan["tune_on"]))))
    rows.append(("tuned", "; ".join(grid) or words.say("design.nothing")))
    solved = plan["equal"]["by"] if plan["equal"] else ""
    held = [words.level(name, value) for name, value in plan["hold"].items() if name != solved]
    rows.append(("held", words.joined(held) or words.say("design.nothing")))
    if equal := plan["equal"]:
        rows.append(("equal", _equal(words, equal["rule"], equal["by"])))
    smallest = [_each(words, name, metrics, Amounts(words, name).smallest(plan["smallest_difference"][name]))
                for name in metrics]  # fmt: skip
    rows.append(("smallest", "; ".join(smallest)))
    found = {key.rpartition("/")[2]: value for key, value in answer.detectable.items()
             if key.rpartition("/")[0] == comparison}  # fmt: skip
    if found:
        parts = [_each(words, name, [], detectable_amount(words, name, value)) for name, value in found.items()]
        rows.append(("detectable", "; ".join(parts)))
    return [(words.say(f"design.row.{name}"), text) for name, text in rows]


def _studied(words: Vocabulary, plan: Mapping[str, Any]) -> str:
    parts = [_grid(words, name, values) for name, values in {**plan["vary"], **plan["subsets"]}.items()]
    if not parts:
        return words.joined([words.arm(arm["name"]) for arm in plan["arms"]])
    return "; ".join(parts)


def _grid(words: Vocabulary, name: str, values: Sequence[Any]) -> str:
    number = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values)
    shown = [words.value(one) if number else words.find(f"item.{one}") or words.level(name, one) for one in values]
    return words.say("design.grid", factor=words.factor(name), values=words.joined(shown))


def _equal(words: Vocabulary, rule: str, by: str) -> str:
    spread: dict[str, list[float]] = {}
    for row in words.answer.arms:
        if row.comparison == words.comparison and not row.task:
            known = {"parameters": row.parameters, "macs": row.macs, "seconds_per_step": row.seconds_per_step,
                     "epochs": row.epochs}  # fmt: skip
            for cost, value in known.items():
                if value is not None:
                    spread.setdefault(cost, []).append(value)
    ends = {cost: (min(values), max(values)) for cost, values in spread.items()}
    name, cost = words.say(f"cost.{rule}"), words.joined(cost_spreads(words, ends))
    return words.say("design.equal", rule=name, by=words.factor(by), cost=cost)


def _each(words: Vocabulary, name: str, metrics: Sequence[str], amount: str) -> str:
    """Return an amount, with the metric's name where it is not the only one."""
    if len(metrics) == 1:
        return amount
    return words.say("design.grid", factor=words.metric(name, "short"), values=amount)
