from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pytest

from layerlab.playground import divergence
from layerlab.playground.divergence import Divergence
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification

DIVERGING = [
    {"problem": "regression", "learning_rate": 10, "activation": "linear"},
    {"problem": "regression", "learning_rate": 3, "activation": "relu", "hidden_layers": (8, 8, 8)},
    {"regularization": "L2", "regularization_rate": 10, "learning_rate": 1, "problem": "regression"},
    {"problem": "regression", "learning_rate": 1, "activation": "relu", "hidden_layers": (32,) * 8},
    {"problem": "regression", "learning_rate": 3, "activation": "elu", "optimizer": "momentum", "batch_size": 30},
    {"problem": "regression", "learning_rate": 10, "activation": "maxout", "skip": (True, True)},
    {"problem": "regression", "learning_rate": 10, "activation": "linear", "hidden_layers": (), "features": ("x",)},
]


def diverged(fields: dict[str, Any], epochs: int = 300) -> tuple[Session, Divergence]:
    session = Session(Specification(**fields))
    session.step(epochs)
    assert session.diverged
    explained = session.divergence
    assert explained is not None
    return session, explained


@pytest.mark.parametrize("fields", DIVERGING, ids=range(len(DIVERGING)))
def test_the_step_is_the_first_after_which_a_number_is_not_finite(fields: dict[str, Any]) -> None:
    session, explained = diverged(fields)
    again = Session(session.specification)
    again.step_minibatches(explained.step - 1)
    assert not again.diverged
    assert np.isfinite(again.network.parameters).all()
    assert again.epoch + 1 == explained.epoch
    assert 0 < explained.largest_weight < sys.float_info.max
    assert 0 <= explained.largest_gradient < sys.float_info.max
    again.step_minibatches(1)
    assert again.diverged or not np.isfinite(again.network.evaluate()[0])


@pytest.mark.parametrize("fields", DIVERGING, ids=range(len(DIVERGING)))
def test_the_remedy_keeps_the_run_finite_and_those_tried_before_did_not(fields: dict[str, Any]) -> None:
    _, explained = diverged(fields)
    remedy = explained.remedy
    assert remedy is not None
    assert remedy.from_epoch == 0
    assert remedy.epochs > explained.epoch
    helped = Session(Specification(**fields).replace(**remedy.changes))
    helped.step(remedy.epochs)
    assert not helped.diverged
    assert helped.losses[-1][1:] == (remedy.train_loss, remedy.test_loss)
    assert explained.tried[-1] == remedy.changes
    for changes in explained.tried[:-1]:
        worse = Session(Specification(**fields).replace(**changes))
        begun = worse.losses[0][1]
        worse.step(remedy.epochs)
        assert worse.diverged or worse.losses[-1][1] > divergence.WORSE * begun


def test_the_layer_that_exploded_is_named_not_the_first_that_has_no_number() -> None:
    session, explained = diverged({"problem": "regression", "learning_rate": 1000})
    # The hidden layers, long saturated, were only handed infinity times zero.
    assert all(np.isnan(layer.weights).all() for layer in session.network.layers[:2])
    assert explained.layer == 2
    assert explained.largest_weight > 1e100
    assert explained.largest_gradient > 1e100


@pytest.mark.parametrize("fields", DIVERGING, ids=range(len(DIVERGING)))
def test_the_figures_are_those_of_an_explosion(fields: dict[str, Any]) -> None:
    _, explained = diverged(fields)
    assert max(explained.largest_weight, explained.largest_gradient) > 1e20


def test_the_sentence_has_the_figures() -> None:
    _, explained = diverged(DIVERGING[0])
    remedy = explained.remedy
    assert remedy is not None
    assert explained.sentence == (
        f"update 5 (epoch 1) left the finite numbers, the output layer in front: just before, its largest weight was"
        f" {explained.largest_weight:.3g} and its largest gradient {explained.largest_gradient:.3g}; with learning"
        f" rate 1 instead of 10 the same run stayed finite for {remedy.epochs} epochs (training loss"
        f" {remedy.train_loss:.3g})"
    )


def test_where_nothing_helps_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergence, "_candidates", lambda _: iter([{"learning_rate": 9.0}, {"learning_rate": 8.0}]))
    _, explained = diverged(DIVERGING[0])
    assert explained.remedy is None
    assert explained.sentence.endswith("; none of the 2 changes that were tried kept the run finite")


def test_a_run_that_stays_finite_but_grows_is_no_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergence, "WORSE", 0.0)
    _, explained = diverged(DIVERGING[0])
    assert explained.remedy is None
    assert len(explained.tried) > 5


@pytest.mark.parametrize("rate", [1000, 300])
def test_a_change_that_only_puts_off_the_end_is_no_remedy(rate: float) -> None:
    # The penalty makes the weights grow with the learning rate's next values too, but tanh hides it from the loss.
    fields = {"regularization": "L2", "regularization_rate": rate, "learning_rate": 0.03}
    _, explained = diverged(fields)
    assert explained.remedy is not None
    helped = Session(Specification(**fields).replace(**explained.remedy.changes))
    helped.step(2000)
    assert not helped.diverged


def test_a_remedy_has_seen_the_whole_of_a_rising_learning_rate() -> None:
    fields = {"problem": "regression", "activation": "relu", "learning_rate": 1000, "schedule": "warmup"}
    _, explained = diverged(fields)
    assert explained.epoch < 50
    assert explained.remedy is not None
    assert explained.remedy.epochs > 100
    helped = Session(Specification(**fields).replace(**explained.remedy.changes))
    helped.step(500)
    assert not helped.diverged


def test_a_run_that_is_too_long_is_tried_from_a_later_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Specification(**DIVERGING[0]).replace(learning_rate=0.01))
    session.step(400)
    session.change(learning_rate=10)
    session.step(5)
    assert session.diverged
    monkeypatch.setattr(divergence, "WORK", 1)
    explained = session.divergence
    assert explained is not None
    assert explained.epoch == 401
    assert explained.remedy is not None
    assert 390 <= explained.remedy.from_epoch <= 400
    assert explained.remedy.from_epoch + explained.remedy.epochs >= 405


def test_explaining_changes_nothing_and_happens_once() -> None:
    session = Session(Specification(**DIVERGING[1]))
    session.step(300)
    before = session.network.snapshot()
    first = session.divergence
    after = session.network.snapshot()
    np.testing.assert_array_equal(before.parameters, after.parameters)
    np.testing.assert_array_equal(before.counters, after.counters)
    assert session.divergence is first


def test_changes_after_the_divergence_have_no_part_in_its_explanation() -> None:
    _, explained = diverged(DIVERGING[0])
    for act in (
        lambda s: s.change(learning_rate=0.001),
        lambda s: s.regenerate("0.1"),
        lambda s: s.set_weight(0, 0, 0, 1),
    ):
        session = Session(Specification(**DIVERGING[0]))
        session.step(10)
        act(session)
        assert session.divergence == explained


def test_it_takes_tenths_of_a_second_whatever_the_network() -> None:
    session = Session(Specification(**DIVERGING[3]))
    session.step(10)
    start = time.process_time()
    assert session.divergence is not None
    assert time.process_time() - start < 2


def test_a_healthy_run_has_no_explanation() -> None:
    session = Session("")
    session.step(10)
    assert session.divergence is None
