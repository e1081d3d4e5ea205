"""Receptive field and stride, followed through every operation and every branch.

Each tensor made from the input carries a :class:`~layerlab.anatomy.span.Reach`: for every axis of positions
(height, width, time) the input interval that one position sees, and along which axes of the tensor these
positions run. An operation turns the reaches of its arguments into that of its result. Branches that meet are
united. Statistics of normalisation layers are not followed (they would make every field the whole image), which
is the usual convention.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from layerlab.anatomy.reach_shapes import SHAPE_RULES, pieces
from layerlab.anatomy.reach_windows import WINDOW_RULES, each
from layerlab.anatomy.span import Find, Reach, Rule, united

__all__ = ["follow"]

_PIECES = frozenset({"unbind", "split", "split_with_sizes", "unsafe_split", "chunk", "unsafe_chunk"})
_FRESH = ("empty", "new_", "zeros", "ones", "rand", "full", "arange", "scalar_tensor", "bernoulli", "lift")


def follow(name: str, args: tuple[Any, ...], find: Find, outputs: Sequence[torch.Tensor]) -> list[Reach | None]:
    """Return the reach of every output of an operation.

    Args:
        name: the operation's name without overload, e.g. ``"convolution"``.
        args: its positional arguments.
        find: gives the reach of a tensor, or ``None``.
        outputs: the tensors it returned.
    """
    if name in _PIECES:
        return pieces(name, args, find, outputs)
    if name.startswith(_FRESH):
        return [None] * len(outputs)
    rule = _RULES.get(name.rstrip("_") if not name.startswith("_") else name, _together)
    return [rule(args, find, output) for output in outputs]


def _reduction(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    if len(args) > 1 and isinstance(args[1], torch.Tensor):  # torch.max(a, b) compares, element by element
        return _together(args, find, output)
    count = args[0].dim()
    given = next((value for value in args[1:3] if isinstance(value, (list, tuple)) or type(value) is int), None)
    axes = range(count) if given is None or given == [] else [axis % count for axis in each(given, 1)]
    reach = reach.collapse(*axes)
    if output.dim() == count:
        return reach
    return reach.on([bits for axis, bits in enumerate(reach.axes) if axis not in axes])


def _softmax(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    return reach.collapse(args[1]) if reach is not None and output.dim() else reach


def _matmul(first: int) -> Rule:
    """Matrix product of arguments ``first`` and ``first + 1``: the inner axes are summed over."""

    def rule(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
        left, right = find(args[first]), find(args[first + 1])
        if left is not None:
            axes = (*left.axes[:-1], 0)[: output.dim()]
            left = left.collapse(-1).on(axes)
        if right is not None:
            inner = -2 if len(right.axes) > 1 else -1
            outer = (*right.axes[:-2], 0, right.axes[-1]) if len(right.axes) > 1 else (0,) * output.dim()
            right = right.collapse(inner).on(outer[-output.dim() :] if output.dim() else ())
        return united([left, right])

    return rule


def _first(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    return reach if reach is not None and output.dim() == len(reach.axes) else None


def _together(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    """Element-wise operations and every operation without a rule of its own."""
    found = []
    for argument in args:
        for value in argument if isinstance(argument, (list, tuple)) else (argument,):
            reach = find(value)
            if reach is None:
                continue
            extra = output.dim() - len(reach.axes)
            if extra < 0 or any(
                size not in (1, out) for size, out in zip(value.shape, output.shape[extra:], strict=True)
            ):
                # Not broadcasting: nothing is known but that all of it may be seen.
                found.append(reach.collapse(*range(len(reach.axes))).on([0] * output.dim()))
            else:
                found.append(reach.on([0] * extra + list(reach.axes)))
    return united(found)


_RULES: dict[str, Rule] = {
    **WINDOW_RULES,
    **SHAPE_RULES,
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax", "cumsum"), _softmax),
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "vdot", "matmul"), _matmul(0)),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), _matmul(1)),
    **dict.fromkeys(
        ("mean", "sum", "amax", "amin", "max", "min", "var", "std", "prod", "logsumexp", "linalg_vector_norm",
         "norm", "argmax", "argmin", "all", "any", "median"),
        _reduction,
    ),
    **dict.fromkeys(
        ("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
         "batch_norm", "cudnn_batch_norm", "_batch_norm_with_update", "_batch_norm_no_update", "native_layer_norm",
         "native_group_norm", "native_dropout", "_fused_rms_norm"),
        _first,
    ),
}  # fmt: skip
