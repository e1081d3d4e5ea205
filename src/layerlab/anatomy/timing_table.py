"""The times of layers in the terminal: the slowest first, each beside its bound."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from layerlab.anatomy.text import memory, short, sizes
from layerlab.anatomy.timing import TimedLayer, Timing

__all__ = ["duration", "rich_timing", "text_timing"]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def duration(seconds: float) -> str:
    """Return a time in three digits: ``12.3 ms``."""
    scale, unit = next((pair for pair in _UNITS if abs(seconds) >= pair[0]), _UNITS[-1])
    value = seconds / scale
    digits = max(0, 3 - len(str(int(abs(value)))))
    return f"{value:.{digits}f} {unit}"


class _TimingTable:
    def __init__(self, timing: Timing, most: int) -> None:
        self.timing, self.most = timing, most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        timing = self.timing
        root = timing.rows[0].kind if timing.rows else "the network"
        shapes = " and ".join(map(sizes, timing.input_shapes))
        yield Text(f"{root}, input {shapes}: {duration(timing.plain_seconds)} for one run", style="bold")
        yield self._table()
        for line in _footer(timing):
            yield Text(line)

    def _table(self) -> Table:
        timing = self.timing
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        table.add_column("layer", overflow="ellipsis", no_wrap=True)
        table.add_column("kind", overflow="ellipsis", no_wrap=True, style="cyan")
        for name in ("own time", "share", "at best", "bound by", "ratio"):
            table.add_column(name, justify="right", no_wrap=True)
        slowest = sorted(timing.rows, key=lambda row: -row.own_seconds)
        for row in slowest[: self.most]:
            ratio = f"{row.ratio:.1f}" if row.ratio is not None else "-"
            bound = duration(row.bound_seconds) if row.bound_seconds else "-"
            own, share = duration(row.own_seconds), f"{100 * row.share:.1f} %"
            table.add_row(row.path or row.kind, row.kind, own, share, bound, row.binds or "-", ratio)
        rest = slowest[self.most :]
        if rest:
            table.add_row(f"{len(rest)} others", "", *_sum(rest, timing))
        between = timing.between_seconds
        table.add_row("between the layers", "", duration(between), f"{100 * between / timing.seconds:.1f} %")
        best = timing.bound_seconds
        above = f"{timing.seconds / best:.1f}" if best else "-"
        table.add_row(
            "total", "", duration(timing.seconds), "100 %", duration(best), "", above,
            style="bold",
        )  # fmt: skip
        return table


def _sum(rows: Sequence[TimedLayer], timing: Timing) -> list[str]:
    own, bound = sum(row.own_seconds for row in rows), sum(row.bound_seconds for row in rows)
    ratio = f"{own / bound:.1f}" if bound else "-"
    return [duration(own), f"{100 * own / timing.seconds:.1f} %", duration(bound) if bound else "-", "", ratio]


def _footer(timing: Timing) -> list[str]:
    machine = timing.machine
    threads = f", {machine.threads} threads" if machine.threads > 1 else ", 1 thread"
    where = f"{machine.device}{threads if machine.device == 'cpu' else ''}, {machine.dtype}"
    (_, cache), *_, (_, far) = machine.bandwidths
    return [
        f"measured on {where}: {short(round(machine.flops))}FLOP/s in a matrix product, "
        f"{memory(round(far))}/s copied in memory, {memory(round(cache))}/s in a cache",
        "'at best' is the longer of 2 x MACs and of the bytes moved, at these rates",
        f"medians of {timing.repeats} runs; the clocks change a run by {100 * timing.overhead:+.1f} % "
        f"({duration(timing.seconds)} with, {duration(timing.plain_seconds)} without)",
        *timing.notes,
    ]


def rich_timing(timing: Timing, most: int = 20) -> _TimingTable:
    """Return what Rich prints: the slowest layers, the others together, what the bounds are made from."""
    return _TimingTable(timing, most)


def text_timing(timing: Timing, most: int = 20, width: int = 120) -> str:
    """Return the table as plain text of at most ``width`` columns."""
    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(_TimingTable(timing, most))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
