"""Where nodes and edges of a graph lie: Graphviz's ``dot`` in a child process with a time limit."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerlab.errors import LayerlabError

__all__ = ["Placed", "Plan", "lay_out"]

Point = tuple[float, float]
_CHILD = Path(__file__).with_name("layout_child.py")
_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """A graph to be laid out, from top to bottom.

    Attributes:
        name: what a sentence calls it.
        nodes: width and height of each, in pixels.
        edges: numbers of the two nodes, the smaller first.
        top, bottom: numbers of the nodes that belong there.
    """

    name: str
    nodes: tuple[Point, ...]
    edges: tuple[tuple[int, int], ...]
    top: tuple[int, ...] = ()
    bottom: tuple[int, ...] = ()

    @property
    def question(self) -> dict[str, Any]:
        """What the child is asked."""
        return {"nodes": self.nodes, "edges": self.edges, "source": self.top, "sink": self.bottom}


@dataclass(frozen=True)
class Placed:
    """The same graph with positions, in pixels, y downward.

    Attributes:
        width, height: of the whole, margin included.
        nodes: the top left corner of each.
        edges: cubic Beziers, of 1 + 3n points each.
    """

    width: float
    height: float
    nodes: tuple[Point, ...]
    edges: tuple[tuple[Point, ...], ...]


def lay_out(plans: Sequence[Plan], seconds: float = _SECONDS) -> list[Placed]:
    """Return where everything lies; equal graphs are laid out once.

    Args:
        plans: the graphs.
        seconds: time for all of them together.

    Raises:
        LayerlabError: pygraphviz is missing or fails, or the time is over; names the graph it was at.
    """
    keys = [json.dumps(plan.question) for plan in plans]
    different = dict(zip(keys, plans, strict=True))
    if not different:
        return []
    answers = _asked(list(different.values()), seconds)
    known = {key: _read(line) for key, line in zip(different, answers, strict=True)}
    return [known[key] for key in keys]


def _asked(plans: Sequence[Plan], seconds: float) -> list[str]:
    """Return one line for each graph from the child."""
    if importlib.util.find_spec("pygraphviz") is None:
        raise LayerlabError("a diagram needs the package pygraphviz, which is not installed: pip install pygraphviz")
    question = json.dumps([plan.question for plan in plans])
    # -P: the child's own folder, whose html.py is not the standard library's, stays off its path.
    command = [sys.executable, "-P", str(_CHILD)]
    try:
        done = subprocess.run(command, input=question, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as late:
        written = late.stdout or b""  # bytes, whatever was asked for
        finished = written.count(b"\n") if isinstance(written, bytes) else written.count("\n")
        plan = plans[min(finished, len(plans) - 1)]
        raise LayerlabError(
            f"the layout of {plan.name} with {len(plan.nodes)} nodes and {len(plan.edges)} edges took longer than "
            f"{seconds:g} s: draw a part of the network, or give a smaller depth"
        ) from None
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(plans):
        plan = plans[min(len(lines), len(plans) - 1)]
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise LayerlabError(f"pygraphviz could not lay out {plan.name}: {reason}")
    return lines


def _read(line: str) -> Placed:
    answer = json.loads(line)
    return Placed(
        answer["width"],
        answer["height"],
        tuple((x, y) for x, y in answer["nodes"]),
        tuple(tuple((x, y) for x, y in edge) for edge in answer["edges"]),
    )
