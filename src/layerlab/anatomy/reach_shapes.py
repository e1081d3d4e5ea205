"""How operations that only rearrange change the reach of a tensor: views, cuts, joins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from layerlab.anatomy.reach_windows import argument, each
from layerlab.anatomy.span import Find, Reach, Rule, Span, united

__all__ = ["SHAPE_RULES", "pieces"]


def _reshape(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    axes = [0] * output.dim()
    for before, after in _regroup(tuple(args[0].shape), tuple(output.shape)):
        bits = 0
        for axis in before:
            bits |= reach.axes[axis]
        for axis in after:
            if output.shape[axis] > 1 or len(after) == 1:
                axes[axis] = bits
    return reach.on(axes)


def _regroup(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Pair the axes of two shapes of one array: the shortest runs with equal products."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(before) or j < len(after):
        left, right = [i] if i < len(before) else [], [j] if j < len(after) else []
        i, j = i + len(left), j + len(right)
        here = before[left[0]] if left else 1
        there = after[right[0]] if right else 1
        while here != there:
            if here < there and i < len(before):
                here *= before[i]
                left.append(i)
                i += 1
            elif j < len(after):
                there *= after[j]
                right.append(j)
                j += 1
            else:
                break
        groups.append((left, right))
        if here != there:
            break
    return groups


def _permute(args: tuple[Any, ...], find: Find, _: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    return reach.on([reach.axes[axis] for axis in args[1]]) if reach is not None else None


def _transpose(args: tuple[Any, ...], find: Find, _: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    axes = list(reach.axes)
    if len(axes) > 1:
        one, two = (args[1], args[2]) if len(args) > 2 else (0, 1)
        axes[one], axes[two] = axes[two], axes[one]
    return reach.on(axes)


def _unsqueeze(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    axes = list(reach.axes)
    axes.insert(args[1] % output.dim(), 0)
    return reach.on(axes)


def _squeeze(args: tuple[Any, ...], find: Find, _: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    shape = args[0].shape
    named = {axis % len(shape) for axis in each(args[1], 1)} if len(args) > 1 else set(range(len(shape)))
    return reach.on([bits for axis, bits in enumerate(reach.axes) if axis not in named or shape[axis] != 1])


def _expand(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    return reach.on([0] * (output.dim() - len(reach.axes)) + list(reach.axes)) if reach is not None else None


def _cut(reach: Reach, axis: int, first: int, step: int, size: int) -> Reach:
    """Return the reach of positions ``first``, ``first + step``, ... along an axis."""

    def move(span: Span) -> Span:
        return span.moved(size, span.jump * step, first=first)

    bits = reach.axes[axis]
    return reach if bits & (bits - 1) else reach.slide(axis, move)


def _select(args: tuple[Any, ...], find: Find, _: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    axis, index = args[1] % args[0].dim(), int(args[2]) % args[0].shape[args[1]]
    reach = _cut(reach, axis, index, 1, 1)
    return reach.on(reach.axes[:axis] + reach.axes[axis + 1 :])


def _slice(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    axis = argument(args, 1, 0)
    size, first, step = args[0].shape[axis], int(argument(args, 2, 0)), int(argument(args, 4, 1))
    first = max(first + size, 0) if first < 0 else min(first, size)
    if output.shape[axis] == size and step == 1:
        return reach
    return _cut(reach, axis, first, step, output.shape[axis])


def pieces(name: str, args: tuple[Any, ...], find: Find, outputs: Sequence[torch.Tensor]) -> list[Reach | None]:
    """Operations that cut a tensor along one axis into several."""
    reach = find(args[0])
    if reach is None:
        return [None] * len(outputs)
    axis = argument(args, 1 if name == "unbind" else 2, 0) % args[0].dim()
    found: list[Reach | None] = []
    first = 0
    for output in outputs:
        size = 1 if name == "unbind" else output.shape[axis]
        piece = _cut(reach, axis, first, 1, size)
        found.append(piece.on(piece.axes[:axis] + piece.axes[axis + 1 :]) if name == "unbind" else piece)
        first += size
    return found


def _cat(args: tuple[Any, ...], find: Find, _: torch.Tensor) -> Reach | None:
    return united([find(tensor) for tensor in args[0]])


def _stack(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = united([find(tensor) for tensor in args[0]])
    if reach is None:
        return None
    axes = list(reach.axes)
    axes.insert(argument(args, 1, 0) % output.dim(), 0)
    return reach.on(axes)


def _embedding(args: tuple[Any, ...], find: Find, _: torch.Tensor) -> Reach | None:
    reach = find(args[1])
    return reach.on((*reach.axes, 0)) if reach is not None else None


SHAPE_RULES: dict[str, Rule] = {
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias"), _reshape),
    "transpose": _transpose,
    "t": _transpose,
    "permute": _permute,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "expand": _expand,
    "select": _select,
    "slice": _slice,
    "cat": _cat,
    "stack": _stack,
    "embedding": _embedding,
}
