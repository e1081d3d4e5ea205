"""The playground's data sets: points of the plane with a label each, drawn from a stream of random numbers.

The classic ones come out as TensorFlow Playground draws them, number for number. z is noise/100. A set of two classes
has the labels +1 and -1, one of more has 0, 1, 2...; regression has the labels that its formula gives.

| set | drawn | label |
| --- | --- | --- |
| circle, xor, gauss, spiral, reg-plane, reg-gauss | as TensorFlow Playground (two classes) | likewise |
| gauss, 3 to 6 classes | normal, variance 0.5 + 7z, round centres on a circle of radius 3 | its centre |
| spiral, 3 to 6 classes | as classic, so many arms evenly turned | its arm |
| three-spirals | three arms of one turn each | its arm |
| moons | half rings of radius 2.6 to 3.4 round (-1.5, -0.75) and (1.5, 0.75), moved by U(-2, 2)z | +1 upper |
| rings | k rings between 5c/k and 5(c + 0.7)/k, moved by U(-2, 2)z | its ring, c; +1 the inner of two |
| checkerboard | 16 squares of side 2.4 | (column + s row) mod k after U(-3, 3)z; s = 1 if k = 2, else 2 |
| sine | U(-6, 6) | sin(x') cos(y'/2) of the point moved by U(-6, 6)z |
| points | the user's own | theirs |
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from layerlab.playground.elementary import cos, sin, sin_and_cos
from layerlab.playground.random_numbers import Random
from layerlab.playground.specification import Point, Specification

__all__ = ["Points", "generate", "inputs"]

Array = NDArray[np.float64]
Drawer = Callable[[Random, int, float], Array]

CLASSIFICATION_POINTS: Final = 500
REGRESSION_POINTS: Final = 1200


@dataclass(frozen=True, eq=False)
class Points:
    """The points that train and those that test, each of shape (n, 3): x, y, label; to be read only."""

    train: Array
    test: Array


def generate(specification: Specification, random: Random) -> Points:
    """Draw the points of a specification and their order.

    Those of a fresh stream are remembered for a while, so that networks that share their data share them in memory.

    Args:
        specification: names the set, its noise, classes and the share that trains.
        random: the stream; what the points take from it is gone, and the network's weights come after.
    """
    own = specification.points if specification.data_name == "points" else ()
    data = (specification.data_name, specification.classes, specification.noise, specification.train_percent, own)
    if not random.is_fresh:
        return _drawn(random, *data)
    points, after = _remembered(random.seed, *data)
    random.go_on_as(after)
    return points


@lru_cache(maxsize=512)
def _remembered(seed: str, *data: Any) -> tuple[Points, Random]:
    random = Random(seed)
    return _drawn(random, *data), random


def _drawn(random: Random, name: str, classes: int, noise: float, percent: int, own: tuple[Point, ...]) -> Points:
    points = np.array(own) if name == "points" else DRAWERS[name](random, classes, noise / 100)
    random.shuffle(points)
    points.flags.writeable = False
    split = math.floor(len(points) * percent / 100) or 1
    return Points(points[:split], points[split:])


def inputs(xy: Array, features: Sequence[str]) -> Array:
    """Return the network's inputs at some points.

    Args:
        xy: points, shape (n, 2) or more columns (x and y come first).
        features: names out of ``FEATURES``, in the order of the inputs.

    Returns:
        Shape (n, len(features)).
    """
    x, y = xy[:, 0], xy[:, 1]
    columns = [FORMULAS[name](x, y) for name in features]
    return np.stack(columns, axis=1) if columns else np.empty((len(xy), 0))


def _circle(random: Random, _classes: int, z: float) -> Array:
    half = CLASSIFICATION_POINTS // 2
    u = random.numbers(4 * 2 * half).reshape(-1, 4)
    inner, outer = u[:half, 0] * 2.5, u[half:, 0] * (5 - 3.5) + 3.5
    r, angle = np.concatenate([inner, outer]), u[:, 1] * (2 * math.pi)
    sine, cosine = sin_and_cos(angle)
    x, y = r * sine, r * cosine
    return _labelled(x, y, _two(_distance(x + _between(u[:, 2], -5, 5) * z, y + _between(u[:, 3], -5, 5) * z) < 2.5))


def _xor(random: Random, _classes: int, z: float) -> Array:
    u = _between(random.numbers(4 * CLASSIFICATION_POINTS).reshape(-1, 4), -5, 5)
    x, y = (side + np.where(side > 0, 0.3, -0.3) for side in (u[:, 0], u[:, 1]))
    return _labelled(x, y, _two((x + u[:, 2] * z) * (y + u[:, 3] * z) >= 0))


def _gauss(random: Random, classes: int, z: float) -> Array:
    t = z / 0.5
    variance = 0.5 * (1 - t) + 4 * t
    angles = np.arange(classes) * np.float64(2 * math.pi / classes)
    centres = np.array([(2.0, 2.0), (-2.0, -2.0)]) if classes == 2 else 3 * np.column_stack(sin_and_cos(angles))
    mean = np.repeat(centres, _sizes(classes), axis=0)
    return np.column_stack([random.normals(mean, variance), _labels(classes)])


def _spiral(random: Random, classes: int, z: float, turns: float = 1.75) -> Array:
    sizes = _sizes(classes)
    i = np.concatenate([np.arange(size) for size in sizes])
    n, arm = np.repeat(sizes, sizes), np.repeat(np.arange(classes), sizes)
    r = i / n * 5
    angle = turns * i / n * 2 * math.pi + (arm * math.pi if classes == 2 else arm * (2 * math.pi / classes))
    moved = _between(random.numbers(2 * len(i)).reshape(-1, 2), -1, 1) * z
    sine, cosine = sin_and_cos(angle)
    return _labelled(r * sine + moved[:, 0], r * cosine + moved[:, 1], _labels(classes))


def _three_spirals(random: Random, classes: int, z: float) -> Array:
    return _spiral(random, classes, z, turns=1.0)


def _moons(random: Random, classes: int, z: float) -> Array:
    u = random.numbers(4 * CLASSIFICATION_POINTS).reshape(-1, 4)
    label = _labels(classes)
    r, angle = _between(u[:, 0], 2.6, 3.4), u[:, 1] * math.pi
    sine, cosine = sin_and_cos(angle)
    x, y = (r * cosine - 1.5) * label, (r * sine - 0.75) * label
    return _moved(x, y, label, u[:, 2:], z)


def _rings(random: Random, classes: int, z: float) -> Array:
    u = random.numbers(4 * CLASSIFICATION_POINTS).reshape(-1, 4)
    ring = np.repeat(np.arange(classes), _sizes(classes))
    r, angle = 5 * (ring + 0.7 * u[:, 0]) / classes, u[:, 1] * (2 * math.pi)
    sine, cosine = sin_and_cos(angle)
    return _moved(r * sine, r * cosine, _labels(classes), u[:, 2:], z)


def _checkerboard(random: Random, classes: int, z: float) -> Array:
    u = random.numbers(4 * CLASSIFICATION_POINTS).reshape(-1, 4)
    xy = _between(u[:, :2], -6, 6)
    centre = np.floor(xy / 3) * 3 + 1.5
    xy = centre + (xy - centre) * 0.8
    cell = np.clip(np.floor((xy + _between(u[:, 2:], -3, 3) * z + 6) / 3), 0, 3)
    colour = (cell[:, 0] + cell[:, 1] * (1 if classes == 2 else 2)) % classes
    return np.column_stack([xy, _two(colour == 0) if classes == 2 else colour])


def _plane(random: Random, _classes: int, z: float) -> Array:
    x, y, noisy_x, noisy_y = _square(random, z)
    t = (noisy_x + noisy_y + 10) / 20
    return _labelled(x, y, -1 * (1 - t) + t)


def _bumps(random: Random, _classes: int, z: float) -> Array:
    x, y, noisy_x, noisy_y = _square(random, z)
    label = np.zeros(len(x))
    for cx, cy, sign in BUMPS:
        height = sign * (1 - np.clip(_distance(noisy_x - cx, noisy_y - cy) / 2, 0, 1))
        label = np.where(np.abs(height) > np.abs(label), height, label)
    return _labelled(x, y, label)


def _sine(random: Random, _classes: int, z: float) -> Array:
    x, y, noisy_x, noisy_y = _square(random, z)
    return _labelled(x, y, sin(noisy_x) * cos(noisy_y / 2))


BUMPS: Final = ((-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1))

DRAWERS: Final[Mapping[str, Drawer]] = {
    "circle": _circle,
    "xor": _xor,
    "gauss": _gauss,
    "spiral": _spiral,
    "three-spirals": _three_spirals,
    "moons": _moons,
    "rings": _rings,
    "checkerboard": _checkerboard,
    "reg-plane": _plane,
    "reg-gauss": _bumps,
    "sine": _sine,
}

FORMULAS: Final[Mapping[str, Callable[[Array, Array], Array]]] = {
    "x": lambda x, _: x,
    "y": lambda _, y: y,
    "xSquared": lambda x, _: x * x,
    "ySquared": lambda _, y: y * y,
    "xTimesY": lambda x, y: x * y,
    "sinX": lambda x, _: sin(x),
    "sinY": lambda _, y: sin(y),
    "cosX": lambda x, _: cos(x),
    "cosY": lambda _, y: cos(y),
}


def _square(random: Random, z: float) -> tuple[Array, Array, Array, Array]:
    """Return points of [-6, 6] x [-6, 6] as x and y, then the same moved by the noise."""
    u = _between(random.numbers(4 * REGRESSION_POINTS).reshape(-1, 4), -6, 6)
    return u[:, 0], u[:, 1], u[:, 0] + u[:, 2] * z, u[:, 1] + u[:, 3] * z


def _between(u: Array, low: float, high: float) -> Array:
    return u * (high - low) + low


def _moved(x: Array, y: Array, label: Array, u: Array, z: float) -> Array:
    step = _between(u, -2, 2) * z
    return _labelled(x + step[:, 0], y + step[:, 1], label)


def _labelled(x: Array, y: Array, label: Array) -> Array:
    return np.stack([x, y, label], axis=1)


def _two(positive: NDArray[np.bool_]) -> Array:
    return np.where(positive, 1.0, -1.0)


def _distance(x: Array, y: Array) -> Array:
    return np.sqrt(x * x + y * y)


def _sizes(classes: int) -> list[int]:
    """Return how many points each class has: as equal as whole numbers can be."""
    borders = [CLASSIFICATION_POINTS * c // classes for c in range(classes + 1)]
    return [end - start for start, end in itertools.pairwise(borders)]


def _labels(classes: int) -> Array:
    """Return the labels of all points, class by class."""
    values = (1.0, -1.0) if classes == 2 else tuple(map(float, range(classes)))
    return np.repeat(values, _sizes(classes))
