"""The guided lessons: statistics on known numbers, verdicts on made-up trials, and texts that follow the data."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import layerlab.studio
from layerlab.errors import LayerlabError
from layerlab.lab.statistics.intervals import median_interval, share_interval
from layerlab.playground.link import read_link
from layerlab.studio import lessons
from layerlab.studio.lessons import LESSONS, conclude
from layerlab.studio.lessons.arguments import Request
from layerlab.studio.lessons.lesson import Trials
from layerlab.studio.lessons.statistics import (
    compare,
    pairwise_confidence,
    quartiles,
    seeds_needed,
    unbeaten,
)

LOCALE = Path(layerlab.studio.__file__).parent / "locale"
TEXTS: dict[str, dict[str, str]] = {
    language: json.loads((LOCALE / language / "learn.json").read_text()) for language in ("en", "pl")
}


def silent(*_: object) -> None:
    """A report that nobody reads."""


def made_up(name: str, finals: Mapping[int, float], other: float = 0.3, *, seeds: int = 16, cost: float = 5.0) -> Any:
    """Conclude ``name`` from trials in which arms end at ``finals`` or ``other``, the smaller the sooner."""
    lesson = LESSONS[name]
    arms = lesson.arms(lesson.chosen({}))
    jitter = 1 + 0.01 * np.arange(seeds)
    losses = np.empty((len(arms), seeds, 101, 2))
    for i in range(len(arms)):
        losses[i] = (0.5 * (2 * finals.get(i, other)) ** np.linspace(0, 1, 101))[None, :, None] * jitter[:, None, None]
    seconds = np.linspace(1, cost, len(arms))[:, None] * np.full(7, 1e-3) if lesson.timed else None
    request = Request(lesson.chosen({}), lesson.choices[0], range(seeds))
    return conclude(lesson, request, arms, Trials(losses, seconds))


def test_quartiles_interpolate_and_keep_infinity() -> None:
    np.testing.assert_allclose(quartiles(np.array([4.0, 1, 2, 3])), [1.75, 2.5, 3.25])
    assert quartiles(np.array([1, 2, np.inf])).tolist() == [1.5, 2, math.inf]
    assert quartiles(np.array([[1.0, 2, 3, 4, 5], [5, 4, 3, 2, 9]])).tolist() == [[2, 3], [3, 4], [4, 5]]


def test_the_interval_is_that_of_the_sign_test() -> None:
    assert median_interval(np.arange(6.0)) == (0, 5)
    assert median_interval(np.arange(5.0)) == (-math.inf, math.inf)
    assert median_interval(np.arange(16.0)) == (3, 12)  # the fourth from either end: tables of the sign test
    assert (seeds_needed(), seeds_needed(pairwise_confidence(4))) == (6, 8)
    for needed in (seeds_needed(), seeds_needed(pairwise_confidence(6))):
        assert needed <= 30


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    covered = [low <= 1 <= high for low, high in (median_interval(random.lognormal(0, 2, 13)) for _ in range(1500))]
    assert 0.94 < np.mean(covered) < 0.995


def test_a_share_has_the_exact_interval() -> None:
    np.testing.assert_allclose(share_interval(13, 16), (0.5435, 0.9595), atol=1e-4)
    np.testing.assert_allclose(share_interval(0, 10), (0, 0.3085), atol=1e-4)
    np.testing.assert_allclose(share_interval(10, 10), (0.6915, 1), atol=1e-4)


def test_networks_are_compared_seed_by_seed() -> None:
    luck = np.exp(np.linspace(-3, 3, 12))  # seeds differ far more than the networks
    better = compare(luck * 0.9, luck)
    assert (better.verdict, better.wins, better.losses) == ("less", 12, 0)
    assert better.ratio == pytest.approx(0.9)
    assert compare(luck, luck).verdict == "open"
    assert compare(luck, luck * 0.9).verdict == "more"
    assert compare(luck[:5], luck[:5] * 9).verdict == "open", "five seeds show nothing"


def test_what_was_never_reached_is_worse_than_anything_and_ties_with_itself() -> None:
    never = np.full(8, np.inf)
    assert compare(never, np.ones(8)).verdict == "more"
    assert not compare(never, np.ones(8)).is_finite
    tie = compare(never, never)
    assert (tie.verdict, tie.wins, tie.losses, tie.ratio) == ("open", 0, 0, 1)


def test_an_arm_is_beaten_only_beyond_chance() -> None:
    same = np.linspace(0.1, 0.2, 16)
    assert unbeaten(np.stack([same, same * 2, same])) == (0, 2)
    mixed = same * np.where(np.arange(16) % 2, 3, 1 / 3)
    assert unbeaten(np.stack([same, mixed])) == (0, 1)


@pytest.mark.parametrize(
    ("name", "finals", "answer"),
    [
        ("size", {0: 0.05, 5: 0.0011}, "epochs"),
        ("size", {0: 0.02, 5: 0.09}, "neither"),
        ("depth", {0: 0.01, 3: 0.1}, "wider"),
        ("depth", {0: 0.1, 3: 0.01}, "deeper"),
        ("depth", {}, None),
        ("capacity", {0: 0.1, 5: 0.2}, "smaller"),
        ("capacity", {0: 0.2, 5: 0.1}, "larger"),
        ("capacity", {}, None),
        ("features", {}, "none"),
        ("features", {2: 0.01}, "one"),
        ("features", {1: 0.01, 5: 0.01}, "several"),
        ("features", dict.fromkeys(range(6), 0.01), "all"),
        ("rate", dict.fromkeys((0, 4, 8, 12), 0.01), "smallest"),
        ("rate", dict.fromkeys((1, 6, 9, 14), 0.01), "middle"),
        ("rate", dict.fromkeys((3, 7, 11, 15), 0.01), "largest"),
        ("rate", dict.fromkeys((0, 7, 9, 13), 0.01), "differs"),
        ("rate", {}, None),
        ("changes", {0: 0.01, 1: 0.2, 2: 0.1, 3: 0.1}, "batch"),
        ("changes", {0: 0.01, 1: 0.1, 2: 0.2, 3: 0.1}, "split"),
        ("changes", {0: 0.01, 1: 0.1, 2: 0.1, 3: 0.2}, "noise"),
        ("changes", {0: 0.01}, None),
    ],
)
def test_the_answer_is_what_the_trials_say(name: str, finals: dict[int, float], answer: str | None) -> None:
    assert made_up(name, finals)["answer"] == answer


def test_a_larger_network_may_win_in_time_too() -> None:
    assert made_up("size", {0: 0.05, 5: 0.0011}, cost=1.05)["answer"] == "both"
    same = made_up("size", {}, other=0.3)
    assert (same["answer"], same["sentences"][0]["key"]) == (None, "learn.size.time.open")


@pytest.mark.parametrize("name", LESSONS)
def test_no_verdict_from_two_seeds(name: str) -> None:
    lesson = LESSONS[name]
    several = dict.fromkeys(range(0, 16, 3), 0.01)
    result = made_up(name, several, seeds=2)
    if name != "features":
        assert result["answer"] is None
    assert "learn.few-seeds" in {text["key"] for text in result["sentences"]}, lesson


@pytest.mark.parametrize("name", LESSONS)
def test_no_sentence_is_known_before_the_runs(name: str) -> None:
    first, second = (
        made_up(name, {0: 0.01}),
        made_up(name, {len(LESSONS[name].arms(LESSONS[name].chosen({}))) - 1: 0.02}),
    )
    assert first["sentences"] != second["sentences"]
    for text in first["sentences"]:
        assert any(isinstance(value, int | float | list) for value in text["values"].values()) or "apart" in text["key"]


def test_what_a_prediction_came_to() -> None:
    lesson = LESSONS["depth"]
    arms = lesson.arms(lesson.chosen({}))

    def held(prediction: str | None, ends: tuple[float, ...]) -> str:
        losses = np.ones((4, 9, 2, 2)) * np.array(ends)[:, None, None, None]
        return str(conclude(lesson, Request(lesson.chosen({}), prediction, range(9)), arms, Trials(losses))["held"])

    deep, same = (0.4, 0.3, 0.2, 0.1), (0.4,) * 4
    assert [held(choice, deep) for choice in ("deeper", "wider", "no-difference", None)] == ["yes", "no", "no", "none"]
    assert [held(choice, same) for choice in ("deeper", "no-difference")] == ["open", "consistent"]


def test_changes_without_an_effect_show_no_difference() -> None:
    assert made_up("changes", {})["sentences"][0]["key"] == "learn.changes.verdict.no-difference"
    assert made_up("changes", {0: 0.01})["sentences"][0]["key"] == "learn.changes.verdict.open"


def test_the_smallest_loss_is_named_with_its_numbers() -> None:
    text = next(text for text in made_up("depth", {2: 0.01})["sentences"] if text["key"] == "learn.smallest")
    assert text["values"]["arm"] == "[6, 6, 6]"
    assert text["values"]["loss"] == pytest.approx(0.01 * 1.075)
    assert text["values"]["low"] < text["values"]["loss"] < text["values"]["high"]


def test_what_to_try_next_is_something_else() -> None:
    result = made_up("depth", {1: 0.01})
    opened, *others = result["next"]
    assert read_link(opened["link"]).specification.hidden_layers == (8, 8)
    chosen = {**result["options"], "seeds": 16, "first_seed": 0}
    assert [step["arguments"] for step in others] == [
        {**chosen, "first_seed": 16},
        {**chosen, "dataset": "xor"},
        {**chosen, "activation": "relu"},
    ]


def test_a_network_that_diverged_counts_as_the_worst() -> None:
    losses = np.full((2, 3, 4, 2), 0.1)
    losses[1, :, 2:] = np.nan
    trials = Trials(losses)
    assert trials.final.tolist() == [[0.1] * 3, [2.0] * 3]
    assert np.isinf(Trials(np.full((1, 2, 3, 2), np.nan)).epochs_to(0.1)).all()
    assert trials.epochs_to(0.2).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("name", LESSONS)
def test_links_open_the_networks(name: str) -> None:
    lesson = LESSONS[name]
    offered = lessons.describe(lesson)
    arms = lesson.arms(lesson.chosen({}))
    assert read_link(offered["link"]).specification == arms[offered["shown"]].specification
    result = made_up(name, {0: 0.01})
    assert [read_link(line["link"]).specification for line in result["table"]] == [arm.specification for arm in arms]
    assert any("link" in step for step in result["next"])


def test_deep_and_wide_have_about_equally_many_parameters() -> None:
    counts = [arm.parameters for arm in LESSONS["depth"].arms(LESSONS["depth"].chosen({}))]
    assert counts == [113, 105, 109, 111]


@pytest.mark.parametrize("name", LESSONS)
def test_a_real_run_is_complete_and_the_same_again(name: str) -> None:
    reports: list[tuple[float, float]] = []
    asked = {"seeds": 2, "first_seed": 7}
    first = lessons.run(name, asked, lambda done, total, _: reports.append((done, total)))
    assert reports[-1][0] == reports[-1][1]
    assert reports == sorted(reports)
    assert first["seeds"] == [7, 8]
    json.dumps(first, allow_nan=False)
    if name != "size":  # which has times in it
        again = lessons.run(name, asked, silent)
        assert {**again, "seconds": 0} == {**first, "seconds": 0}
        other = lessons.run(name, {**asked, "first_seed": 20}, silent)
        assert other["sentences"] != first["sentences"]


def test_what_report_raises_ends_the_lesson() -> None:
    def refuse(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lessons.run("depth", {"seeds": 2}, refuse)


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("dept", {}, "no lesson 'dept'; did you mean \"depth\"?"),
        ("depth", {"seeds": 1}, "seeds 1 is no whole number from 2 to 30"),
        ("depth", {"seeds": True}, "seeds True is no whole number from 2 to 30"),
        ("depth", {"first_seed": True}, "first seed True is no whole number from 0 to 1,000,000"),
        ("depth", {"first_seed": -1}, "first seed -1 is no whole number from 0 to 1,000,000"),
        ("depth", {"dataset": "circel"}, "unknown dataset 'circel'; did you mean \"circle\"?"),
        ("depth", {"prediction": []}, "unknown prediction []; known: deeper, no-difference, wider"),
        (
            "depth",
            {"noise": "0"},
            'the lesson "depth" has no "noise"; known: activation, dataset, first_seed, prediction, seeds',
        ),
        ("contents", {"lesson": {}}, "no lesson {}; known: capacity, changes, depth, features, rate, size"),
    ],
)
def test_errors_speak(name: str, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError) as error:
        lessons.run(name, arguments, silent)
    assert str(error.value) == sentence


def test_contents_offer_all_lessons_and_set_one_up() -> None:
    offered = lessons.run("contents", {}, silent)["lessons"]
    assert [lesson["name"] for lesson in offered] == ["size", "features", "rate", "changes", "depth", "capacity"]
    link = lessons.run("contents", {"lesson": "depth", "dataset": "xor"}, silent)["link"]
    assert read_link(link).specification.dataset == "xor"


def places(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w+)\}", text)))


def test_both_languages_say_the_same() -> None:
    english, polish = TEXTS["en"], TEXTS["pl"]
    assert list(english) == list(polish)
    for key, text in english.items():
        assert places(text) == places(polish[key]), key
        assert text.strip(), key


def composed(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield every text within a result."""
    if isinstance(value, Mapping):
        if set(value) == {"key", "values"}:
            yield value
        for part in value.values():
            yield from composed(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from composed(part)


@pytest.mark.parametrize("name", LESSONS)
def test_every_text_is_there_and_all_its_places_are_filled(name: str) -> None:
    lesson = LESSONS[name]
    count = len(lesson.arms(lesson.chosen({})))
    for finals in ({}, {0: 0.01}, {count - 1: 0.01}, {1: 0.01, 2: 0.002}, dict.fromkeys(range(count), 0.01)):
        for seeds in (2, 16):
            result = made_up(name, finals, seeds=seeds)
            for text in composed(result):
                missing = set(places(TEXTS["en"][text["key"]])) - set(text["values"])
                assert not missing, (text["key"], missing)
            assert {figure["title"] for figure in result["figures"]} <= set(TEXTS["en"])
    wanted = [f"{name}.{part}" for part in ("title", "background", "question")]
    wanted += [f"{name}.choice.{choice}" for choice in lesson.choices]
    wanted += [f"value.{option}.{value}" for option, values in lesson.options.items() for value in values]
    wanted += [f"option.{option}" for option in lesson.options]
    assert {f"learn.{key}" for key in wanted} <= set(TEXTS["en"])
