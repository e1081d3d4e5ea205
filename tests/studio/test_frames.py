from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from layerlab.studio.frames import finite, pack, paint, unpack

ARRAYS = st.dictionaries(
    st.text(max_size=8),
    st.one_of(
        *(
            arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
            for kind in (np.uint8, np.float32, np.float64, ">f8")
        )
    ),
    max_size=4,
)


@given(ARRAYS, st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3))
def test_a_frame_is_read_as_it_was_packed_and_aligned(given_arrays, scalars) -> None:
    header = {**scalars, "kind": "frame"}
    frame = pack(header, given_arrays)
    read, found = unpack(frame)
    assert {name: read[name] for name in header} == header
    assert set(found) == set(given_arrays)
    start = 4 + int.from_bytes(frame[:4], "little")
    assert start % 8 == 0
    for entry in read["arrays"]:
        assert entry["offset"] % 8 == 0
    for name, array in given_arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_header_is_json_whatever_the_numbers_are() -> None:
    frame = pack({"kind": "frame", "train_loss": math.nan, "deep": [{"value": np.float32(math.inf)}]}, {})
    length = int.from_bytes(frame[:4], "little")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    header = json.loads(frame[4 : 4 + length], parse_constant=refuse)
    assert header["train_loss"] is None
    assert header["deep"] == [{"value": None}]
    assert finite((1, 2.5, "x")) == [1, 2.5, "x"]


def test_an_array_of_another_type_is_no_frame() -> None:
    with pytest.raises(TypeError, match="not int64"):
        pack({"kind": "frame"}, {"a": np.zeros(3, np.int64)})


def test_values_become_bytes_with_their_ends_and_middle() -> None:
    values = np.array([-1e308, -1, -0.5, 0, 0.5, 1, 7, math.inf, -math.inf, math.nan])
    assert paint(values).tolist() == [0, 0, 64, 128, 191, 255, 255, 255, 0, 128]
