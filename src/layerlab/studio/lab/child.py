"""Runs one experiment for the studio, in a process of its own: ``python -m layerlab.studio.lab.child``.

Its first line of input says what was asked; when its input ends, so does the run, soon and with everything stored. It
prints lines of JSON: ``progress`` often, ``live`` (what was measured so far) about once a second, ``done`` or
``failed`` at the end.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError
from layerlab.studio.command_error import described

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer
    from layerlab.lab.experiment import Experiment
    from layerlab.lab.phases import Progress

__all__ = ["main", "report_to", "sayer"]

_log = logging.getLogger(__name__)

KINDNESS: Final = 5
"""Added to the process's niceness: a playground's frame comes first."""
BETWEEN_LINES: Final = 0.2
"""Seconds between two lines of progress at least, unless the phase changes or nothing is left."""
BETWEEN_PICTURES: Final = 0.5
"""Likewise of the runs."""
SHARE: Final = 20
"""As long as a picture takes to be made, so many times as long nothing is pictured."""
PATIENCE: Final = 5.0
"""Seconds between the wish to end and the end, at most."""


def main() -> None:
    """Run what the first line of standard input asks for."""
    # Whatever a library prints must not come between the lines.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(KINDNESS)
    say = sayer(lines)
    asked = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_the_studio, daemon=True).start()
    try:
        from layerlab.studio.lab.asking import Asked
        from layerlab.studio.lab.composing import experiment_of

        experiment = experiment_of(Asked.model_validate_json(asked))
        experiment.run(report_to(say, experiment))
    except LayerlabError as error:
        say({"failed": described(error)})
    except KeyboardInterrupt:  # the studio knows that it stopped it
        return
    except Exception as error:
        _log.exception("an experiment failed")
        say({"failed": described(error)})
    else:
        say({"done": True})


def report_to(say: Callable[[dict[str, Any]], None], experiment: Experiment) -> Callable[[Progress], None]:
    """Return what an experiment calls as it goes on.

    Args:
        say: takes a line.
        experiment: whose runs are shown as they arrive, long before all arms have enough of them for an answer.
    """
    from layerlab.lab.question import LANGUAGES
    from layerlab.lab.words import headline
    from layerlab.studio.lab.naming import empty_answer

    answer = empty_answer(experiment.request)
    verdict = dict.fromkeys(LANGUAGES, "")
    said_at, said_phase, pictured_at, cost, runs = 0.0, "", 0.0, 0.0, 0

    def report(progress: Progress) -> None:
        nonlocal verdict, said_at, said_phase, pictured_at, cost, runs
        now, last = time.monotonic(), progress.done >= progress.total
        if progress.answer is not None:
            verdict = {language: headline(progress.answer, language) for language in LANGUAGES}
        due = now >= pictured_at or (last and cost < BETWEEN_PICTURES)
        if progress.phase == "replicates" and progress.done != runs and due:
            runs = progress.done
            say({"live": _picture(experiment, answer, verdict)})
            # Where very many runs make it slow, training shall not wait for it.
            cost = time.monotonic() - now
            pictured_at = time.monotonic() + max(BETWEEN_PICTURES, SHARE * cost)
        if now - said_at >= BETWEEN_LINES or progress.phase != said_phase or last:
            said_at, said_phase = now, progress.phase
            left = progress.seconds_left
            shown = {"phase": progress.phase, "done": progress.done, "total": progress.total, "seconds_left": left}
            say({"progress": shown})

    return report


def _picture(experiment: Experiment, answer: Answer, verdict: dict[str, str]) -> dict[str, Any]:
    from layerlab.lab.store import Store
    from layerlab.studio.lab.live import arrived, live

    with Store.open(experiment.folder) as store:
        return live(answer, arrived(store.linked(experiment.design.hash)), verdict)


def sayer(lines: IO[str]) -> Callable[[dict[str, Any]], None]:
    """Return what writes a line; without a studio that reads it, there is nobody to run for."""

    def say(message: dict[str, Any]) -> None:
        try:
            lines.write(json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n")
        except OSError:
            os._exit(1)

    return say


def _end_with_the_studio() -> None:
    """End when the input does: what was reported is stored first, as after Ctrl-C."""
    while os.read(0, 4096):  # not through Python's own buffer, whose lock this thread would hold to the last
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    main()
