"""How the command line prints: JSON whatever the terminal's encoding, tables one line a row."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

__all__ = ["print_json", "print_table"]


def print_json(content: object) -> None:
    """Print ``content`` as JSON, with escapes where the terminal lacks a letter."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # an encoding that lacks a letter, or a file name that is no text
        text = json.dumps(content, indent=2)
    print(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int]) -> None:
    """Print one line a row, whatever the width of the terminal, so that `grep` and `awk` can read it.

    Args:
        columns: their names.
        rows: of cells.
        numbers: which columns stand to the right.
    """
    table = [tuple(columns), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (
            cell.rjust(width) if index in numbers else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(cells).rstrip())
