"""An answer as text for a terminal: the sentences, the arms, the contrasts, what to bear in mind, how to repeat it."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Final

from layerlab.lab.answer import Answer
from layerlab.lab.words.sentences import headline, sentences
from layerlab.lab.words.tables import Table, arms_table, contrasts_table
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["text_table"]

WIDTH: Final = 100
_GAP: Final = "  "
_LEAST: Final = 12
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
    said = sentences(answer, language)
    for comparison in answer.comparisons:
        lines = [words.sentence(name, stop=False)] if (name := words.title(comparison)) else []
        lines = [line for text in lines for line in _wrapped(_clean(text))]
        findings = [one for one in answer.findings if one.comparison == comparison]
        if all(one.kind != "sets" for one in findings):  # a hundred sets are no table; the sentences name those that do
            lines += _table(arms_table(answer, comparison, language, brief=True), words)
        for finding in findings:
            if table := contrasts_table(answer, finding, language, tasks=False):
                name = words.sentence(words.metric(finding.metric, "short"), stop=False)
                lines += ["", *([name] if len(findings) > 1 else []), *_table(table, words)]
        blocks.append(lines if len(lines) > 1 else [])
    kinds = {kind: [one.text for one in said if one.kind == kind] for kind in ("finding", "design", "caveat")}
    for kind, key in (("finding", "report.findings"), ("design", "report.design"), ("caveat", "report.caveats")):
        if kinds[kind]:
            blocks.append([words.say(key), *_listed(kinds[kind])])
    if answer.next:
        blocks.append([words.say("report.next"), *(f"  layerlab {line}" for line in map(_clean, answer.next))])
    blocks.append([words.say("report.reproduce"), f"  {_clean(answer.command)}"])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _listed(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in _wrapped(_clean(text), "- ", "  ")]


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)


def _clean(text: str) -> str:
    """Return a text on one line, without what a terminal takes for a command."""
    return "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)


def _table(table: Table, words: Vocabulary) -> list[str]:
    """Return a table; columns of words are folded until it is narrow enough, and then columns of numbers go below."""
    if not table.rows:
        return []
    rows = [[_clean(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
    head = [_clean(cell) for cell in table.columns]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    widths = [max(width, max(map(len, name.split()), default=0)) for width, name in zip(widths, head, strict=True)]
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
