from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playground_strategies import classic_specifications, specifications

from layerlab.errors import LayerlabError
from layerlab.playground.specification import FEATURES, Specification

POINT = (0.5, -0.5, 1.0)


def complaint(**fields: Any) -> str:
    with pytest.raises(LayerlabError) as error:
        Specification(**fields)
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


def test_the_default_is_tensorflow_playgrounds() -> None:
    plain = Specification()
    assert plain.is_classic
    assert (plain.features, plain.units, plain.fan_in) == (("x", "y"), (4, 2, 1), (2, 4, 2))
    assert (plain.layer_activations, plain.normalized, plain.skips) == (("tanh", "tanh"), (False,) * 2, (False,) * 2)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"activation": "rleu"}, "unknown activation 'rleu'; did you mean \"relu\"?"),
        ({"dataset": "circel"}, "unknown dataset 'circel'; did you mean \"circle\"?"),
        ({"features": ("x", "z²")}, "unknown feature 'z²'; known: "),
        ({"features": "x"}, "features is 'x'; expected a list"),
        ({"learning_rate": "0.1"}, "learning rate is '0.1'; expected a number from 0 to 1000"),
        ({"learning_rate": float("nan")}, "learning rate is nan; expected a number from 0 to 1000"),
        ({"learning_rate": -1}, "learning rate is -1; expected a number from 0 to 1000"),
        ({"learning_rate": 10**400}, "; expected a number from 0 to 1000"),
        ({"learning_rate": 10**5000}, "learning rate is too long to show; expected a number from 0 to 1000"),
        ({"batch_size": 2.5}, "batch size is 2.5; expected a whole number from 1 to 2000"),
        ({"batch_size": True}, "batch size is True; expected a whole number from 1 to 2000"),
        ({"train_percent": 100}, "train percent is 100; expected a whole number from 1 to 99"),
        ({"hidden_layers": (4,) * 9}, "9 hidden layers; at most 8"),
        ({"hidden_layers": (4, 33)}, "number of units of hidden layer 2 is 33; expected a whole number from 1 to 32"),
        ({"activations": ("relu",)}, "activations is for 1 layers; the network has 2 hidden ones"),
        ({"activations": ("relu", "swish")}, "unknown activation 'swish'; known: "),
        ({"skip": (1, 2)}, "skip is (1, 2); expected a list of true and false"),
        ({"seed": "x" * 101}, "seed has 101 characters; at most 100"),
        ({"seed": None}, "seed is None; expected text or a number"),
        ({"classes": 3}, 'the data set "circle" has 2 classes, not 3'),
        ({"dataset": "three-spirals"}, 'the data set "three-spirals" has 3 classes, not 2'),
        ({"problem": "regression", "loss": "cross-entropy"}, 'the loss of regression is "mse", not "cross-entropy"'),
        ({"problem": "regression", "classes": 3}, "regression has no classes; leave classes at 2"),
        ({"dataset": "points"}, 'the data set "points" has no points; give at least one'),
        ({"points": (POINT,) * 2001}, "2,001 points; at most 2,000"),
        ({"points": ((1, 2),)}, "point 1, (1, 2), is not x, y and a label"),
        ({"points": (POINT, (7, 0, 1))}, "x of point 2 is 7; expected a number from -6 to 6"),
        ({"dataset": "points", "points": ((0, 0, 2),)}, "label 2 of point 1: 2 classes have the labels -1, 1"),
        ({"frozen": ((0, 0),)}, "frozen weight (0, 0) is not a layer, a unit and a source"),
        ({"frozen": ((0, 4, 0),)}, "frozen weight (0, 4, 0): the network has no such layer, unit and source"),
        ({"frozen": ((-1, 0, 0),)}, "frozen weight (-1, 0, 0): the network has no such layer, unit and source"),
    ],
)
def test_a_mistake_is_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    assert sentence in complaint(**fields)


@given(specifications())
def test_fields_survive_json(specification: Specification) -> None:
    assert Specification.from_dict(json.loads(json.dumps(specification.to_dict()))) == specification
    assert hash(specification.replace()) == hash(specification)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
field_names = st.sampled_from([*Specification().to_dict(), "self", "cls", "seeed", "__class__"])


@given(st.dictionaries(field_names, json_values, max_size=3))
def test_any_json_is_a_specification_or_an_error(values: dict[str, Any]) -> None:
    try:
        specification = Specification.from_dict(values)
    except LayerlabError as error:
        assert "\n" not in str(error)
    else:
        assert Specification.from_dict(specification.to_dict()) == specification


@pytest.mark.parametrize("value", [None, 3, "text", [("seed", 1)], {1: 2}])
def test_only_a_mapping_has_fields(value: Any) -> None:
    with pytest.raises(LayerlabError, match="a specification is a mapping of its fields, not "):
        Specification.from_dict(value)


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(LayerlabError, match='has no "learning_rat"; did you mean "learning_rate"'):
        Specification().replace(learning_rat=1)
    with pytest.raises(LayerlabError, match='has no "self"'):
        Specification.from_dict({"self": 1})


def test_numbers_of_numpy_are_numbers() -> None:
    given_points = np.array([[0.25, 1.0, 1.0], [0.5, 2.0, -1.0]])
    specification = Specification(
        batch_size=np.int64(5), learning_rate=np.float32(0.5), hidden_layers=np.array([3, 2]), points=given_points
    )
    assert specification == Specification(
        batch_size=5, learning_rate=0.5, hidden_layers=(3, 2), points=((0.25, 1, 1), (0.5, 2, -1))
    )
    assert type(specification.batch_size) is int
    assert type(specification.learning_rate) is float


def test_the_same_network_is_one_value() -> None:
    plain = Specification()
    assert Specification(activations=("tanh", "tanh"), batch_normalization=(0, 0), skip=[False, False]) == plain
    assert Specification(features=("y", "x", "y")) == plain
    assert Specification(seed=0.5) == plain
    assert Specification(features=FEATURES[::-1]).features == FEATURES
    frozen = ((1, 0, 2), (0, 0, -1), (1, 0, 2))
    assert Specification(frozen=frozen).frozen == ((0, 0, -1), (1, 0, 2))


def test_points_keep_five_decimals() -> None:
    points = Specification(points=((1 / 3, -1e-9, 2 / 3),)).points
    assert points == ((0.33333, 0.0, 0.66667),)
    assert str(points[0][1]) == "0.0"


def test_skips_widen_what_the_next_layer_takes() -> None:
    skipping = Specification(hidden_layers=(3, 3, 2), skip=(True, True, True))
    assert skipping.fan_in == (2, 5, 8, 10), "2 beside 3, 5 beside 3, 8 beside 2"
    adding = Specification(hidden_layers=(2, 2, 4), skip=(True, True, False))
    assert adding.fan_in == (2, 2, 2, 4)


@given(classic_specifications())
def test_what_tensorflow_playground_has_is_classic(specification: Specification) -> None:
    assert specification.is_classic


@pytest.mark.parametrize(
    "beyond",
    [
        {"activation": "elu"},
        {"activations": ("relu", "tanh")},
        {"loss": "cross-entropy"},
        {"dataset": "moons"},
        {"dataset": "gauss", "classes": 3},
        {"optimizer": "adam"},
        {"initialization": "he"},
        {"batch_normalization": (True, False)},
        {"skip": (False, True)},
        {"dropout": 0.1},
        {"frozen": ((0, 0, 0),)},
        {"schedule": "cosine"},
        {"dataset": "points", "points": (POINT,)},
        {"weight_seed": "1"},
        {"problem": "regression", "regression_dataset": "sine"},
    ],
)
def test_each_thing_beyond_is_not_classic(beyond: dict[str, Any]) -> None:
    assert not Specification(**beyond).is_classic


def test_a_long_number_is_a_seed_to_its_last_digit() -> None:
    assert Specification(seed=10**70 + 1).seed == "1" + 69 * "0" + "1"  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers_wherever_they_stand() -> None:
    point = np.array([1.0, 2.0, -1.0])
    place = tuple(map(np.int64, (0, 1, -1)))
    flags: Any = [np.bool_(True), np.bool_(False)]
    given: Any = {"points": [point], "frozen": [place], "hidden_layers": list(np.array([4, 2])), "skip": flags}
    own: Any = {"points": [(1, 2, -1)], "frozen": [(0, 1, -1)], "skip": (True, False)}
    assert Specification(**given) == Specification(**own)
    assert json.dumps(Specification(**given).to_dict()) == json.dumps(Specification(**own).to_dict())
