"""Every gradient against PyTorch's autograd in float64, over specifications drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from playground_oracle import Oracle, network_of
from playground_strategies import specifications

from layerlab.playground.network import Network
from layerlab.playground.specification import ACTIVATIONS, Specification


def jitter(network: Network, seed: int) -> None:
    """Move all parameters and statistics, so that none has the value it starts with."""
    random = np.random.default_rng(seed)
    network.parameters += random.normal(size=network.parameters.shape) * 0.3
    half = len(network.running) // 2
    network.running[:half] += random.normal(size=half)
    network.running[half:] *= random.uniform(0.2, 3, size=half)


def compare(network: Network, batch: Any, *, training: bool, factors: Any = None) -> None:
    oracle = Oracle(network)
    oracle.loss(batch, factors, training=training).backward()
    if oracle.nearest_kink < 1e-9:  # there, either slope is right
        return
    ours = network.gradients(batch, factors, training=training)
    for index, name, tensor in oracle.parameters():
        wanted = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        largest = max(1.0, float(wanted.abs().max()) if wanted.numel() else 0.0)
        found = getattr(ours.layers[index], name)
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-8, atol=1e-8 * largest, err_msg=f"{index} {name}")


@settings(max_examples=150)
@given(specifications(), st.integers(1, 40), st.integers(0, 99), st.booleans())
def test_gradients_equal_autograd(specification: Specification, count: int, seed: int, training: bool) -> None:
    network = network_of(specification)
    jitter(network, seed)
    batch = network.points.train[:count]
    factors = network.dropout_factors(len(batch)) if training else None
    compare(network, batch, training=training, factors=factors)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
@pytest.mark.parametrize("classes", [2, 4])
def test_everything_at_once(activation: str, loss: str, classes: int) -> None:
    specification = Specification(
        dataset="rings",
        classes=classes,
        loss=loss,
        features=("x", "y", "sinX"),
        hidden_layers=(3, 4, 3, 6),
        activation=activation,
        batch_normalization=(True, False, True, True),
        skip=(True, True, False, True),
        dropout=0.3,
    )
    network = network_of(specification)
    jitter(network, 1)
    batch = network.points.train[:17]
    compare(network, batch, training=True, factors=network.dropout_factors(17))
    compare(network, batch, training=False)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_of_zeros_has_the_gradient_of_its_kinks(activation: str) -> None:
    network = network_of(Specification(activation=activation, initialization="zero", hidden_layers=(3, 2)))
    batch = network.points.train[:8]
    oracle = Oracle(network)
    oracle.loss(batch).backward()
    ours = network.gradients(batch)
    for index, name, tensor in oracle.parameters():
        np.testing.assert_allclose(getattr(ours.layers[index], name), tensor.grad.numpy(), atol=1e-12)


def test_the_loss_is_the_oracles() -> None:
    for kind in (
        {"problem": "regression"},
        {"loss": "mse"},
        {"loss": "cross-entropy"},
        {"loss": "mse", "classes": 5, "dataset": "spiral"},
        {"loss": "cross-entropy", "classes": 5, "dataset": "spiral"},
    ):
        network = network_of(Specification(**kind))
        jitter(network, 2)
        batch = network.points.train
        assert network.loss(batch) == pytest.approx(Oracle(network).loss(batch).item(), rel=1e-12)
        assert network.evaluate()[0] == pytest.approx(network.loss(batch), rel=1e-12)


def test_dead_links_have_no_gradient() -> None:
    network = network_of(Specification())
    network.layers[0].dead[1, 0] = True
    network.layers[0].weights[1, 0] = 0.0
    gradients = network.gradients(network.points.train[:10])
    assert gradients.layers[0].weights[1, 0] == 0.0
    assert np.count_nonzero(gradients.layers[0].weights) == network.layers[0].weights.size - 1


def test_gradients_change_nothing() -> None:
    specification = Specification(batch_normalization=(True, False), dropout=0.2)
    network, other = network_of(specification), network_of(specification)
    network.run_minibatches(7)
    other.run_minibatches(7)
    network.gradients(network.points.train[:9])
    network.outputs([[1.0, 2.0]])
    assert (network.run(2) == other.run(2)).all()
