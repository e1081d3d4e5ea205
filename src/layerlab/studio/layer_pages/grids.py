"""Grids of numbers whose every cell knows what it was made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from pydantic import BaseModel

__all__ = ["Cell", "Grid", "Operation", "Term", "grid"]

Operation = Literal["copy", "max", "mean", "sum"]
Place = tuple[str, int, int]
"""A grid of the page, a row and a column; those outside of the grid are its padding."""


class Term(BaseModel):
    """One number that a cell was made of; ``weight`` is what it was multiplied with, if it was."""

    value: float
    source: Place
    weight: float | None = None
    weight_source: Place | None = None


class Cell(BaseModel):
    """How an output came about: the operation, its terms, and what was added at last."""

    operation: Operation
    terms: list[Term]
    bias: float = 0.0


class Grid(BaseModel):
    """The numbers of one output and, in the same places, their cells."""

    values: list[list[float]]
    cells: list[list[Cell]]


def grid(values: Iterable[Iterable[float]], cell: Callable[[int, int], Cell]) -> Grid:
    """Return a grid of ``values``, with ``cell(row, column)`` for each."""
    rows = [list(row) for row in values]
    return Grid(values=rows, cells=[[cell(r, c) for c in range(len(row))] for r, row in enumerate(rows)])
