"""The figures of an answer: one for each finding, and behind them the performance profiles of those that have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from layerlab.errors import LayerlabError
from layerlab.lab.answer import Answer, Finding
from layerlab.lab.report.curve import curve_figure
from layerlab.lab.report.heat import heat_figure, range_figure
from layerlab.lab.report.lattice import lattice_figure
from layerlab.lab.report.marks import Figure
from layerlab.lab.report.points import points_figure
from layerlab.lab.report.profiles import has_profiles, profiles_figure
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["figure", "figure_of_finding", "figure_title", "profiled"]


def figure(answer: Answer, number: int = 0, language: str = "en") -> Figure:
    """Return a figure in Plotly's form: ``data`` and ``layout`` with its title, JSON values.

    Args:
        answer: whole, or so far.
        number: of the finding; the first decides. Behind the findings come the profiles of :func:`profiled`.
        language: ``en`` or ``pl``.

    Raises:
        LayerlabError: no figure has this number, or the language is unknown.
    """
    profiles = profiled(answer)
    count = len(answer.findings) + len(profiles)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < count:
        raise LayerlabError(f"no figure {number!r}; the answer has {count}, counted from 0")
    if number < len(answer.findings):
        finding = answer.findings[number]
        made = figure_of_finding(answer, finding, language)
    else:
        finding = profiles[number - len(answer.findings)]
        made = profiles_figure(answer, finding, language)
    layout = made["layout"]
    layout["title"] = {"text": figure_title(answer, finding, language), "x": 0, "xanchor": "left", "xref": "paper",
                       "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 12}}  # fmt: skip
    layout["height"] += _TITLE
    layout["margin"]["t"] += _TITLE
    layout["legend"]["y"] = 1 - _TITLE / layout["height"]
    return made


def figure_of_finding(answer: Answer, finding: Finding, language: str) -> Figure:
    """Return the figure of a finding without its title."""
    plan = Vocabulary(answer, language, finding.comparison).plan(finding.comparison)
    if finding.kind == "grid" and plan["figure"] == "curve":
        return curve_figure(answer, finding, language)
    return _FIGURES[finding.kind](answer, finding, language)


def figure_title(answer: Answer, finding: Finding, language: str) -> str:
    """Return the title of a finding's figure, as Plotly shows it letter by letter."""
    from layerlab.lab.report.marks import label_text

    words = Vocabulary(answer, language, finding.comparison)
    name = words.metric(finding.metric, "short")
    if finding.kind == "sets":
        name = words.say("figure.solved")
    elif finding.kind == "range":
        name = words.say("figure.trained")
    where = words.title(finding.comparison)
    text = words.say("figure.title.where", metric=name, where=where) if where else name
    return label_text(words.sentence(text, stop=False), 100)


def profiled(answer: Answer) -> list[Finding]:
    """Return the findings that have performance profiles."""
    return [one for one in answer.findings if has_profiles(one)]


_TITLE: Final = 34
"""Pixels of the title."""
_FIGURES: Final[Mapping[str, Callable[[Answer, Finding, str], Figure]]] = {
    "contrasts": points_figure,
    "trend": curve_figure,
    "pairs": curve_figure,
    "range": range_figure,
    "grid": heat_figure,
    "sets": lattice_figure,
}
