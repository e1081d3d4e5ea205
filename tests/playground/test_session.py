from __future__ import annotations

import gc
import math
import signal
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playground_strategies import specifications

from layerlab.errors import LayerlabError
from layerlab.playground.data_sets import generate
from layerlab.playground.network import Network
from layerlab.playground.random_numbers import Random
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification


def state(session: Session) -> tuple[Any, ...]:
    """Return everything that a run has made, to the bit."""
    arrays = [array.tobytes() for layer in (session.weights, session.biases) for array in layer]
    losses = [(epoch, train.hex(), test.hex()) for epoch, train, test in session.losses]
    return session.epoch, session.iteration, losses, session.dead_links, arrays


def run(specification: Specification | str, act: Callable[[Session], object]) -> tuple[Any, ...]:
    session = Session(specification)
    act(session)
    return state(session)


def test_a_session_begins_with_the_losses_of_epoch_0() -> None:
    session = Session("")
    assert session.losses == [(0, 0.5121272437290948, 0.4994797748887506)]
    assert (session.epoch, session.iteration) == (0, 0)
    assert [weights.shape for weights in session.weights] == [(4, 2), (2, 4), (1, 2)]
    assert [biases.tolist() for biases in session.biases] == [[0.1] * 4, [0.1] * 2, [0.1]]


@pytest.mark.parametrize("given", [Specification(seed="0.7"), {"seed": "0.7"}, "seed=0.7", "#seed=0.7"])
def test_a_specification_its_fields_and_links_are_the_same(given: Any) -> None:
    assert Session(given).specification == Specification(seed="0.7")


def test_the_link_opens_the_same_run() -> None:
    session = Session(Specification(activation="elu", optimizer="adam", hidden_layers=(3,)))
    session.step(2)
    assert run(session.link, lambda other: other.step(2)) == state(session)


@settings(max_examples=40)
@given(specifications(), st.lists(st.integers(0, 4), max_size=4))
def test_a_run_is_the_sum_of_its_steps(specification: Specification, parts: list[int]) -> None:
    assert run(specification, lambda s: [s.step(part) for part in parts]) == run(
        specification, lambda s: s.step(sum(parts))
    )


@settings(max_examples=40)
@given(specifications(), st.lists(st.integers(1, 40), max_size=6))
def test_minibatches_make_the_same_run(specification: Specification, parts: list[int]) -> None:
    session = Session(specification)
    if specification.batch_size > len(session.points.train):
        return  # no update ever comes
    for part in parts:
        session.step_minibatches(part)
    at_once = Session(specification)
    at_once.step_minibatches(sum(parts))
    if session.diverged or at_once.diverged:  # noticed when a call or an epoch ends
        return
    assert state(session) == state(at_once)
    session.step(1)  # the rest of the epoch
    assert run(specification, lambda other: other.step(session.epoch)) == state(session)


def test_minibatches_count_updates_and_stop_between_epochs() -> None:
    session = Session("")
    session.step_minibatches(30)
    assert (session.iteration, session.epoch) == (30, 1)
    assert [epoch for epoch, _, _ in session.losses] == [0, 1]
    session.step_minibatches(20)
    assert (session.iteration, session.epoch) == (50, 2)


def test_a_batch_larger_than_the_training_part_never_updates_and_still_ends() -> None:
    session = Session(Specification(batch_size=1000))
    before = session.weights
    session.step(3)
    session.step_minibatches(5)
    assert session.iteration == 0
    assert all((a == b).all() for a, b in zip(before, session.weights, strict=True))


@settings(max_examples=25)
@given(specifications(), st.integers(0, 6))
def test_rewinding_to_a_kept_epoch_repeats_the_run(specification: Specification, epoch: int) -> None:
    session = Session(specification)
    session.step(6)
    if session.diverged:
        return
    whole = state(session)
    assert session.history == list(range(7))
    assert session.rewind_to(epoch) == epoch
    assert [row[0] for row in session.losses] == list(range(epoch + 1))
    assert session.rewind_to(6) == 6  # what was ahead is still there
    assert state(session) == whole
    session.rewind_to(epoch)
    session.step(6 - epoch)
    assert state(session) == whole


def test_rewind_begins_with_the_very_same_weights_whatever_was_done() -> None:
    session = Session("")
    begun = state(session)
    session.set_weight(0, 0, 0, 5.0)
    session.step(3)
    session.change(learning_rate=0.1)
    session.step_minibatches(7)
    session.rewind()
    assert state(session) == begun
    assert session.history == [0]
    assert session.specification.learning_rate == 0.1


def test_training_on_after_a_rewind_forgets_what_was_ahead() -> None:
    session = Session("")
    session.step(20)
    session.rewind_to(5)
    session.change(learning_rate=0.3)
    session.step(1)
    assert [epoch for epoch, _, _ in session.losses] == list(range(7))
    assert session.history == list(range(7))


@pytest.mark.parametrize("act", [lambda s: s.step(20_000), lambda s: s.step_minibatches(500_000)])
def test_ctrl_c_leaves_weights_epoch_and_losses_that_belong_together(act: Callable[[Session], object]) -> None:
    link = "networkShape=8,8,8,8,8,8"
    session, again = Session(link), Session(link)
    session.step(1)
    interruption = threading.Timer(0.2, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):
        interruption.start()
        act(session)
    again.step(session.epoch)
    assert session.iteration == again.iteration
    assert session.losses == again.losses
    assert state(session) == state(again)
    session.step(3)
    again.step(3)
    assert session.losses == again.losses


def test_memory_stays_flat_over_a_long_run() -> None:
    session = Session("")
    session.step(1500)
    history = session.history
    assert len(history) <= 200
    assert history[0] == 0
    assert history[-1] == 1500
    assert set(np.diff(history[:-1])) == {8}
    assert session.rewind_to(803) == 800
    whole = Session("")
    whole.step(800)
    assert state(session) == state(whole)


def test_minibatch_play_keeps_history_too() -> None:
    session = Session("")
    for _ in range(40):
        session.step_minibatches(7)
    assert session.history == list(range(session.epoch + 1))


def test_the_end_of_an_epoch_that_minibatches_reached_can_be_gone_forward_to_again() -> None:
    session = Session("")
    session.step_minibatches(50)
    before = state(session)
    assert session.rewind_to(1) == 1
    assert session.rewind_to(2) == 2
    assert state(session) == before


def test_a_session_ends_with_its_last_reference() -> None:
    session = Session("")
    session.step(3)
    gone = weakref.ref(session.network)
    del session
    gc.collect()
    assert gone() is None


def test_regenerate_draws_new_data_and_keeps_the_weights() -> None:
    session = Session("noise=10")
    session.step(2)
    before = session.weights, session.points.train.copy(), session.epoch
    session.regenerate("0.31")
    assert session.specification.seed == "0.31"
    assert all((a == b).all() for a, b in zip(before[0], session.weights, strict=True))
    np.testing.assert_array_equal(session.points.train, Session("noise=10&seed=0.31").points.train)
    assert not np.array_equal(session.points.train, before[1])
    assert session.epoch == 2
    session.step(1)
    assert session.losses[-1][0] == 3


def test_regenerate_takes_its_seed_from_the_stream_that_drew_the_weights() -> None:
    specification = Specification(seed="0.5")
    random = Random("0.5")
    Network(specification, generate(specification, random), random)
    session = Session(specification)
    session.step(3)
    session.regenerate()
    assert session.specification.seed == f"{random.random():.5f}"


def test_live_changes_keep_the_weights_and_the_network() -> None:
    session = Session("")
    session.step(2)
    network, before = session.network, session.weights
    restarted = session.change(
        learning_rate=0.1,
        regularization="L2",
        regularization_rate=0.01,
        batch_size=5,
        schedule="cosine",
        schedule_epochs=50,
        frozen=((0, 0, 0),),
    )
    assert not restarted
    assert session.network is network
    assert all((a == b).all() for a, b in zip(before, session.weights, strict=True))
    session.step_minibatches(1)
    assert session.weights[0][0, 0] == before[0][0, 0]
    assert session.weights[0][0, 1] != before[0][0, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "relu"},
        {"hidden_layers": (3,)},
        {"dataset": "xor"},
        {"noise": 5},
        {"train_percent": 20},
        {"features": ("x",)},
        {"loss": "cross-entropy"},
        {"optimizer": "adam"},
        {"seed": "0.9"},
        {"learning_rate": 1, "problem": "regression"},
    ],
)
def test_other_changes_begin_a_new_run(changes: dict[str, Any]) -> None:
    session = Session("")
    session.step(2)
    assert session.change(**changes)
    assert state(session) == state(Session(Specification(**changes)))


def test_a_change_to_what_is_already_so_changes_nothing() -> None:
    session = Session("")
    session.step(2)
    assert not session.change(activation="tanh", hidden_layers=[4, 2], noise=0)
    assert session.epoch == 2


def test_a_wrong_change_leaves_everything_as_it_was() -> None:
    session = Session("")
    session.step(2)
    before = state(session)
    with pytest.raises(LayerlabError, match=r'unknown activation .*did you mean "tanh"'):
        session.change(learning_rate=1, activation="tan")
    with pytest.raises(LayerlabError, match='a specification has no "learning"'):
        session.change(learning=1)
    assert state(session) == before
    assert session.specification == Specification()


def test_new_weights_leave_the_data() -> None:
    session = Session("")
    before, points = session.weights, session.points.train
    session.renew_weights()
    assert session.specification.weight_seed
    np.testing.assert_array_equal(session.points.train, points)
    assert not np.array_equal(session.weights[0], before[0])


def test_weights_and_biases_can_be_set() -> None:
    session = Session("activation=tanh")
    session.set_weight(1, 0, 3, 2.5)
    session.set_bias(2, 0, -1)
    session.set_weight(0, 2, -1, 0.25)
    assert session.weights[1][0, 3] == 2.5
    assert session.biases[2].tolist() == [-1]
    assert session.biases[0][2] == 0.25


def test_a_piece_of_maxout_can_be_set_alone_or_with_the_other() -> None:
    session = Session(Specification(activation="maxout"))
    session.set_weight(0, 1, 0, 3, piece=1)
    session.set_weight(0, 2, 1, 4)
    session.set_bias(0, 3, 5, piece=0)
    assert session.weights[0][1, 1, 0] == 3
    assert session.weights[0][1, 0, 0] != 3
    assert session.weights[0][2, :, 1].tolist() == [4, 4]
    assert session.biases[0][3].tolist() == [5, 0.1]


def test_a_dead_link_stays_dead_when_edited_and_learns_when_revived() -> None:
    session = Session("regularization=L1&regularizationRate=0.003&noise=20")
    session.step(100)
    layer, unit, source = 1, 0, 3  # its source is fed and its unit read by links that are alive
    assert (layer, unit, source) in session.dead_links
    session.set_weight(layer, unit, source, 0.5)
    session.step(1)
    assert session.weights[layer][unit, source] == 0.5
    assert (layer, unit, source) in session.dead_links
    session.revive(layer, unit, source)
    session.change(regularization="none")
    session.step(1)
    assert session.weights[layer][unit, source] != 0.5
    assert (layer, unit, source) not in session.dead_links


def test_what_is_frozen_stays_and_what_is_thawed_learns() -> None:
    session = Session("")
    session.freeze(1, 0, 2, True)
    session.freeze(1, 1, -1, True)
    assert session.specification.frozen == ((1, 0, 2), (1, 1, -1))
    before = session.weights[1][0, 2], session.biases[1][1]
    session.step(2)
    assert (session.weights[1][0, 2], session.biases[1][1]) == before
    session.freeze(1, 0, 2, False)
    session.step(1)
    assert session.weights[1][0, 2] != before[0]
    assert session.biases[1][1] == before[1]


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda s: s.step(-1), "epochs -1 is out of range; expected 0 to 10,000,000"),
        (lambda s: s.step(1.5), "epochs 1.5 is no whole number; expected 0 to 10,000,000"),
        (lambda s: s.step(True), "epochs True is no whole number; expected 0 to 10,000,000"),
        (lambda s: s.step(10**5000), "epochs of more than 60 digits is out of range; expected 0 to 10,000,000"),
        (lambda s: s.step_minibatches("2"), "minibatches '2' is no whole number; expected 0 to 10,000,000"),
        (lambda s: s.rewind_to(-2), "epoch -2 is out of range; expected 0 to 1,000,000,000,000"),
        (lambda s: s.set_weight(3, 0, 0, 1), "the network has no layer 3; expected 0 to 2"),
        (lambda s: s.set_weight(0, -1, 0, 1), "layer 0 has no unit -1; expected 0 to 3"),
        (lambda s: s.set_weight(0, 0, 2, 1), "layer 0 has no source 2; expected -1 to 1"),
        (lambda s: s.set_weight(0, 0, 0, 1, piece=1), "layer 0 has no piece 1; expected 0 to 0"),
        (lambda s: s.set_weight(0, 0, 0, math.nan), "the weight nan is no number; expected -1e+06 to 1e+06"),
        (lambda s: s.set_bias(0, 0, 1e9), "the bias 1e+09 is out of range; expected -1e+06 to 1e+06"),
        (lambda s: s.freeze(0, 0, "x", True), "layer 0 has no source 'x'; expected -1 to 1"),
        (lambda s: s.freeze(0, 0, 0, "no"), "frozen is 'no'; expected true or false"),
        (lambda s: s.curve(after=None), "epoch None is no whole number; expected -1 to 1,000,000,000,000"),
        (lambda s: Session("spiral"), '"spiral" is no link; expected key=value, such as dataset=spiral'),
        (lambda s: s.revive(0, 9, 0), "layer 0 has no unit 9; expected 0 to 3"),
        (lambda s: s.maps(1), "resolution 1 is out of range; expected 2 to 400"),
        (lambda s: s.curve(0), "points 0 is out of range; expected 2 to 1,000,000"),
        (lambda s: Session(3), "a specification, its fields or a link is expected, not int"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(act: Callable[[Session], object], sentence: str) -> None:
    session = Session("")
    before = state(session)
    with pytest.raises(LayerlabError) as error:
        act(session)
    assert str(error.value) == sentence
    assert state(session) == before


def test_a_diverged_run_stops_and_can_be_rewound() -> None:
    session = Session("learningRate=3&problem=regression&activation=relu&networkShape=8,8,8")
    session.step(200)
    assert session.diverged
    assert session.losses[-1][0] == session.epoch < 200
    end = state(session)
    session.step(5)
    session.step_minibatches(5)
    assert state(session) == end
    assert session.divergence is not None
    assert session.rewind_to(session.epoch - 2) < end[0]
    assert not session.diverged
    assert session.divergence is None
    session.change(learning_rate=0.01)
    session.step(20)
    assert not session.diverged


def test_minibatches_notice_divergence_too() -> None:
    session = Session("learningRate=10&problem=regression&activation=linear")
    session.step_minibatches(4)
    assert not session.diverged
    session.step_minibatches(1)
    assert session.diverged
    assert session.divergence is not None
    assert session.divergence.step == 5


def test_a_network_that_was_trained_elsewhere_goes_on() -> None:
    whole = Session("dataset=xor")
    whole.step(12)
    first = Session("dataset=xor")
    first.step(5)
    session = Session.of_network(first.network, first.curve()[1:])
    assert state(session) == state(first)
    session.step(7)
    assert state(session) == state(whole)
    assert first.epoch == 5
    session.rewind()
    assert state(session) == state(Session("dataset=xor"))


def test_the_maps_have_y_upwards_and_both_ends() -> None:
    session = Session("")
    session.step(5)
    maps = session.maps(7)
    assert [each.shape for each in maps] == [(2, 7, 7), (4, 7, 7), (2, 7, 7), (1, 7, 7)]
    assert maps[0][0, 0].tolist() == [-6, -4, -2, 0, 2, 4, 6]
    assert maps[0][1, :, 0].tolist() == [6, 4, 2, 0, -2, -4, -6]
    assert maps[3][0, 0, 6] == pytest.approx(session.network.outputs([[6, 6]])[0, 0], rel=1e-6)


def test_a_curve_is_thinned_and_keeps_its_ends() -> None:
    session = Session("")
    session.step(300)
    thin = session.curve(50)
    assert len(thin) == 50
    assert thin[[0, -1], 0].tolist() == [0, 300]
    assert session.curve(50, after=290)[:, 0].tolist() == list(range(291, 301))
    session.rewind_to(100)
    assert session.curve()[-1, 0] == 100
    assert session.curve(ahead=True)[-1, 0] == 300


def test_points_that_leave_no_test_part_have_no_test_loss() -> None:
    session = Session(Specification(dataset="points", points=((1, 1, 1),), batch_size=1))
    session.step(3)
    assert not session.diverged
    assert all(math.isnan(test) and math.isfinite(train) for _, train, test in session.losses)
