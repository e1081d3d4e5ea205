"""Many networks at once: each the same as alone."""

from __future__ import annotations

import itertools
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playground_oracle import network_of
from playground_strategies import classic_specifications, specifications

from layerlab.errors import LayerlabError
from layerlab.playground import each
from layerlab.playground.many import train
from layerlab.playground.session import Session
from layerlab.playground.specification import Specification

CLASSIC = [
    Specification(),
    Specification(activation="relu", regularization="L1", regularization_rate=0.01, batch_size=30),
    Specification(activation="sigmoid", problem="regression", regularization="L2", regularization_rate=0.003),
    Specification(activation="linear", dataset="gauss", hidden_layers=(), frozen=((0, 0, 1),)),
    Specification(activations=("relu", "tanh"), dataset="spiral", features=("x", "y", "sinX"), schedule="cosine"),
]
OTHERS = [
    Specification(optimizer="adam", loss="cross-entropy", classes=3, dataset="rings"),
    Specification(dropout=0.2, batch_normalization=(True, True), activation="maxout"),
]


def assert_same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_array_equal(one, other)


def test_double_gives_the_numbers_of_a_session() -> None:
    specifications_ = [*CLASSIC, *OTHERS]
    trained = train(specifications_, seeds=[3, "a"], epochs=4)
    assert trained.losses.shape == (len(specifications_), 2, 5, 2)
    for i, specification in enumerate(specifications_):
        for j, seed in enumerate(["3", "a"]):
            session = Session(specification.replace(seed=seed))
            session.step(4)
            assert_same(trained.losses[i, j], np.array(session.losses)[:, 1:])
            assert_same(trained.network(i, j).parameters, session.network.parameters)


@settings(max_examples=15)
@given(st.lists(specifications(), min_size=1, max_size=3), st.sampled_from(["double", "single"]))
def test_company_changes_nothing(drawn: list[Specification], precision: str) -> None:
    together = train(drawn, seeds=[1, 2], epochs=3, precision=precision)
    for i, specification in enumerate(drawn):
        for j, seed in enumerate([1, 2]):
            alone = train(specification, seeds=[seed], epochs=3, precision=precision)
            assert_same(alone.losses[0, 0], together.losses[i, j])
            assert alone.diverged[0, 0] == together.diverged[i, j]
            assert_same(alone.network(0, 0).parameters, together.network(i, j).parameters)
            assert_same(alone.network(0, 0).dead, together.network(i, j).dead)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 33, 50])
@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_seeds(count: int, threads: int) -> None:
    pick = [0, count // 2, count - 1]
    together = train(CLASSIC[:3], seeds=range(count), epochs=2, precision="single", threads=threads)
    alone = train(CLASSIC[:3], seeds=pick, epochs=2, precision="single", threads=1)
    assert_same(together.losses[:, pick], alone.losses)


@pytest.mark.parametrize("specification", CLASSIC)
def test_single_is_double_to_the_accuracy_of_float32(specification: Specification) -> None:
    single = train(specification, seeds=range(3), epochs=5, precision="single")
    double = train(specification, seeds=range(3), epochs=5)
    np.testing.assert_allclose(single.losses, double.losses, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(single.network(0, 1).parameters, double.network(0, 1).parameters, rtol=1e-3, atol=1e-4)
    assert (single.losses != double.losses).any()
    points = 250 if specification.problem == "classification" else 600
    updates = 5 * (points // specification.batch_size)
    for network in (single.network(0, 2), double.network(0, 2)):
        assert (network.epoch, network.iteration) == (5, updates)


@settings(max_examples=25)
@given(classic_specifications())
def test_single_agrees_with_double_at_first(specification: Specification) -> None:
    single = train(specification, seeds=[1], epochs=1, precision="single")
    double = train(specification, seeds=[1], epochs=1)
    np.testing.assert_allclose(single.losses[:, :, 0], double.losses[:, :, 0], rtol=1e-4, atol=1e-5)
    assert single.network(0, 0).iteration == double.network(0, 0).iteration


def test_single_goes_on_in_double() -> None:
    specification = Specification(batch_size=30)
    network = train(specification, seeds=[1], epochs=3, precision="single").network(0, 0)
    reference = network_of(specification.replace(seed="1"))
    reference.run(3)
    np.testing.assert_allclose(network.run(2), reference.run(2), rtol=1e-3)


def test_what_the_small_kernels_cannot_do_is_double() -> None:
    single, double = (train(OTHERS, seeds=[1], epochs=2, precision=precision) for precision in ("single", "double"))
    assert_same(single.losses, double.losses)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_divergence_leaves_nan_and_its_epoch(precision: str) -> None:
    wild = Specification(problem="regression", activation="relu", learning_rate=10.0, hidden_layers=(4, 4))
    mild = wild.replace(learning_rate=0.01)
    trained = train([wild, mild], seeds=range(4), epochs=30, precision=precision)
    assert (trained.diverged[0] > 0).any()
    assert (trained.diverged[1] == -1).all()
    assert np.isfinite(trained.losses[1]).all()
    for j in np.flatnonzero(trained.diverged[0] > 0):
        epoch = trained.diverged[0, j]
        assert np.isfinite(trained.losses[0, j, :epoch]).all()
        assert np.isnan(trained.losses[0, j, epoch + 1 :]).all()
        assert trained.network(0, j).epoch == epoch


def test_epoch_zero_alone_and_nothing_at_all() -> None:
    for precision in ("double", "single"):
        assert train(Specification(), seeds=[1, 2], epochs=0, precision=precision).losses.shape == (1, 2, 1, 2)
        assert np.isfinite(train(Specification(), seeds=[1], epochs=0, precision=precision).losses).all()
        assert train([], seeds=[1], epochs=3, precision=precision).losses.shape == (0, 1, 4, 2)
        assert train(Specification(), seeds=[], epochs=3, precision=precision).losses.shape == (1, 0, 4, 2)


def test_links_and_mappings_are_specifications_too() -> None:
    trained = train(["#activation=relu&seed=0.3", {"activation": "relu"}], seeds=["0.3"], epochs=1)
    assert_same(trained.losses[0], trained.losses[1])
    alone = train({"activation": "relu"}, seeds=np.array([3]), epochs=np.int64(1))  # type: ignore[arg-type]
    assert alone.specifications == [Specification(activation="relu")]
    assert alone.seeds == ["3"]


@pytest.mark.parametrize(("indices", "sentence"), [((0, 2), "no seed 2"), ((-1, 0), "no specification -1")])
def test_a_network_that_was_not_trained_is_a_mistake(indices: tuple[int, int], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=sentence):
        train(Specification(), seeds=[1, 2], epochs=0).network(*indices)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_ctrl_c_ends_a_long_training_at_once(precision: str) -> None:
    large = Specification(hidden_layers=(32,) * 8)
    train(large, seeds=[0], epochs=1, precision=precision)
    main = threading.main_thread().ident
    interruption = threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT])
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interruption.start()
        train(large, seeds=range(4), epochs=1000, precision=precision)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(
    "specification",
    [
        Specification(batch_size=30, regularization="L1", regularization_rate=0.03, noise=20),
        Specification(problem="regression", activation="relu", learning_rate=1.0, hidden_layers=(4, 4)),
        Specification(batch_size=30, schedule="cosine", schedule_epochs=9, learning_rate=0.1),
    ],
    ids=["L1 and a carried batch", "divergence", "a schedule"],
)
def test_looking_up_between_epochs_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, precision: str, specification: Specification
) -> None:
    whole = train(specification, seeds=range(5), epochs=12, precision=precision)
    monkeypatch.setattr(each, "SLICE", 1)
    sliced = train(specification, seeds=range(5), epochs=12, precision=precision)
    assert_same(whole.losses, sliced.losses)
    assert_same(whole.diverged, sliced.diverged)
    for j in range(5):
        mine, theirs = whole.network(0, j), sliced.network(0, j)
        assert (mine.epoch, mine.iteration) == (theirs.epoch, theirs.iteration)
        assert_same(mine.parameters, theirs.parameters)
        assert_same(mine.dead, theirs.dead)
        assert_same(mine.run(1), theirs.run(1))


def test_progress_is_told_and_can_end_it() -> None:
    told: list[tuple[int, int]] = []
    train(CLASSIC[0], seeds=range(40), epochs=1, precision="single", progress=lambda *now: told.append(now))
    assert told[-1] == (40, 40)
    assert told == sorted(told)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(CLASSIC[0], seeds=range(2000), epochs=50, progress=stop)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"epochs": -1}, "epochs -1 is out of range; expected 0 to 1,000,000"),
        ({"epochs": 1.5}, "epochs 1.5 is no whole number"),
        ({"precision": "singel"}, "unknown precision 'singel'; did you mean \"single\"?"),
        ({"seeds": [True]}, "seed True is neither text nor a number"),
        ({"epochs": "3"}, "epochs '3' is no whole number"),
        ({"precision": []}, "unknown precision []; known: double, single"),
        ({"seeds": 5}, "the seeds are 5; expected a list of them, such as range(5)"),
        ({"seeds": None}, "the seeds are None; expected a list of them"),
        ({"seeds": "12"}, "the seeds are '12'; expected a list of them, such as ['12']"),
        ({"seeds": [10**5000]}, "seed has more than 100 digits; at most 100 characters"),
        ({"threads": 0}, "threads 0 is out of range; expected 1 to "),
        ({"threads": "2"}, "threads '2' is no whole number"),
        ({"progress": 5}, "progress is 5; expected a function of the networks done and their total"),
        ({"seeds": range(300), "epochs": 1_000_000}, "300 networks of 1,000,000 epochs; at most 833,333 epochs"),
        ({"specs": 5}, "a specification, its fields or a link is expected, not int"),
        ({"specs": None}, "a specification, its fields or a link is expected, not NoneType"),
        ({"specs": [None]}, "a specification, its fields or a link is expected, not NoneType"),
        ({"specs": {"datset": "xor"}}, 'a specification has no "datset"; did you mean "dataset"?'),
        ({"specs": "spiral"}, '"spiral" is no link'),
        ({"seeds": itertools.count()}, "1 specifications with so many seeds; at most 100,000 networks"),
    ],
)
def test_mistakes_are_one_sentence(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        train(**{"specs": Specification(), **arguments})  # type: ignore[arg-type]
    assert sentence in str(error.value)
    assert len(str(error.value)) < 200
