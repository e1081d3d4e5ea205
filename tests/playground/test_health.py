from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from playground_strategies import specifications

from layerlab.playground.health import LayerHealth, health, verdicts
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification


def kinds(session: Session) -> set[tuple[str, int]]:
    return {(verdict.kind, verdict.layer) for verdict in verdicts(health(session.network))}


def of(specification: Specification | str, epochs: int = 0) -> tuple[Session, list[LayerHealth]]:
    session = Session(specification)
    session.step(epochs)
    return session, health(session.network)


def test_a_network_that_learns_well_has_no_verdict() -> None:
    session, layers = of("", 50)
    assert verdicts(layers) == []
    assert [layer.activation for layer in layers] == ["tanh", "tanh", "tanh"]
    assert [layer.output for layer in layers] == [False, False, True]
    assert session.epoch == 50


def test_the_figures_are_those_of_the_network() -> None:
    session, layers = of("", 20)
    points = session.points.train
    activations = session.network.activations(points[:, :2])[1]
    gradients = session.network.gradients(points).layers[0]
    first = layers[0]
    assert sum(first.activations.counts) == activations.size
    assert (first.activations.low, first.activations.high) == pytest.approx((activations.min(), activations.max()))
    assert sum(first.gradients.counts) == gradients.weights.size
    norm = math.hypot(np.linalg.norm(gradients.weights), np.linalg.norm(gradients.biases))
    assert first.gradient_norm == pytest.approx(norm)
    assert first.gradient_size == pytest.approx(np.sqrt(np.mean(gradients.weights**2)))
    assert first.saturated == pytest.approx(np.mean(1 - activations**2 < 0.05))
    counts, _ = np.histogram(activations, bins=len(first.activations.counts))
    assert first.activations.counts == counts.tolist()


def test_six_layers_of_sigmoid_let_the_gradient_vanish_and_relu_does_not() -> None:
    session, layers = of("activation=sigmoid&networkShape=8,8,8,8,8,8", 5)
    assert {("vanishing", 0), ("vanishing", 1)} <= kinds(session)
    vanishing = verdicts(layers)[0]
    assert vanishing.values["ratio"] == pytest.approx(layers[0].gradient_size / max(x.gradient_size for x in layers))
    assert not any(kind == "vanishing" for kind, _ in kinds(of("activation=relu&networkShape=8,8,8,8,8,8", 5)[0]))


def test_units_of_relu_that_no_point_reaches_are_dead() -> None:
    session = Session("activation=relu")
    session.set_bias(0, 1, -1000)
    layers = health(session.network)
    assert layers[0].dead == [1]
    assert layers[0].dead_share == 0.25
    assert ("dead", 0) in kinds(session)
    assert {"units": 1.0, "share": 0.25} in [verdict.values for verdict in verdicts(layers)]


def test_leaky_relu_never_dies() -> None:
    session = Session(Specification(activation="leaky_relu"))
    session.set_bias(0, 1, -1000)
    assert health(session.network)[0].dead == []


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "elu"])
def test_large_weights_saturate(activation: str) -> None:
    session = Session(Specification(activation=activation))
    assert health(session.network)[0].saturated < 0.5
    for unit in range(4):
        session.set_bias(0, unit, -100)
    assert health(session.network)[0].saturated == 1
    assert ("saturated", 0) in kinds(session)


def test_a_step_longer_than_the_weights_explodes() -> None:
    session = Session("problem=regression&activation=linear&learningRate=10")
    for unit in range(4):
        session.set_weight(0, unit, 0, 3)
        session.set_weight(1, 0, unit, 3)
    layers = health(session.network)
    assert layers[0].step_size == pytest.approx(10 * layers[0].gradient_norm / layers[0].weight_norm)
    assert ("exploding", 0) in kinds(session)


def test_a_diverged_network_is_judged_without_a_complaint() -> None:
    session, layers = of("problem=regression&activation=linear&learningRate=10", 10)
    assert session.diverged
    assert not layers[0].finite
    assert {("exploding", 0), ("exploding", 1), ("exploding", 2)} == kinds(session)
    json.dumps([asdict(layer) for layer in layers], allow_nan=False)


@pytest.mark.filterwarnings("error")
@settings(max_examples=60)
@given(specifications())
def test_any_network_can_be_judged_and_stays_as_it_is(specification: Specification) -> None:
    session = Session(specification)
    session.step_minibatches(3)
    before = session.network.snapshot()
    layers = health(session.network)
    np.testing.assert_array_equal(before.parameters, session.network.parameters)
    np.testing.assert_array_equal(before.running, session.network.running)
    assert len(layers) == len(specification.hidden_layers) + 1
    text = json.dumps([asdict(layer) for layer in layers] + [asdict(v) for v in verdicts(layers)], allow_nan=False)
    assert text
    assert layers == health(session.network)
