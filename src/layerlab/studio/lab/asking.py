"""What a page may ask for: a known question or one of its own, the tasks, the seeds; and how much of each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Asked", "Engine", "Hash", "Language", "Level", "Own", "Shown", "Taken", "Worded"]

Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Scalar = bool | int | float | Name
Level = Scalar | Annotated[list[Scalar], Field(min_length=1, max_length=20)]
"""Of a factor; a list is one level of features or of layers."""
Levels = Annotated[list[Level], Field(min_length=2, max_length=20)]
Grid = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1, max_length=20)]
Language = Literal["en", "pl"]
Engine = Literal["playground", "networks"]
"""Of an own question."""
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Own(_Strict):
    """A question of the page's own: one comparison. The tasks decide which networks it is of."""

    vary: Annotated[dict[Name, Levels], Field(min_length=1, max_length=3)]
    """Factor -> levels; the arms are all combinations."""
    hold: Annotated[dict[Name, Level], Field(max_length=20)] = {}
    tune: Annotated[dict[Name, Grid], Field(max_length=2)] = {}
    """Factor -> grid."""
    metric: Name | None = None
    equal: Literal["parameters", "macs", "seconds"] | None = None


class Asked(_Strict):
    """A known question by its name, or an own one."""

    question: Name | None = None
    own: Own | None = None
    on: Annotated[list[Name], Field(max_length=20)] = []
    """Tasks; none: the question's own."""
    seeds: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """None: as many as the question has."""


class Shown(_Strict):
    """The answer to a design, in a language."""

    design: Hash
    language: Language = "en"


class Worded(_Strict):
    """One figure of an answer."""

    design: Hash
    number: Annotated[int, Field(ge=0, le=1000)]
    language: Language = "en"


class Taken(_Strict):
    """One trial of a design."""

    design: Hash
    key: Key
