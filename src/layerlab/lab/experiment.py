"""Ask a question and get an answer that was measured."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError
from layerlab.lab.answer import Answer
from layerlab.lab.compose import arms_of, changed, compose, rule_of
from layerlab.lab.design import Design, make_design
from layerlab.lab.duration import seconds_of
from layerlab.lab.levels import written
from layerlab.lab.question import Question, Variant, list_questions, question
from layerlab.lab.request import Request
from layerlab.lab.runner import checked_workers, workers_ready

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects

    from layerlab.lab.phases import Progress
    from layerlab.lab.results import Results

__all__ = ["FOLDER", "Experiment", "folder_name"]

FOLDER: Final = "experiments"
"""Where experiments are kept unless another folder is given, in the current one."""


class Experiment:
    """A controlled experiment: a design that is fixed before it runs, its trials, and the answer.

    Args:
        question: the name of a known question (:func:`~layerlab.lab.question.list_questions`), the path of a TOML file
            of one's own, or, where ``arms`` are given, any text.
        arms: what is compared: names with their factors, or a list of texts such as ``resnet20:width=0.5`` (a network
            of the zoo) or ``depth=4+width=8``. Default: the question's.
        metric: that decides; one of :data:`~layerlab.lab.metrics.METRICS`. Default: the question's.
        nuisance: what is tuned for each arm on validation parts: factor -> grid.
        fixed: factors that all arms share.
        budget: seconds for everything, or a text such as ``10m``; epochs are cut to fit. Default: none.
        seeds: replicates; 10 by default, under 6 the answer is exploratory.
        on: the tasks or data sets, by name; default: the question's.
        equal: what arms have the same of: ``parameters``, ``macs`` or ``seconds``; default: the question's.
        folder: where trials, answer and report are kept; default ``experiments/`` and the question's name.
        workers: how many cores, or ``ray://HOST:PORT``.

    Raises:
        LayerlabError: what was given cannot be used, or an arm cannot be built at the budget; one sentence.

    Example:
        >>> answer = Experiment("deeper-or-wider", seeds=10).run()  # doctest: +SKIP
        >>> print(answer)  # doctest: +SKIP
    """

    def __init__(
        self,
        question: str | os.PathLike[str] | Question,
        arms: Mapping[str, Mapping[str, Any]] | Sequence[str] | None = None,
        metric: str | None = None,
        nuisance: Mapping[str, Sequence[float]] | None = None,
        fixed: Mapping[str, Any] | None = None,
        budget: float | str | None = None,
        seeds: int | None = None,
        *,
        on: str | Sequence[str] | None = None,
        equal: str | None = None,
        folder: str | os.PathLike[str] | None = None,
        workers: str | int | None = None,
    ) -> None:
        checked_workers(workers)
        self.workers = workers
        tasks = [on] if isinstance(on, str) else list(on or ())
        given = arms_of(arms) if arms is not None else []
        rule = None if equal is None else rule_of(equal, [name for arm in given for name in arm.factors])
        asked = _asked(question, given)
        if asked is None:
            asked = compose(
                str(question),
                name="question",
                tasks=tasks or ["circle", "xor", "gauss", "spiral"],
                arms=given,
                hold=fixed,
                tune=nuisance,
                equal=rule,
                metric=metric,
            )
            variant = asked.variants[0]
        else:
            variant = changed(
                _variant(asked, tasks, given), arms=given, metric=metric, nuisance=nuisance, fixed=fixed, equal=rule
            )
        design = make_design(
            asked, variant, tasks=tasks, seeds=seeds, budget=None if budget is None else seconds_of(budget)
        )
        request = Request.of(
            asked, design, _command(question, arms, metric, nuisance, fixed, budget, seeds, tasks, equal)
        )
        self._begin(request, Path(folder) if folder is not None else _folder(asked.name, tasks, design))

    def _begin(self, request: Request, folder: Path) -> None:
        self.request, self.folder = request, folder
        self._answer: Answer | None = None

    @classmethod
    def of(cls, request: Request, folder: str | os.PathLike[str], workers: str | int | None = None) -> Experiment:
        """Return the experiment of a request, such as that of a folder; see :func:`~layerlab.lab.kept.stored`."""
        checked_workers(workers)
        experiment = cls.__new__(cls)
        experiment.workers = workers
        experiment._begin(request, Path(folder))
        return experiment

    @property
    def design(self) -> Design:
        """What is decided before the first trial."""
        return self.request.design

    def run(self, progress: Callable[[Progress], None] | None = None) -> Answer:
        """Do what is left to do and return the answer; of a design that was answered before, that answer.

        Args:
            progress: told a few times a second how far it is. What it raises ends the run; finished trials are kept,
                and the same run goes on from there.

        Raises:
            LayerlabError: the budget is too small, the disk is full, a trial cannot be run; one sentence.
            Stopped: a person asked to stop.
        """
        from layerlab.lab.store import Store

        with Store.open(self.folder) as store:
            if (kept := store.answer(self.design.hash)) is not None:
                asked = self.request  # in the words of now, which decide nothing
                self._answer = replace(
                    Answer.from_dict(kept),
                    title=dict(asked.title),
                    words={language: dict(words) for language, words in asked.words.items()},
                    next=list(asked.next),
                    command=asked.command,
                )
                return self._answer
            store.add_design(self.design.hash, self.request.to_dict(), self.request.command)
            from layerlab.lab.engines import engine_named
            from layerlab.lab.phases import Phases

            phases = Phases(self.design, engine_named(self.design.engine), store, self.workers, progress, self._so_far)
            self._phases = phases
            with workers_ready(self.workers):
                phases.run()
            self._answer = self._made(phases.results, complete=True)
            store.put_answer(self.design.hash, self._answer.to_dict())
        return self._answer

    def _so_far(self, results: Sequence[Results]) -> Answer:
        return self._made(results, complete=False)

    def _made(self, results: Sequence[Results], *, complete: bool) -> Answer:
        from layerlab.lab.answering import make_answer

        phases = self._phases
        return make_answer(
            self.request,
            results,
            notes=phases.notes,
            seconds=phases.seconds,
            trials=phases.trials,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            complete=complete,
        )

    @property
    def answer(self) -> Answer:
        """The answer, of this run or stored. Raises LayerlabError where there is none yet."""
        if self._answer is None:
            from layerlab.lab.store import Store

            with Store.open(self.folder, create=False) as store:
                kept = store.answer(self.design.hash)
            if kept is None:
                raise LayerlabError(f'"{self.folder}" has no answer to this question yet; run it first')
            self._answer = Answer.from_dict(kept)
        return self._answer

    @property
    def answered(self) -> bool:
        """Whether there is an answer, of this run or stored."""
        from layerlab.lab.store import Store
        from layerlab.lab.store_file import file_of

        if self._answer is not None:
            return True
        if not file_of(self.folder).is_file():
            return False
        with Store.open(self.folder, create=False) as store:
            return store.answer(self.design.hash) is not None

    @property
    def trials(self) -> pandas.DataFrame:
        """Every trial that has run: a row each."""
        from layerlab.lab.store import Store
        from layerlab.lab.tables import trials_frame

        with Store.open(self.folder, create=False) as store:
            return trials_frame(store, self.design.hash)

    def figure(self, number: int = 0, language: str = "en") -> plotly.graph_objects.Figure:
        """Return a figure of the answer.

        Args:
            number: of the finding; the first decides.
            language: ``en`` or ``pl``.
        """
        import plotly.graph_objects

        from layerlab.lab.report.figures import figure

        return plotly.graph_objects.Figure(figure(self.answer, number, language))

    def report(self, path: str | os.PathLike[str] | None = None, language: str = "en") -> Path:
        """Write ``report.html`` and return its path; default: in the experiment's folder."""
        from layerlab.lab.report import write_report

        return write_report(self.answer, self.folder / "report.html" if path is None else path, language)


def _asked(given: str | os.PathLike[str] | Question, arms: Sequence[Any]) -> Question | None:
    """Return the question, or None where a text with arms is a question of its own."""
    if isinstance(given, Question):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise LayerlabError(f"a question is {given!r}; expected its name, the path of a file, or a text with arms")
    text = os.fspath(given)
    is_file = text.endswith(".toml") or (os.sep in text and Path(text).exists())
    if arms and text not in list_questions() and not is_file:
        return None
    return question(given)


def _variant(asked: Question, tasks: Sequence[str], arms: Sequence[Any]) -> Variant:
    """Return the kind of task on which it is asked."""
    from layerlab.lab.engines.playground_settings import TASKS

    if any("model" in arm.factors for arm in arms):
        fitting = [one for one in asked.variants if one.engine == "zoo"]
        return fitting[0] if fitting else _bare(tasks)
    if not tasks:
        return asked.variants[0]
    for variant in asked.variants:
        if set(tasks) <= set(variant.tasks):
            return variant
    kinds = {"playground"} if set(tasks) <= set(TASKS) else {"networks", "zoo"}
    fitting = [one for one in asked.variants if one.engine in kinds]
    if not fitting:
        has = ", ".join(sorted({task for one in asked.variants for task in one.tasks}))
        raise LayerlabError(f'"{asked.name}" cannot be asked on {", ".join(tasks)}; it is asked on {has}')
    return fitting[-1]


def _bare(tasks: Sequence[str]) -> Variant:
    """Return a variant for networks of the zoo for a question that has none: its arms are given."""
    from layerlab.lab.compose import LEARNING_RATES
    from layerlab.lab.question import Comparison

    comparison = Comparison(
        "images", hold={"epochs": 3}, tune={"learning_rate": list(LEARNING_RATES["zoo"])}, metrics=["accuracy", "loss"]
    )
    return Variant("zoo", list(tasks or ["mnist5k"]), [comparison], tuning_replicates=2)


def _folder(name: str, tasks: Sequence[str], design: Design) -> Path:
    """Return the folder of a question: one for each kind of task, whatever the seeds."""
    return Path(FOLDER) / (folder_name("-".join([name, *tasks])) or design.hash)


def folder_name(text: str) -> str:
    """Return a text as the name of a folder."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in text)[:80].strip(".")


def _command(
    asked: str | os.PathLike[str] | Question,
    arms: Any,
    metric: str | None,
    nuisance: Mapping[str, Sequence[float]] | None,
    fixed: Mapping[str, Any] | None,
    budget: float | str | None,
    seeds: int | None,
    tasks: Sequence[str],
    equal: str | None,
) -> str:
    """Return the line that asks the same; in Python where the command line has no words for it."""
    name = asked.name if isinstance(asked, Question) else os.fspath(asked)
    if isinstance(arms, Mapping) or (isinstance(asked, Question) and name not in list_questions()):
        given = {
            "arms": arms,
            "metric": metric,
            "nuisance": None if nuisance is None else dict(nuisance),
            "fixed": None if not fixed else dict(fixed),
            "budget": budget,
            "seeds": seeds,
            "on": list(tasks) or None,
            "equal": equal,
        }
        told = "".join(f", {key}={value!r}" for key, value in given.items() if value is not None)
        return f"layerlab.lab.Experiment({name!r}{told}).run()"
    words = ["layerlab", "ask", name]
    words += ["--on", ",".join(tasks)] if tasks else []
    words += [word for arm in arms or () for word in ("--arms", arm)] if _has_commas(arms) else _arms_word(arms)
    words += [word for text in written(nuisance or {}) for word in ("--tune", text)]
    words += [word for text in written({key: [one] for key, one in (fixed or {}).items()}) for word in ("--set", text)]
    words += ["--metric", metric] if metric else []
    words += ["--equal", equal] if equal else []
    words += ["--budget", str(budget)] if budget is not None else []
    words += ["--seeds", str(seeds)] if seeds is not None else []
    return shlex.join(words)


def _has_commas(arms: Any) -> bool:
    return any("," in arm for arm in arms or ())


def _arms_word(arms: Any) -> list[str]:
    return ["--arms", ",".join(arms)] if arms else []
