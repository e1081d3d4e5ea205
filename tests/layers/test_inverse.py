"""The inverse lists every window between two sizes, and no other."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from layerlab import LayerlabError
from layerlab.layers import Solution, output_size, solve, transposed_output_size, why_none

sizes = st.integers(1, 14)
paddings = st.one_of(
    st.none(), st.integers(0, 4), st.tuples(st.integers(0, 4), st.integers(0, 4)), st.sampled_from(["same", "valid"])
)


def forward(size: int, window: Solution, *, transposed: bool) -> int | None:
    """Return the size that the window makes; ``None`` where it does not fit."""
    kernel, stride, padding, dilation, longer = window
    try:
        if transposed:
            return transposed_output_size(size, kernel, stride, padding, longer, dilation)
        return output_size(size, kernel, stride, padding, dilation)
    except LayerlabError:
        return None


def brute_force(size, wanted, padding, dilations, longers, *, transposed):
    """Return what trying every window finds."""
    larger = max(size, wanted)
    found = set()
    for kernel, stride, dilation in product(range(1, larger + 1), range(1, larger + 1), dilations):
        if kernel == 1 and dilation != dilations[0]:
            continue
        half = (dilation * (kernel - 1) + 1) // 2
        for amount, longer in product(range(half + 1) if padding is None else [padding], longers):
            window = Solution(kernel, stride, amount, dilation, longer)
            if forward(size, window, transposed=transposed) == wanted:
                found.add(window)
    return found


def plain(padding):
    """Return the padding as the solutions write it."""
    if padding == "valid":
        return 0
    return padding[0] if isinstance(padding, tuple) and padding[0] == padding[1] else padding


@given(sizes, sizes, paddings, st.integers(1, 3))
def test_every_convolution_and_no_other(size, wanted, padding, most_dilation):
    dilations = range(1, most_dilation + 1)
    found = solve(size, wanted, padding=padding, dilation=dilations)
    assert len(found) == len(set(found))
    assert set(found) == brute_force(size, wanted, plain(padding), dilations, [0], transposed=False)


@given(sizes, sizes, st.one_of(st.none(), st.integers(0, 3), st.just((1, 2))), st.integers(1, 2), st.integers(1, 3))
def test_every_transposed_convolution_and_no_other(size, wanted, padding, most_dilation, longers):
    dilations = range(1, most_dilation + 1)
    found = solve(size, wanted, padding=padding, dilation=dilations, output_padding=range(longers), transposed=True)
    assert len(found) == len(set(found))
    assert set(found) == brute_force(size, wanted, padding, dilations, range(longers), transposed=True)


@given(sizes, sizes, st.sampled_from(["same", "valid"]), st.one_of(st.none(), st.integers(0, 2)))
def test_every_transposed_convolution_with_kerass_words(size, wanted, padding, longer):
    found = solve(size, wanted, padding=padding, output_padding=longer, transposed=True)
    assert set(found) == brute_force(size, wanted, padding, range(1, 2), [longer], transposed=True)


@given(st.integers(1, 60), st.integers(1, 11), st.integers(1, 5), st.integers(0, 5), st.integers(1, 3))
def test_a_drawn_window_is_among_the_solutions(size, kernel, stride, padding, dilation):
    assume(kernel <= size and stride <= size and padding <= (dilation * (kernel - 1) + 1) // 2)
    window = Solution(kernel, stride, padding, dilation)
    wanted = forward(size, window, transposed=False)
    assume(wanted is not None)
    assert window in solve(size, wanted, dilation=dilation)


@given(st.integers(1, 300), st.integers(1, 300))
def test_the_lectures_solution_comes_first(one, other):
    larger, smaller = max(one, other), min(one, other)
    stride = larger // smaller
    kernel = larger - (smaller - 1) * stride
    assert solve(larger, smaller, kernel=kernel, padding=range(3))[0][:3] == (kernel, stride, 0)
    assert solve(smaller, larger, kernel=kernel, padding=range(3), transposed=True)[0][:3] == (kernel, stride, 0)


def test_the_lectures_example():
    assert solve(4, 2)[0] == Solution(kernel=2, stride=2, padding=0)
    assert solve(28, 26, stride=1, padding=0) == [Solution(3, 1, 0)]


def test_known_numbers_narrow_the_search():
    everything = solve(28, 14)
    for name, value in (("kernel", 5), ("stride", 2), ("padding", 1)):
        narrowed = solve(28, 14, **{name: value})
        assert narrowed == [window for window in everything if getattr(window, name) == value]
        assert narrowed


def test_ranges_with_a_step_count_their_own_numbers_only():
    assert {window.kernel for window in solve(28, 28, kernel=range(1, 12, 2), stride=1)} == {1, 3, 5, 7, 9, 11}
    assert {window.padding for window in solve(28, 28, stride=1, padding=range(4, -1, -2))} == {4, 2, 0}


def test_the_decoders_window_is_found():
    assert Solution(3, 2, 1, 1, 1) in solve(14, 28, output_padding=range(2), transposed=True)


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (
            (28, 14),
            {"kernel": 3, "stride": 2, "padding": 0},
            "no convolution with kernel 3, stride 2 and padding 0 makes 14 of 28: the nearest size it can make is 13",
        ),
        (
            (10, 7),
            {"stride": 2},
            "no convolution with stride 2 makes 7 of 10: the nearest size it can make is 6",
        ),
        (
            (10, 8),
            {"stride": 3, "transposed": True, "output_padding": 0, "dilation": range(1, 3)},
            "no transposed convolution with stride 3, output padding 0 and dilation from 1 to 2 makes 8 of 10: the "
            "nearest size it can make is 27",
        ),
        ((10, 900), {}, "no convolution makes 900 of 10, nor any size near 900"),
    ],
)
def test_none_is_an_empty_list_and_a_sentence(arguments, options, sentence):
    assert solve(*arguments, **options) == []
    assert why_none(*arguments, **options) == sentence


def test_why_none_is_none_when_there_are_solutions():
    assert why_none(28, 14) is None


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ((0, 1), {}, "input size must be a whole number of at least 1, not 0"),
        ((5, 1.5), {}, "output size must be a whole number of at least 1, not 1.5"),
        ((5, 2), {"kernel": 0}, "kernel must be a whole number of at least 1, not 0"),
        ((5, 2), {"stride": range(0)}, "stride must be searched in a range of numbers from 1 up, not in range(0, 0)"),
        ((5, 2), {"padding": "some"}, 'unknown padding "some"; did you mean "same"?'),
        (
            (5, 2),
            {"padding": -1},
            'padding must be "valid", "same", a whole number of at least 0 or two of them, not -1',
        ),
        (
            (5, 2),
            {"output_padding": 1},
            "output padding belongs to the transposed convolution: give transposed=True with it",
        ),
        (
            (10**9, 11 * 10**8),
            {},
            "1000000000 to 1100000000 means trying 1,100,000,000 windows, and 1,000,000 is the most: give the kernel, "
            "or shorter ranges",
        ),
        (
            (1, 2000),
            {"transposed": True},
            "1 to 2000 means trying 4,000,000 windows, and 1,000,000 is the most: give the kernel, or shorter ranges",
        ),
        (
            (5000, 1),
            {},
            "5000 to 1 has more than 1,000,000 solutions: fix the kernel, the stride or the padding, or give a "
            "shorter range of them",
        ),
    ],
)
def test_bad_numbers_are_refused_in_one_sentence(arguments, options, sentence):
    with pytest.raises(LayerlabError) as refusal:
        solve(*arguments, **options)
    assert str(refusal.value) == sentence
