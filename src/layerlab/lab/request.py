"""What was asked, whole: the design and the words; what a store keeps so that an experiment can go on anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from layerlab.errors import LayerlabError
from layerlab.lab.design import Arm, Design, Plan
from layerlab.lab.question import Comparison, Equal, Question
from layerlab.lab.trial import FORMAT

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """A design, in the words of its question."""

    design: Design
    title: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    next: Sequence[str]
    command: str
    """The line that asks the same."""

    @classmethod
    def of(cls, question: Question, design: Design, command: str) -> Request:
        """Return the request for a design of a question."""
        return cls(design, question.title, question.words, list(question.next), command)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "design": self.design.to_dict(),
            "title": dict(self.title),
            "words": {language: dict(words) for language, words in self.words.items()},
            "next": list(self.next),
            "command": self.command,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Request:
        """Return the request of :meth:`to_dict`. Raises LayerlabError where another version wrote it."""
        design = values["design"]
        if design.get("format") != FORMAT:
            raise LayerlabError(f"the design has format {design.get('format')}; this Layerlab reads {FORMAT}")
        return cls(_design(design), values["title"], values["words"], values["next"], values["command"])


def _design(values: Mapping[str, Any]) -> Design:
    plans = []
    for one in values["comparisons"]:
        arms = tuple(Arm(**arm) for arm in one["arms"])
        equal = None if one["equal"] is None else Equal(**one["equal"])
        plans.append(Plan(Comparison(**{**one, "arms": (), "equal": equal}), arms))
    return Design(
        values["question"],
        values["engine"],
        tuple(values["tasks"]),
        tuple(plans),
        values["seeds"],
        values["tuning_replicates"],
        values["budget"],
    )
