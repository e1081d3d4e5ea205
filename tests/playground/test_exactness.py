"""Classic links against the oracle, which is slow, plain and shares no code with us."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from plain_playground import Oracle, oracle
from playground_strategies import classic_specifications

from layerlab.playground.data_sets import generate
from layerlab.playground.link import read_link, write_link
from layerlab.playground.random_numbers import Random
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification

CASES = {
    "nothing given": "",
    "batches of 30, then 40": "batchSize=30",
    "a batch that never comes together in one epoch": "batchSize=240&percTrainData=50",
    "a batch as large as the training set": "batchSize=250",
    "a batch larger than the training set": "batchSize=251",
    "a batch larger than a small training set": "batchSize=60&percTrainData=10",
    "single points": "batchSize=1&percTrainData=10",
    "zero weights": "initZero=true",
    "zero weights, relu": "initZero=true&activation=relu&dataset=xor",
    "zero weights said with another word": "initZero=yes",
    "little training data": "percTrainData=10&dataset=spiral",
    "much training data": "percTrainData=90&dataset=gauss&noise=30",
    "all features": "x=true&y=true&xSquared=1&ySquared=1&xTimesY=1&sinX=1&sinY=1&cosX=1&cosY=1&noise=50",
    "cosines alone": "x=false&y=false&cosX=true&cosY=true",
    "no feature": "x=false&y=false",
    "no feature and no hidden layer": "x=false&y=false&networkShape=",
    "no hidden layer": "networkShape=&dataset=gauss",
    "six layers of eight": "networkShape=8,8,8,8,8,8&activation=sigmoid",
    "noise 50": "noise=50&dataset=xor",
    "noise beyond the slider": "noise=80&dataset=circle",
    "noise beyond all": "noise=81&dataset=circle",
    "noise below nothing": "noise=-3&dataset=circle",
    "L1 that cuts": "regularization=L1&regularizationRate=0.1&noise=20",
    "L1 that cuts all": "regularization=L1&regularizationRate=10&learningRate=0.3",
    "L1 from zero": "regularization=L1&regularizationRate=0.1&initZero=true",
    "L1 with a carried batch": "regularization=L1&regularizationRate=0.03&batchSize=30",
    "L2": "regularization=L2&regularizationRate=0.1",
    "a rate without a penalty": "regularizationRate=3",
    "a penalty without a rate": "regularization=L1",
    "the plane": "problem=regression&noise=25&networkShape=3",
    "bumps": "problem=regression&regDataset=reg-gauss&activation=sigmoid&noise=10",
    "bumps, linear": "problem=regression&regDataset=reg-gauss&activation=linear&batchSize=7",
    "relu": "activation=relu&networkShape=6,4&dataset=spiral&sinX=true",
    "another spelling of the seed": "seed=0.50",
    "a seed in words": "seed=hello",
    "a seed with signs": "seed=a%20b+c/d%",
    "a long seed": "seed=" + "0123456789" * 10,
    "a keyless value": "seed=&learningRate=&networkShape=3",
    "a key twice": "learningRate=0.3&learningRate=0.01",
    "words that it does not know": "activation=elu&dataset=moons&regularization=L3&problem=ranking",
    "a high rate": "learningRate=3&dataset=xor",
}


@pytest.fixture(scope="module", name="engine")
def _engine() -> Iterator[Oracle]:
    with oracle() as running:
        yield running


def compare(engine: Oracle, link: str, epochs: int) -> None:
    wanted, session = engine.run(link, epochs), Session(link)
    assert session.specification.is_classic
    assert session.points.train.tolist() == wanted["train"]
    assert session.points.test.tolist() == wanted["test"]
    session.step(epochs)
    losses = [tuple(pair) for _, *pair in session.losses]
    theirs = [tuple(map(float, pair)) for pair in wanted["losses"]]
    if not np.isfinite(theirs).all():  # ours stops where theirs goes on with numbers that are none
        finite = np.isfinite(theirs).all(axis=1).tolist().index(False)
        assert session.divergence is not None
        assert losses[:finite] == theirs[:finite]
        assert len(losses) <= finite + 1
        return
    assert losses == theirs
    for layer, (weights, biases) in enumerate(zip(session.weights, session.biases, strict=True)):
        np.testing.assert_array_equal(weights, np.reshape(np.float64(wanted["weights"][layer]), weights.shape))
        np.testing.assert_array_equal(biases, np.float64(wanted["biases"][layer]))
    assert len(session.dead_links) == wanted["dead"]


@pytest.mark.parametrize("link", CASES.values(), ids=CASES)
def test_a_case_gives_the_oracles_numbers(engine: Oracle, link: str) -> None:
    compare(engine, link, epochs=30)


@settings(max_examples=15)
@given(classic_specifications(most_layers=2, most_units=4))
@example(Specification(regularization="L1", regularization_rate=0.3, batch_size=30, features=()))
def test_a_drawn_link_gives_the_oracles_numbers(engine: Oracle, specification: Specification) -> None:
    compare(engine, plain_link(specification), epochs=6)


@pytest.mark.slow
@settings(max_examples=300)
@given(classic_specifications(most_layers=6), st.integers(1, 60))
def test_many_drawn_links_give_the_oracles_numbers(engine: Oracle, specification: Specification, epochs: int) -> None:
    compare(engine, plain_link(specification), epochs)


def plain_link(specification: Specification) -> str:
    """Return the link with a seed that TensorFlow Playground reads, too."""
    link = write_link(specification)
    return link if "ownSeed=" not in link and specification.seed else write_link(specification.replace(seed="0.5"))


def test_a_batch_that_never_comes_together_never_learns() -> None:
    session = Session("batchSize=251")
    before = session.weights
    session.step(5)
    assert session.iteration == 0
    assert all(map(np.array_equal, before, session.weights))


def test_new_data_keep_the_weights_and_are_those_of_their_seed(engine: Oracle) -> None:
    session = Session("noise=20")
    session.step(2)
    before = session.weights
    session.regenerate("0.77001")
    assert all(map(np.array_equal, before, session.weights))
    assert session.specification.seed == "0.77001"
    wanted = engine.run("noise=20&seed=0.77001", 0)
    assert session.points.train.tolist() == wanted["train"]


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="&=#"), min_size=1, max_size=100))
@example("😀")
@example("0123456789" * 31)
def test_any_text_is_a_seed_as_in_javascript(engine: Oracle, seed: str) -> None:
    assume(seed.strip() == seed and "\ufeff" not in seed)
    assert generate(Specification(), Random(seed)).train.tolist() == engine.run(f"seed={seed}", 0)["train"]


def test_spellings_of_a_number_are_different_seeds() -> None:
    assert Session("seed=0.5").losses != Session("seed=0.50").losses


def test_a_link_without_a_seed_takes_the_default() -> None:
    assert read_link("").specification.seed == "0.5"
    assert Session("").losses == Session("seed=0.5").losses
    assert not math.isnan(Session("").losses[0][1])
