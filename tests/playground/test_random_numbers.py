from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerlab.playground.random_numbers import Random


def test_the_stream_begins_as_seedrandom_begins() -> None:
    random = Random("0.5")
    assert [random.random(), random.random()] == [0.49767758747058916, 0.8074465011135612]


def test_the_documentation_of_seedrandom_shows_these() -> None:
    random = Random("hello.")
    assert [random.random(), random.random()] == [0.9282578795792454, 0.3752569768646784]


@given(st.text(max_size=20), st.lists(st.integers(0, 900), max_size=6))
def test_numbers_are_what_single_draws_give(seed: str, counts: list[int]) -> None:
    at_once, one_by_one = Random(seed), Random(seed)
    for count in counts:
        assert at_once.numbers(count).tolist() == [one_by_one.random() for _ in range(count)]
        assert at_once.random() == one_by_one.random()


def test_normals_are_what_single_draws_give() -> None:
    at_once, one_by_one = Random("0.5"), Random("0.5")
    mean = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    drawn = at_once.normals(mean, 0.7)
    assert drawn.tolist() == [[one_by_one.normal(m, 0.7) for m in row] for row in mean]
    assert at_once.random() == one_by_one.random()


def test_normals_have_their_mean_and_variance() -> None:
    drawn = Random("1").normals(np.full(20_000, 3.0), 4.0)
    assert drawn.mean() == pytest.approx(3, abs=0.05)
    assert drawn.var() == pytest.approx(4, abs=0.15)


def test_uniform_is_the_next_number_stretched() -> None:
    assert Random("0.5").uniform(-6, 6) == 0.49767758747058916 * 12 - 6


def test_shuffle_moves_rows_and_loses_none() -> None:
    rows = np.arange(60.0).reshape(20, 3)
    shuffled = rows.copy()
    Random("0.5").shuffle(shuffled)
    assert shuffled.tolist() != rows.tolist()
    assert sorted(shuffled.tolist()) == rows.tolist()


def test_shuffle_swaps_from_the_end() -> None:
    values, plain, random = np.arange(9), list(range(9)), Random("a")
    Random("a").shuffle(values)
    for counter in range(9, 0, -1):
        k = int(random.random() * counter)
        plain[counter - 1], plain[k] = plain[k], plain[counter - 1]
    assert values.tolist() == plain


def test_near_seeds_have_nothing_in_common() -> None:
    seeds = ["0.5", "0.50", "0.500", "", "é", "e", "a" * 256, "a" * 257, "😀", "\ud83d"]
    starts = [Random(seed).random() for seed in seeds]
    assert len(set(starts)) == len(starts)
    assert Random("").random() == Random("\0").random(), "an empty key counts as one zero byte"


def test_one_stream_does_not_disturb_another() -> None:
    alone = Random("0.7").numbers(50).tolist()
    first, second = Random("0.7"), Random("0.8")
    mixed = [(first.random(), second.random()) for _ in range(50)]
    assert [number for number, _ in mixed] == alone


def test_numbers_are_spread_evenly() -> None:
    drawn = Random("0.5").numbers(100_000)
    counts, _ = np.histogram(drawn, bins=16, range=(0, 1))
    assert counts.min() > 6000
    assert all(a != b for a, b in itertools.pairwise(drawn.tolist()))
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)


def test_a_stream_goes_on_as_another_does_and_leaves_it_alone() -> None:
    one, other = Random("1"), Random("2")
    one.numbers(700)
    one.random()
    other.go_on_as(one)
    wanted = one.numbers(900).tolist()
    assert other.numbers(900).tolist() == wanted
    assert other.seed == "1"
