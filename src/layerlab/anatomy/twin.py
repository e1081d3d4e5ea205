"""Running somebody's module without leaving a trace.

Two ways: a twin on the ``meta`` device, which has shapes and no numbers; and, where ``meta`` cannot go
(control flow that depends on values), the module itself with everything put back afterwards.
"""

from __future__ import annotations

import copy
import random
import sys
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FunctionType
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

__all__ = [
    "held_tensors",
    "map_tensors",
    "memory_of",
    "meta_tensor",
    "meta_twin",
    "plainly",
    "preserved",
    "same_random_state",
    "tensors_in",
]

T = TypeVar("T")

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of a nested argument or result (tuples, lists, dicts, dataclasses), in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from tensors_in(getattr(value, name))


def memory_of(tensor: torch.Tensor) -> int:
    """Return what identifies the tensor's memory, on any device; views share it."""
    return int(tensor.untyped_storage()._cdata) if tensor.layout is torch.strided else -id(tensor)


def map_tensors(value: T, move: Any) -> T:
    """Return the nested value with every tensor replaced by ``move(tensor)``."""
    if isinstance(value, torch.Tensor):
        moved: T = move(value)
        return moved
    kind: Any = type(value)
    if isinstance(value, Mapping):
        mapped: T = kind({key: map_tensors(item, move) for key, item in value.items()})
        return mapped
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        named: T = kind(*(map_tensors(item, move) for item in value))
        return named
    if isinstance(value, (tuple, list)):
        sequence: T = kind(map_tensors(item, move) for item in value)
        return sequence
    return value


def meta_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the same shape, strides and type that has no memory."""
    if tensor.layout is torch.strided and tensor.is_contiguous():  # forty times as fast
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return torch.empty_like(tensor, device="meta", requires_grad=False)


def meta_twin(module: nn.Module) -> nn.Module:
    """Return a copy of the module in evaluation mode with all tensors on ``meta``; no weight is copied.

    Hooks that are plain functions stay behind: what they collect is their owner's.
    """
    memo: dict[int, Any] = _empty_copies(module)
    for tensor in (*module.parameters(), *module.buffers()):
        memo[id(tensor)] = _meta_parameter(tensor) if isinstance(tensor, nn.Parameter) else meta_tensor(tensor)
    with _WithoutMemory():
        twin = copy.deepcopy(module, memo)
    for part in twin.modules():
        _drop_plain_hooks(part)
        part.training = False
    return twin


def _empty_copies(module: nn.Module) -> dict[int, Any]:
    """Return copies of the modules' empty containers: each has a dozen, and ``deepcopy`` makes them slowly."""
    copies: dict[int, Any] = {}
    for part in module.modules():
        for value in part.__dict__.values():
            if isinstance(value, (dict, set)) and not value and type(value) in (dict, OrderedDict, set):
                copies[id(value)] = type(value)()
    return copies


def _meta_parameter(parameter: nn.Parameter) -> nn.Parameter:
    if isinstance(parameter, nn.parameter.UninitializedParameter):
        lazy: Any = nn.parameter.UninitializedParameter
        twin: nn.Parameter = lazy(parameter.requires_grad, "meta", parameter.dtype)
        return twin
    return nn.Parameter(meta_tensor(parameter.detach()), requires_grad=parameter.requires_grad)


def _drop_plain_hooks(module: nn.Module) -> None:
    for name in _HOOKS:
        hooks = getattr(module, name)
        for key in [key for key, hook in hooks.items() if isinstance(hook, FunctionType)]:
            del hooks[key]


class _WithoutMemory(TorchFunctionMode):
    """While it is on, copying a tensor gives one on ``meta``."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.__deepcopy__ or func is torch.Tensor.clone:
            return meta_tensor(args[0].detach())
        return func(*args, **(kwargs or {}))


def held_tensors(module: nn.Module) -> Iterator[torch.Tensor]:
    """Yield the module's parameters and buffers, then the tensors among its attributes and in their containers."""
    for part in module.modules():
        yield from (tensor for tensor in part._parameters.values() if tensor is not None)
        yield from (tensor for tensor in part._buffers.values() if tensor is not None)
        for name, value in part.__dict__.items():
            container = isinstance(value, (list, tuple, Mapping)) and name not in _OF_TORCH
            if container or isinstance(value, torch.Tensor):
                yield from tensors_in(value)


_OF_TORCH = frozenset(vars(nn.Module()))  # _modules, _forward_hooks and the like hold none, or were seen


@contextmanager
def plainly(module: nn.Module) -> Iterator[None]:
    """Make attention and recurrent layers run as the plain operations that have a formula; without gradients.

    The oneDNN library has one operation for a whole recurrent layer; elsewhere it stays on, since it is faster.
    """
    recurrent = any(isinstance(part, nn.RNNBase) for part in module.modules())
    fast = torch.backends.mha.get_fastpath_enabled()
    onednn = torch._C._get_mkldnn_enabled()
    with ExitStack() as stack:
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        stack.callback(torch._C._set_mkldnn_enabled, onednn)
        torch.backends.mha.set_fastpath_enabled(False)
        torch._C._set_mkldnn_enabled(onednn and not recurrent)
        stack.enter_context(torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH))
        stack.enter_context(torch.no_grad())
        stack.enter_context(same_random_state())
        yield


@contextmanager
def same_random_state() -> Iterator[None]:
    """Put back the state of every random generator that a forward may draw from."""
    python, cpu = random.getstate(), torch.get_rng_state()
    on_device = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = torch.cuda.get_rng_state_all() if on_device else []
    numpy = sys.modules.get("numpy")
    array = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        random.setstate(python)
        torch.set_rng_state(cpu)
        if on_device:
            torch.cuda.set_rng_state_all(devices)
        if numpy is not None:
            numpy.random.set_state(array)


@contextmanager
def preserved(module: nn.Module) -> Iterator[None]:
    """Put the module in evaluation mode, and everything that a forward can change back afterwards.

    Kept: each module's class, attributes, hooks, parameters and buffers, gradients and training flag. The content of
    tensors is not copied here: whoever runs the module saves it before an operation writes to it.
    """
    parts = list(module.modules())
    kept = [(part, part.__class__, dict(part.__dict__), _contents(part)) for part in parts]
    parameters = [(p, p.grad, p.requires_grad) for p in module.parameters() if not is_lazy(p)]
    try:
        for part in parts:
            _drop_plain_hooks(part)
            part.__dict__["training"] = False
        yield
    finally:
        for part, kind, attributes, contents in kept:
            object.__setattr__(part, "__class__", kind)
            part.__dict__.clear()
            part.__dict__.update(attributes)
            for container, content in contents:
                _refill(container, content)
        for parameter, gradient, trainable in parameters:
            parameter.requires_grad_(trainable)
            parameter.grad = gradient


def _contents(part: nn.Module) -> list[tuple[Any, Any]]:
    """Return what is mutable among a module's attributes, at any depth of containers, with a copy of what it holds."""
    found: list[tuple[Any, Any]] = []
    known: set[int] = set()
    arrays = (sys.modules["numpy"].ndarray,) if "numpy" in sys.modules else ()

    def visit(value: Any) -> None:
        if type(value) in _IMMUTABLE:
            return
        if isinstance(value, _CONTAINERS):
            if id(value) in known:
                return
            known.add(id(value))
            found.append((value, tuple(value.items() if isinstance(value, dict) else value)))
        if isinstance(value, (list, tuple, deque)):
            for item in value:
                visit(item)
        elif isinstance(value, dict):
            for item in value.values():
                visit(item)
        elif isinstance(value, torch.Generator):
            found.append((value, value.get_state()))
        elif isinstance(value, arrays):
            found.append((value, value.copy()))

    for value in part.__dict__.values():
        visit(value)
    return found


_IMMUTABLE = frozenset({bool, int, float, str, type(None), torch.Tensor, nn.Parameter, FunctionType})
_CONTAINERS = (list, dict, set, deque)


def _refill(holder: Any, content: Any) -> None:
    if isinstance(holder, torch.Generator):
        holder.set_state(content)
        return
    if not isinstance(holder, _CONTAINERS):
        holder[...] = content
        return
    holder.clear()
    if isinstance(holder, (list, deque)):
        holder.extend(content)
    else:
        holder.update(content)
