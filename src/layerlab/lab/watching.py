"""An experiment watched on a terminal: trials done, time left, the verdict so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerlab.lab.progress import Progress as Shown
from layerlab.lab.progress import make_display

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer
    from layerlab.lab.experiment import Experiment
    from layerlab.lab.phases import Progress

__all__ = ["watched"]


def watched(experiment: Experiment, language: str = "en", *, shown: bool | None = None) -> Answer:
    """Run an experiment with a bar on standard error; None: where that is a terminal."""
    with make_display(shown) as display:

        def tell(progress: Progress) -> None:
            display.show(Shown(progress.done, progress.total, progress.seconds_left, 0))
            if progress.answer is not None:
                from layerlab.lab.words.sentences import headline

                display.say(headline(progress.answer, language))
            elif progress.phase != "replicates":
                display.say(progress.phase)

        return experiment.run(tell)
