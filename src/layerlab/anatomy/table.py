"""The table in the terminal."""

from __future__ import annotations

from io import StringIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.table import Table
from rich.text import Text

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.rows import Row, footer, rows_of, title
from layerlab.anatomy.text import memory, per_axis, short, without_batch

__all__ = ["rich_table", "text_table"]

_WIDE = 112
_SHORTEST_NAME = 12


class _AnatomyTable:
    """A table that has a column for the class and exact counts where there is room."""

    def __init__(self, anatomy: Anatomy, depth: int | None, folded: bool) -> None:
        self.anatomy = anatomy
        self.rows = rows_of(anatomy, depth, folded=folded)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(title(self.anatomy), style="bold")
        yield self._table(options.max_width)
        for line in footer(self.anatomy, self.rows):
            yield Text(line)

    def _table(self, width: int) -> Table:
        wide = width >= _WIDE
        lines = [_cells(row, wide) for row in self.rows]
        total = self.anatomy.totals
        macs = f"{total.macs:,}" if wide else short(total.macs)
        last: list[str | Text] = ["", Text("total"), *[Text("")] * wide, "", f"{total.parameters:,}", macs,
                memory(total.activation_bytes), "", ""]  # fmt: skip
        names = ["#", "layer", *["kind"] * wide, "output", "parameters", "MACs", "memory", "field", "stride"]
        # Long outline numbers give way to the names, which lead to a layer too.
        if not 0 < max(len(row.number) for row in self.rows) <= (8 if wide else 6):
            lines, last, names = [line[1:] for line in lines], last[1:], names[1:]

        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        fixed = 0
        for column, name in enumerate(names):
            content = max(cell_len(str(cell)) for cell in (name, last[column], *(line[column] for line in lines)))
            fixed += content + 1 if name != "layer" else 0
            justify: JustifyMethod = "left" if name in ("#", "layer", "kind") else "right"
            table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis", min_width=content)
        # Only the names give way where there is no room.
        names_column = table.columns[names.index("layer")]
        room = max(width - fixed - 1, _SHORTEST_NAME)
        names_column.min_width = min(names_column.min_width or 0, room)
        names_column.max_width = room
        for row, line in zip(self.rows, lines, strict=True):
            table.add_row(*line, style=None if row.layer.used else "dim")
        table.add_row(*last, style="bold")
        return table


def _cells(row: Row, wide: bool) -> list[str | Text]:
    layer = row.layer
    indent = "  " * max(layer.depth - 1, 0)
    first: list[str | Text]
    if layer.depth == 0:
        first = [Text(layer.kind, style="bold"), *[Text("")] * wide]
    elif wide:
        first = [Text(indent + row.name), Text(row.label, style="cyan")]
    else:
        first = [Text.assemble(f"{indent}{row.name} ", (row.label, "cyan"))]
    macs = (f"{row.macs:,}" if wide else short(row.macs)) if row.macs else "-"
    count = f"{row.parameters:,}" if row.parameters else "-"
    return [
        row.number,
        *first,
        without_batch(layer.outputs) if layer.called or layer.is_leaf else "",
        "shared" if layer.shared_with is not None else count,
        macs,
        memory(row.activation_bytes) if row.activation_bytes else "-",
        per_axis(row.last.receptive_field),
        per_axis(row.last.stride),
    ]


def rich_table(anatomy: Anatomy, depth: int | None = None, *, folded: bool = True) -> _AnatomyTable:
    """Return what Rich prints: title, table, totals, notes; arguments as of :func:`rows_of`."""
    return _AnatomyTable(anatomy, depth, folded)


def text_table(anatomy: Anatomy, depth: int | None = None, width: int = 120, *, folded: bool = True) -> str:
    """Return the table as plain text of at most ``width`` columns."""
    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(_AnatomyTable(anatomy, depth, folded))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
