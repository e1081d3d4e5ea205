"""What an experiment found, as numbers: every sentence, figure and table of a report is made of these alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Answer", "ArmRow", "Caveat", "Finding", "Point", "Tuned"]

Words = Mapping[str, str]


@dataclass(frozen=True)
class ArmRow:
    """One arm of a comparison on one task, or on all."""

    comparison: str
    arm: str
    label: Words
    """By language; empty: the name says it."""
    task: str
    """Empty: the mean over all tasks."""
    factors: Mapping[str, Any]
    """As resolved: the width that was solved for is among them."""
    tuned: Mapping[str, float]
    """What was chosen on the validation part; for all tasks together only where it was the same on each."""
    parameters: int
    macs: int
    seconds_per_step: float | None
    epochs: int
    runs: int
    failed: int
    """Runs that did not train; they are among ``runs`` and in the values."""
    values: Mapping[str, Mapping[str, float | None]]
    """Metric -> mean, low, high (95 % t interval of the mean over replicates), median; None where infinite."""


@dataclass(frozen=True)
class Point:
    """One run."""

    comparison: str
    arm: str
    task: str
    replicate: int
    values: Mapping[str, float | None]
    failure: str
    key: str
    """Of the trial in the store."""


@dataclass(frozen=True)
class Tuned:
    """One value of the grid of one arm on one task."""

    comparison: str
    arm: str
    task: str
    values: Mapping[str, float]
    score: float | None
    """The mean of the first metric over the tuning replicates, on validation parts."""
    failed: int
    runs: int
    chosen: bool
    at_edge: bool
    """Chosen, at the edge of a grid that was widened as far as it may be, and better than its neighbour by more than
    the smallest difference that matters."""


@dataclass(frozen=True)
class Finding:
    """What the runs of one comparison say about one metric."""

    comparison: str
    metric: str
    kind: str
    """One of :data:`layerlab.lab.question.ANALYSES`."""
    content: Mapping[str, Any]
    """JSON values. ``contrasts``: contrasts, by_task, aggregates, profiles. ``trend``: trend, contrasts, by_task.
    ``pairs``: by, factor, levels, contrasts, onset. ``range``: factor, by, levels, trained, contrasts. ``grid``:
    factor, by, rows, columns, means, failed. ``sets``: tasks. See :mod:`layerlab.lab.analysis`."""


@dataclass(frozen=True)
class Caveat:
    """Something that a reader must know: its words are chosen by ``key``."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """All that is known when an experiment has ended (or so far: ``complete`` tells)."""

    question: str
    title: Words
    words: Mapping[str, Words]
    """The question's own words, see :mod:`layerlab.lab.words`."""
    comparisons: Mapping[str, Words]
    """The titles of the comparisons, in order."""
    engine: str
    tasks: Sequence[str]
    seeds: int
    design: Mapping[str, Any]
    design_hash: str
    findings: Sequence[Finding]
    """The first decides the headline."""
    arms: Sequence[ArmRow]
    points: Sequence[Point]
    tuning: Sequence[Tuned]
    caveats: Sequence[Caveat]
    detectable: Mapping[str, float]
    """Comparison/metric -> smallest difference that these seeds can detect in 80 % of cases; before the runs, from
    the spread of the tuning runs where there were any, in the metric's unit (a factor for ``log`` metrics)."""
    next: Sequence[str]
    command: str
    versions: Mapping[str, str]
    date: str
    seconds: float
    """That the trials took, those of earlier runs included."""
    trials: int
    complete: bool = True

    def __str__(self) -> str:
        """Return the answer in a sentence."""
        from layerlab.lab.words.sentences import headline

        return headline(self)

    def _repr_html_(self) -> str:
        """Return the sentences as a notebook shows them."""
        import html

        from layerlab.lab.words.sentences import sentences

        return "".join(f"<p>{html.escape(one.text)}</p>" for one in sentences(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Answer:
        """Return the answer of :meth:`to_dict`."""
        return cls(
            **{
                **values,
                "findings": [Finding(**one) for one in values["findings"]],
                "arms": [ArmRow(**one) for one in values["arms"]],
                "points": [Point(**one) for one in values["points"]],
                "tuning": [Tuned(**one) for one in values["tuning"]],
                "caveats": [Caveat(**one) for one in values["caveats"]],
            }
        )
