"""The elementary functions of the kernels, bit for bit those of V8 where Node is at hand, else to their accuracy."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from plain_playground import find_node

from layerlab.playground.kernels import functions
from layerlab.playground.kernels.vectors import load, store

SPECIAL = [0.0, -0.0, 1.0, -1.0, 22.0, -22.0, np.inf, -np.inf, np.nan, 0.34657359, 0.6931, 1.0397, 2.0**-28, 700.0]


def sample(count: int = 20_000) -> np.ndarray:
    random = np.random.default_rng(1)
    parts = [random.normal(size=count) * scale for scale in (1e-9, 1e-3, 0.3, 1, 5, 30)]
    return np.concatenate([*parts, SPECIAL])


def apply(function: Any, values: np.ndarray) -> np.ndarray:
    """Return the function of all values, by the compiled scalar."""

    @njit
    def loop(given, result):
        for i in range(given.size):
            result[i] = function(given[i])

    result = np.empty_like(values)
    loop(values, result)
    return result


def apply_vectors(function: Any, values: np.ndarray) -> np.ndarray:
    """Return the function of all values, by compiled vectors; their number is filled up to whole vectors."""
    width = 8 if values.dtype == np.float64 else 16

    @njit
    def loop(given, result):
        for i in range(0, given.size, width):
            store(result, i, function(load(given, i)))

    filled = np.concatenate([values, np.zeros(-len(values) % width, values.dtype)])
    result = np.empty_like(filled)
    loop(filled, result)
    return result[: len(values)]


@pytest.mark.parametrize("name", ["tanh", "exp", "expm1"])
def test_they_are_those_of_v8_to_the_last_bit(name: str, tmp_path: Path) -> None:
    values = sample()
    if name == "expm1":
        values = values[~(values > 700)]
    values.tofile(tmp_path / "in")
    program = (
        "const fs = require('fs'); const b = fs.readFileSync('in');"
        "const a = new Float64Array(b.buffer, b.byteOffset, b.length / 8);"
        f"fs.writeFileSync('out', Buffer.from(a.map(Math.{name}).buffer))"
    )
    subprocess.run([find_node(), "-e", program], cwd=tmp_path, check=True)
    wanted = np.fromfile(tmp_path / "out")
    np.testing.assert_array_equal(apply(getattr(functions, name), values), wanted)
    np.testing.assert_array_equal(apply_vectors(getattr(functions, name), values), wanted)


@pytest.mark.parametrize(
    ("name", "reference"),
    [("tanh", np.tanh), ("exp", np.exp), ("sigmoid", lambda x: 1 / (1 + np.exp(-x)))],
)
def test_they_are_those_of_the_c_library_to_two_units_in_the_last_place(
    name: str, reference: Callable[[np.ndarray], np.ndarray]
) -> None:
    values = sample()
    values = values[np.abs(values) < 700]
    np.testing.assert_allclose(apply(getattr(functions, name), values), reference(values), rtol=5e-16, atol=0)


def test_in_float32() -> None:
    values = sample()
    values = values[~np.isnan(values)].astype(np.float32)
    exact = np.tanh(values.astype(np.float64))
    found = apply_vectors(functions.tanh, values)
    np.testing.assert_allclose(found, exact, rtol=5e-7)
    assert (np.abs(found) <= 1).all()
    with np.errstate(over="ignore"):
        exact = 1 / (1 + np.exp(-values.astype(np.float64)))
    np.testing.assert_allclose(apply_vectors(functions.sigmoid, values), exact, atol=2e-7)


def test_nan_stays_nan() -> None:
    values = np.full(16, np.nan)
    for kind in (np.float64, np.float32):
        for function in (functions.tanh, functions.sigmoid, functions.positive):
            assert np.isnan(apply_vectors(function, values.astype(kind))).all()


def test_the_slope_of_relu_is_zero_at_zero() -> None:
    values = np.array([0.0, -0.0, -1.0, 1e-300, 5.0, 0, 0, 0])
    assert apply_vectors(functions.slope_of_positive, values)[:5].tolist() == [0, 0, 0, 1, 1]
    assert apply_vectors(functions.positive, values)[:5].tolist() == [0, 0, 0, 1e-300, 5]
