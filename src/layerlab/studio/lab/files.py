"""Files to take away: the report, the trials, the answer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final, Literal

from starlette.responses import Response

from layerlab.lab.export import export_experiment
from layerlab.studio.lab.composing import experiment_stored

__all__ = ["Form", "file_of"]

Form = Literal["report", "csv", "json"]
FORMATS: Final = {
    "report": ("html", "text/html; charset=utf-8"),
    "csv": ("csv", "text/csv; charset=utf-8"),
    "json": ("json", "application/json"),
}


def file_of(design: str, form: Form, language: str) -> Response:
    """Return a file of an experiment that was answered, to be kept and never shown by the page.

    Raises:
        LayerlabError: there is no such experiment, or it has no answer.
    """
    experiment = experiment_stored(design)
    question = experiment.answer.question
    kind, media_type = FORMATS[form]
    with tempfile.TemporaryDirectory(prefix="layerlab-") as folder:
        (path,) = export_experiment(experiment, True, [kind], folder, language)
        content = Path(path).read_bytes()
    name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in question)
    disposition = f'attachment; filename="{name}-{design[:8]}{path.suffix}"'
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})
