from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from plain_playground import find_node

from layerlab.playground.elementary import cos, log, sin

Array = NDArray[np.float64]
PROGRAM = """
const fs = require("fs");
const [name, from, to] = process.argv.slice(1);
const given = fs.readFileSync(from);
const numbers = new Float64Array(given.buffer, given.byteOffset, given.length / 8);
fs.writeFileSync(to, Buffer.from(numbers.map((number) => Math[name](number)).buffer));
"""


def numbers() -> Array:
    """Return numbers of every kind that matters: everywhere, small, and close to the multiples of pi/2."""
    random = np.random.default_rng(0)
    quarters = np.pi / 2 * np.arange(-60, 61)
    near = np.repeat(quarters, 60) * (1 + random.choice([-1, 1], 121 * 60) * 10.0 ** random.uniform(-17, -2, 121 * 60))
    small = random.uniform(-1, 1, 20_000) * 10.0 ** random.integers(-12, 3, 20_000)
    return np.concatenate([random.uniform(-20, 20, 100_000), random.uniform(-1, 1, 50_000), near, quarters, small])


def in_javascript(name: str, values: Array, folder: Path) -> Array:
    values.tofile(folder / "given")
    subprocess.run([find_node(), "-e", PROGRAM, name, str(folder / "given"), str(folder / "got")], check=True)
    return np.fromfile(folder / "got")


@pytest.mark.parametrize("function", [sin, cos])
def test_the_bits_are_those_of_javascript(function: Callable[[Array], Array], tmp_path: Path) -> None:
    values = numbers()
    np.testing.assert_array_equal(function(values), in_javascript(function.__name__, values, tmp_path))


def test_the_logarithms_bits_are_those_of_javascript(tmp_path: Path) -> None:
    values = np.abs(numbers())
    values = np.concatenate([values[values > 0], 1 + np.linspace(-1e-5, 1e-5, 2001), 2.0 ** np.arange(-40, 40)])
    np.testing.assert_array_equal(log(values), in_javascript("log", values, tmp_path))


def test_they_are_near_what_numpy_gives_and_not_the_same() -> None:
    values = np.linspace(0.1, 20, 10_001)
    for ours, theirs in ((sin, np.sin), (cos, np.cos), (log, np.log)):
        np.testing.assert_allclose(ours(values), theirs(values), rtol=1e-15, atol=1e-15)


def test_shape_and_order_of_the_given_array_do_not_matter() -> None:
    values = np.linspace(-6, 6, 24).reshape(4, 6)
    np.testing.assert_array_equal(sin(values.T), sin(values).T)
    np.testing.assert_array_equal(cos(values[:, ::2]), cos(values)[:, ::2])
    assert sin(np.empty(0)).shape == (0,)
