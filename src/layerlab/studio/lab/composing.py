"""From what a page asks for to the experiment: the same that the command line and Python give."""

from __future__ import annotations

from pathlib import Path

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.lab.experiment import Experiment
from layerlab.lab.question import list_questions
from layerlab.lab.request import Request
from layerlab.lab.store import Store
from layerlab.lab.store_file import default_folder
from layerlab.lab.sweep import sweep
from layerlab.studio.command_error import CommandError
from layerlab.studio.lab.asking import Asked

__all__ = ["experiment_of", "experiment_stored", "folder"]

TASKS = ("circle", "xor", "gauss", "spiral")
"""Of an own question that names none."""
SEEDS = 10


def folder() -> Path:
    """Return where the studio keeps its experiments: the user's store, whatever folder it was started in."""
    return default_folder()


def experiment_of(asked: Asked) -> Experiment:
    """Return the experiment, its design checked; nothing runs.

    Raises:
        LayerlabError: there is no such question or task, or an arm cannot be built; one sentence.
    """
    if (asked.question is None) == (asked.own is None):
        raise CommandError("lab.error.which", "ask either a known question or one of your own")
    if asked.own is None:
        name = str(asked.question)
        if name not in list_questions():  # a page names no files of this machine
            raise LayerlabError(f'no question "{name}"{did_you_mean(name, list_questions())}')
        return Experiment(name, on=asked.on or None, seeds=asked.seeds, folder=folder())
    own = asked.own
    return sweep(
        asked.on or TASKS,
        own.vary,
        tune=own.tune,
        fixed=own.hold,
        equal=own.equal,
        metric=own.metric,
        seeds=asked.seeds or SEEDS,
        folder=folder(),
    )


def experiment_stored(design: str) -> Experiment:
    """Return an experiment that was run here, by the hash of its design.

    Raises:
        CommandError: none was.
        LayerlabError: the store cannot be read.
    """
    found: Request | None = None
    if folder().exists():
        with Store.open(folder(), create=False) as store:
            found = next((Request.from_dict(one.design) for one in store.designs() if one.hash == design), None)
    if found is None:
        raise CommandError("lab.error.design", f'no experiment here has the design "{design}"', design=design)
    return Experiment.of(found, folder())
