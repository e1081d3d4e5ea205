"""Twelve runs of TensorFlow Playground's own engine, and ours from the same links."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layerlab.playground.link import read_link, write_link
from layerlab.playground.many import train
from layerlab.playground.session import Session

RUNS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "trajectories.json").read_text())["runs"]
NAMES = [f"{number}-{read_link(run['hash']).specification.data_name}" for number, run in enumerate(RUNS, 1)]
each_run = pytest.mark.parametrize("run", RUNS, ids=NAMES)


@cache
def trained(link: str, epochs: int) -> Session:
    session = Session(link)
    session.step(epochs)
    return session


@each_run
def test_the_points_are_equal(run: dict[str, Any]) -> None:
    assert trained(run["hash"], run["epochs"]).points.train[:3].tolist() == run["first_train_points"]


@each_run
def test_the_losses_are_equal(run: dict[str, Any]) -> None:
    losses = {epoch: (train, test) for epoch, train, test in trained(run["hash"], run["epochs"]).losses}
    assert max(losses) == run["epochs"]
    for wanted in run["losses"]:
        assert losses[wanted["epoch"]] == (wanted["train"], wanted["test"])


@each_run
def test_the_final_weights_are_equal(run: dict[str, Any]) -> None:
    session = trained(run["hash"], run["epochs"])
    layers = run["final"]["layers"]
    assert len(session.weights) == len(layers)
    for weights, biases, wanted in zip(session.weights, session.biases, layers, strict=True):
        np.testing.assert_array_equal(weights, np.reshape(wanted["weights"], weights.shape))
        np.testing.assert_array_equal(biases, wanted["biases"])


@each_run
def test_as_many_links_are_dead(run: dict[str, Any]) -> None:
    session = trained(run["hash"], run["epochs"])
    assert len(session.dead_links) == run["final"]["dead_links"]
    assert all(session.weights[layer][unit, source] == 0 for layer, unit, source in session.dead_links)


def test_one_of_the_runs_has_dead_links() -> None:
    assert sum(run["final"]["dead_links"] > 0 for run in RUNS) == 1


@each_run
def test_our_link_says_what_theirs_says(run: dict[str, Any]) -> None:
    link = read_link(run["hash"])
    assert link.specification.is_classic
    assert link.warnings == ()
    theirs = dict(pair.split("=") for pair in run["hash"].split("&"))
    ours = dict(pair.split("=") for pair in write_link(link.specification, link.page).split("&"))
    assert ours == {**theirs, "cosX": "false", "cosY": "false"}


@each_run
def test_many_at_once_give_the_same(run: dict[str, Any]) -> None:
    specification = read_link(run["hash"]).specification
    losses = train([specification], seeds=[specification.seed], epochs=10).losses
    wanted = [(train, test) for epoch, train, test in trained(run["hash"], run["epochs"]).losses if epoch <= 10]
    np.testing.assert_array_equal(losses[0, 0], wanted)
