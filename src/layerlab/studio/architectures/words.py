"""The lines that give the same network outside the page: on the command line, and in Python."""

from __future__ import annotations

import shlex

from layerlab.studio.architectures.asking import Knob, Network
from layerlab.studio.architectures.building import Shapes

__all__ = ["TEXT_FILE", "command_of", "python_of", "title_of"]

TEXT_FILE = "network.py"


def command_of(asked: Network, shapes: Shapes) -> str:
    """Return the ``layerlab dissect`` line."""
    size = f" --input {'x'.join(map(str, shapes[0]))}" if len(shapes) == 1 else ""
    return f"layerlab dissect {shlex.quote(title_of(asked))}{size}"


def python_of(asked: Network, shapes: Shapes) -> str:
    """Return a line of Python, after ``import layerlab``."""
    if asked.model is None:
        network = f'layerlab.read_keras(open("{TEXT_FILE}").read())'
    else:
        knobs = "".join(f", {knob}={value!r}" for knob, value in asked.knobs.items())
        network = f'layerlab.create("{asked.model}"{knobs})'
    return f"layerlab.dissect({network}, {shapes[0] if len(shapes) == 1 else shapes})"


def title_of(asked: Network) -> str:
    """Return the network as the command line names it: ``resnet20:width=0.5,skip=false``."""
    if asked.model is None:
        return TEXT_FILE
    knobs = ",".join(f"{knob}={_written(value)}" for knob, value in asked.knobs.items() if value is not None)
    return f"{asked.model}:{knobs}" if knobs else asked.model


def _written(value: Knob) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
