"""One network: its optimisers, its parts that make a whole, what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from playground_oracle import Oracle, network_of
from playground_strategies import specifications

from layerlab.errors import LayerlabError
from layerlab.playground.data_sets import Points
from layerlab.playground.network import Network, learning_rates
from layerlab.playground.specification import OPTIMIZERS, SCHEDULES, Specification

BOTH_KERNELS = (Specification(), Specification(skip=(True, True)))
"""The second is computed by the kernel that knows everything."""


def torch_optimizer(name: str, parameters: list[torch.Tensor], rate: float) -> torch.optim.Optimizer:
    match name:
        case "sgd":
            return torch.optim.SGD(parameters, rate)
        case "momentum" | "nesterov":
            return torch.optim.SGD(parameters, rate, momentum=0.9, nesterov=name == "nesterov")
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate)
        case "adam":
            return torch.optim.Adam(parameters, rate)
    return torch.optim.AdamW(parameters, rate)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("schedule", ["constant", "exponential"])
def test_twenty_steps_are_those_of_torch(name: str, schedule: str) -> None:
    specification = Specification(
        optimizer=name,
        learning_rate=0.05,
        batch_size=50,
        hidden_layers=(4, 3),
        batch_normalization=(True, False),
        activations=("elu", "tanh"),
        loss="cross-entropy",
        schedule=schedule,
        schedule_epochs=7,
        # Normalisation takes these biases out again: their gradient is rounding, which Adam would blow up.
        frozen=tuple((0, unit, -1) for unit in range(4)),
    )
    network = network_of(specification)
    oracle = Oracle(network)
    learning = [tensor for index, field, tensor in oracle.parameters() if (index, field) != (0, "biases")]
    optimizer = torch_optimizer(name, learning, 0.05)
    rates = learning_rates(specification, 0, 4)
    for step in range(20):
        batch = network.points.train[(step % 5) * 50 : (step % 5) * 50 + 50]
        optimizer.param_groups[0]["lr"] = rates[step // 5]
        optimizer.zero_grad()
        oracle.loss(batch).backward()
        optimizer.step()
        assert network.run_minibatches(1)[0] == 1
        for index, field, tensor in oracle.parameters():
            ours = getattr(network.layers[index], field)
            np.testing.assert_allclose(ours, tensor.detach().numpy(), rtol=1e-10, atol=1e-10)
    for layer, theirs in zip(network.layers, oracle.layers, strict=True):
        if layer.running_mean is not None:
            np.testing.assert_allclose(layer.running_mean, theirs["running_mean"], rtol=1e-10)
            np.testing.assert_allclose(layer.running_variance, theirs["running_variance"], rtol=1e-10)


@settings(max_examples=60)
@given(specifications(), st.integers(0, 3), st.integers(0, 3), st.lists(st.integers(1, 70), max_size=5))
def test_a_run_is_the_sum_of_its_parts(
    specification: Specification, first: int, second: int, pieces: list[int]
) -> None:
    whole, parts = network_of(specification), network_of(specification)
    rows = whole.run(first + second)
    np.testing.assert_array_equal(rows, np.concatenate([parts.run(first), parts.run(second)])[: len(rows)])
    if not whole.finite:
        return
    reached = whole.iteration
    again, borders = network_of(specification), []
    for piece in pieces:
        borders += again.run_minibatches(min(piece, reached - again.iteration))[1]
    if again.iteration < reached:
        borders += again.run_minibatches(reached - again.iteration)[1]
    kept = again.epoch
    np.testing.assert_array_equal([border[1:] for border in borders[:kept]], rows[: len(borders)].tolist())
    if again.epoch == whole.epoch:
        np.testing.assert_array_equal(again.parameters, whole.parameters)


@settings(max_examples=60)
@given(specifications(), st.integers(0, 60), st.integers(1, 60))
def test_a_snapshot_holds_all_that_learning_changes(specification: Specification, before: int, after: int) -> None:
    network = network_of(specification)
    network.run_minibatches(before)
    snapshot = network.snapshot()
    borders = network.run_minibatches(after)
    parameters, running = network.parameters.copy(), network.running.copy()
    network.restore(snapshot)
    np.testing.assert_equal(network.run_minibatches(after), borders)
    np.testing.assert_array_equal(network.parameters, parameters)
    np.testing.assert_array_equal(network.running, running)
    other = network_of(specification)
    other.restore(snapshot)
    np.testing.assert_equal(other.run_minibatches(after), borders)


@pytest.mark.parametrize("specification", BOTH_KERNELS)
def test_the_rest_of_an_epoch_waits_for_the_next(specification: Specification) -> None:
    network = network_of(specification.replace(batch_size=30))  # 250 points: 8 updates, 10 points wait
    network.run(1)
    assert network.iteration == 8
    at_eight = network.parameters.copy()
    network.run_minibatches(1)
    carried = np.concatenate([network.points.train[240:], network.points.train[:30]])
    rewound = network_of(specification.replace(batch_size=30))
    rewound.run(1)
    step = 0.03 * rewound.gradients(carried).vector
    np.testing.assert_allclose(network.parameters, at_eight - step, rtol=1e-12, atol=1e-14)


def test_the_small_kernel_and_the_general_one_agree_to_the_bit() -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"activation": "sigmoid", "regularization": "L2", "regularization_rate": 0.01},
        {"activation": "relu", "regularization": "L1", "regularization_rate": 0.01, "batch_size": 7},
        {"problem": "regression", "hidden_layers": ()},
    )
    for change in changes:
        specification = Specification(**change)
        small, general = network_of(specification), network_of(specification)
        type_of_general = type("General", (Network,), {"_plain": property(lambda self: False)})
        general.__class__ = type_of_general
        np.testing.assert_array_equal(small.run(4), general.run(4))
        np.testing.assert_array_equal(small.parameters, general.parameters)
        np.testing.assert_array_equal(small.outputs([[1, 2], [3, -4]]), general.outputs([[1, 2], [3, -4]]))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_weights_stay(optimizer: str) -> None:
    frozen = ((0, 1, 0), (0, 2, -1), (2, 0, 1))
    network = network_of(
        Specification(optimizer=optimizer, frozen=frozen, regularization="L2", regularization_rate=0.1)
    )
    before = network.parameters.copy()
    network.run(2)
    assert (network.parameters[network.frozen] == before[network.frozen]).all()
    assert (network.parameters[~network.frozen] != before[~network.frozen]).all()
    assert network.frozen.sum() == 3
    network.set_live(frozen=())
    network.run(1)
    assert (network.parameters != before).all()


def test_maxout_freezes_both_pieces() -> None:
    network = network_of(Specification(activation="maxout", frozen=((0, 1, 0), (0, 1, -1))))
    assert network.layers[0].weights.shape == (4, 2, 2)
    assert network.layers[0].biases.shape == (4, 2)
    assert network.layers[0].frozen[1].tolist() == [[True, False], [True, False]]
    assert network.layers[0].frozen_biases[1].all()


def test_l1_cuts_links_for_ever() -> None:
    for specification in BOTH_KERNELS:
        network = network_of(specification.replace(regularization="L1", regularization_rate=0.1))
        network.run(30)
        dead = network.dead.copy()
        assert dead.any()
        assert not dead[network.layout.weights :].any()
        network.set_live(regularization="none")
        network.run(10)
        assert (network.dead == dead).all()
        assert not network.parameters[dead].any()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(schedule: str) -> None:
    specification = Specification(schedule=schedule, schedule_epochs=10, learning_rate=1.0)
    rates = learning_rates(specification, 0, 12)
    assert learning_rates(specification, 5, 3).tolist() == rates[5:8].tolist()
    wanted = {
        "constant": {0: 1, 11: 1},
        "step": {0: 1, 3: 1, 4: 0.1, 7: 0.01, 10: 0.001},
        "exponential": {0: 1, 5: 0.1, 10: 0.01},
        "cosine": {0: 1, 5: 0.5, 10: 0, 11: 0},
        "warmup": {0: 0.1, 4: 0.5, 9: 1, 11: 1},
    }[schedule]
    assert {epoch: pytest.approx(value) for epoch, value in wanted.items()} == {e: rates[e] for e in wanted}


def test_dropout_drops_its_share_and_scales_the_rest() -> None:
    network = network_of(Specification(dropout=0.25, hidden_layers=(32, 32)))
    network.run_minibatches(3)
    first, second = network.dropout_factors(500)
    for factors in (first, second):
        assert set(np.unique(factors)) == {0.0, 1 / 0.75}
        assert (factors == 0).mean() == pytest.approx(0.25, abs=0.02)
    assert (first != second).mean() > 0.3
    network.run_minibatches(1)
    assert (network.dropout_factors(500)[0] != first).mean() > 0.3
    other = network_of(Specification(dropout=0.25, hidden_layers=(32, 32), seed="other"))
    other.run_minibatches(4)
    assert (network.dropout_factors(500)[0] != other.dropout_factors(500)[0]).mean() > 0.3


def test_what_is_not_finite_ends_a_run() -> None:
    for specification in (
        Specification(problem="regression", activation="relu", learning_rate=100.0),
        Specification(problem="regression", activation="leaky_relu", learning_rate=100.0),
    ):
        network = network_of(specification)
        rows = network.run(50)
        assert len(rows) < 50
        assert not np.isfinite(rows[-1]).all() or not network.finite
        assert np.isfinite(rows[:-1]).all()
        made, _ = network.run_minibatches(1000)
        assert made < 1000


def test_a_batch_larger_than_the_data_never_updates() -> None:
    for specification in BOTH_KERNELS:
        network = network_of(specification.replace(batch_size=251))
        before = network.parameters.copy()
        rows = network.run(5)
        assert (rows == rows[0]).all()
        assert (network.parameters == before).all()
        assert network.run_minibatches(3)[0] == 0
        network.set_live(batch_size=250)
        assert network.run_minibatches(3)[0] == 3


def test_live_changes() -> None:
    network = network_of(Specification())
    network.run(1)
    network.set_live(learning_rate=0.1, dropout=0.5, batch_size=3)
    network.run(1)
    assert network.specification.learning_rate == 0.1
    with pytest.raises(LayerlabError, match='"hidden_layers" cannot change while the weights stay'):
        network.set_live(hidden_layers=(3,))
    with pytest.raises(LayerlabError, match="learning rate"):
        network.set_live(learning_rate=-1)


def test_other_points_keep_the_weights() -> None:
    network, fresh = network_of(Specification()), network_of(Specification(seed="7"))
    network.run(2)
    before = network.parameters.copy()
    network.set_points(fresh.points)
    assert (network.parameters == before).all()
    assert network.loss(fresh.points.train) == network.evaluate()[0]
    network.set_points(Points(fresh.points.train, fresh.points.train[:0]))
    assert np.isnan(network.evaluate()[1])
    assert len(network.run(3)) == 3


def test_maps_show_what_outputs_computes() -> None:
    specification = Specification(
        features=("x", "sinY"),
        hidden_layers=(3, 4),
        skip=(True, True),
        classes=3,
        dataset="rings",
        loss="cross-entropy",
    )
    network = network_of(specification)
    network.run(3)
    maps = network.maps(11)
    assert [array.shape for array in maps] == [(2, 11, 11), (3, 11, 11), (4, 11, 11), (3, 11, 11)]
    axis = np.linspace(-6, 6, 11)
    corner = network.outputs([[axis[0], axis[-1]]])[0]
    np.testing.assert_allclose(maps[-1][:, 0, 0], corner, rtol=1e-6)
    place = [[axis[3], axis[-1 - 2]]]
    np.testing.assert_allclose(maps[-1][:, 2, 3], network.outputs(place)[0], rtol=1e-6)
    inner = network.activations(place)
    assert [part.shape for part in inner] == [(1, 2), (1, 5), (1, 9)]
    np.testing.assert_allclose(maps[2][:, 2, 3], inner[2][0, :4], rtol=1e-6)
    np.testing.assert_allclose(inner[2][0, 4:], inner[1][0])
    painted = network.painted_maps(11)
    assert painted.dtype == np.uint8
    values = np.concatenate(maps)
    np.testing.assert_array_equal(painted, np.rint(127.5 * (np.clip(values, -1, 1) + 1)))


def test_two_classes_show_the_output_between_minus_one_and_one() -> None:
    network = network_of(Specification(loss="cross-entropy"))
    network.run(5)
    logit = Oracle(network).sums(np.array([[1.0, 2.0, 0.0]]), training=False).item()
    assert network.outputs([[1, 2]])[0, 0] == pytest.approx(2 / (1 + np.exp(-logit)) - 1)


@pytest.mark.parametrize(("name", "fan"), [("glorot", lambda i, o: 6 / (i + o)), ("he", lambda i, o: 6 / i)])
def test_initialisations_fill_their_interval(name: str, fan: Any) -> None:
    network = network_of(Specification(initialization=name, hidden_layers=(32, 16, 32)))
    for layer in network.layers[:-1]:
        bound = np.sqrt(fan(layer.inputs, layer.units))
        assert 0.9 * bound < abs(layer.weights).max() <= bound
        assert not layer.biases.any()


def test_a_seed_of_its_own_for_the_weights_leaves_the_data() -> None:
    plain, moved = network_of(Specification()), network_of(Specification(weight_seed="1"))
    assert (plain.points.train == moved.points.train).all()
    assert (plain.layers[0].weights != moved.layers[0].weights).all()


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda n: n.outputs(n.points.train), "places have the shape 250 x 3; expected rows of 2 numbers"),
        (lambda n: n.outputs([1, 2, 3, 4]), "places have the shape 1 x 4; expected rows of 2 numbers"),
        (lambda n: n.activations(5), "places have the shape a single number; expected rows of 2 numbers"),
        (lambda n: n.outputs("ab"), "places 'ab' are no rows of 2 numbers"),
        (lambda n: n.loss([[1, 2], [3]]), "points [[1, 2], [3]] are no rows of 3 numbers"),
        (lambda n: n.gradients([[0, 0]]), "points have the shape 1 x 2; expected rows of 3 numbers"),
        (lambda n: n.gradients([]), "no points have no gradient; give at least one"),
        (lambda n: n.run(-1), "epochs -1 is out of range; expected 0 to 10,000,000"),
        (lambda n: n.run_minibatches(1.5), "minibatches 1.5 is no whole number; expected 0 to 10,000,000"),
        (lambda n: n.maps(0), "resolution 0 is out of range; expected 2 to 400"),
    ],
)
def test_a_mistake_is_one_sentence(act: Callable[[Network], object], sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        act(network_of(Specification()))
    assert str(error.value) == sentence


def test_one_place_need_not_be_in_a_list() -> None:
    network = network_of(Specification())
    assert network.outputs([1, 2]).tolist() == network.outputs([[1, 2]]).tolist()
    assert network.outputs([]).shape == (0, 1)
