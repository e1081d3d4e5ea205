"""Networks that have each a specification of their own: each the same as alone."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playground_oracle import network_of
from playground_strategies import classic_specifications

from layerlab.playground import each
from layerlab.playground.each import Job, Training, shape_of, train_each
from layerlab.playground.many import train
from layerlab.playground.specification import Specification

PENALTIES = (("none", 0.0), ("L1", 0.003), ("L1", 0.3), ("L2", 0.003), ("L2", 0.3))


def trained(specifications: list[Specification], epochs: list[int], threads: int = 1) -> list[Training]:
    found: dict[int, Training] = {}
    jobs = [Job(one, count, partial(network_of, one)) for one, count in zip(specifications, epochs, strict=True)]
    train_each(jobs, found.update, "single", threads)
    assert sorted(found) == list(range(len(specifications)))
    return [found[index] for index in range(len(specifications))]


@st.composite
def of_one_shape(draw: st.DrawFn) -> list[Specification]:
    """Draw networks that differ in all that networks of one vector may differ in, and in their penalty."""
    plain = draw(classic_specifications())
    features = [draw(st.permutations(["x", "y", "xSquared", "sinX"]))[: len(plain.features)] for _ in range(18)]
    return [
        plain.replace(
            seed=str(i),
            weight_seed=draw(st.sampled_from(["", "a"])),
            learning_rate=draw(st.sampled_from([0.001, 0.03, 0.3, 10])),
            noise=draw(st.sampled_from([0, 20])),
            schedule=draw(st.sampled_from(["constant", "cosine"])),
            features=some if len(plain.features) <= 4 else plain.features,
            **dict(zip(("regularization", "regularization_rate"), draw(st.sampled_from(PENALTIES)), strict=True)),
        )
        for i, some in enumerate(features)
    ]


@settings(max_examples=15, deadline=None)
@given(of_one_shape(), st.lists(st.sampled_from([2, 3]), min_size=18, max_size=18))
def test_company_changes_nothing(specifications: list[Specification], epochs: list[int]) -> None:
    assert len({shape_of(one) for one in specifications}) == len({one.regularization for one in specifications})
    for one, count, together in zip(specifications, epochs, trained(specifications, epochs), strict=True):
        alone = train(one, seeds=[one.seed], epochs=count, precision="single")
        np.testing.assert_array_equal(together.losses, alone.losses[0, 0])
        assert together.diverged == alone.diverged[0, 0]
        np.testing.assert_array_equal(together.network.parameters, alone.network(0, 0).parameters)
        np.testing.assert_array_equal(together.network.dead, alone.network(0, 0).dead)
        assert together.network.specification == one


def test_networks_of_one_shape_share_their_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []

    def counted(jobs: list[Job], stop: object) -> list[Training] | None:
        called.append(len(jobs))
        return in_lanes(jobs, stop)  # type: ignore[arg-type]

    in_lanes = each._in_lanes
    monkeypatch.setattr(each, "_in_lanes", counted)
    alike = [Specification(learning_rate=0.01 * i, seed=str(i)) for i in range(1, 21)]
    other = [one.replace(hidden_layers=(3, 3)) for one in alike]
    trained([one for pair in zip(alike, other, strict=True) for one in pair], [1] * 40)
    assert called == [16, 4, 16, 4]


def test_what_the_small_kernels_cannot_do_is_alone() -> None:
    assert shape_of(Specification(dropout=0.1)) is None
    assert shape_of(Specification(activation="elu")) is None
    assert shape_of(Specification()) != shape_of(Specification(train_percent=60))
    assert shape_of(Specification()) == shape_of(Specification(features=("sinX", "y"), dataset="moons", seed="7"))


def test_a_training_says_how_long_it_took() -> None:
    assert all(one.seconds > 0 for one in trained([Specification(), Specification(optimizer="adam")], [5, 5]))


def test_nothing_to_train() -> None:
    train_each([], lambda _: pytest.fail("nothing ends"))
