"""Pooling with Keras's ``same`` padding, against windows cut out one by one."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from layerlab.layers import SameAvgPool1d, SameAvgPool2d, SameMaxPool1d, SameMaxPool2d, same_padding


def slowly(x: torch.Tensor, kernel, stride, reduce) -> torch.Tensor:
    """Return ``reduce`` of every window, cut out of the input where it is inside."""
    windows = []
    for size, length, step in zip(x.shape[2:], kernel, stride, strict=True):
        before, _ = same_padding(size, length, step)
        starts = [place * step - before for place in range(math.ceil(size / step))]
        windows.append([slice(max(0, start), start + length) for start in starts])
    flat = [reduce(x[(..., *cut)].flatten(2)) for cut in product(*windows)]
    return torch.stack(flat, dim=2).reshape(*x.shape[:2], *(len(axis) for axis in windows))


REDUCTIONS = {
    SameMaxPool1d: lambda cut: cut.amax(2),
    SameMaxPool2d: lambda cut: cut.amax(2),
    SameAvgPool1d: lambda cut: cut.mean(2),
    SameAvgPool2d: lambda cut: cut.mean(2),
}


@pytest.mark.parametrize("kind", REDUCTIONS)
@given(st.data())
def test_every_window(kind, data):
    dims = kind.dims
    numbers = st.tuples(*[st.integers(1, 4)] * dims)
    size, kernel, stride = data.draw(st.tuples(*[st.integers(1, 9)] * dims)), data.draw(numbers), data.draw(numbers)
    x = torch.randn(2, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours, plain = x.clone().requires_grad_(), x.clone().requires_grad_()

    made = kind(kernel, stride)(ours)
    expected = slowly(plain, kernel, stride, REDUCTIONS[kind])
    torch.testing.assert_close(made, expected)

    made.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad)


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_negative_numbers_do_not_lose_to_the_padding(kind):
    x = torch.full((1, 1, *(5,) * kind.dims), -3.0)
    assert torch.equal(kind(2)(x).unique(), torch.tensor([-3.0]))


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_the_stride_is_the_kernel_unless_given(kind):
    pool = kind(3)
    dims = kind.dims
    assert (pool.kernel_size, pool.stride, pool.padding, pool.dilation) == (
        (3,) * dims,
        (3,) * dims,
        "same",
        (1,) * dims,
    )


@pytest.mark.parametrize("kind", [SameMaxPool2d, SameAvgPool2d])
def test_channels_last_images_stay_so(kind):
    x = torch.randn(2, 4, 7, 7).contiguous(memory_format=torch.channels_last)
    made = kind(2)(x)
    torch.testing.assert_close(made, kind(2)(x.contiguous()))
    assert made.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_arguments_out_of_range_are_refused(kind):
    with pytest.raises(ValueError, match=r"^kernel_size must be a whole number of at least 1, not 0$"):
        kind(0)
    with pytest.raises(ValueError, match=r"^stride must be one number or "):
        kind(2, (1, 1, 1))
