"""Times of layers: they add up, they are whose they are said to be, and they stand beside the right bound."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from odd_models import (
    DependsOnValues,
    DrawsNumbers,
    Image,
    Remembers,
    SetsItself,
    ValuesThenRaises,
    Vector,
    frozen_batch_norm,
    lazy,
    snapshot,
    with_gradients,
    with_hooks,
)
from torch import nn

from layerlab.anatomy import dissect
from layerlab.anatomy.record import Operation
from layerlab.anatomy.roofline import Machine, bound_of, measure_machine
from layerlab.anatomy.timing import TimedLayer, Timing, time_layers
from layerlab.anatomy.timing_table import duration, text_timing
from layerlab.errors import LayerlabError

MACHINE = Machine("cpu", "float32", 1, 1e9, ((100, 1e9), (10_000, 1e8)))


class Sleeps(nn.Module):
    """Takes a time of its own, and that of its children."""

    def __init__(self, seconds: float, *children: nn.Module) -> None:
        super().__init__()
        self.seconds = seconds
        self.parts = nn.ModuleList(children)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(self.seconds)
        for part in self.parts:
            x = part(x)
        return x


@pytest.mark.alone
def test_times_are_whose_they_are() -> None:
    inner = Sleeps(0.01)
    timing = time_layers(Sleeps(0.02, inner, Sleeps(0.005), inner), Vector, seconds=0.3)
    root, first, second = timing[""], timing["parts.0"], timing["parts.1"]
    assert root.own_seconds == pytest.approx(0.02, rel=0.3)
    assert first.own_seconds == pytest.approx(0.02, rel=0.3)
    assert second.own_seconds == pytest.approx(0.005, rel=0.5)
    assert root.seconds == pytest.approx(0.045, rel=0.3)
    assert (root.calls, first.calls, second.calls) == (1, 2, 1)
    assert [row.path for row in timing.rows] == ["", "parts.0", "parts.1"]
    assert timing.repeats >= 3
    assert timing.plain_seconds == pytest.approx(timing.seconds, rel=0.3)
    assert abs(timing.overhead) < 0.3


@pytest.mark.alone
def test_own_times_add_up_to_the_whole() -> None:
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Sequential(nn.Conv2d(16, 16, 3), nn.ReLU()), nn.Flatten())
    timing = time_layers(model, (3, 64, 64), seconds=0.3)
    own = sum(row.own_seconds for row in timing.rows)
    assert own + timing.between_seconds == pytest.approx(timing.seconds)
    assert sum(row.share for row in timing.rows) == pytest.approx(1, abs=0.2)
    assert abs(timing.between_seconds) < 0.2 * timing.seconds
    assert {row.path for row in timing.rows} == {"", "0", "1", "2", "2.0", "2.1", "3"}
    assert timing["2"].seconds >= timing["2.0"].seconds


@pytest.mark.alone
def test_module_that_calls_itself_is_counted_once() -> None:
    class Again(nn.Module):
        def forward(self, x: torch.Tensor, depth: int = 2) -> torch.Tensor:
            time.sleep(0.01)
            return self(x, depth - 1) if depth else x

    timing = time_layers(Again(), Vector, seconds=0.2)
    assert timing[""].calls == 3
    assert timing[""].seconds == pytest.approx(0.03, rel=0.3)
    assert timing[""].own_seconds == pytest.approx(0.03, rel=0.3)


@pytest.mark.parametrize(
    ("macs", "moved", "arithmetic", "memory"),
    [
        (1000, 0, 2e-6, 0.0),  # 2 x MACs at 1e9 a second
        (0, 200, 0.0, 2e-7),  # in a cache
        (0, 20_000, 0.0, 2e-4),  # in memory, which is slower
        (1000, 200, 2e-6, 0.0),
        (50, 200, 0.0, 2e-7),
        (0, 10, 0.0, 1e-8),  # smaller than the smallest copy
    ],
)
def test_bound_by_hand(macs: int, moved: int, arithmetic: float, memory: float) -> None:
    operation = Operation(0, "linear", (), (), (), (), macs, 0, moved)
    bound = bound_of([operation], MACHINE)
    assert (bound.arithmetic, bound.memory) == pytest.approx((arithmetic, memory))
    assert bound_of([operation, operation], MACHINE).seconds == pytest.approx(2 * (arithmetic + memory))
    assert bound.binds == ("arithmetic" if arithmetic > memory else "memory")


def test_nothing_is_bound_by_nothing() -> None:
    assert bound_of([], MACHINE).binds is None


def test_layers_stand_beside_their_bounds() -> None:
    model = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Flatten())
    timing = time_layers(model, (512,), batch=512, seconds=0.1)
    linear, relu, flat = (timing[path] for path in "012")
    assert linear.bound_seconds == pytest.approx(2 * 512**3 / timing.machine.flops)
    assert linear.binds == "arithmetic"
    size = 2 * 4 * 512**2
    assert relu.bound_seconds == pytest.approx(size / timing.machine.bandwidth(size))
    assert relu.binds == "memory"
    assert (flat.bound_seconds, flat.binds, flat.ratio) == (0, None, None)
    assert linear.ratio is not None
    assert 0.3 < linear.ratio < 30  # a cached product, of another shape, on a machine that does other things too
    assert timing.bound_seconds == pytest.approx(sum(row.bound_seconds for row in timing.rows))


def test_views_move_nothing_and_tables_only_what_is_picked() -> None:
    class Picks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(10_000, 8)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            rows = self.table(ids)
            return nn.functional.dropout(rows, training=False).transpose(1, 2)[:, :4].relu()

    operations = {operation.name: operation.moved_bytes for operation in dissect(Picks(), (5,)).operations}
    assert operations == {
        "embedding": 2 * 4 * 5 * 8, "dropout": 0, "transpose": 0, "__getitem__": 0, "relu": 2 * 4 * 5 * 4,
    }  # fmt: skip


def test_machine_is_measured_once() -> None:
    machine = measure_machine(torch.device("cpu"), torch.float32)
    assert measure_machine(torch.device("cpu"), torch.float32) is machine
    assert measure_machine(torch.device("cpu"), torch.int64) is machine
    assert machine.flops > 1e8
    rates = [rate for _, rate in machine.bandwidths]
    assert rates == sorted(rates, reverse=True)
    assert machine.bandwidth(1) == rates[0]
    assert machine.bandwidth(1e12) == rates[-1]


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (Remembers, Vector),
        (DependsOnValues, Vector),
        (DrawsNumbers, Vector),
        (SetsItself, Vector),
        (frozen_batch_norm, Image),
        (with_gradients, Vector),
        (with_hooks, Vector),
        (ValuesThenRaises, Vector),
        (lazy, Image),
    ],
)
def test_timing_leaves_no_trace(build: Callable[[], nn.Module], size: Any) -> None:
    model = build()
    before = snapshot(model)
    if build in (ValuesThenRaises, lazy):
        with pytest.raises(LayerlabError, match=r"half way|is lazy"):
            time_layers(model, size, seconds=0.01)
    else:
        assert time_layers(model, size, seconds=0.01).rows
    assert snapshot(model) == before


def test_what_cannot_be_timed_is_said() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(LayerlabError) as error:
        time_layers(model, Vector)
    assert str(error.value) == 'time needs a model in memory: "0.weight" is on meta; build the model on a device'
    with pytest.raises(LayerlabError) as error:
        time_layers(lazy(), Image)
    assert str(error.value) == 'time needs a model that is initialised: "0.weight" is lazy; run the model once first'
    for seconds in (0, -1, "3", float("inf"), float("nan"), True):
        with pytest.raises(LayerlabError, match=r"seconds is .*: it must be a positive number"):
            time_layers(nn.Linear(4, 4), Vector, seconds=seconds)  # type: ignore[arg-type]
    with pytest.raises(LayerlabError, match=r"Linear expects 4 features and gets 5"):
        time_layers(nn.Linear(4, 4), (5,))
    with pytest.raises(LayerlabError, match=r"takes a torch.nn.Module, not int"):
        time_layers(3, (5,))  # type: ignore[arg-type]


def test_a_given_anatomy_is_used() -> None:
    model = nn.Linear(64, 64)
    anatomy = dissect(model, (64,))
    assert time_layers(model, (64,), seconds=0.01, anatomy=anatomy)[""].bound_seconds > 0


def test_one_long_run_is_enough() -> None:
    timing = time_layers(Sleeps(0.05), Vector, seconds=0.01)
    assert timing.repeats == 1
    assert "one run only" in timing.notes[0]


def test_fused_layers_are_said() -> None:
    timing = time_layers(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (3, 8), seconds=0.01)
    assert "fused transformer layer" in timing.notes[-1]
    assert timing["self_attn"].calls == 1


def made() -> Timing:
    rows = (
        TimedLayer("", "Net", 0, 1, 0.01, 0.001, 0.1, 0.0, None),
        TimedLayer("conv", "Conv2d", 1, 1, 0.006, 0.006, 0.6, 0.003, "arithmetic"),
        TimedLayer("relu", "ReLU", 1, 2, 0.002, 0.002, 0.2, 0.00001, "memory"),
        TimedLayer("fc", "Linear", 1, 1, 0.0005, 0.0005, 0.05, 0.0001, "memory"),
    )
    return Timing(rows, 0.01, 0.008, 0.0005, 12, MACHINE, ((1, 3, 8, 8),), ("a note",))


def test_table_of_times() -> None:
    assert text_timing(made(), most=2, width=100).splitlines() == [
        "Net, input 1x3x8x8: 8.00 ms for one run",
        "layer              kind   own time  share at best   bound by ratio",
        "conv               Conv2d  6.00 ms 60.0 % 3.00 ms arithmetic   2.0",
        "relu               ReLU    2.00 ms 20.0 % 10.0 us     memory 200.0",
        "2 others                   1.50 ms 15.0 %  100 us             15.0",
        "between the layers          500 us  5.0 %",
        "total                      10.0 ms  100 % 3.11 ms              3.2",
        "measured on cpu, 1 thread, float32: 1.00 GFLOP/s in a matrix product, 100 MB/s copied in memory,",
        "1.00 GB/s in a cache",
        "'at best' is the longer of 2 x MACs and of the bytes moved, at these rates",
        "medians of 12 runs; the clocks change a run by +25.0 % (10.0 ms with, 8.00 ms without)",
        "a note",
    ]


def test_times_as_json() -> None:
    document = made().to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["overhead"] == pytest.approx(0.25)
    assert document["rows"][1]["ratio"] == pytest.approx(2)
    assert document["machine"]["bandwidths"] == [[100, 1e9], [10_000, 1e8]]


def test_unknown_path_names_the_nearest() -> None:
    with pytest.raises(LayerlabError, match='no layer "convv" was called; did you mean "conv"'):
        made()["convv"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.50 s"), (0.0123, "12.3 ms"), (4.5e-4, "450 us"), (2e-7, "0.20 us"), (-3e-3, "-3.00 ms")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
