"""An experiment as files: its trials as tables, its answer as a page and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from layerlab.errors import LayerlabError
from layerlab.files import atomic_write
from layerlab.lab.experiment import Experiment
from layerlab.lab.store import Store

__all__ = ["export_experiment"]


def export_experiment(
    experiment: Experiment, answered: bool, formats: Sequence[str], folder: str | os.PathLike[str], language: str = "en"
) -> list[Path]:
    """Write what was asked for and return the paths.

    Args:
        experiment: of a folder.
        answered: whether it has an answer; without one there are tables only.
        formats: ``csv`` and ``parquet`` (``trials.…``: a row a trial), ``html`` (``report.html``), ``json``
            (``answer.json``, or ``trials.json`` where there is no answer).
        folder: where to.
        language: of the page.

    Raises:
        LayerlabError: a page of what was not answered, or a folder that cannot be written.
    """
    from layerlab.lab.tables import export

    target = Path(folder)
    tables = [one for one in formats if one in ("csv", "parquet") or (one == "json" and not answered)]
    written: list[Path] = []
    if tables:
        with Store.open(experiment.folder, create=False) as store:
            written += export(store, experiment.design.hash, target, tables)
    if "json" in formats and answered:
        path = target / "answer.json"
        atomic_write(path, json.dumps(experiment.answer.to_dict(), indent=2, ensure_ascii=False) + "\n")
        written.append(path)
    if "html" in formats:
        if not answered:
            raise LayerlabError(
                f'"{experiment.folder}" has no answer yet, so there is no report; layerlab lab resume'
                f" {experiment.folder} goes on"
            )
        written.append(experiment.report(target / "report.html", language))
    return written
