from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from playground_strategies import specifications

from layerlab.playground.data_sets import Points, generate, inputs
from layerlab.playground.random_numbers import Random
from layerlab.playground.specification import DATASETS, FEATURES, REGRESSION_DATASETS, Specification

DRAWN = [(name, classes) for name, known in DATASETS.items() for classes in known if name != "points"]
SURFACES = [name for name in REGRESSION_DATASETS if name != "points"]


def points_of(**fields: object) -> Points:
    specification = Specification().replace(**fields)
    return generate(specification, Random(specification.seed))


def all_of(points: Points) -> np.ndarray:
    return np.concatenate([points.train, points.test])


@pytest.mark.parametrize(("name", "classes"), DRAWN)
@pytest.mark.parametrize("noise", [0, 50])
def test_every_set_has_500_points_of_all_its_classes(name: str, classes: int, noise: int) -> None:
    points = all_of(points_of(dataset=name, classes=classes, noise=noise))
    assert points.shape == (500, 3)
    labels = Counter(points[:, 2].tolist())
    assert set(labels) == ({-1.0, 1.0} if classes == 2 else set(map(float, range(classes))))
    assert min(labels.values()) >= 500 / classes * 0.6


@pytest.mark.parametrize(("name", "classes"), DRAWN)
def test_without_noise_a_set_lies_in_the_plane_that_is_shown(name: str, classes: int) -> None:
    xy = all_of(points_of(dataset=name, classes=classes))[:, :2]
    assert np.abs(xy).max() <= 6
    assert np.abs(xy).max() >= 3


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("noise", [0, 50])
def test_a_surface_has_1200_points_and_labels_near_one(name: str, noise: int) -> None:
    points = all_of(points_of(problem="regression", regression_dataset=name, noise=noise))
    assert points.shape == (1200, 3)
    assert np.abs(points[:, :2]).max() <= 6
    assert 0.8 <= np.abs(points[:, 2]).max() <= (1.8 if name == "reg-plane" else 1.2)


def test_sine_is_its_formula() -> None:
    x, y, label = all_of(points_of(problem="regression", regression_dataset="sine")).T
    np.testing.assert_allclose(label, np.sin(x) * np.cos(y / 2), atol=1e-15)


@pytest.mark.parametrize("classes", DATASETS["rings"])
def test_rings_have_gaps_between_them(classes: int) -> None:
    x, y, label = all_of(points_of(dataset="rings", classes=classes)).T
    ring = np.where(label == 1, 0, 1) if classes == 2 else label
    radius = np.hypot(x, y) * classes / 5
    assert (radius >= ring).all()
    assert (radius <= ring + 0.7).all()


@pytest.mark.parametrize("classes", DATASETS["checkerboard"])
def test_neighbours_on_the_checkerboard_differ(classes: int) -> None:
    x, y, label = all_of(points_of(dataset="checkerboard", classes=classes)).T
    column, row = (x + 6) // 3, (y + 6) // 3
    board = {(int(c), int(r)): colour for c, r, colour in zip(column, row, label, strict=True)}
    assert len(board) == 16
    assert np.abs(np.stack([x, y]) % 3 - 1.5).max() <= 1.2, "a gap parts the squares"
    for c, r, colour in zip(column, row, label, strict=True):
        assert board[int(c), int(r)] == colour
        assert board.get((int(c) + 1, int(r))) != colour
        assert board.get((int(c), int(r) + 1)) != colour


@pytest.mark.parametrize("classes", [3, 4, 5, 6])
def test_arms_and_centres_are_turned_copies_of_each_other(classes: int) -> None:
    for name in ("gauss", "spiral"):
        points = all_of(points_of(dataset=name, classes=classes))
        centres = [points[points[:, 2] == c, :2].mean(axis=0) for c in range(classes)]
        lengths = [float(np.hypot(*centre)) for centre in centres]
        assert max(lengths) - min(lengths) < 0.4, name


def test_three_spirals_make_one_turn_each() -> None:
    points = all_of(points_of(dataset="three-spirals", classes=3))
    arm = points[points[:, 2] == 0, :2]
    arm = arm[np.argsort(np.hypot(*arm.T))]
    angle = np.unwrap(np.arctan2(arm[1:, 0], arm[1:, 1]))
    assert angle[-1] - angle[0] == pytest.approx(2 * np.pi, rel=0.02)


def test_moons_interlock_but_a_curve_parts_them() -> None:
    x, y, label = all_of(points_of(dataset="moons")).T
    upper = label == 1
    assert x[upper].max() > x[~upper].min(), "they overlap along x"
    assert y[upper].min() < y[~upper].max(), "and along y"
    distance = np.hypot(x[upper, None] - x[~upper], y[upper, None] - y[~upper])
    assert distance.min() > 0.3


@pytest.mark.parametrize(("name", "classes"), [pair for pair in DRAWN if pair[0] != "gauss"])
def test_noise_changes_points_or_labels(name: str, classes: int) -> None:
    clean, noisy = (all_of(points_of(dataset=name, classes=classes, noise=noise)) for noise in (0, 40))
    assert (clean != noisy).any(axis=1).mean() > 0.05


@pytest.mark.parametrize("percent", [1, 10, 33, 50, 90, 99])
def test_the_share_that_trains_is_rounded_down(percent: int) -> None:
    points = points_of(train_percent=percent)
    assert len(points.train) == 500 * percent // 100
    assert len(points.train) + len(points.test) == 500


def test_other_seeds_other_points() -> None:
    assert not np.array_equal(points_of(seed="0.5").train, points_of(seed="0.50").train)


OWN = tuple((i / 10, -i / 10, 1.0 if i % 3 else -1.0) for i in range(20))


def test_own_points_are_split_and_shuffled_by_the_seed() -> None:
    first, again, other = (points_of(dataset="points", points=OWN, seed=seed) for seed in ("1", "1", "2"))
    assert first.train.tolist() == again.train.tolist()
    assert first.train.tolist() != other.train.tolist()
    assert sorted(map(tuple, all_of(first).tolist())) == sorted(OWN)
    assert len(first.train) == 10


def test_one_own_point_trains() -> None:
    points = points_of(dataset="points", points=OWN[:1], train_percent=1)
    assert points.train.tolist() == [list(OWN[0])]
    assert points.test.shape == (0, 3)


@given(specifications())
def test_any_specification_has_points_that_train(specification: Specification) -> None:
    points = generate(specification, Random(specification.seed))
    assert len(points.train) >= 1
    assert np.isfinite(points.train).all()
    assert np.isfinite(points.test).all()
    again = generate(specification, Random(specification.seed))
    assert np.array_equal(points.train, again.train)


def test_networks_of_the_same_data_share_them_and_go_on_alike() -> None:
    first, again, other = Random("0.321"), Random("0.321"), Random("0.322")
    points = generate(Specification(noise=7), first)
    assert generate(Specification(noise=7, activation="relu"), again) is points
    assert generate(Specification(noise=7), other) is not points
    assert generate(Specification(noise=8), Random("0.321")) is not points
    assert first.numbers(9).tolist() == again.numbers(9).tolist()
    with pytest.raises(ValueError, match="read-only"):
        points.train[0, 0] = 1


def test_a_stream_that_went_on_draws_other_points() -> None:
    fresh, used = Random("0.321"), Random("0.321")
    used.random()
    assert not used.is_fresh
    assert fresh.is_fresh
    assert generate(Specification(), fresh).train.tolist() != generate(Specification(), used).train.tolist()
    assert not fresh.is_fresh


def test_features_are_their_formulas() -> None:
    x, y = np.array([0.5, -2.0, 3.0]), np.array([1.5, 4.0, -6.0])
    wanted = [x, y, x**2, y**2, x * y, np.sin(x), np.sin(y), np.cos(x), np.cos(y)]
    given_inputs = inputs(np.stack([x, y], axis=1), FEATURES)
    np.testing.assert_allclose(given_inputs, np.stack(wanted, axis=1), rtol=1e-15)
    assert inputs(np.zeros((3, 2)), ()).shape == (3, 0)
    np.testing.assert_array_equal(inputs(np.stack([x, y, x], axis=1), ("y", "xTimesY"))[:, 0], y)
