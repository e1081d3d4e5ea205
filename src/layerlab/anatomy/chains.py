"""Concatenations of a growing list, drawn as chains.

DenseNet's k-th layer concatenates everything before it: ``cat(a)``, ``cat(a, b)``, ``cat(a, b, c)``, ... Drawn as they
are called, n layers have n * n / 2 edges. Each of these calls gives what the one before it gave, and one thing more:
``cat(a, b, c) = cat(cat(a, b), c)``, which has n edges and says the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from layerlab.anatomy.record import Operation, Shape

__all__ = ["CONCATENATIONS", "chained_sources"]

CONCATENATIONS = frozenset({"cat", "concat", "concatenate", "hstack", "vstack", "dstack"})


def chained_sources(operations: Sequence[Operation]) -> list[tuple[int, ...]]:
    """Return the sources of every operation, a concatenation taking an earlier one instead of its beginning.

    Args:
        operations: the calls of a run, in order; ``operations[k].number == k``.

    Returns:
        For each operation its sources; only those of concatenations differ from ``operation.sources``.
    """
    earlier: dict[tuple[int, ...], int] = {}
    found = []
    for operation in operations:
        sources = operation.sources
        if operation.name in CONCATENATIONS and sources:
            found.append(_shortened(operation, operations, earlier))
            earlier[sources] = operation.number
        else:
            found.append(sources)
    return found


def _shortened(
    operation: Operation, operations: Sequence[Operation], earlier: dict[tuple[int, ...], int]
) -> tuple[int, ...]:
    sources = operation.sources
    for length in range(len(sources) - 1, 0, -1):
        number = earlier.get(sources[:length])
        if number is not None and _same_axis(operation, operations[number]):
            return (number, *sources[length:])
    return sources


def _same_axis(later: Operation, earlier: Operation) -> bool:
    """Return whether both join along one axis; a list of one thing joins along any."""
    joined, first = later.outputs[0], earlier.outputs[0]
    if len(joined) != len(first):
        return False
    axes = _grown(joined, first)
    return len(axes) == 1 and (len(earlier.sources) == 1 or axes == _grown(first, earlier.inputs[0]))


def _grown(larger: Shape, smaller: Shape) -> list[int]:
    return [axis for axis, (one, other) in enumerate(zip(larger, smaller, strict=True)) if one != other]
