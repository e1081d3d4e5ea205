"""How long an update takes: in turns, updates alone, of the network that the settings say."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from layerlab.errors import LayerlabError
from layerlab.lab.engines import Cost, engine_named, playground_time, timing
from layerlab.lab.engines.playground import PlaygroundEngine
from layerlab.lab.engines.timing import TIMED, TURNS, TimingEngine
from layerlab.lab.trial import Outcome, Replicate, Trial

ENGINE = TimingEngine()


def trial(turn: int = 0, **factors: Any) -> Trial:
    return Trial("timing", ENGINE.settings(factors, "circle"), Replicate(turn, turn, turn), "validation")


def seconds(trials: list[Trial]) -> list[float]:
    found: dict[str, Outcome] = {}
    ENGINE.run(trials, lambda one, outcome: found.update({one.key: outcome}))
    return [found[one.key].values["seconds_per_step"] for one in trials]  # type: ignore[misc]


def test_a_larger_network_takes_longer() -> None:
    small, middle, large = seconds([trial(depth=depth, width=width) for depth, width in ((1, 2), (4, 8), (8, 32))])
    assert 1e-8 < 3 * small < middle < large / 3 < 0.1


def test_settings_say_engine_and_machine() -> None:
    settings = ENGINE.settings({"width": 8, "machine": "an abacus"}, "xor")
    assert settings == {
        "engine": "playground",
        "settings": PlaygroundEngine().settings({"width": 8}, "xor"),
        "machine": "an abacus",
    }
    assert ENGINE.settings({}, "xor")["machine"]
    assert ENGINE.cost(settings) == Cost(8 * 2 + 8 * 8 + 8 + 17, 88)


def test_each_round_is_a_group_of_all_arms() -> None:
    trials = [trial(turn, width=width) for width in (2, 3) for turn in range(3)]
    groups = ENGINE.groups(trials)
    assert [{one.replicate.split for one in group} for group in groups] == [{0}, {1}, {2}]
    assert [len(group) for group in groups] == [2, 2, 2]


def test_arms_have_their_turns_one_after_another_and_the_median_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []

    class Clock(PlaygroundEngine):
        def time_step(self, settings: Any, rounds: int) -> list[float]:
            assert rounds == 1
            called.append(settings["layers"][0])
            return [settings["layers"][0] + (1000.0 if len(called) <= 2 else 0.0)]

    monkeypatch.setattr(timing, "engine_named", lambda _: Clock())
    assert seconds([trial(width=2), trial(width=3)]) == [2.0, 3.0]
    assert called == [2, 3] * TURNS


def test_nothing_but_updates_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_minibatches(network: Any, count: int) -> Any:
        made, borders = honest(network, count)
        assert made == count
        assert borders == []  # no epoch ended, no loss was computed
        counts.append(count)
        return made, borders

    counts: list[int] = []
    honest = playground_time.Network.run_minibatches
    monkeypatch.setattr(playground_time.Network, "run_minibatches", run_minibatches)
    for factors in ({}, {"batch_size": 250}, {"width": 32, "depth": 8}, {"dropout": 0.1}):
        seconds([trial(**factors)])
    assert max(counts) > 100


def test_a_network_whose_numbers_overflow_can_be_timed() -> None:
    wild, mild = seconds([trial(activation="relu", learning_rate=rate) for rate in (1000, 0.03)])
    assert 0.05 < wild / mild < 20


def test_rounds_are_as_many_as_asked() -> None:
    start = time.perf_counter()
    steps = PlaygroundEngine().time_step(PlaygroundEngine().settings({}, "spiral"), 7)
    assert len(steps) == 7
    assert 0 < np.median(steps) < time.perf_counter() - start


@pytest.mark.parametrize("name", ["zoo", "timing", "playgrund", 5])
def test_an_engine_that_times_nothing_is_refused(name: Any) -> None:
    with pytest.raises(LayerlabError, match=r'no engine ".*" times its updates'):
        ENGINE.settings({"engine": name}, "circle")


def test_the_other_engine_refuses_what_it_does_not_know() -> None:
    with pytest.raises(LayerlabError, match='no factor "widht"'):
        ENGINE.settings({"widht": 3}, "circle")


def test_it_is_found_by_name() -> None:
    assert set(engine_named("timing").factors()) == {"engine", "machine"}
    assert TIMED[0] == "playground"
