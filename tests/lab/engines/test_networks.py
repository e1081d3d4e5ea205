from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import nn

from layerlab.anatomy import dissect
from layerlab.errors import LayerlabError
from layerlab.lab.engines import engine_named
from layerlab.lab.engines.descent import Descent
from layerlab.lab.engines.networks_data import divide, load
from layerlab.lab.engines.networks_lanes import LANES, Lanes
from layerlab.lab.engines.small_networks import build, initialise
from layerlab.lab.trial import PARTS, Outcome, Replicate, Trial

ENGINE = engine_named("networks")
SHORT = {"epochs": 2, "width": 8}


def trials_of(factors: Mapping[str, Any], seeds: Sequence[int] = (0,), part: str = "validation") -> list[Trial]:
    settings = ENGINE.settings(factors, "digits")
    return [Trial("networks", settings, Replicate(seed, seed + 50, seed + 100), part) for seed in seeds]


def run(trials: Sequence[Trial], threads: int | None = None) -> dict[Trial, Outcome]:
    outcomes: dict[Trial, Outcome] = {}

    def report(trial: Trial, outcome: Outcome) -> None:
        assert trial not in outcomes
        outcomes[trial] = outcome

    ENGINE.run(trials, report, threads)
    return outcomes


def bits(outcome: Outcome) -> str:
    return json.dumps({**outcome.to_dict(), "seconds": 0})


def test_a_network_learns_the_digits_and_says_when() -> None:
    [trial] = trials_of({"epochs": 15, "batch_size": 16}, part="test")
    outcome = run([trial])[trial]
    values = outcome.values
    assert outcome.trained
    assert values["accuracy"] > 0.9
    assert values["gap"] == values["loss"] - values["train_loss"]
    assert 0 < values["loss"] < 0.4
    epoch = values["epochs_to_target"]
    assert values["steps_to_target"] == epoch * 90  # 1,438 images train
    by_epoch = {point[0]: point[2] for point in outcome.curve}
    assert by_epoch[epoch] <= 0.3 < by_epoch[epoch - 1]
    assert outcome.curve[0][1:] == pytest.approx((math.log(10), math.log(10)), abs=0.2)
    assert outcome.curve[-1][1:] == (values["train_loss"], values["loss"])
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    "more", [{}, {"activation": "sigmoid"}, {"norm": "batch", "dropout": 0.3, "skip": True, "noise": 0.1}]
)
def test_no_bit_depends_on_the_group_the_place_in_it_or_the_threads(more: dict[str, Any]) -> None:
    seeds = range(LANES + 3)
    factors = {**SHORT, "width": 9, "batch_size": 50, **more}
    trials = trials_of(factors, seeds) + trials_of({**factors, "learning_rate": 5.0}, [1, 2])
    together = run(trials, threads=2)
    alone = {trial: run([trial], threads=1)[trial] for trial in (trials[0], trials[LANES], trials[-1])}
    mixed = run([*trials[::-2], *trials_of({"epochs": 2, "layers": [4]}, [3])], threads=1)
    for some in (alone, mixed):
        for trial, outcome in some.items():
            if trial in together:
                assert bits(outcome) == bits(together[trial])
    assert len({bits(outcome) for outcome in together.values()}) == len(trials)


def test_convolutions_do_not_depend_on_the_group_either() -> None:
    trials = trials_of({"network": "cnn", "epochs": 1, "width": 4, "dropout": 0.2, "batch_size": 100}, range(3))
    together = run(trials)
    assert bits(run(trials[1:2], threads=1)[trials[1]]) == bits(together[trials[1]])


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_stacked_networks_train_as_torch_trains_each(optimizer: str) -> None:
    rates, decays = (0.01, 0.1), (0.001, 0.1)
    factors = {**SHORT, "optimizer": optimizer, "activation": "tanh", "norm": "batch", "skip": True}
    trials = [
        trials_of({**factors, "learning_rate": rate, "weight_decay": decay}, [seed])[0]
        for seed, (rate, decay) in enumerate(zip(rates, decays, strict=True))
    ]
    stacked = Lanes(trials, stacked=True)
    stacked.network.train()
    for number, batch in zip(range(20), stacked.batches(1), strict=False):
        stacked.update(*batch)
        assert number < 20
    logits = stacked.network(stacked.data.inputs(stacked.data.held_out))[..., :10]
    for lane, trial in enumerate(trials):
        expected = plainly(trial, 20)
        assert torch.allclose(logits[lane], expected, atol=1e-4), (logits[lane] - expected).abs().max()


def plainly(trial: Trial, updates: int) -> torch.Tensor:
    """Train by PyTorch's own modules, loss and optimiser; return the logits of the held-out images in training mode."""
    lane = Lanes([trial], stacked=False)
    network, data, settings = lane.network.network, lane.data, trial.settings
    kind = torch.optim.Adam if settings["optimizer"] == "adam" else torch.optim.SGD
    more = {"momentum": 0.9} if settings["optimizer"] == "momentum" else {}
    optimizer = kind(network.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"], **more)
    network.train()
    for rows, labels in itertools.islice(lane.batches(1), updates):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(data.table[rows[0]]), labels[0]).backward()
        optimizer.step()
    return network(data.table[data.held_out[0]])


def test_units_that_fill_up_stay_silent() -> None:
    lanes = Lanes(trials_of({"layers": [9, 5], "activation": "sigmoid", "optimizer": "adam"}), stacked=True)
    for batch in lanes.batches(1):
        lanes.update(*batch)
    weights = {tuple(each.shape[1:]): each for each in lanes.parameters if each.shape[1] > 1}
    assert weights[16, 64][:, :9].all()
    assert not weights[16, 64][:, 9:].any()
    [second, last] = [each for each in lanes.parameters if each.shape[1:] == (16, 16)]
    assert second[:, :5, :9].all()
    assert not second[:, :, 9:].any()
    assert not last[:, :, 5:].any()


def test_running_statistics_are_kept_as_batch_norm_keeps_them() -> None:
    [trial] = trials_of({**SHORT, "norm": "batch"})
    stacked, plain = Lanes([trial], stacked=True), Lanes([trial], stacked=False)
    for lanes in (stacked, plain):
        lanes.network.train()
        for batch in lanes.batches(1):
            lanes.update(*batch)
        lanes.network.eval()
    rows = stacked.data.held_out
    with torch.no_grad():
        ours, theirs = stacked.network(stacked.data.inputs(rows)), plain.network(plain.data.inputs(rows[:1]))
    assert torch.allclose(ours[0, :, :10], theirs[0], atol=1e-3)


def test_what_is_reported_on_is_never_seen_where_choices_are_made() -> None:
    images = load("digits")
    kept = set(images.kept.tolist())
    assert len(kept) / len(images.labels) == pytest.approx(0.4, abs=0.01)
    held_out = []
    for seed in range(5):
        for part in PARTS:
            division = divide(trials_of({}, [seed], part)[0], images)
            train, tested = set(division.train.tolist()), set(division.held_out.tolist())
            assert not train & tested
            if part == "validation":
                assert not (train | tested) & kept
                assert len(tested) / (len(train) + len(tested)) == pytest.approx(0.2, abs=0.01)
            else:
                assert tested < kept
                assert train | tested == set(range(len(images.labels)))
                held_out.append(tested)
            counts = torch.bincount(images.labels[division.held_out])
            assert counts.min() >= 0.8 * counts.max()
    assert all(first != second for first, second in itertools.combinations(held_out, 2))


def test_arms_of_a_replicate_share_its_division() -> None:
    images = load("digits")
    first, second = (divide(trials_of(factors, [7])[0], images) for factors in ({"depth": 1}, {"depth": 5}))
    assert first.train.equal(second.train)
    assert first.held_out.equal(second.held_out)


def test_little_data_and_wrong_labels() -> None:
    images = load("digits")
    whole, noisy = (divide(trials_of(factors, [3])[0], images) for factors in ({}, {"label_noise": 0.25}))
    little = divide(trials_of({"train_share": 0.1}, [3])[0], images)
    assert set(little.train.tolist()) < set(whole.train.tolist())
    assert len(little.train) == pytest.approx(0.1 * len(whole.train), abs=5)
    changed = (noisy.labels != images.labels[noisy.train]).sum()
    assert changed == round(0.25 * len(noisy.train))
    assert whole.labels.equal(images.labels[whole.train])


def test_noise_is_of_its_strength_and_the_replicates_own() -> None:
    images = load("digits")
    first, second = (divide(trial, images) for trial in trials_of({"noise": 0.5}, [1, 2]))
    assert (first.pixels - images.pixels).std() == pytest.approx(0.5, rel=0.01)
    assert not first.pixels.equal(second.pixels)


@pytest.mark.parametrize(
    "factors",
    [
        {"layers": []},
        {"layers": [20, 7, 7], "skip": True, "norm": "batch", "activation": "maxout"},
        {"network": "cnn", "depth": 3, "width": 4, "norm": "batch", "skip": True},
        {"network": "cnn", "layers": [4, 6], "head": "flatten", "activation": "maxout", "pooling": "average"},
        {"network": "cnn", "depth": 1, "convolution": "separable", "pooling": "none"},
        {"network": "cnn", "depth": 7, "width": 2, "convolution": "separable", "dropout": 0.5, "head": "flatten"},
    ],
)
def test_every_kind_of_network_costs_what_its_anatomy_says_and_learns_something(factors: dict[str, Any]) -> None:
    settings = ENGINE.settings({**factors, "epochs": 1}, "digits")
    network = build(settings, (1, 8, 8), 10)
    anatomy = dissect(network.eval(), (1, 8, 8))
    cost = ENGINE.cost(settings)
    assert (cost.parameters, cost.macs) == (anatomy.totals.parameters, anatomy.totals.macs)
    [trial] = trials_of({**factors, "epochs": 1, "learning_rate": 0.01})
    outcome = run([trial])[trial]
    assert outcome.curve[1][1] < outcome.curve[0][1]


def test_weights_begin_as_their_rule_says() -> None:
    network = nn.Sequential(nn.Linear(400, 300))
    layer = network[0].requires_grad_(False)
    spreads = {"default": 1 / math.sqrt(3 * 400), "he": math.sqrt(2 / 400), "glorot": math.sqrt(2 / 700)}
    for how, spread in spreads.items():
        initialise(network, how, torch.Generator().manual_seed(1))
        assert layer.weight.std() == pytest.approx(spread, rel=0.02)
        assert bool(layer.bias.any()) == (how == "default")
    assert layer.weight.abs().max() <= math.sqrt(6 / 700)


def test_seeds_key_what_they_say() -> None:
    settings = ENGINE.settings(SHORT, "digits")

    def first(replicate: Replicate) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        lanes = Lanes([Trial("networks", settings, replicate, "test")], stacked=False)
        return lanes.data.held_out, lanes.parameters[0], next(lanes.batches(1))[0]

    plain = first(Replicate(1, 1, 1))
    split, weights, order = (
        first(replicate) for replicate in (Replicate(2, 1, 1), Replicate(1, 2, 1), Replicate(1, 1, 2))
    )
    same = [[bool(a.equal(b)) for a, b in zip(plain, other, strict=True)] for other in (split, weights, order)]
    assert same == [[False, True, False], [True, False, True], [True, True, False]]


def test_a_diverged_network_counts_as_one_that_knows_nothing() -> None:
    for rate in (1e3, 30.0):
        [trial] = trials_of({**SHORT, "learning_rate": rate, "optimizer": "momentum", "epochs": 4})
        outcome = run([trial])[trial]
        assert outcome.failure.startswith("diverged in epoch ")
        assert outcome.values["loss"] == outcome.values["train_loss"] == math.log(10)
        assert outcome.values["accuracy"] == 0.1
        assert outcome.values["epochs_to_target"] is None
        assert len(outcome.curve) == 5
        json.dumps(outcome.to_dict(), allow_nan=False)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
def test_eight_layers_with_the_default_beginning_do_not_learn(rate: float) -> None:
    trials = trials_of({"depth": 8, "learning_rate": rate, "epochs": 5}, range(3), "test")
    outcomes = run(trials).values()
    assert {outcome.failure for outcome in outcomes} == {"did not learn"}
    assert all(outcome.values["accuracy"] < 0.25 for outcome in outcomes)


def test_groups_hold_every_trial_once_and_do_not_part_a_stack() -> None:
    trials = trials_of({"epochs": 500}, range(3 * LANES)) + trials_of({"network": "cnn", "epochs": 50}, range(7))
    trials += trials_of({"epochs": 500, "learning_rate": 0.3}, range(5), "test")
    groups = ENGINE.groups(trials)
    assert sorted(trial.key for group in groups for trial in group) == sorted(trial.key for trial in trials)
    assert len(groups) > 1
    dense = [sum(trial.settings["network"] == "mlp" for trial in group) for group in groups]
    assert sum(count % LANES != 0 for count in dense) <= 1
    assert ENGINE.groups([]) == []


def test_what_report_raises_ends_the_run() -> None:
    def report(trial: Trial, outcome: Outcome) -> None:
        raise LayerlabError("the disk is full")

    trials = trials_of({**SHORT, "epochs": 1}, [0]) + trials_of({"epochs": 100_000}, [0])
    before = torch.get_num_threads()
    with pytest.raises(LayerlabError, match="the disk is full"):
        ENGINE.run(trials, report, threads=2)
    assert torch.get_num_threads() == before


def test_an_update_is_timed() -> None:
    seconds = ENGINE.time_step(ENGINE.settings(SHORT, "digits"), 3)  # type: ignore[attr-defined]
    assert len(seconds) == 3
    assert all(0 < each < 1 for each in seconds)


def test_settings_write_every_default_out_and_are_json() -> None:
    settings = ENGINE.settings({"width": 8}, "digits")
    assert settings == json.loads(json.dumps(settings))
    assert settings["layers"] == [8, 8]
    assert settings == ENGINE.settings({"layers": [8, 8], "learning_rate": 0.1, "skip": 0}, "digits")
    assert set(ENGINE.factors()) - {"depth", "width"} == set(
        ENGINE.settings({"network": "cnn", "head": "flatten"}, "mnist5k")
    ) - {"task"}
    assert ENGINE.settings({"optimizer": "adam"}, "digits")["learning_rate"] == 0.001


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"widht": 3}, 'small networks have no factor "widht"; did you mean "width"?'),
        ({"width": 0}, "width 0 is out of range; expected 1 to 8,192"),
        ({"depth": 2.5}, "depth 2.5 is no whole number"),
        ({"network": "cnn", "depth": 0}, "depth 0 is out of range; expected 1 to 100"),
        ({"network": "rnn"}, "network is 'rnn'; expected mlp or cnn"),
        ({"layers": [3], "width": 3}, "layers is told beside depth or width"),
        ({"layers": "33"}, "layers is '33'; expected a list"),
        ({"activation": "rleu"}, 'unknown activation "rleu"; did you mean "relu"'),
        ({"activation": "prelu"}, 'the activation "prelu" is none of'),
        ({"epochs": 0}, "epochs 0 is out of range"),
        ({"learning_rate": 0}, "learning_rate is 0, with which nothing is learned"),
        ({"learning_rate": float("nan")}, "learning_rate nan is no number"),
        ({"dropout": 1}, "dropout 1 is out of range"),
        ({"batch_size": 5000}, "batch size 5,000 of 862 training images of digits"),
        ({"train_share": 0.01}, "batch size 32 of 8 training images of digits"),
        ({"batch_size": 1, "norm": "batch"}, "batch normalisation of one image"),
        ({"head": "gap"}, "head is a factor of convolutional networks; give network cnn"),
        ({"skip": True, "depth": 1}, "no hidden layer is as wide as its input"),
        ({"skip": "yes"}, "skip is 'yes'; expected true or false"),
        ({"norm": ["batch"]}, "norm is ['batch']; expected none or batch"),
    ],
)
def test_what_cannot_be_used_is_said(factors: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerlabError) as caught:
        ENGINE.settings(factors, "digits")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("task", ["digit", "cifar10", "spiral"])
def test_a_task_that_is_not_there(task: str) -> None:
    with pytest.raises(LayerlabError, match=f'small networks have no task "{task}"; (did you mean|known)'):
        ENGINE.settings({}, task)


def test_steps_along_lanes_are_those_of_one_lane() -> None:
    values = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(2))
    for kind in ("sgd", "momentum", "adam"):
        stacked, single = values.clone(), values[1].clone()
        together = Descent([stacked], kind, [0.1, 0.2, 0.3], [0.0, 0.5, 0.0])
        alone = Descent([single], kind, [0.2], [0.5])
        for _ in range(3):
            together.step([stacked.clone()])
            alone.step([single.clone()])
        assert torch.allclose(stacked[1], single)
