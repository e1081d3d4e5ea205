from __future__ import annotations

import ast
import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from playground_strategies import specifications

from layerlab.errors import LayerlabError
from layerlab.playground import write_keras, write_pytorch
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification

CASES = [
    Specification(),
    Specification(hidden_layers=()),
    Specification(features=()),
    Specification(features=(), skip=(True, True)),
    Specification(features=("sinX",)),
    Specification(features=("x", "y", "xSquared", "ySquared", "xTimesY", "sinX", "sinY", "cosX", "cosY")),
    Specification(
        hidden_layers=(3,) * 7, activations=("sigmoid", "tanh", "relu", "leaky_relu", "maxout", "elu", "linear")
    ),
    Specification(
        hidden_layers=(3,) * 7,
        activations=("sigmoid", "tanh", "relu", "leaky_relu", "maxout", "elu", "linear"),
        batch_normalization=(True,) * 7,
        dropout=0.2,
    ),
    Specification(hidden_layers=(4, 4, 3), skip=(True, True, True), activation="relu"),
    Specification(hidden_layers=(2, 5), skip=(True, True), batch_normalization=(True, True), activation="maxout"),
    Specification(loss="cross-entropy"),
    Specification(dataset="rings", classes=4, loss="cross-entropy"),
    Specification(dataset="rings", classes=3),
    Specification(problem="regression", regression_dataset="sine"),
    Specification(regularization="L1", regularization_rate=0.03),
]
each_case = pytest.mark.parametrize("specification", CASES, ids=range(len(CASES)))
POINTS = np.random.default_rng(0).uniform(-6, 6, (40, 2))


def run(source: str) -> dict[str, Any]:
    """Run what was written, as ``python file.py`` would; nothing may warn."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("error", category=UserWarning)
        exec(compile(source, "network.py", "exec"), names)
    return names


def trained(specification: Specification) -> Session:
    session = Session(specification)
    session.step_minibatches(8)
    return session


def compare_with_pytorch(session: Session) -> None:
    import torch

    with torch.no_grad():
        theirs = run(write_pytorch(session.network))["network"](torch.tensor(POINTS)).numpy()
    np.testing.assert_allclose(theirs, session.network.outputs(POINTS), rtol=1e-9, atol=1e-10)


@each_case
def test_pytorch_gives_the_same_outputs(specification: Specification) -> None:
    compare_with_pytorch(trained(specification))


@settings(max_examples=40)
@given(specifications())
def test_pytorch_gives_the_same_outputs_whatever_the_network(specification: Specification) -> None:
    session = trained(specification)
    if not session.diverged and np.isfinite(session.network.outputs(POINTS)).all():
        compare_with_pytorch(session)


def test_what_pytorch_gets_can_be_trained_further() -> None:
    import torch

    network = run(write_pytorch(trained(CASES[6]).network))["network"].train()
    before = [parameter.clone() for parameter in network.parameters()]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network(torch.tensor(POINTS)).square().mean().backward()
    optimizer.step()
    assert any((a != b).any() for a, b in zip(before, network.parameters(), strict=True))


@pytest.fixture
def keras() -> Iterator[Any]:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    policy = keras.config.dtype_policy()
    yield keras
    keras.config.set_dtype_policy(policy)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
@each_case
def test_keras_gives_the_same_outputs(specification: Specification, keras: Any) -> None:
    session = trained(specification)
    network = run(write_keras(session.network))["network"]
    theirs = keras.ops.convert_to_numpy(network(POINTS))
    # Keras on PyTorch multiplies matrices in single precision, whatever it is told.
    np.testing.assert_allclose(theirs, session.network.outputs(POINTS), rtol=1e-6, atol=1e-6)


def test_nothing_that_was_typed_is_in_the_source() -> None:
    seed = '"""\nimport os; os.abort()\n"""'
    session = Session(Specification(seed=seed, weight_seed="'); quit(); ('"))
    for source in (write_pytorch(session.network), write_keras(session.network)):
        assert "abort" not in source
        assert "quit" not in source
        ast.parse(source)


def test_the_source_says_what_it_is() -> None:
    session = Session("networkShape=4,2&regularization=L2&regularizationRate=0.01")
    session.step(2)
    assert write_pytorch(session.network).startswith(
        '"""A network of Layerlab\'s playground in PyTorch: hidden layers of 4, 2 units.\n\n'
        "Epochs learned: 2 (50 updates by sgd, learning rate 0.03, batches of 10).\n"
        "Loss: half the squared error, and L2 with rate 0.01.\n"
        'Returns a number from -1 to 1, positive for the class +1.\n"""\n'
    )


@pytest.mark.parametrize("write", [write_pytorch, write_keras])
def test_lines_are_no_longer_than_a_screen_is_wide(write: Any) -> None:
    session = Session(Specification(hidden_layers=(32, 32), skip=(True, True)))
    assert max(map(len, write(session.network).splitlines())) <= 120


@pytest.mark.parametrize("write", [write_pytorch, write_keras])
def test_a_diverged_network_is_not_written(write: Any) -> None:
    session = Session("learningRate=10&problem=regression&activation=linear")
    session.step(20)
    with pytest.raises(LayerlabError, match="no longer finite; rewind it"):
        write(session.network)
