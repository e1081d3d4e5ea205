"""What a request may hold: finite numbers, vectors and matrices of a size that a page can show."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["MAX_CHANNELS", "MAX_SIDE", "Channels", "Matrix", "Number", "Padding", "Request", "Small", "Vector"]

MAX_SIDE = 12
MAX_CHANNELS = 8

Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Vector = Annotated[list[Number], Field(min_length=1, max_length=MAX_SIDE)]


def _is_rectangular(rows: list[list[float]]) -> list[list[float]]:
    if any(len(row) != len(rows[0]) for row in rows):
        raise ValueError(f"its rows have {' and '.join(map(str, sorted({len(row) for row in rows})))} numbers")
    return rows


Matrix = Annotated[list[Vector], Field(min_length=1, max_length=MAX_SIDE), AfterValidator(_is_rectangular)]


def _are_alike(channels: list[list[list[float]]]) -> list[list[list[float]]]:
    if any((len(map_), len(map_[0])) != (len(channels[0]), len(channels[0][0])) for map_ in channels):
        raise ValueError("its channels differ in size")
    return channels


Channels = Annotated[list[Matrix], Field(min_length=1, max_length=MAX_CHANNELS), AfterValidator(_are_alike)]
"""(channels, height, width)"""

Small = Annotated[int, Field(ge=1, le=MAX_SIDE)]
"""A kernel, a stride, a dilation."""
Padding = Literal["same"] | Annotated[int, Field(ge=0, le=MAX_SIDE)]


class Request(BaseModel):
    """What every request has in common: exact types, no unknown field."""

    model_config = ConfigDict(extra="forbid", strict=True)
