"""An answer as text for a terminal: the sentences, the arms, the contrasts, what to bear in mind, how to repeat it."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Final

from layerlab.lab.answer import Answer
from layerlab.lab.words.others import sets_sentences
from layerlab.lab.words.sentences import finding_line, headline, sentences
from layerlab.lab.words.tables import Table, arms_table, contrasts_table, grid_table
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["text_table"]

WIDTH: Final = 100
_GAP: Final = "  "
_LEAST: Final = 15
"""A column of words is never narrower."""
MOST_ROWS: Final = 24
"""Of a table; all of them are in the report."""


def text_table(answer: Answer, language: str = "en") -> str:
    """Return an answer as lines of at most 100 characters; only the command that repeats it may be longer.

    Args:
        answer: whole, or so far.
        language: ``en`` or ``pl``.

    Raises:
        LayerlabError: an unknown language, or words of the question that cannot be used.
    """
    words = Vocabulary(answer, language)
    title = answer.title.get(language) or answer.title.get("en") or answer.question
    blocks = [_wrapped(_clean(title)), _wrapped(_clean(headline(answer, language)))]
    blocks += [_comparison(answer, name, language, words) for name in answer.comparisons]
    said = sentences(answer, language)
    for kind, key in (("design", "report.design"), ("caveat", "report.caveats")):
        if texts := [one.text for one in said if one.kind == kind]:
            blocks.append([words.say(key), *_listed(texts)])
    if answer.next:
        blocks.append([words.say("report.next"), *(f"  layerlab {line}" for line in map(_clean, answer.next))])
    blocks.append([words.say("report.reproduce"), f"  {_clean(answer.command)}"])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _comparison(answer: Answer, name: str, language: str, words: Vocabulary) -> list[str]:
    """Return a comparison: its arms, its contrasts where they are what it is about, and what else each metric says.

    The evidence of every sentence, single tasks and the ends of trends are in the report.
    """
    title = words.title(name)
    lines = _wrapped(_clean(words.sentence(title, stop=False))) if title else []
    findings = [one for one in answer.findings if one.comparison == name]
    if findings and findings[0].kind == "grid":
        for finding in findings:
            label = words.sentence(words.metric(finding.metric, "short"), stop=False)
            lines += ["", label, *_table(grid_table(answer, finding, language), words)]
    elif all(one.kind != "sets" for one in findings):  # a hundred sets are no table; the sentences name those that do
        whole = arms_table(answer, name, language, brief=True)
        table = whole if _fits(whole) else arms_table(answer, name, language, brief=True, first_only=True)
        lines += _table(table, words)
    for finding in findings:
        chosen = finding.kind != "trend" or not isinstance(words.plan(name)["contrasts"], str)
        if chosen and (pairs := contrasts_table(answer, finding, language, tasks=False)):
            label = words.sentence(words.metric(finding.metric, "short"), stop=False)
            lines += ["", *([label] if len(findings) > 1 else []), *_table(pairs, words)]
    told = []
    for finding in findings:
        if finding is not answer.findings[0]:
            told.append(finding_line(answer, finding, language, where=False))
        if finding.kind == "sets":
            told += [words.sentence(text) for text in sets_sentences(words.of(name), finding.content)]
    if told:
        lines += ["", *_listed(told)]
    return lines if len(lines) > 1 else []


def _listed(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in _wrapped(_clean(text), "- ", "  ")]


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)


def _clean(text: str) -> str:
    """Return a text on one line, without what a terminal takes for a command."""
    return "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)


def _widths(rows: Sequence[Sequence[str]], head: Sequence[str]) -> list[int]:
    """Return the widths of columns whose names are folded at spaces."""
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(len(head))]
    return [max(width, max(map(len, name.split()), default=0)) for width, name in zip(widths, head, strict=True)]


def _fits(table: Table) -> bool:
    """Say whether a table is narrow enough with its words folded as far as they may be."""
    widths = _widths(table.rows, table.columns)
    least = [min(width, _LEAST) if i < table.texts else width for i, width in enumerate(widths)]
    return sum(least) + len(_GAP) * (len(least) - 1) <= WIDTH


def _table(table: Table, words: Vocabulary) -> list[str]:
    """Return a table; columns of words are folded until it is narrow enough, and then columns of numbers go below."""
    if not table.rows:
        return []
    rows = [[_clean(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
    head = [_clean(cell) for cell in table.columns]
    widths = _widths(rows, head)
    words_of = [i for i in range(len(head)) if i < table.texts or (table.ends and i == len(head) - 1)]
    while (over := sum(widths) + len(_GAP) * (len(widths) - 1) - WIDTH) > 0:
        widest = max(words_of, key=lambda i: widths[i])
        if widths[widest] <= _LEAST:
            return _upright(head, rows, table.texts)
        widths[widest] = max(widths[widest] - over, _LEAST)
    lines = _row(head, widths, table)
    for row in rows:
        lines += _row(row, widths, table)
    if len(table.rows) > len(rows):
        lines.append(words.say("lists.rest", n=len(table.rows) - len(rows)))
    return lines


def _row(cells: Sequence[str], widths: Sequence[int], table: Table) -> list[str]:
    folded = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for number in range(max(map(len, folded))):
        parts = [part[number] if number < len(part) else "" for part in folded]
        placed = [
            part.ljust(width) if i < table.texts or (table.ends and i == len(cells) - 1) else part.rjust(width)
            for i, (part, width) in enumerate(zip(parts, widths, strict=True))
        ]
        lines.append(_GAP.join(placed).rstrip())
    return lines


def _upright(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Return a table that is too wide as a block of lines for each row."""
    lines = []
    for row in rows:
        lines += _wrapped(", ".join(row[:texts]))
        pairs = [f"{name} {cell}" for name, cell in zip(head[texts:], row[texts:], strict=True)]
        lines += _wrapped("; ".join(pairs), "    ", "    ")
    return lines
