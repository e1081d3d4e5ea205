"""An answer in words, tables and figures: made of its numbers, in the language that the page shows."""

from __future__ import annotations

import html
import shlex
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from layerlab.lab.question import list_questions, question
from layerlab.lab.report.figures import figure, figure_title, profiled
from layerlab.lab.words import headline, sentences
from layerlab.lab.words.tables import arms_table, contrasts_table
from layerlab.lab.words.vocabulary import Vocabulary
from layerlab.studio.lab.composing import experiment_stored
from layerlab.studio.lab.live import live
from layerlab.studio.lab.naming import names_of

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer

__all__ = ["Answered", "answered", "figure_of", "words_of"]


class Said(TypedDict):
    """One sentence."""

    kind: str
    text: str


class Table(TypedDict):
    """Rows of cells, the first of each its head."""

    title: str
    columns: list[str]
    rows: list[list[str]]


class Titled(TypedDict):
    """A figure, by its number."""

    number: int
    title: str


class Next(TypedDict):
    """What to ask next: its line, and for the page what it asks."""

    command: str
    title: str
    asked: dict[str, Any] | None


class Answered(TypedDict):
    """An answer in one language."""

    design: str
    headline: str
    sentences: list[Said]
    tables: list[Table]
    figures: list[Titled]
    next: list[Next]
    command: str
    facts: list[list[str]]
    live: dict[str, Any]


def answered(design: str, language: str) -> Answered:
    """Return the answer to a design.

    Raises:
        LayerlabError: it was not run here, or has no answer yet.
    """
    return words_of(experiment_stored(design).answer, language)


def words_of(answer: Answer, language: str) -> Answered:
    """Return an answer in words."""
    words = Vocabulary(answer, language)
    return {
        "design": answer.design_hash,
        "headline": headline(answer, language),
        "sentences": [{"kind": one.kind, "text": one.text} for one in sentences(answer, language)],
        "tables": _tables(answer, language),
        "figures": _figures(answer, language),
        "next": [_next(line, language) for line in answer.next],
        "command": answer.command,
        "facts": [
            [words.say("report.trials"), words.numbers.whole(answer.trials)],
            [words.say("report.time"), words.numbers.seconds(answer.seconds)],
            [words.say("report.date"), answer.date],
            [words.say("report.versions"), ", ".join(f"{name} {version}" for name, version in answer.versions.items())],
        ],
        "live": live(answer, answer.points),
    }


def _figures(answer: Answer, language: str) -> list[Titled]:
    """Return the figures by number: those of the findings, then the profiles."""
    titles = [figure_title(answer, finding, language) for finding in answer.findings]
    for finding in profiled(answer):
        words = Vocabulary(answer, language, finding.comparison)
        titles.append(words.sentence(words.say("figure.profile"), stop=False))
    return [{"number": number, "title": html.unescape(title)} for number, title in enumerate(titles)]


def _tables(answer: Answer, language: str) -> list[Table]:
    """Return the tables of arms and of contrasts of every comparison."""
    found: list[Table] = []
    for name in answer.comparisons:
        words = Vocabulary(answer, language, name)
        told = [(words.say("report.arms"), arms_table(answer, name, language))]
        for finding in answer.findings:
            if finding.comparison == name and (contrasts := contrasts_table(answer, finding, language, tasks=False)):
                told.append((f"{words.say('report.contrasts')}: {words.metric(finding.metric, 'short')}", contrasts))
        where = words.title(name)
        for title, table in told:
            found.append(
                {
                    "title": f"{title} ({where})" if where else title,
                    "columns": list(table.columns),
                    "rows": [list(row) for row in table.rows],
                }
            )
    return found


def _next(line: str, language: str) -> Next:
    """Return what a command (after ``layerlab``) asks, where it asks a known question with what a page can choose."""
    found: Next = {"command": f"layerlab {line}", "title": "", "asked": None}
    given = shlex.split(line)
    if len(given) < 2 or given[0] != "ask" or given[1] not in list_questions():
        return found
    options = dict(zip(given[2::2], given[3::2], strict=False))
    if len(given) % 2 or not set(options) <= {"--on", "--seeds"}:
        return found
    on = [task for task in options.get("--on", "").split(",") if task]
    seeds = int(options["--seeds"]) if "--seeds" in options else None
    known = question(given[1])
    words = Vocabulary(names_of(known.variants[0].engine), language)
    title = known.title.get(language) or known.title["en"]
    found["title"] = f"{title} ({words.joined([words.task(task) for task in on])})" if on else title
    found["asked"] = {"question": given[1], "own": None, "on": on, "seeds": seeds}
    return found


def figure_of(design: str, number: int, language: str) -> dict[str, Any]:
    """Return one figure of an answer, for plotly.js.

    Raises:
        LayerlabError: the design was not run here, has no answer, or no such figure.
    """
    made: dict[str, Any] = figure(experiment_stored(design).answer, number, language)
    return made
