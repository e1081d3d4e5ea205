"""What the page may ask for: a network of the zoo or Keras text, its knobs, its input; and how much of each."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from layerlab.studio.command_error import CommandError

__all__ = ["Depth", "Explained", "File", "Knob", "Network", "Table", "refuse_number"]

MAX_TEXT = 20_000
MAX_SIDE = 4_096
MAX_NUMBERS = 2**24
"""Of one input."""
LARGEST = {"depth": 500, "width": 16, "num_classes": 100_000, "in_channels": 4_096, "growth_rate": 1_024}
"""Of the knobs that make a network large; building it takes the time of others."""
LARGEST_OTHER = 1_000_000
MAX_SHOWN = 10**15

Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Knob = bool | int | float | Annotated[str, StringConstraints(max_length=60)] | None
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Depth = Annotated[int, Field(ge=0, le=50)]


class Network(BaseModel):
    """A name of the zoo with its knobs, or Keras text; and the size of one input, without the batch, if not its own."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    model: Name | None = None
    keras: Annotated[str, StringConstraints(max_length=MAX_TEXT)] | None = None
    knobs: Annotated[dict[Name, Knob], Field(max_length=30)] = {}
    input: Annotated[list[Side], Field(min_length=1, max_length=4)] | None = None

    def key(self) -> str:
        """Return a text that is the same for the same network and input only."""
        asked = {"model": self.model, "keras": self.keras, "knobs": self.knobs, "input": self.input}
        return json.dumps(asked, sort_keys=True)


class Explained(BaseModel):
    """One layer of a network, whose arithmetic is wanted in a language."""

    model_config = ConfigDict(extra="forbid", strict=True)

    network: Network
    path: Annotated[str, StringConstraints(max_length=500)] = ""
    language: Literal["en", "pl"] = "en"


class Table(BaseModel):
    """The table of a network, so many levels deep; None: as deep as stays readable."""

    model_config = ConfigDict(extra="forbid", strict=True)

    network: Network
    depth: Depth | None = None


class File(BaseModel):
    """A network's picture, page or figures, to be kept as a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    network: Network
    form: Literal["svg", "scale", "html", "json"]


def refuse_number(knob: str, value: Knob) -> None:
    """Refuse a knob that would make a network larger than a page has use for.

    Raises:
        CommandError: it would.
    """
    limit = LARGEST.get(knob, LARGEST_OTHER)
    if isinstance(value, int | float) and abs(value) > limit:
        written = str(value) if abs(value) < MAX_SHOWN else "a number of many digits"
        raise CommandError(
            "architectures.error.large-knob",
            f"{knob} is {written}; this page builds networks of at most {limit:,}",
            knob=knob,
            value=written,
            limit=limit,
        )
