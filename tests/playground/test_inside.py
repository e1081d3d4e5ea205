from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playground_strategies import specifications

from layerlab.errors import LayerlabError
from layerlab.playground.inside import trace
from layerlab.playground.plain_pass import forward
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification


def a_label(session: Session) -> float:
    return float(session.points.train[0, 2])


def pieces_of(layer: dict[str, Any]) -> list[dict[str, Any]]:
    return [piece for unit in layer["units"] for piece in unit["pieces"]]


@settings(max_examples=80)
@given(specifications(), st.floats(-6, 6), st.floats(-6, 6))
def test_the_gradients_are_the_networks_and_each_the_product_of_its_factors(
    specification: Specification, x: float, y: float
) -> None:
    session = Session(specification)
    session.step_minibatches(2)
    if session.diverged or max(np.abs(weights).max(initial=0) for weights in session.weights) > 1e6:
        return
    label = a_label(session)
    found = trace(session.network, x, y, label)
    wanted = session.network.gradients([[x, y, label]], training=False).layers
    scale = max(1.0, *(float(np.abs(layer.weights).max(initial=0)) for layer in wanted))
    for layer, theirs in zip(found["layers"], wanted, strict=True):
        pieces = pieces_of(layer)
        links = [link for piece in pieces for link in piece["links"]]
        gradients, biases = [link["gradient"] for link in links], [piece["bias_gradient"] for piece in pieces]
        np.testing.assert_allclose(gradients, theirs.weights.ravel(), rtol=1e-9, atol=1e-10 * scale)
        np.testing.assert_allclose(biases, theirs.biases.ravel(), rtol=1e-9, atol=1e-10 * scale)
        for link in links:
            assert link["gradient"] == pytest.approx(math.prod(value for _, value in link["factors"]), rel=1e-10)
        for piece in pieces:
            total = piece["bias"] + math.fsum(link["product"] for link in piece["links"])
            assert piece["sum"] == pytest.approx(total, rel=1e-9, abs=1e-9 * scale)
    assert found["loss"] == pytest.approx(session.network.loss([[x, y, label]]), rel=1e-9, abs=1e-12)
    assert found["outputs"] == session.network.outputs([[x, y]])[0].tolist()
    json.dumps(found, allow_nan=False)


@settings(max_examples=60)
@given(specifications())
def test_the_plain_pass_computes_what_the_engine_does(specification: Specification) -> None:
    session = Session(specification)
    session.step_minibatches(3)
    xy = session.points.train[:20, :2]
    theirs = session.network.activations(xy)[1:]
    for mine, wanted in zip(forward(session.network, xy)[:-1], theirs, strict=True):
        if not np.isfinite(wanted).all():
            break  # where a sum overflows, the order of its terms decides between infinite and not a number
        np.testing.assert_allclose(mine.outputs, wanted, rtol=1e-9, atol=1e-11)


def test_the_gradient_of_an_output_is_the_sum_over_the_links_that_it_feeds() -> None:
    session = Session(Specification(hidden_layers=(3, 3, 2), skip=(False, True, True), activation="sigmoid"))
    session.step(2)
    found = trace(session.network, 1.5, -2.0, 1)
    for before, after in zip(found["layers"], found["layers"][1:], strict=False):
        for source, unit in enumerate(before["units"]):
            fed = sum(piece["links"][source]["weight"] * piece["sum_gradient"] for piece in pieces_of(after))
            assert unit["output_gradient"] == pytest.approx(fed + unit["skip_gradient"], rel=1e-12)
    assert any(unit["skip_gradient"] for unit in found["layers"][0]["units"])


def test_maxout_names_the_piece_that_won() -> None:
    session = Session(Specification(activation="maxout", hidden_layers=(3,)))
    unit = trace(session.network, 2.0, 1.0, 1)["layers"][0]["units"][1]
    sums = [piece["sum"] for piece in unit["pieces"]]
    assert unit["winner"] == int(np.argmax(sums))
    assert unit["output"] == max(sums)
    loser = unit["pieces"][1 - unit["winner"]]
    assert all(link["gradient"] == 0 for link in loser["links"])


def test_a_dead_link_says_so_and_gets_no_gradient() -> None:
    session = Session(Specification(regularization="L1", regularization_rate=0.03))
    session.step(30)
    layer, unit, source = session.dead_links[0]
    link = trace(session.network, 1, 1, 1)["layers"][layer]["units"][unit]["pieces"][0]["links"][source]
    assert link["dead"]
    assert link["gradient"] == 0
    assert link["factors"][-1] == ("dead", 0.0)


@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        ((math.nan, 0, 1), "x nan is no number; expected -100 to 100"),
        ((0, 1e9, 1), "y 1e+09 is out of range; expected -100 to 100"),
        ((0, "1", 1), "y '1' is no number; expected -100 to 100"),
        ((0, 0, 0), "label 0: the 2 classes have the labels -1, 1"),
        ((0, 0, True), "label True is no number; expected -1e+06 to 1e+06"),
    ],
)
def test_a_wrong_point_is_one_sentence(point: tuple[Any, Any, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        trace(Session("").network, *point)
    assert str(error.value) == sentence


def test_a_class_that_there_is_not() -> None:
    with pytest.raises(LayerlabError, match=r"label 3: the 3 classes have the labels 0, 1, 2"):
        trace(Session("dataset=gauss&classes=3").network, 0, 0, 3)


def test_a_diverged_network_has_no_numbers_to_show() -> None:
    session = Session("learningRate=10&problem=regression&activation=linear")
    session.step(20)
    assert session.diverged
    with pytest.raises(LayerlabError, match="too large to be shown; rewind it"):
        trace(session.network, 0, 0, 1)
