from __future__ import annotations

import time

import numpy as np

from layerlab.playground.session import Session
from layerlab.playground.specification import Specification
from layerlab.studio import seeds
from layerlab.studio.frames import unpack
from layerlab.studio.seeds import SeedRun, bytes_of

LARGEST = Specification(hidden_layers=(32,) * 8, batch_size=1000)


class Outlet:
    """Takes each frame at once."""

    def __init__(self) -> None:
        self.frames: list[tuple[dict, dict]] = []

    def show(self, content, sent) -> None:
        self.frames.append(unpack(content))
        sent()


def finish(run: SeedRun) -> float:
    """Give turns until the end; return the longest."""
    longest, more = 0.0, 0.0
    while more is not None:
        start = time.monotonic()
        more = run.turn(start)
        longest = max(longest, time.monotonic() - start)
    return longest


def run_of(specification: Specification, count: int, epochs: int) -> tuple[SeedRun, Outlet]:
    outlet = Outlet()
    return SeedRun(specification, list(map(str, range(count))), epochs, 0.008, outlet, lambda run: None), outlet


def test_few_large_networks_train_at_once_and_all_come_to_their_end(monkeypatch) -> None:
    specification = Specification(hidden_layers=(3,))
    monkeypatch.setattr(seeds, "MOST_BYTES", 2 * bytes_of(specification))
    run, outlet = run_of(specification, 5, 30)
    finish(run)
    header, arrays = outlet.frames[-1]
    assert (header["done"], header["total"], header["finished"]) == (5, 5, True)
    assert arrays["curves"].shape == (5, 31, 3)
    for index in range(5):
        alone = Session(specification.replace(seed=str(index)))
        alone.step(30)
        np.testing.assert_array_equal(arrays["curves"][index], np.array(alone.losses, "f4"))
        assert run.epochs_of(index) == 30


def test_a_long_run_has_a_thinned_curve_that_ends_at_its_end() -> None:
    run, outlet = run_of(Specification(hidden_layers=(1,)), 2, 603)
    finish(run)
    curve = outlet.frames[-1][1]["curves"][0]
    assert curve[:3, 0].tolist() == [0, 3, 6]
    assert curve[-1, 0] == 603
    assert len(curve) == 202


def test_a_seed_that_diverges_ends_and_the_others_go_on() -> None:
    diverging = Specification(problem="regression", activation="linear", learning_rate=1.9, hidden_layers=(4,))
    run, outlet = run_of(diverging, 4, 40)
    finish(run)
    header, arrays = outlet.frames[-1]
    assert header["finished"]
    ends = [run.epochs_of(index) for index in range(4)]
    for index, end in enumerate(ends):
        alone = Session(diverging.replace(seed=str(index)))
        alone.step(40)
        assert end == alone.epoch
        assert np.isfinite(arrays["final"][index]).all() == (not alone.diverged)
    assert min(ends) < 40


def test_the_memory_of_many_large_networks_is_bounded() -> None:
    assert bytes_of(LARGEST) > seeds.MOST_BYTES / 20
    assert bytes_of(Specification()) < seeds.MOST_BYTES / 64, "all seeds of the default network train together"


def test_a_cancelled_run_has_no_more_turns() -> None:
    run, outlet = run_of(Specification(), 2, 10_000)
    run.turn(time.monotonic())
    run.cancel()
    outlet.frames.clear()
    assert run.turn(time.monotonic()) is None
    assert not outlet.frames
