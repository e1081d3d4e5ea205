"""Where a network spends its time, layer by layer, and how near each layer comes to what the machine allows."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.collect import ForwardFailed, nearest, tree, watch
from layerlab.anatomy.diagnose import plain_failure
from layerlab.anatomy.dissection import dissect
from layerlab.anatomy.inputs import example_inputs
from layerlab.anatomy.record import Failure, Operation
from layerlab.anatomy.roofline import Machine, bound_of, measure_machine, synchronize
from layerlab.anatomy.twin import map_tensors, preserved, same_random_state, tensors_in
from layerlab.errors import LayerlabError, did_you_mean

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["TimedLayer", "Timing", "time_layers"]

_FEWEST, _MOST = 3, 200
_FUSED = (nn.TransformerEncoderLayer, nn.MultiheadAttention)


@dataclass(frozen=True)
class TimedLayer:
    """What one module of the tree takes, over all its calls in one run.

    Attributes:
        path: name as in ``named_modules()``; empty for the root.
        kind: class name.
        depth: 0 for the root, 1 for its children, ...
        calls: how often it was called in one run.
        seconds: from its entry to its exit, with everything that it calls.
        own_seconds: the same without the modules that it calls.
        share: its own time as a part of the whole, 0 to 1.
        bound_seconds: the least that its own operations can take on this machine.
        binds: ``"arithmetic"`` or ``"memory"``, whichever makes the bound; ``None`` where nothing is computed.
    """

    path: str
    kind: str
    depth: int
    calls: int
    seconds: float
    own_seconds: float
    share: float
    bound_seconds: float
    binds: str | None

    @property
    def ratio(self) -> float | None:
        """How many times as long as its bound it takes; ``None`` where there is no bound."""
        return self.own_seconds / self.bound_seconds if self.bound_seconds else None


@dataclass(frozen=True)
class Timing:
    """How long each module took, as measured; medians over the runs.

    Attributes:
        rows: the modules that were called, parents before their children. Their own times and
            ``between_seconds`` add up to ``seconds``.
        seconds: one run with the clocks in place.
        plain_seconds: one run without them.
        between_seconds: what belongs to no module: calling the first, reading the clocks, and the difference between
            a sum of medians and the median of sums, which may be below zero.
        repeats: how many runs of each kind were measured.
        machine: the rates that the bounds are made from.
        input_shapes: what went in, batch included.
        notes: what holds for the figures as a whole.

    Example:
        >>> timing = time_layers(torchvision.models.resnet18(), (3, 224, 224))
        >>> max(timing.rows, key=lambda row: row.own_seconds).path
        'layer4.0.conv2'
    """

    rows: tuple[TimedLayer, ...]
    seconds: float
    plain_seconds: float
    between_seconds: float
    repeats: int
    machine: Machine
    input_shapes: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def overhead(self) -> float:
        """What the clocks add to a run, as a part of it; may be below zero on a busy machine."""
        return self.seconds / self.plain_seconds - 1

    @property
    def bound_seconds(self) -> float:
        """The least that all operations together can take on this machine, one after another."""
        return sum(row.bound_seconds for row in self.rows)

    def __getitem__(self, path: str) -> TimedLayer:
        """Return the row of a path.

        Raises:
            LayerlabError: no module of this path was called; names the nearest.
        """
        found = next((row for row in self.rows if row.path == path), None)
        if found is None:
            known = [row.path for row in self.rows if row.path]
            raise LayerlabError(f'no layer "{path}" was called{did_you_mean(path, known)}')
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, numbers and strings; times in seconds."""
        whole = {"overhead": self.overhead, "bound_seconds": self.bound_seconds}
        plain = asdict(self) | whole
        rows = [asdict(row) | {"ratio": row.ratio} for row in self.rows]
        bandwidths = [list(pair) for pair in self.machine.bandwidths]
        return plain | {
            "rows": rows,
            "machine": plain["machine"] | {"bandwidths": bandwidths},
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "notes": list(self.notes),
        }

    def table(self, most: int = 20) -> RenderableType:
        """Return the slowest layers as a Rich renderable, at most ``most`` of them."""
        from layerlab.anatomy.timing_table import rich_timing

        return rich_timing(self, most)

    def __rich__(self) -> RenderableType:
        return self.table()

    def __str__(self) -> str:
        from layerlab.anatomy.timing_table import text_timing

        return text_timing(self)


def time_layers(
    module: nn.Module,
    inputs: Any,
    *,
    seconds: float = 3.0,
    batch: int = 1,
    dtype: torch.dtype | None = None,
    anatomy: Anatomy | None = None,
) -> Timing:
    """Return how long every module of a network takes on this machine, beside the least that it could take.

    The module really runs, in evaluation mode, and is left exactly as it was. Runs with clocks at the modules' entries
    and exits alternate with plain runs, so that what the clocks cost is known. The machine's peak and bandwidth are
    measured first, once in a process.

    Args:
        module: any PyTorch module, with its weights in memory.
        inputs: as for :func:`~layerlab.anatomy.dissect`.
        seconds: how long the runs may take; three of each kind are made in any case, one where a single run takes
            longer than that.
        batch: how many examples a size stands for.
        dtype: type of inputs given by size.
        anatomy: the dissection of the same module with the same inputs, where it is there already.

    Raises:
        LayerlabError: the module has no memory to run in, cannot take the input, or ``seconds`` is no positive number.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise LayerlabError(f"seconds is {seconds!r}: it must be a positive number")
    module = getattr(module, "_orig_mod", module)
    if isinstance(module, nn.Module):
        _check_memory(module)
    anatomy = anatomy if anatomy is not None else dissect(module, inputs, batch=batch, dtype=dtype)
    with torch.inference_mode(False):
        args, kwargs = example_inputs(module, inputs, batch, dtype)
        first = next(iter(module.parameters()), None)
        device = first.device if first is not None else torch.device("cpu")
        numbers = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
        machine = measure_machine(device, numbers)
        runs = _Runs(module, args, kwargs, device)
        with preserved(module), same_random_state(), torch.no_grad(), runs.content_kept():
            runs.repeat(seconds)
    return _aggregated(module, anatomy, runs, machine)


def _check_memory(module: nn.Module) -> None:
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            raise LayerlabError(f'time needs a model that is initialised: "{name}" is lazy; run the model once first')
        if tensor.device.type == "meta":
            raise LayerlabError(f'time needs a model in memory: "{name}" is on meta; build the model on a device')


class _Clock:
    """Marks moments of a run; on CUDA the moments when the device comes to them, elsewhere those of the processor."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._start = self._event() if device.type == "cuda" else None

    def mark(self) -> Any:
        """Return the present moment."""
        if self._start is not None:
            return self._event()
        if self._device.type != "cpu":
            synchronize(self._device)
        return time.perf_counter()

    def seconds(self, mark: Any) -> float:
        """Return when a moment was, after the device has come to it."""
        return float(mark if self._start is None else self._start.elapsed_time(mark) / 1000)

    def _event(self) -> Any:
        event = torch.Event(self._device, enable_timing=True)
        event.record()
        return event


class _Runs:
    """The measured runs of a module: its log of entries and exits, and the seconds of plain ones."""

    def __init__(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], device: torch.device) -> None:
        self._module, self._device = module, device
        self._inputs = map_tensors((tuple(args), dict(kwargs)), lambda tensor: tensor.detach().to(device, copy=True))
        self._paths: dict[int, list[str]] = defaultdict(list)
        for path, part in tree(module):
            self._paths[id(part)].append(path)
        self._log: list[tuple[nn.Module, bool, Any]] = []
        self.plain: list[float] = []
        self.whole: list[float] = []
        self.own: list[dict[str, float]] = []
        self.inclusive: list[dict[str, float]] = []
        self.calls: dict[str, int] = {}

    @contextmanager
    def content_kept(self) -> Iterator[None]:
        """Run once, unmeasured, to learn which parameters and buffers a run writes to; put them back at the end."""
        args, kwargs = self._fresh()
        try:
            written = watch(self._module, args, kwargs, guarded=self._module, operations=False).written
        except ForwardFailed as failed:
            raise LayerlabError(plain_failure(failed.failure)) from failed
        contents = [(tensor, tensor.detach().clone()) for tensor in written]
        try:
            yield
        finally:
            for tensor, content in contents:
                tensor.copy_(content)

    def repeat(self, seconds: float) -> None:
        """Run plainly and with clocks in turn, as often as the time allows.

        Raises:
            LayerlabError: the forward raised.
        """
        try:
            start = time.perf_counter()
            self._run_plainly()  # the first run of its kind chooses algorithms and fills caches
            first = time.perf_counter() - start
            self.plain.clear()
            fewest = 1 if first > seconds else _FEWEST
            while len(self.whole) < _MOST:
                self._run_plainly()
                self._run_with_clocks()
                each = (time.perf_counter() - start) / (2 * len(self.whole) + 1)
                if len(self.whole) >= fewest and time.perf_counter() - start + 2 * each > seconds:
                    return
        except Exception as error:
            shapes = tuple(tuple(tensor.shape) for tensor in tensors_in(list(self._inputs)))
            failure = Failure("", type(self._module).__name__, shapes, {}, error)
            raise LayerlabError(plain_failure(failure)) from error

    def _fresh(self) -> Any:
        """Return the inputs, copied: a layer may write into them."""
        return map_tensors(self._inputs, torch.Tensor.clone)

    def _run_plainly(self) -> None:
        args, kwargs = self._fresh()
        synchronize(self._device)
        start = time.perf_counter()
        self._module(*args, **kwargs)
        synchronize(self._device)
        self.plain.append(time.perf_counter() - start)

    def _run_with_clocks(self) -> None:
        args, kwargs = self._fresh()
        synchronize(self._device)
        clock = _Clock(self._device)
        with self._with_clocks(clock):
            start = clock.mark()
            self._module(*args, **kwargs)
            end = clock.mark()
        synchronize(self._device)
        self.whole.append(clock.seconds(end) - clock.seconds(start))
        self._read(clock.seconds)

    @contextmanager
    def _with_clocks(self, clock: _Clock) -> Iterator[None]:
        """Note every entry and exit; in the place of what calls a module, since hooks take longer than small layers."""
        log, mark = self._log, clock.mark

        def timed(part: nn.Module, call: Callable[..., Any]) -> Callable[..., Any]:
            def run(*args: Any, **kwargs: Any) -> Any:
                log.append((part, True, mark()))
                try:
                    return call(*args, **kwargs)
                finally:
                    log.append((part, False, mark()))

            return run

        fused = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # it calls no parts
        parts = list(self._module.modules())
        try:
            for part in parts:
                part.__dict__["_call_impl"] = timed(part, part._call_impl)
            yield
        finally:
            for part in parts:
                part.__dict__.pop("_call_impl", None)
            torch.backends.mha.set_fastpath_enabled(fused)

    def _read(self, seconds_at: Callable[[Any], float]) -> None:
        """Turn the log of one run into the times of each path, and empty it."""
        own: dict[str, float] = defaultdict(float)
        inclusive: dict[str, float] = defaultdict(float)
        calls: dict[str, int] = defaultdict(int)
        running: list[tuple[nn.Module, str, float]] = []
        for part, enters, mark in self._log:
            now = seconds_at(mark)
            if enters:
                path = nearest(self._paths[id(part)], [path for _, path, _ in reversed(running)])
                running.append((part, path, now))
                calls[path] += 1
                continue
            while running:
                left, path, start = running.pop()
                own[path] += now - start
                if all(path != other for _, other, _ in running):  # a module in itself is counted once
                    inclusive[path] += now - start
                if running:
                    own[running[-1][1]] -= now - start
                if left is part:
                    break
        self._log.clear()
        self.own.append(own)
        self.inclusive.append(inclusive)
        self.calls = calls


def _aggregated(module: nn.Module, anatomy: Anatomy, runs: _Runs, machine: Machine) -> Timing:
    by_path: dict[str, list[Operation]] = defaultdict(list)
    for operation in anatomy.operations:
        by_path[operation.path].append(operation)
    whole = median(runs.whole)
    rows = []
    for path, part in tree(module):
        if path not in runs.calls:
            continue
        bound = bound_of(by_path[path], machine)
        own = median(run.get(path, 0.0) for run in runs.own)
        inclusive = median(run.get(path, 0.0) for run in runs.inclusive)
        row = TimedLayer(
            path, type(part).__name__, path.count(".") + 1 if path else 0, runs.calls[path], inclusive, own,
            own / whole, bound.seconds, bound.binds,
        )  # fmt: skip
        rows.append(row)
    notes = []
    if len(runs.whole) < _FEWEST:
        notes.append("one run only, since it took longer than the time that was given: the figures are rough")
    if any(isinstance(part, _FUSED) for part in module.modules()):
        notes.append("torch's fused transformer layer is off while its parts are timed: the plain run may be faster")
    timing = Timing(
        tuple(rows), whole, median(runs.plain), 0.0, len(runs.whole), machine, anatomy.totals.input_shapes, tuple(notes)
    )
    return replace(timing, between_seconds=whole - sum(row.own_seconds for row in rows))
