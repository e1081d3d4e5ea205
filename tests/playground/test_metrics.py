from __future__ import annotations

import numpy as np
import pytest

from layerlab.playground.metrics import PartMetrics
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification

FOUR = ((1, 1, 1), (2, 2, 1), (-1, 1, -1), (-2, -1, -1), (-3, 2, 1), (3, 1, -1))


def test_two_classes_are_told_apart_by_the_sign_of_the_output() -> None:
    session = Session(Specification(dataset="points", points=FOUR, hidden_layers=(), features=("x",), train_percent=99))
    session.set_weight(0, 0, 0, 5)
    session.set_bias(0, 0, 0)
    metrics = session.metrics()
    points = session.points.train
    assert metrics.labels == [-1, 1]
    guessed = np.where(points[:, 0] >= 0, 1, -1)
    assert metrics.train.accuracy == pytest.approx(np.mean(guessed == points[:, 2]))
    expected = [[int(np.sum((points[:, 2] == row) & (guessed == column))) for column in (-1, 1)] for row in (-1, 1)]
    assert metrics.train.confusion == expected
    assert metrics.train.r2 is None


def test_an_output_of_0_counts_as_the_class_plus_1() -> None:
    session = Session(Specification(dataset="points", points=FOUR, initialization="zero"))
    confusion = session.metrics().train.confusion
    assert confusion is not None
    assert [row[0] for row in confusion] == [0, 0]


def test_more_classes_are_told_apart_by_the_largest_probability() -> None:
    session = Session(Specification(dataset="rings", classes=4, loss="cross-entropy"))
    session.step(20)
    metrics = session.metrics()
    points = session.points.test
    guessed = session.network.outputs(points[:, :2]).argmax(axis=1)
    assert metrics.labels == [0, 1, 2, 3]
    assert metrics.test.accuracy == pytest.approx(np.mean(guessed == points[:, 2]))
    confusion = np.array(metrics.test.confusion)
    assert confusion.sum() == len(points)
    assert confusion.sum(axis=1).tolist() == [int(np.sum(points[:, 2] == label)) for label in range(4)]


def test_regression_has_r2() -> None:
    session = Session("problem=regression")
    session.step(20)
    metrics = session.metrics()
    points = session.points.test
    errors = session.network.outputs(points[:, :2])[:, 0] - points[:, 2]
    assert metrics.labels is None
    assert metrics.test.r2 == pytest.approx(1 - np.mean(errors**2) / np.var(points[:, 2]))
    assert metrics.test.accuracy is None


def test_what_does_not_apply_is_none() -> None:
    alone = Specification(dataset="points", points=((1, 1, 1),), batch_size=1)
    assert Session(alone).metrics().test == PartMetrics()
    flat = Specification(problem="regression", regression_dataset="points", points=((1, 1, 0.5), (2, 1, 0.5)))
    assert Session(flat).metrics().train == PartMetrics()
    diverged = Session("learningRate=10&problem=regression&activation=linear")
    diverged.step(20)
    assert diverged.metrics().train == PartMetrics()
