"""Holm's correction, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerlab.lab.statistics import holm


def test_a_worked_example() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04; the last may not fall below the third.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_one_claim_and_none() -> None:
    assert holm([0.04]).tolist() == [0.04]
    assert holm([]).tolist() == []
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_it_lies_between_no_correction_and_bonferronis(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p))).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    # What Holm rejects at 5 %: step down the sorted values until one is above its share of the level.
    rejected = 0
    for rank, value in enumerate(sorted(p)):
        if value * (len(p) - rank) > 0.05:
            break
        rejected += 1
    assert int((adjusted <= 0.05).sum()) == rejected
