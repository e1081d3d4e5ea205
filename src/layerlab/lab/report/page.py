"""The report of an answer: one HTML file that opens anywhere, without a network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from layerlab.files import atomic_write
from layerlab.lab.answer import Answer, Finding
from layerlab.lab.report.figure_numbers import figure_table
from layerlab.lab.report.figures import figure_of_finding, profiled
from layerlab.lab.report.marks import Figure
from layerlab.lab.report.profiles import profiles_figure
from layerlab.lab.words.sentences import Sentence, headline, sentences, verdict_line
from layerlab.lab.words.tables import Table, arms_table, contrasts_table, design_rows, tuning_table
from layerlab.lab.words.vocabulary import Vocabulary
from layerlab.pages import normal_lines, script_hash, script_json, template_environment

__all__ = ["render_report", "write_report"]

_MOST_ROWS: Final = 1000
"""Of the table of what was tuned."""


@dataclass(frozen=True)
class Drawn:
    """A figure of the page."""

    key: str
    title: str
    aria: str
    rem: float
    """Its height, in the page's letters."""
    table: Table | None


@dataclass(frozen=True)
class Part:
    """One comparison."""

    title: str
    """Empty where it is the only one."""
    figures: Sequence[Drawn]
    said: Sequence[str]
    arms: Table | None
    contrasts: Sequence[tuple[str, Table]]
    """Each with the name of its metric."""
    tuning: Table | None
    design: Sequence[tuple[str, str]]


def write_report(answer: Answer, path: str | os.PathLike[str], language: str = "en") -> Path:
    """Write the report in one step and return its path.

    Args:
        answer: whole, or so far.
        path: of the file; its folder is made.
        language: ``en`` or ``pl``.

    Raises:
        LayerlabError: an unknown language, words of the question that cannot be used, or nothing can be written there.
    """
    path = Path(path)
    # A name may hold bytes that are no text; they are shown as "?" and do not stop the report.
    atomic_write(path, render_report(answer, language).encode("utf-8", "replace"))
    return path


def render_report(answer: Answer, language: str = "en") -> str:
    """Return the page, with both scripts inlined and named by their hashes in its policy."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    words = Vocabulary(answer, language)
    figures: dict[str, Figure] = {}
    said = sentences(answer, language)
    parts = [_part(answer, name, language, figures, said) for name in answer.comparisons]
    library = normal_lines(get_plotlyjs())
    script = normal_lines(files("layerlab").joinpath("templates/report.js").read_text("utf-8"))
    environment = template_environment(["layerlab.lab.report", "layerlab"])
    return environment.get_template("answer.html").render(
        language=language,
        say=words.say,
        title=answer.title.get(language) or answer.title.get("en") or answer.question,
        headline=headline(answer, language),
        verdict=verdict_line(answer, language),
        complete=answer.complete,
        facts=_facts(words),
        parts=parts,
        caveats=[one.text for one in said if one.kind == "caveat"],
        method=[one.text for one in said if one.kind == "design"],
        common=_common(words),
        next=[f"layerlab {line}" for line in answer.next],
        command=answer.command,
        versions=list(answer.versions.items()),
        meanings=[(words.say(f"meaning.{key}"), words.say(f"meaning.{key}.text"))
                  for key in ("interval", "p", "better", "failed")],
        figures=Markup(script_json(figures)),  # noqa: S704  (escaped for a script element just there)
        library=Markup(library),  # noqa: S704  (plotly.js from the installed wheel)
        script=Markup(script),  # noqa: S704  (our own file)
        hashes=[script_hash(library), script_hash(script)],
    )  # fmt: skip


def _part(answer: Answer, comparison: str, language: str, figures: dict[str, Figure], said: Sequence[Sentence]) -> Part:
    """Return one comparison, and add its figures to those of the page."""
    words = Vocabulary(answer, language, comparison)
    findings = [one for one in answer.findings if one.comparison == comparison]
    drawn = [_drawn(words, one, figure_of_finding(answer, one, language), figures) for one in findings]
    drawn += [
        _drawn(words, one, profiles_figure(answer, one, language), figures, profile=True)
        for one in profiled(answer)
        if one.comparison == comparison
    ]
    title = words.title(comparison)
    # Under its heading, a sentence need not say again which comparison it is of.
    opening = words.sentence(words.say("where", where=title, sentence=""), stop=False).rstrip() if title else ""
    texts = [one.text for one in said if one.kind == "finding" and one.comparison == comparison]
    tables = [(words.metric(one.metric, "short"), contrasts_table(answer, one, language)) for one in findings]
    return Part(
        title=words.sentence(title, stop=False),
        figures=drawn,
        said=[words.sentence(text.removeprefix(opening).strip()) for text in texts],
        # Of a hundred sets, the table of the figure tells what there is to tell.
        arms=None if any(one.kind == "sets" for one in findings) else arms_table(answer, comparison, language),
        contrasts=[(name, table) for name, table in tables if table is not None],
        tuning=_short(tuning_table(answer, comparison, language)),
        design=design_rows(answer, comparison, language),
    )


def _short(table: Table | None) -> Table | None:
    """Return a table that can be read; of thousands of rows, as a lattice of sets has, nothing."""
    return table if table is not None and len(table.rows) <= _MOST_ROWS else None


def _drawn(
    words: Vocabulary, finding: Finding, made: Figure, figures: dict[str, Figure], *, profile: bool = False
) -> Drawn:
    key = f"figure-{len(figures)}"
    layout: dict[str, Any] = made["layout"]
    height = layout.pop("height")
    figures[key] = made
    title = words.say("figure.profile") if profile else words.metric(finding.metric, "short")
    if finding.kind in ("sets", "range"):
        title = words.say("figure.solved" if finding.kind == "sets" else "figure.trained")
    title = words.sentence(title, stop=False)
    aria = title if profile else words.say("report.figure.aria", title=title)
    table = None if profile else figure_table(words.answer, finding, words.language)
    return Drawn(key, title, aria, height / 16, table)


def _facts(words: Vocabulary) -> list[tuple[str, str]]:
    answer = words.answer
    return [
        (words.say("report.trials"), words.numbers.whole(answer.trials)),
        (words.say("report.time"), words.numbers.seconds(answer.seconds)),
        (words.say("design.row.seeds"), words.numbers.whole(answer.seeds)),
        (words.say("report.date"), _date(answer.date)),
    ]


def _common(words: Vocabulary) -> list[tuple[str, str]]:
    """Return what all comparisons of the design share."""
    answer = words.answer
    rows: Mapping[str, str] = {
        "tasks": words.joined([words.task(task) for task in answer.tasks]),
        "seeds": words.numbers.whole(answer.seeds),
        "budget": words.numbers.seconds(answer.design["budget"]) if answer.design.get("budget") else "",
        "hash": answer.design_hash,
    }
    return [(words.say(f"design.row.{name}"), text) for name, text in rows.items() if text]


def _date(text: str) -> str:
    """Return an ISO date to the minute, and anything else as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M %Z}".strip()
    except ValueError:
        return text
