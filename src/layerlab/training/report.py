"""The run's report: one HTML file that opens anywhere, without a network."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files as resource_files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from layerlab.errors import LayerlabError
from layerlab.files import atomic_write
from layerlab.pages import normal_lines, script_hash, script_json, template_environment
from layerlab.training.report_figures import Figure, confusion_figure, curve_figure, learning_rate_figure
from layerlab.training.report_payload import (
    Accuracy,
    ClassRow,
    Confusion,
    Mistake,
    accuracy_of,
    best_epoch,
    class_rows,
    confusion_counts,
    flat_facts,
    frequent_confusions,
    image_uri,
    worst_mistakes,
)

if TYPE_CHECKING:
    from layerlab.data import Dataset
    from layerlab.training.run import Run

__all__ = ["Report", "build_report", "read_test_predictions", "render_report", "write_report"]

_SHOWN_ELSEWHERE = frozenset({"classes", "command", "date", "format", "preprocessing", "versions"})
_TABLED_CLASSES = 30
_NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Report:
    """Everything that the page shows."""

    model: str
    data: str
    accuracy: Accuracy
    facts: list[tuple[str, str]]
    """Parameters, seconds, date: label and value."""
    history: list[dict[str, Any]]
    best: int | None
    figures: dict[str, Figure]
    classes: list[str]
    counts: list[list[int]]
    rows: list[ClassRow]
    confusions: list[Confusion]
    mistakes: list[tuple[Mistake, str]]
    """Each with its picture as a data URI."""
    anatomy: str
    """The table as HTML, or empty."""
    anatomy_problem: str
    """Why there is no table, or empty."""
    command: str
    settings: list[tuple[str, str]]
    versions: list[tuple[str, str]]

    @property
    def wrong(self) -> int:
        """How many test images were misclassified."""
        return self.accuracy.total - self.accuracy.correct

    @property
    def strongest_mistake(self) -> float:
        """The share of a row that has the heat map's strongest colour for mistakes."""
        return float(self.figures["confusion"]["data"][1]["zmax"])

    @property
    def counts_are_tabled(self) -> bool:
        """Whether the confusion counts are few enough to be read as a table too."""
        return len(self.classes) <= _TABLED_CLASSES


def write_report(run: Run, dataset: Dataset) -> Path:
    """Write ``report.html`` into the run folder and return its path.

    Args:
        run: a finished run; ``test_predictions.safetensors`` lies in its folder.
        dataset: the data it was trained on; the pictures of the worst mistakes come from its test part.

    Raises:
        LayerlabError: the predictions are missing or cut, do not belong to ``dataset``, or the disk is full.
    """
    probabilities, labels = read_test_predictions(run.path)
    if len(labels) != len(dataset.test):
        raise LayerlabError(
            f'"{run.path}" holds predictions for {len(labels):,} test images and "{dataset.name}" has'
            f" {len(dataset.test):,}: load the data with the settings of its config.json"
        )
    path = Path(run.path) / "report.html"
    # A folder's name may hold bytes that are no text; they are shown as "?" and do not stop the report.
    atomic_write(path, render_report(build_report(run, dataset, probabilities, labels)).encode("utf-8", "replace"))
    return path


def read_test_predictions(folder: Path | str) -> tuple[Tensor, Tensor]:
    """Return the probabilities (N, classes) and labels (N,) of the test part that the run kept.

    Raises:
        LayerlabError: the file is missing, cut or holds something else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(folder) / "test_predictions.safetensors"
    try:
        kept = load_file(path)
        probabilities, labels = kept["probabilities"], kept["labels"]
    except FileNotFoundError as error:
        raise LayerlabError(f'"{path}" is missing: the report needs the predictions on the test part') from error
    except (SafetensorError, OSError, KeyError) as error:
        raise LayerlabError(f'"{path}" is cut or foreign ({error}): train again, or resume the run') from error
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise LayerlabError(
            f'"{path}" holds probabilities {tuple(probabilities.shape)} and labels {tuple(labels.shape)};'
            " expected (images, classes) and (images,)"
        )
    return probabilities, labels.long()


def build_report(run: Run, dataset: Dataset, probabilities: Tensor, labels: Tensor) -> Report:
    """Collect what the page shows; see :class:`Report`."""
    classes = [str(name) for name in run.classes]
    predicted = probabilities.argmax(dim=1)
    counts = confusion_counts(labels, predicted, len(classes))
    mistakes = worst_mistakes(probabilities, labels)
    pictures: Sequence[Tensor] | Tensor = (
        dataset.test.images([mistake.index for mistake in mistakes]) if mistakes else []
    )
    history = [dict(row) for row in run.history]
    best = best_epoch(history)
    anatomy, problem = _anatomy(run.model, dataset.shape)
    config = run.config
    return Report(
        model=_model_name(config),
        data=dataset.name,
        accuracy=accuracy_of(labels, predicted),
        facts=_facts(run),
        history=history,
        best=best,
        figures={
            "loss": curve_figure(history, "loss", best),
            "accuracy": curve_figure(history, "accuracy", best),
            "learning-rate": learning_rate_figure(history),
            "confusion": confusion_figure(counts, classes),
        },
        classes=classes,
        counts=counts.tolist(),
        rows=class_rows(counts, classes),
        confusions=frequent_confusions(counts, classes),
        mistakes=[(mistake, image_uri(picture)) for mistake, picture in zip(mistakes, pictures, strict=True)],
        anatomy=anatomy,
        anatomy_problem=problem,
        command=_command(config),
        settings=flat_facts({key: value for key, value in config.items() if key not in _SHOWN_ELSEWHERE}),
        versions=flat_facts(config.get("versions", {})),
    )


def render_report(report: Report) -> str:
    """Return the page, with both scripts inlined and named by their hashes in its policy."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    library = normal_lines(get_plotlyjs())
    script = normal_lines(resource_files("layerlab").joinpath("templates/report.js").read_text("utf-8"))
    environment = template_environment(["layerlab.training", "layerlab"])
    environment.filters["percent"] = _percent
    environment.filters["decimals"] = _decimals
    return environment.get_template("report.html").render(
        report=report,
        anatomy=Markup(report.anatomy),  # noqa: S704  (made by html_table, which escapes every name)
        figures=Markup(script_json(report.figures)),  # noqa: S704  (escaped for a script element just there)
        library=Markup(library),  # noqa: S704  (plotly.js from the installed wheel)
        script=Markup(script),  # noqa: S704  (our own file)
        hashes=[script_hash(library), script_hash(script)],
        guess=math.log(len(report.classes)),
    )


def _anatomy(model: torch.nn.Module, shape: tuple[int, ...]) -> tuple[str, str]:
    """Return the anatomy as HTML and, when there is none, why."""
    from layerlab.anatomy import dissect
    from layerlab.anatomy.html import html_table

    try:
        return html_table(dissect(model, tuple(shape))), ""
    except LayerlabError as error:
        return "", str(error)
    except Exception as error:  # a network may do anything in its forward pass; the other sections stand without it
        return "", f"the network cannot be taken apart ({type(error).__name__}: {' '.join(str(error).split())})"


def _facts(run: Run) -> list[tuple[str, str]]:
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    seconds = run.metrics.get("seconds")
    facts = [
        ("test loss", _decimals(run.metrics.get("test_loss"))),
        ("parameters", f"{parameters:,}"),
        ("epochs", str(len(run.history))),
        ("training time", "unknown" if seconds is None else _duration(float(seconds))),
        ("date", _date(str(run.config.get("date", "unknown")))),
    ]
    return facts


def _model_name(config: Mapping[str, Any]) -> str:
    origin = config.get("model")
    name = origin.get("name") if isinstance(origin, Mapping) else origin
    return str(name or "a network built by hand")


def _command(config: Mapping[str, Any]) -> str:
    command = config.get("command") or ""
    return command if isinstance(command, str) else shlex.join(map(str, command))


def _duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _date(text: str) -> str:
    """Return an ISO date to the minute, and anything else as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M %Z}".strip()
    except ValueError:
        return text


def _percent(share: float | None, digits: int = 1) -> str:
    return _NOTHING if share is None else f"{100 * share:.{digits}f} %"


def _decimals(value: float | None, digits: int = 4) -> str:
    return _NOTHING if value is None else f"{value:.{digits}f}"
