"""The learning curve that is kept of a trial."""

from __future__ import annotations

import numpy as np
import pytest

from layerlab.lab.engines.curve import curve, epochs_kept


@pytest.mark.parametrize("epochs", [0, 1, 2, 59, 60, 61, 100, 1000, 100_000])
def test_both_ends_are_kept_and_few_between(epochs: int) -> None:
    kept = epochs_kept(epochs)
    assert kept[0] == 0
    assert kept[-1] == epochs
    assert list(kept) == sorted(set(kept))
    assert min(epochs + 1, 30) <= len(kept) <= 61


def test_steps_grow_evenly_over_the_logarithm() -> None:
    kept = np.array(epochs_kept(100_000))
    late = kept[kept > 100]
    assert (late[1:] / late[:-1]).std() < 0.01


def test_what_is_no_number_is_none() -> None:
    losses = np.array([[0.5, 0.25], [np.inf, 0.5], [np.nan, -np.inf]])
    assert curve(losses) == [(0, 0.5, 0.25), (1, None, 0.5), (2, None, None)]
