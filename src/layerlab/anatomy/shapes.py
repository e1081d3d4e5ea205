"""What operations give on ``meta``, where torch takes up to milliseconds to say it.

There torch describes some operations by a program in Python over smaller ones, built for its compiler, which the first
of them also imports (two seconds). The rules here say the same for the plain cases, of which networks are made; any
other case, and any mistake in the arguments, is left to torch. A test compares each rule with torch's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Shapes", "known_result"]

_aten = torch.ops.aten


def known_result(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what the operation gives, on ``meta``; ``None`` where torch must be asked."""
    rule = _RULES.get(function)
    if rule is None:
        return None
    first = args[0][0] if isinstance(args[0], (list, tuple)) and args[0] else args[0]
    if not isinstance(first, torch.Tensor) or first.device.type != "meta":
        return None
    return rule(*args, **kwargs)


class Shapes(TorchDispatchMode):
    """While it is on, operations on ``meta`` are answered by the rules where there is one."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch wraps the next function in one that imports its compiler

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}  # fmt: skip
        result = known_result(func, args, kwargs)
        return result if result is not None else func(*args, **kwargs)


def _like(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the same shape and strides; forty times as fast as ``empty_like``, a program in Python too."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device)


def _is_dense(tensor: torch.Tensor) -> bool:
    """Return whether its elements, in some order of its axes, stand one after another."""
    if tensor.is_contiguous():
        return True
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True


def _new(tensor: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    return torch.empty(shape, dtype=tensor.dtype, device=tensor.device)


def _batch_norm(
    tensor: torch.Tensor, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, *_: Any
) -> tuple[torch.Tensor, ...] | None:
    if tensor.dim() < 2 or (not training and mean is None) or tensor.dtype not in (torch.float32, torch.float64):
        return None
    channels = tensor.shape[1]
    if any(one is not None and tuple(one.shape) != (channels,) for one in (weight, bias, mean, variance)):
        return None
    if any(one is not None and one.dtype != tensor.dtype for one in (weight, bias, mean, variance)):
        return None
    if not _is_dense(tensor):
        return None
    kept = channels if training else 0  # as on a CPU; on meta torch gives them in evaluation as well
    return _like(tensor), _new(tensor, (kept,)), _new(tensor, (kept,))


def _layer_norm(
    tensor: torch.Tensor, shape: Sequence[int], weight: Any, bias: Any, _epsilon: float
) -> tuple[torch.Tensor, ...] | None:
    count, given = len(shape), list(shape)
    if list(tensor.shape[-count:]) != given or tensor.dtype != torch.float32:
        return None
    if any(one is not None and (list(one.shape) != given or one.dtype != tensor.dtype) for one in (weight, bias)):
        return None
    kept = (*tensor.shape[:-count], *[1] * count)
    return _new(tensor, tensor.shape), _new(tensor, kept), _new(tensor, kept)


def _group_norm(
    tensor: torch.Tensor, weight: Any, bias: Any, batch: int, channels: int, space: int, groups: int, _epsilon: float
) -> tuple[torch.Tensor, ...] | None:
    whole = (
        tensor.dim() > 1 and tuple(tensor.shape[:2]) == (batch, channels) and tensor.numel() == batch * channels * space
    )
    if not whole or channels % groups or not tensor.is_contiguous() or tensor.dtype != torch.float32:
        return None
    if any(
        one is not None and (tuple(one.shape) != (channels,) or one.dtype != tensor.dtype) for one in (weight, bias)
    ):
        return None
    return _like(tensor), _new(tensor, (batch, groups)), _new(tensor, (batch, groups))


def _addmm(
    added: torch.Tensor, left: torch.Tensor, right: torch.Tensor, *, beta: Any = 1, alpha: Any = 1
) -> torch.Tensor | None:
    if left.dim() != 2 or right.dim() != 2 or left.shape[1] != right.shape[0]:
        return None
    if not added.dtype == left.dtype == right.dtype or not added.device == left.device == right.device:
        return None
    rows, columns = left.shape[0], right.shape[1]
    if tuple(added.shape) not in ((columns,), (rows, columns), (1, columns)) or not (beta and alpha):
        return None
    return _new(left, (rows, columns))


def _concatenation(tensors: Sequence[torch.Tensor], axis: int = 0) -> torch.Tensor | None:
    first = tensors[0]
    count = first.dim()
    if not count or not -count <= axis < count:
        return None
    axis %= count
    shape = list(first.shape)
    length = 0
    for tensor in tensors:
        if tensor.dim() != count or tensor.dtype != first.dtype or not tensor.is_contiguous():
            return None
        sizes = tensor.shape
        if any(sizes[k] != shape[k] for k in range(count) if k != axis):
            return None
        length += sizes[axis]
    shape[axis] = length
    return _new(first, shape)


def _softmax(tensor: torch.Tensor, axis: int, half_to_float: bool = False) -> torch.Tensor | None:
    if half_to_float or not tensor.is_contiguous() or not tensor.is_floating_point() or not tensor.dim():
        return None
    return _like(tensor) if -tensor.dim() <= axis < tensor.dim() else None


def _safe_softmax(tensor: torch.Tensor, axis: int, dtype: Any = None) -> torch.Tensor | None:
    return _softmax(tensor, axis) if dtype is None else None


def _same(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor | None:
    return _like(tensor) if tensor.is_floating_point() and _is_dense(tensor) else None


def _itself(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor | None:
    return tensor if tensor.is_floating_point() else None


def _limited(tensor: torch.Tensor, low: Any = None, high: Any = None) -> torch.Tensor | None:
    return _same(tensor) if low is not None or high is not None else None


def _pair(left: torch.Tensor, right: Any, **_: Any) -> torch.Tensor | None:
    """Two tensors of which one has the shape of the result, or a tensor and a number."""
    if not isinstance(right, torch.Tensor):
        return _same(left) if isinstance(right, (int, float)) else None
    if right.dtype != left.dtype or right.device != left.device or not left.is_floating_point():
        return None
    if left.shape == right.shape:
        return _like(left) if _is_dense(left) else None  # the first decides on the order in memory
    long, low = (left, right) if left.dim() >= right.dim() and left.numel() >= right.numel() else (right, left)
    if not low.dim() or low.dim() > long.dim() or not long.is_contiguous() or not low.is_contiguous():
        return None
    sizes = zip(low.shape, long.shape[long.dim() - low.dim() :], strict=True)
    return _like(long) if all(size in (1, there) for size, there in sizes) else None


def _into(left: torch.Tensor, right: Any, **_: Any) -> torch.Tensor | None:
    """The same, written into the first."""
    if isinstance(right, torch.Tensor):
        return left if right.shape == left.shape and right.dtype == left.dtype and right.device == left.device else None
    return left if isinstance(right, int) or (isinstance(right, float) and left.is_floating_point()) else None


def _roll(tensor: torch.Tensor, shifts: Any, axes: Any = ()) -> torch.Tensor | None:
    count = tensor.dim()
    if len(shifts) != len(axes) or not tensor.is_contiguous() or any(not -count <= axis < count for axis in axes):
        return None
    return _like(tensor)


def _mean(tensor: torch.Tensor, axes: Any, keep: bool = False, *, dtype: Any = None) -> torch.Tensor | None:
    count = tensor.dim()
    if dtype is not None or not axes or not tensor.is_contiguous() or not tensor.is_floating_point():
        return None
    if any(not -count <= axis < count for axis in axes) or len({axis % count for axis in axes}) != len(axes):
        return None
    gone = {axis % count for axis in axes}
    sizes = [1 if axis in gone else size for axis, size in enumerate(tensor.shape) if keep or axis not in gone]
    return _new(tensor, sizes)


def _grid_sample(tensor: torch.Tensor, grid: torch.Tensor, *_: Any) -> torch.Tensor | None:
    batch, whole = tensor.shape[0], tensor.dim() == grid.dim() == 4
    if not whole or tuple(grid.shape[::3]) != (batch, 2) or tensor.dtype != grid.dtype or not tensor.is_contiguous():
        return None
    return _new(tensor, (batch, tensor.shape[1], *grid.shape[1:3]))


def _norm(tensor: torch.Tensor, order: Any = 2, axes: Any = None, keep: bool = False, **kinds: Any) -> Any:
    return _mean(tensor, axes, keep, **kinds) if order == 2 else None


_RULES: dict[Any, Callable[..., Any]] = {
    _aten.native_batch_norm.default: _batch_norm,
    _aten.native_layer_norm.default: _layer_norm,
    _aten.addmm.default: _addmm,
    _aten.cat.default: _concatenation,
    _aten._softmax.default: _softmax,
    _aten._safe_softmax.default: _safe_softmax,
    _aten._log_softmax.default: _softmax,
    _aten.native_group_norm.default: _group_norm,
    _aten.clamp.default: _limited,
    **dict.fromkeys(
        (_aten.gelu.default, _aten.relu.default, _aten.silu.default, _aten.sigmoid.default, _aten.tanh.default,
         _aten.hardsigmoid.default, _aten.hardswish.default, _aten.elu.default, _aten.leaky_relu.default,
         _aten.softplus.default, _aten.mish.default, _aten.exp.default, _aten.neg.default, _aten.clamp_min.default),
        _same,
    ),
    **dict.fromkeys(
        (_aten.relu_.default, _aten.silu_.default, _aten.sigmoid_.default, _aten.tanh_.default,
         _aten.hardsigmoid_.default, _aten.hardswish_.default, _aten.elu_.default, _aten.leaky_relu_.default),
        _itself,
    ),
    **dict.fromkeys(
        (_aten.add.Tensor, _aten.sub.Tensor, _aten.mul.Tensor, _aten.div.Tensor, _aten.mul.Scalar), _pair
    ),
    **dict.fromkeys((_aten.add_.Tensor, _aten.mul_.Tensor), _into),
    _aten.grid_sampler_2d.default: _grid_sample,
    _aten.linalg_vector_norm.default: _norm,
    _aten.roll.default: _roll,
    _aten.mean.dim: _mean,
}  # fmt: skip
