"""Experiments that a folder keeps: listed, opened, gone on with."""

from __future__ import annotations

import os
from pathlib import Path

from layerlab.errors import LayerlabError
from layerlab.lab.experiment import Experiment
from layerlab.lab.request import Request
from layerlab.lab.store import Store

__all__ = ["stored"]


def stored(folder: str | os.PathLike[str], *, workers: str | int | None = None) -> list[tuple[Experiment, bool]]:
    """Return the experiments of a folder, the latest last, each with whether it was answered.

    Raises:
        LayerlabError: the folder keeps none, or another version's.
    """
    path = Path(folder)
    with Store.open(path, create=False) as store:
        found = [(Request.from_dict(one.design), one.answered) for one in store.designs()]
    if not found:
        raise LayerlabError(f'"{path}" keeps no experiment; layerlab ask and layerlab sweep make them')
    return [(Experiment.of(request, path, workers), answered) for request, answered in found]
