"""Trials on two-dimensional tasks: the same whoever trains beside them, and honest about what did not train."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerlab.errors import LayerlabError
from layerlab.lab.engines import Cost, engine_named
from layerlab.lab.engines.playground import PlaygroundEngine, specification_of_trial
from layerlab.lab.engines.playground_settings import FACTORS, TASKS
from layerlab.lab.trial import Outcome, Replicate, Trial, canonical
from layerlab.playground.session import Session

ENGINE = PlaygroundEngine()


def trial(
    task: str = "circle", replicate: tuple[int, int, int] = (0, 0, 0), part: str = "test", **factors: Any
) -> Trial:
    return Trial("playground", ENGINE.settings(factors, task), Replicate(*replicate), part)


def outcomes(trials: list[Trial], threads: int | None = None) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}

    def report(of: Trial, outcome: Outcome) -> None:
        assert of.key not in found
        found[of.key] = outcome

    ENGINE.run(trials, report, threads)
    assert set(found) == {one.key for one in trials}
    return found


def outcome(of: Trial) -> Outcome:
    return outcomes([of])[of.key]


def figures(of: Outcome) -> tuple[Any, ...]:
    """All of an outcome that two runs have in common."""
    return dict(of.values), of.curve, of.failure


VARIED = [
    trial(epochs=3, replicate=(0, 1, 2)),
    trial(epochs=3, replicate=(1, 1, 1), learning_rate=0.1),
    trial(epochs=3, replicate=(1, 2, 1), learning_rate=0.1, features=["y", "sinX"]),
    trial(epochs=3, replicate=(2, 2, 2), regularization="L1", regularization_rate=0.01),
    trial(epochs=3, replicate=(3, 2, 2), regularization="L1", regularization_rate=0.3, noise=20),
    trial("xor", epochs=3, replicate=(3, 2, 2), regularization="L2", regularization_rate=0.3, schedule="cosine"),
    trial("spiral", epochs=3, replicate=(4, 2, 2), depth=3, width=5),
    trial("spiral", epochs=4, replicate=(4, 2, 2), depth=3, width=5),
    trial("spiral", epochs=4, replicate=(4, 2, 2), depth=3, width=5, skip=True),
    trial("three-spirals", epochs=3, replicate=(4, 2, 2), norm="batch", loss="cross-entropy"),
    trial("three-spirals", epochs=3, replicate=(4, 2, 3), dropout=0.2),
    trial("sine", epochs=3, replicate=(4, 2, 2), activation="relu", learning_rate=1000),
    trial("reg-plane", epochs=3, replicate=(4, 2, 2), batch_size=7),
    *(trial(epochs=3, replicate=(0, i, 0), learning_rate=0.01 * i) for i in range(20)),
]


@settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 6), st.sampled_from([1, 2]))
def test_no_outcome_depends_on_its_company(chance: Any, parts: int, threads: int) -> None:
    mixed = chance.sample(VARIED, len(VARIED))
    found: dict[str, Outcome] = {}
    for k in range(parts):
        found |= outcomes(mixed[k::parts], threads)
    for one in VARIED:
        assert figures(found[one.key]) == ALONE[one.key]


ALONE = {one.key: figures(outcome(one)) for one in VARIED}


def test_groups_hold_every_trial_once_and_keep_shapes_together() -> None:
    wide = [trial(layers=[32] * 8, epochs=300, replicate=(i, i, i)) for i in range(200)]
    mixed = [one for pair in zip(wide, [trial(replicate=(i, i, i)) for i in range(200)], strict=True) for one in pair]
    groups = ENGINE.groups(mixed)
    assert sorted(one.key for group in groups for one in group) == sorted(one.key for one in mixed)
    assert len(groups) > 3
    assert all(len(group) >= 16 for group in groups[:-1])
    assert sum(len({one.settings["epochs"] for one in group}) > 1 for group in groups) <= 1
    assert ENGINE.groups([]) == []


@pytest.mark.parametrize("task", TASKS)
def test_every_task_trains_with_everything_written_out(task: str) -> None:
    one = trial(task, epochs=2)
    assert set(one.settings) == {"task", *FACTORS} - {"depth", "width"}
    assert Trial.from_dict(json.loads(canonical(one.to_dict()))).key == one.key
    found = outcome(one)
    assert Outcome.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))).to_dict() == found.to_dict()
    assert ("accuracy" in found.values) == (task not in ("reg-plane", "reg-gauss", "sine"))
    assert found.values["gap"] == found.values["loss"] - found.values["train_loss"]  # type: ignore[operator]
    assert [point[0] for point in found.curve] == [0, 1, 2]


def test_what_was_told_in_other_words_is_the_same_trial() -> None:
    assert trial(depth=2, width=4).key == trial(layers=[4, 4]).key == trial(layers=(4, 4), learning_rate=0.03).key
    assert trial(features=["y", "x"]).key == trial().key
    assert trial(noise=0).key == trial(noise=0.0, skip=0).key
    assert trial(depth=0, width=7).settings["layers"] == []


def test_the_parts_of_an_experiment_share_no_point() -> None:
    for task in TASKS:
        seen: dict[str, set[tuple[float, ...]]] = {}
        for part in ("validation", "test"):
            for split in range(3):
                points = Session(specification_of_trial(trial(task, (split, 0, split), part))).network.points
                rows = {tuple(row) for row in np.concatenate([points.train, points.test])[:, :2].tolist()}
                seen[part] = seen.get(part, set()) | rows
        assert not seen["validation"] & seen["test"], task


def test_a_trial_is_what_the_playground_shows_of_its_specification() -> None:
    one = trial(epochs=5, replicate=(3, 8, 3), optimizer="adam")  # computed in double here, as there
    session = Session(specification_of_trial(one))
    session.step(5)
    assert [tuple(row) for row in session.losses] == list(outcome(one).curve)


def test_each_number_of_a_replicate_changes_what_it_should() -> None:
    def start(*replicate: int) -> tuple[float | None, float | None]:
        return outcome(trial(epochs=1, replicate=replicate)).curve[0][1:]  # type: ignore[arg-type]

    def end(*replicate: int, dropout: float = 0.0) -> float | None:
        return outcome(trial(epochs=1, replicate=replicate, dropout=dropout)).values["loss"]  # type: ignore[arg-type]

    assert len({start(0, 0, 0), start(1, 0, 0), start(0, 1, 0)}) == 3
    np.testing.assert_allclose(start(0, 0, 0), start(0, 0, 5), rtol=1e-6)  # type: ignore[arg-type]
    assert len({end(0, 0, 0), end(0, 0, 5), end(0, 0, 6)}) == 3


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_a_network_that_blew_up_counts_as_one_that_knows_nothing(activation: str) -> None:
    found = outcome(trial("reg-gauss", activation=activation, learning_rate=1000, epochs=70))
    assert found.failure.startswith("diverged in epoch 1")
    assert not found.trained
    assert 0 < found.values["loss"] < 1  # type: ignore[operator]
    assert found.values["epochs_to_target"] is found.values["steps_to_target"] is None
    assert found.curve[-1] == (70, None, None)
    json.dumps(found.to_dict(), allow_nan=False)


def test_numbers_out_of_all_bounds_have_diverged_though_finite() -> None:
    grown = [
        outcome(trial("reg-plane", depth=0, learning_rate=rate, epochs=1))
        for rate in np.geomspace(0.1, 0.3, 12).tolist()
    ]
    exploded = [one for one in grown if one.curve[-1][1] is not None and one.curve[-1][1] > 1]
    assert exploded
    for one in exploded:
        assert one.failure == "diverged in epoch 1"
        assert one.values["loss"] < 0.2  # type: ignore[operator]


def test_a_network_that_cannot_learn_says_so() -> None:
    found = outcome(trial("xor", depth=0, epochs=5))
    assert found.failure == "did not learn"
    assert found.values["loss"] == pytest.approx(0.5, abs=0.05)
    assert outcome(trial("gauss", depth=0, epochs=5)).failure == ""


def test_the_target_is_reached_at_the_end_of_an_epoch() -> None:
    one = trial("gauss", epochs=30, target=0.05, batch_size=20)
    found = outcome(one)
    epoch = found.values["epochs_to_target"]
    losses = {at: held_out for at, _, held_out in found.curve}
    assert epoch is not None
    assert losses[int(epoch)] <= 0.05 < losses[int(epoch) - 1]  # type: ignore[operator]
    assert found.values["steps_to_target"] == 12 * epoch
    assert outcome(trial(epochs=2, target=1000)).values["epochs_to_target"] == 1  # never none: its logarithm is taken
    assert outcome(trial(epochs=2, target=0)).values["epochs_to_target"] is None


def test_accuracy_is_the_share_of_held_out_points_on_the_right_side() -> None:
    for task in ("circle", "three-spirals"):
        one = trial(task, epochs=20, learning_rate=0.1, optimizer="adam")
        session = Session(specification_of_trial(one))
        session.step(20)
        network = session.network
        outputs, labels = network.outputs(network.points.test[:, :2]), network.points.test[:, 2]
        right = [
            (float(row.argmax()) if len(row) > 1 else math.copysign(1, row[0])) == label
            for row, label in zip(outputs, labels, strict=True)
        ]
        assert outcome(one).values["accuracy"] == pytest.approx(sum(right) / len(right))


def test_a_curve_has_both_ends_and_few_points() -> None:
    kept = [point[0] for point in outcome(trial(epochs=1000)).curve]
    assert kept[0] == 0
    assert kept[-1] == 1000
    assert kept == sorted(set(kept))
    assert 40 <= len(kept) <= 65


def test_what_a_network_costs() -> None:
    assert ENGINE.cost(ENGINE.settings({"layers": [4, 2]}, "circle")) == Cost(8 + 8 + 2 + 4 + 2 + 1, 18)
    assert ENGINE.cost(ENGINE.settings({"layers": [4], "norm": "batch"}, "rings")) == Cost(8 + 4 + 4 + 1 + 8, 12)


def test_a_report_that_raises_ends_the_run() -> None:
    def report(of: Trial, _: Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ENGINE.run([trial(epochs=2000, replicate=(i, i, i)) for i in range(64)], report)


@pytest.mark.parametrize(
    ("task", "factors", "sentence"),
    [
        ("cirle", {}, 'the playground has no task "cirle"; did you mean "circle"?'),
        ("points", {}, 'the playground has no task "points"'),
        (7, {}, 'the playground has no task "7"'),
        ("circle", {"widht": 3}, 'the playground has no factor "widht"; did you mean "width"?'),
        ("circle", {"width": 0}, "width 0 is out of range; expected 1 to 32, the limits of the playground"),
        ("circle", {"width": 2.5}, "width 2.5 is no whole number; expected 1 to 32, the limits of the playground"),
        ("circle", {"depth": 9}, "depth 9 is out of range; expected 0 to 8, the limits of the playground"),
        ("circle", {"layers": [4, 33]}, "units of a hidden layer 33 is out of range; expected 1 to 32"),
        ("circle", {"layers": [4] * 9}, "layers has 9 entries; the playground has at most 8 layers"),
        ("circle", {"layers": "4"}, "layers is '4'; expected a list"),
        ("circle", {"layers": [4], "depth": 1}, "layers is told beside depth or width"),
        ("circle", {"features": []}, "features is empty; expected at least one of x, y, xSquared"),
        ("circle", {"features": ["z"]}, "unknown feature 'z'"),
        ("circle", {"features": [["x"]]}, "unknown feature ['x']"),
        ("circle", {"epochs": 0}, "epochs 0 is out of range; expected 1 to 100,000"),
        ("circle", {"epochs": "10"}, "epochs '10' is no whole number"),
        ("circle", {"train_share": 1}, "train_share 1 is out of range; expected 0.1 to 0.9"),
        ("circle", {"train_share": 0.333}, "train_share is 0.333; expected whole hundredths, such as 0.33"),
        ("circle", {"batch_size": 300}, "batch size 300 of the 250 training points of circle: no update would ever be"),
        ("circle", {"batch_size": 0}, "batch size is 0; expected a whole number from 1 to 2000"),
        ("circle", {"norm": "layer"}, 'norm is \'layer\'; expected "none" or "batch"'),
        ("circle", {"norm": "batch", "depth": 0}, "batch normalisation without a hidden layer"),
        ("circle", {"skip": True}, "no hidden layer is as wide as its input"),
        ("circle", {"skip": "yes"}, "skip is 'yes'; expected true or false"),
        ("circle", {"learning_rate": math.nan}, "learning rate is nan; expected a number from 0 to 1000"),
        ("circle", {"learning_rate": 1e9}, "learning rate is 1000000000.0; expected a number from 0 to 1000"),
        ("circle", {"activation": "rleu"}, "unknown activation 'rleu'; did you mean \"relu\"?"),
        ("circle", {"activation": ["relu"]}, "unknown activation ['relu']"),
        ("circle", {"dropout": {}}, "dropout is {}; expected a number from 0 to 0.9"),
        ("circle", {"target": math.inf}, "target inf is no number"),
        ("sine", {"loss": "cross-entropy"}, 'the loss of regression is "mse"'),
    ],
)
def test_mistakes_are_one_sentence(task: Any, factors: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        ENGINE.settings(factors, task)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_it_is_found_by_name() -> None:
    assert engine_named("playground").factors() == FACTORS
