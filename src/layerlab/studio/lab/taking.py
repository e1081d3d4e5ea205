"""One trial as a link to the playground: its very network, data and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from layerlab.lab.store import Store
from layerlab.studio.command_error import CommandError
from layerlab.studio.lab.composing import folder

if TYPE_CHECKING:
    from layerlab.lab.trial import Outcome, Trial

__all__ = ["Taken", "link_of", "trial_of"]


class Taken(TypedDict):
    """A trial that opens in the playground."""

    link: str
    """Behind ``/#``."""
    epochs: int
    """After which the playground's network is the trial's."""
    loss: float | None
    """On the test part, then; of one that diverged that of a network that knows nothing."""
    failure: str


def trial_of(design: str, key: str) -> Taken:
    """Return a trial of an experiment as the playground opens it.

    Raises:
        CommandError: there is no such trial, or the playground has no such network.
        LayerlabError: the store cannot be read.
    """
    found = None
    if folder().exists():
        with Store.open(folder()) as store:
            found = next(((one.trial, one.outcome) for one in store.linked(design) if one.key == key), None)
    if found is None:
        raise CommandError("lab.error.trial", f'no trial of this experiment is called "{key}"', trial=key)
    return link_of(*found)


def link_of(trial: Trial, outcome: Outcome) -> Taken:
    """Return the link of a trial. Raises CommandError where the playground has no such network."""
    if trial.engine != "playground":
        raise CommandError(
            "lab.error.no-playground",
            "only networks on two-dimensional tasks open in the playground; this one was trained on images",
        )
    from layerlab.lab.engines.playground import specification_of_trial
    from layerlab.playground.link import write_link

    return {
        "link": write_link(specification_of_trial(trial)),
        "epochs": int(trial.settings["epochs"]),
        "loss": outcome.values.get("loss"),
        "failure": outcome.failure,
    }
