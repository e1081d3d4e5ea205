"""Run a module once and note, for every module of its tree, what went in, what came out and what it cost."""

from __future__ import annotations

import sys
import weakref
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from layerlab.anatomy import cost
from layerlab.anatomy.memory import Alive, Kept
from layerlab.anatomy.operations import Graph, unwatched
from layerlab.anatomy.overwritten import Overwritten
from layerlab.anatomy.reach import follow
from layerlab.anatomy.record import Call, Failure, Operation, Shape
from layerlab.anatomy.settings import settings_of
from layerlab.anatomy.shapes import known_result
from layerlab.anatomy.span import Reach, input_reach
from layerlab.anatomy.twin import memory_of, plainly, tensors_in

__all__ = ["ForwardFailed", "Trace", "Visit", "nearest", "position_axes", "tree", "watch"]


@dataclass
class Visit:
    """What was seen of the module at one path, over all of its calls."""

    calls: int = 0
    inputs: tuple[Shape, ...] = ()
    outputs: tuple[Shape, ...] = ()
    macs: int = 0
    element_operations: int = 0
    activation_bytes: int = 0
    incoming: Reach | None = None
    reach: Reach | None = None
    shapes_differ: bool = False


@dataclass
class Trace:
    """The result of one watched run."""

    visits: dict[str, Visit] = field(default_factory=lambda: defaultdict(Visit))
    used: set[int] = field(default_factory=set)
    uncounted: set[str] = field(default_factory=set)
    operations: tuple[Operation, ...] = ()
    results: tuple[int, ...] = ()
    peak_bytes: int = 0
    backward_bytes: int | None = None
    written: tuple[torch.Tensor, ...] = ()  # parameters and buffers, or parts of them, that the forward wrote to


class ForwardFailed(Exception):  # noqa: N818 - it is caught inside the package and names a happening
    """The module's forward raised; says in which module."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


@dataclass
class _Frame:
    path: str
    module: nn.Module
    within: tuple[Call, ...]
    inputs: tuple[torch.Tensor, ...]
    incoming: Reach | None  # taken on entry: the module may write into its input
    pending: BaseException | None


def tree(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield every path of the module tree with its module, parents first; a shared module under each name."""

    def walk(path: str, part: nn.Module, above: tuple[int, ...]) -> Iterator[tuple[str, nn.Module]]:
        yield path, part
        for name, child in part._modules.items():
            if child is not None and id(child) not in above:
                yield from walk(f"{path}.{name}" if path else name, child, (*above, id(child)))

    return walk("", module, (id(module),))


def nearest(paths: Sequence[str], running: Iterable[str]) -> str:
    """Return that of a module's paths which is below a running one, the innermost first; else its first path."""
    if len(paths) > 1:
        for outer in running:
            below = [path for path in paths if path.startswith(f"{outer}." if outer else "")]
            if below:
                return below[0]
    return paths[0]


def watch(
    module: nn.Module,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    guarded: nn.Module,
    operations: bool = True,
    kept: Kept | None = None,
) -> Trace:
    """Run ``module(*args, **kwargs)`` and return what was seen. Our hooks are gone afterwards.

    Args:
        module: what to run.
        args: its positional arguments.
        kwargs: its arguments by name.
        guarded: whose parameters and buffers get their content back if an operation writes to them.
        operations: whether to look at each operation; without it only calls and shapes are noted, faster.
        kept: counts what would be kept for a backward pass, where it is given.

    Raises:
        ForwardFailed: the forward raised.
    """
    recorder = _Recorder(module, guarded, operations)
    for number, tensor in enumerate(tensors_in([list(args), dict(kwargs)])):
        recorder.graph.input(number, tensor)
        recorder.alive.born(tensor)
        axes = position_axes(tensor, module)
        if axes:
            recorder.know(tensor, input_reach(tensor.shape, axes))
    with ExitStack() as stack:
        stack.enter_context(plainly(module))
        stack.enter_context(recorder.hooked())
        stack.callback(recorder.overwritten.put_back)
        stack.enter_context(recorder)
        if operations:
            stack.enter_context(recorder.graph)
        if kept is not None:
            stack.enter_context(kept.counting())
        try:
            results = module(*args, **kwargs)
        except Exception as error:
            raise ForwardFailed(recorder.failure_of(error)) from error
        recorder.trace.results = recorder.graph.sources_of(results)
    recorder.trace.operations = recorder.graph.operations()
    recorder.trace.written = recorder.overwritten.tensors
    recorder.trace.backward_bytes = kept.bytes if kept is not None else None
    recorder.trace.peak_bytes = recorder.alive.peak
    return recorder.trace


def position_axes(tensor: torch.Tensor, module: nn.Module) -> range:
    """Return the axes of an input along which positions run: all behind the channels, or a sequence's time."""
    ids, sequence = 2, 3  # (batch, time) of whole numbers; (batch, channels, time) or (batch, time, features)
    if tensor.dim() > sequence:
        return range(2, tensor.dim())
    if tensor.dim() == sequence:
        channels_first = any("1d" in name and ("Conv" in name or "Pool" in name) for name in _class_names(module))
        return range(2, 3) if channels_first else range(1, 2)
    return range(1, 2) if tensor.dim() == ids and not tensor.is_floating_point() else range(0)


def _class_names(module: nn.Module) -> set[str]:
    return {type(part).__name__ for part in module.modules()}


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation, and through hooks which module it belongs to."""

    def __init__(self, module: nn.Module, guarded: nn.Module, operations: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = Trace()
        self._operations = operations
        self._module = module
        self._paths: dict[int, list[str]] = defaultdict(list)
        for path, part in tree(module):
            self._paths[id(part)].append(path)
        self._stack: list[_Frame] = []
        self._begun: dict[str, int] = defaultdict(int)
        self.graph = Graph(self._stack)
        self.alive = Alive((*module.parameters(), *module.buffers()))
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], Reach]] = {}
        self._failure: Failure | None = None
        self._parameters = {id(parameter) for parameter in module.parameters()}
        self.overwritten = Overwritten(guarded)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from wrapping what sees each operation, which would import its compiler (two seconds)."""
        return False

    # Reaches by tensor. The object that an operation returns is the one that the next gets; a reference that
    # is weak frees memory in a real run, and tells an address that was used again from the tensor that had
    # it before.

    def know(self, tensor: torch.Tensor, reach: Reach) -> None:
        self._known[id(tensor)] = (weakref.ref(tensor), reach)

    def find(self, value: Any) -> Reach | None:
        entry = self._known.get(id(value))
        return entry[1] if entry is not None and entry[0]() is value else None

    # Modules

    @contextmanager
    def hooked(self) -> Iterator[None]:
        handles = []
        try:
            for part in self._module.modules():
                handles.append(part.register_forward_pre_hook(self._enter, with_kwargs=True))
                handles.append(part.register_forward_hook(self._leave, with_kwargs=True, always_call=True))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _path_of(self, module: nn.Module) -> str:
        """Return the module's path; of several, the one below the module that is running."""
        return nearest(self._paths.get(id(module)) or [""], [frame.path for frame in reversed(self._stack)])

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        inputs = tuple(tensors_in([list(args), dict(kwargs)]))
        path = self._path_of(module)
        within = (*(self._stack[-1].within if self._stack else ()), (path, self._begun[path]))
        self._begun[path] += 1
        self._stack.append(_Frame(path, module, within, inputs, self._widest(inputs), sys.exc_info()[1]))

    def _leave(self, module: nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        while self._stack:
            frame = self._stack.pop()
            if frame.module is module:
                break
        else:
            return
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and error is not frame.pending:
            if self._failure is None or self._failure.error is not error:
                self._failure = self._describe(frame, error)
            return
        with unwatched():
            self._note_call(frame, output)

    def _note_call(self, frame: _Frame, output: Any) -> None:
        outputs = tuple(tensors_in(output))
        inputs = tuple(tuple(tensor.shape) for tensor in frame.inputs)
        visit = self.trace.visits[frame.path]
        visit.calls += 1
        if visit.calls == 1:
            visit.inputs = inputs
            visit.outputs = tuple(tuple(tensor.shape) for tensor in outputs)
            visit.incoming = frame.incoming
            visit.reach = self._widest(outputs)
        elif inputs != visit.inputs:
            visit.shapes_differ = True
        if not frame.module._modules:
            held = {memory_of(tensor) for tensor in frame.inputs}
            visit.activation_bytes += sum(tensor.nbytes for tensor in outputs if memory_of(tensor) not in held)

    def _widest(self, tensors: Sequence[torch.Tensor]) -> Reach | None:
        reaches = [reach for reach in map(self.find, tensors) if reach is not None]
        return max(reaches, key=lambda reach: (len(reach.spans), reach.field)) if reaches else None

    def _describe(self, frame: _Frame, error: Exception) -> Failure:
        shapes = tuple(tuple(tensor.shape) for tensor in frame.inputs)
        return Failure(frame.path, type(frame.module).__name__, shapes, settings_of(frame.module), error)

    def failure_of(self, error: Exception) -> Failure:
        if self._failure is not None and self._failure.error is error:
            return self._failure
        return Failure("", type(self._module).__name__, (), settings_of(self._module), error)

    # Operations

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.overwritten.before(func, args, kwargs)
        if not self._operations:
            return _result(func, args, kwargs)
        if cost.is_composite(func):
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = _result(func, args, kwargs)
        with unwatched():
            self._note_operation(func, args, kwargs, result)
        return result

    def _note_operation(self, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        for argument in args:
            for value in argument if isinstance(argument, (list, tuple)) else (argument,):
                if id(value) in self._parameters:
                    self.trace.used.add(id(value))
        outputs = list(tensors_in(result))
        if not outputs:
            return
        frame = self._stack[-1] if self._stack else None
        visit = self.trace.visits[frame.path if frame else ""]
        macs = cost.macs(func, args, kwargs, result)
        element_operations = cost.element_operations(func, args, outputs)
        visit.macs += macs
        visit.element_operations += element_operations
        node = self.graph.node or self.graph.unseen(cost.packet_name(func), args, kwargs, outputs)
        node.moves = node.moves or not cost.is_view(func)
        node.macs += macs
        node.element_operations += element_operations
        if cost.is_ruleless(func):
            self.trace.uncounted.add(str(func.overloadpacket))
        if (frame is None or frame.module._modules) and cost.allocates(func):
            visit.activation_bytes += sum(tensor.nbytes for tensor in outputs)
        for output in outputs:
            self.alive.born(output)
        for output, reach in zip(outputs, follow(cost.packet_name(func), args, self.find, outputs), strict=True):
            if reach is not None:
                self.know(output, reach)


def _result(func: Any, args: Any, kwargs: Any) -> Any:
    with unwatched():
        result = known_result(func, args, kwargs)
    return result if result is not None else func(*args, **kwargs)
