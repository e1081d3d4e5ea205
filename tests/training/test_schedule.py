"""The learning rate of every step, and every optimiser by its name."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from layerlab.errors import LayerlabError
from layerlab.training import TrainingConfig
from layerlab.training.optimisers import default_learning_rate, make_optimizer, optimizer_names
from layerlab.training.schedules import make_schedule


def rates(name: str, total: int, optimizer: Optimizer) -> list[float]:
    """Return the learning rate of each of ``total`` steps."""
    schedule = make_schedule(name, optimizer, total)
    found = []
    for _ in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def parameter() -> nn.Parameter:
    weight = nn.Parameter(torch.ones(2, 2))
    weight.grad = torch.zeros(2, 2)
    return weight


def test_cosine_is_half_a_cosine() -> None:
    found = rates("cosine", 20, SGD([parameter()], lr=0.3))
    assert found == pytest.approx([0.3 * (1 + math.cos(math.pi * step / 20)) / 2 for step in range(20)])


def test_step_is_a_tenth_after_each_third() -> None:
    found = rates("step", 9, SGD([parameter()], lr=1.0))
    assert found == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01])


def test_constant_is_constant() -> None:
    assert rates("constant", 5, SGD([parameter()], lr=0.3)) == [0.3] * 5


def test_one_cycle_goes_up_for_three_tenths_and_then_down_to_almost_nothing() -> None:
    found = rates("one-cycle", 100, Adam([parameter()], lr=0.5))
    assert found[0] == pytest.approx(0.5 / 25)
    assert found.index(max(found)) == 29
    assert max(found) == pytest.approx(0.5)
    assert found[-1] == pytest.approx(0.5 / 25 / 1e4)
    assert found[:30] == sorted(found[:30]) and found[29:] == sorted(found[29:], reverse=True)


@pytest.mark.parametrize("name", ["one-cycle", "cosine", "step", "constant"])
@pytest.mark.parametrize("total", range(1, 12))
def test_the_shortest_runs_have_a_schedule(name: str, total: int) -> None:
    schedule_steps = total - 1
    optimizer = SGD([parameter()], lr=0.1, momentum=0.9)
    schedule = make_schedule(name, optimizer, total)
    for _ in range(schedule_steps):
        optimizer.step()
        schedule.step()
        assert 0 < optimizer.param_groups[0]["lr"] <= 0.1 + 1e-12


def test_an_unknown_schedule() -> None:
    with pytest.raises(LayerlabError, match=r'^no schedule "one_cycle"; did you mean "one-cycle"'):
        make_schedule("one_cycle", SGD([parameter()], lr=1), 3)


@pytest.mark.parametrize("name", optimizer_names())
def test_every_optimiser_that_is_listed_steps(name: str) -> None:
    weight = parameter()
    weight.grad = torch.ones(2, 2)
    optimizer = make_optimizer(TrainingConfig(optimizer=name.swapcase()), [weight])
    assert type(optimizer).__name__ == name
    optimizer.step()
    assert bool((weight != 1).any())


PLAIN = TrainingConfig(optimizer="sgd", momentum=0.0, weight_decay=0.1)


def test_sgd_has_nesterov_momentum_unless_told_otherwise() -> None:
    group = make_optimizer(TrainingConfig(optimizer="sgd"), [parameter()]).param_groups[0]
    assert (group["lr"], group["momentum"], group["nesterov"]) == (0.1, 0.9, True)
    group = make_optimizer(TrainingConfig(optimizer="sgd", momentum=0.0, weight_decay=0.1), [parameter()]).param_groups[
        0
    ]
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.0, False, 0.1)


def test_options_reach_the_optimiser() -> None:
    config = TrainingConfig(optimizer_options={"betas": [0.8, 0.9]}, learning_rate=0.25)
    group = make_optimizer(config, [parameter()]).param_groups[0]
    assert (group["betas"], group["lr"]) == ((0.8, 0.9), 0.25)
    assert default_learning_rate("rmsprop") == 0.01


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (TrainingConfig(optimizer="adamm"), r'^no optimizer "adamm" in torch.optim; did you mean "Adam"'),
        (
            TrainingConfig(optimizer="LBFGS"),
            r'^optimizer "LBFGS" cannot be used: it evaluates the whole loss',
        ),
        (
            TrainingConfig(optimizer="sparse_adam"),
            r'^optimizer "sparse_adam" cannot be used: it takes sparse',
        ),
        (TrainingConfig(momentum=0.9), r'^optimizer "Adam" takes no momentum; known: '),
        (TrainingConfig(optimizer_options={"bets": 1}), r'^optimizer "Adam" takes no bets; did you mean "betas"'),
        (TrainingConfig(optimizer_options={"betas": [2, 2]}), r'^optimizer "adam": Invalid beta'),
    ],
)
def test_what_an_optimiser_cannot_take(config: TrainingConfig, sentence: str) -> None:
    with pytest.raises(LayerlabError, match=sentence):
        make_optimizer(config, [parameter()])


def test_a_momentum_that_was_chosen_is_not_cycled() -> None:
    optimizer = SGD([parameter()], lr=0.1, momentum=0.3)
    schedule = make_schedule("one-cycle", optimizer, 20, cycle_momentum=False)
    for _ in range(10):
        optimizer.step()
        schedule.step()
        assert optimizer.param_groups[0]["momentum"] == 0.3
