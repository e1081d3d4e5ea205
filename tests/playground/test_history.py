from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerlab.playground.history import Curve, History
from layerlab.playground.network import Snapshot
from layerlab.playground.session import Session


def rows(first: int, last: int) -> np.ndarray:
    epochs = np.arange(first, last + 1)
    return np.column_stack([epochs, 1 / (epochs + 1), 2 / (epochs + 1)])


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(4, 50))
def test_a_curve_keeps_the_first_the_last_and_an_even_part_of_the_rest(parts: list[int], most: int) -> None:
    curve = Curve(most)
    end = 0
    curve.append(rows(0, 0))
    for part in parts:
        curve.append(rows(end + 1, end + part))
        end += part
        kept = curve.rows()[:, 0]
        assert len(kept) <= most
        assert kept[0] == 0
        assert kept[-1] == end
        steps = set(np.diff(kept[:-1]))
        assert len(steps) <= 1
        assert end < most or len(kept) > most / 4
    np.testing.assert_array_equal(curve.rows(), rows(0, end)[curve.rows()[:, 0].astype(int)])


def test_a_curve_can_be_cut_and_go_on() -> None:
    curve = Curve()
    curve.append(rows(0, 100))
    assert curve.rows(40)[-1, 0] == 40
    curve.cut(40)
    curve.append(rows(41, 45))
    assert curve.rows()[:, 0].tolist() == list(range(46))


def snapshot(epoch: int) -> Snapshot:
    session = Session("networkShape=1")
    session.network.epoch = epoch
    return session.network.snapshot()


@pytest.fixture(scope="module")
def snapshots() -> list[Snapshot]:
    return [snapshot(epoch) for epoch in range(260)]


def test_a_history_thins_out_evenly(snapshots: list[Snapshot]) -> None:
    history = History(100)
    for each in snapshots[:200]:
        history.add(each)
    assert history.epochs == list(range(200))
    for each in snapshots[200:]:
        history.add(each)
    assert history.epochs == [*range(0, 259, 2), 259]
    assert history.until_next(259) == 1
    assert history.until_next(258) == 2


def test_the_first_state_stays_wherever_the_history_began(snapshots: list[Snapshot]) -> None:
    history = History(100)
    for each in snapshots[7:]:
        history.add(each)
    assert history.epochs == [7, *range(8, 259, 2), 259]


def test_large_networks_keep_fewer_states(snapshots: list[Snapshot]) -> None:
    history = History(800_000)
    for each in snapshots:
        history.add(each)
    assert len(history.epochs) <= 10
    assert history.epochs[0] == 0
    assert history.epochs[-1] == 259


def test_the_nearest_state(snapshots: list[Snapshot]) -> None:
    history = History(100)
    for epoch in (0, 10, 20, 31):
        history.add(snapshots[epoch])
    assert history.nearest(14).epoch == 10
    assert history.nearest(15).epoch == 10
    assert history.nearest(16).epoch == 20
    assert history.nearest(10**9).epoch == 31
    assert history.before(19).epoch == 10
    assert history.before(20).epoch == 20


def test_adding_replaces_what_came_later(snapshots: list[Snapshot]) -> None:
    history = History(100)
    for epoch in (0, 10, 20, 30):
        history.add(snapshots[epoch])
    history.add(snapshots[10])
    assert history.epochs == [0, 10]
    history.cut(5)
    assert history.epochs == [0]
