"""Experiments whose truth is known: the design, the tuning, the verdict and its direction, going on after an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import known_truth
import pytest

from layerlab.errors import LayerlabError
from layerlab.lab.answer import Answer, Caveat
from layerlab.lab.experiment import Experiment
from layerlab.lab.phases import Progress
from layerlab.lab.question import ArmOf, Comparison, Equal, Question, Variant
from layerlab.lab.store import Store

Known = Callable[..., Question]


def arms(**qualities: dict[str, Any]) -> list[ArmOf]:
    return [ArmOf(name, factors) for name, factors in qualities.items()]


def first_contrast(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = answer.findings[0].content["contrasts"][0]
    return found


def caveat(answer: Answer, key: str) -> Caveat:
    return next(one for one in answer.caveats if one.key == key)


@pytest.mark.parametrize("better", ["a", "b"])
def test_the_better_arm_is_found_whichever_it_is(known: Known, better: str) -> None:
    qualities = {"a": 0.1, "b": 0.0} if better == "a" else {"a": 0.0, "b": 0.1}
    asked = known(arms=arms(b={"quality": qualities["b"]}, a={"quality": qualities["a"]}))
    found = first_contrast(Experiment(asked).run())
    assert (found["a"], found["b"], found["n"]) == ("b", "a", 10) or (found["a"], found["b"]) == ("a", "b")
    assert found["verdict"]["kind"] == "better"
    assert found[found["verdict"]["winner"]] == better
    assert found["low"] < (0.1 if found["a"] == better else -0.1) < found["high"]


def test_equal_arms_are_called_equivalent(known: Known) -> None:
    answer = Experiment(known(seeds=20, arms=arms(a={"spread": 0.01}, b={"spread": 0.011}))).run()
    assert first_contrast(answer)["verdict"]["kind"] == "equivalent"


def test_a_difference_that_is_only_a_learning_rate_is_tuned_away(known: Known) -> None:
    """At a shared rate of 0.1 the second arm would be worse by 0.1; tuned, they are alike."""
    asked = known(seeds=20, arms=arms(a={"best_rate": 0.1, "spread": 0.01}, b={"best_rate": 1.0, "spread": 0.01}))
    answer = Experiment(asked).run()
    assert {row.arm: row.tuned["learning_rate"] for row in answer.arms} == {"a": 0.1, "b": 0.9}
    assert first_contrast(answer)["verdict"]["kind"] == "equivalent"
    assert caveat(answer, "widened").values["values"] == [0.03, 0.1, 0.3, 0.9, 2.7]
    shared = Experiment(known(seeds=20, tune={}, arms=asked.variants[0].comparisons[0].arms), folder="shared").run()
    assert first_contrast(shared)["verdict"]["kind"] == "better"


def test_every_arm_has_as_many_tuning_trials(known: Known) -> None:
    answer = Experiment(known(arms=arms(a={"best_rate": 0.1}, b={"best_rate": 1.0}))).run()
    counted = {arm: sorted(row.values["learning_rate"] for row in answer.tuning if row.arm == arm) for arm in "ab"}
    assert counted["a"] == counted["b"]
    assert {row.runs for row in answer.tuning} == {3}


def test_a_choice_at_the_edge_after_all_widening_is_no_fair_test(known: Known) -> None:
    asked = known(arms=arms(a={"best_rate": 0.1}, b={"best_rate": 1000.0, "spread": 0.001}))
    answer = Experiment(asked).run()
    assert first_contrast(answer)["verdict"] == {
        "kind": "unfair",
        "winner": None,
        "reason": "edge-of-grid",
        "more_seeds": None,
    }
    assert caveat(answer, "edge-of-grid").values["arms"][0]["arm"] == "b"


def test_an_arm_that_does_not_train_is_not_called_worse(known: Known) -> None:
    answer = Experiment(known(arms=arms(a={}, deep={"fails": 1.0}))).run()
    verdict = first_contrast(answer)["verdict"]
    assert (verdict["kind"], verdict["reason"]) == ("unfair", "did-not-train")
    told = caveat(answer, "did-not-train").values
    assert (told["arm"], told["failed"], told["runs"]) == ("deep", 10, 10)


def test_runs_that_fail_now_and_then_are_counted_and_told(known: Known) -> None:
    answer = Experiment(known(seeds=30, arms=arms(a={}, b={"fails": 0.2}))).run()
    row = next(row for row in answer.arms if row.arm == "b")
    assert 1 <= row.failed <= 12
    assert row.runs == 30
    assert caveat(answer, "some-failed").values["failed"] == row.failed
    assert sum(point.values["loss"] == 1.0 for point in answer.points if point.arm == "b") == row.failed


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_few_seeds_never_give_a_verdict(known: Known, seeds: int) -> None:
    answer = Experiment(known(arms=arms(a={"quality": 0.4}, b={})), seeds=seeds).run()
    assert first_contrast(answer)["verdict"]["kind"] == "undecided"
    assert caveat(answer, "exploratory").values == {"seeds": seeds}


def test_a_trend_over_doublings(known: Known) -> None:
    asked = known(
        vary={"depth": [1, 2, 4, 8]}, hold={"law": "depth"}, analysis="trend", factor="depth", contrasts="ends"
    )
    trend = Experiment(asked).run().findings[0].content["trends"][0]["trend"]
    assert trend["verdict"]["kind"] == "falls"
    assert trend["slope_low"] < -0.05 < trend["slope_high"]


def test_a_hill_is_told_from_a_slope(known: Known) -> None:
    asked = known(vary={"depth": [1, 2, 4, 8, 16]}, hold={"law": "hill"}, analysis="trend", factor="depth")
    trend = Experiment(asked).run().findings[0].content["trends"][0]["trend"]
    assert trend["turns"]
    assert trend["best"] == 4


def test_arms_are_paired_by_their_split(known: Known) -> None:
    """The split moves all arms by 0.05, an arm's own noise by 0.02: pairs agree by 0.05² / (0.05² + 0.02²) = 0.86."""
    found = first_contrast(Experiment(known(seeds=100, arms=arms(a={}, b={"width": 2}))).run())
    assert 0.7 < found["correlation"] < 0.95


def test_several_tasks_are_averaged_within_a_replicate(known: Known) -> None:
    answer = Experiment(known(("one", "two", "three"), arms=arms(a={"quality": 0.1}, b={}))).run()
    content = answer.findings[0].content
    assert content["contrasts"][0]["n"] == 10
    assert set(content["by_task"]) == {"one", "two", "three"}
    assert {row["arm"] for row in content["aggregates"]["iqm"]} == {"a", "b"}
    mean = sum(content["by_task"][task][0]["difference"] for task in content["by_task"]) / 3
    assert content["contrasts"][0]["difference"] == pytest.approx(mean)


def test_the_test_part_is_touched_by_the_answer_alone(known: Known, tmp_path: Path) -> None:
    experiment = Experiment(known(arms=arms(a={}, b={"width": 2})), folder=tmp_path / "e")
    experiment.run()
    with Store.open(tmp_path / "e") as store:
        linked = store.linked(experiment.design.hash)
    assert {one.trial.part for one in linked if one.label["role"] == "tuning"} == {"validation"}
    answered = [one for one in linked if one.label["role"] == "answer"]
    assert {one.trial.part for one in answered} == {"test"}
    assert len(answered) == 20
    assert len({(one.trial.replicate, one.label["arm"]) for one in answered}) == 20


def test_the_design_is_stored_before_the_first_trial_and_does_not_change(known: Known, tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    def refuse(_: Progress) -> None:
        raise EnoughError

    experiment = Experiment(known(arms=arms(a={}, b={"width": 2})), folder=tmp_path / "e")
    with pytest.raises(EnoughError):
        experiment.run(refuse)
    with Store.open(tmp_path / "e", create=False) as store:
        (design,) = store.designs()
    assert design.hash == experiment.design.hash
    assert design.design["design"] == experiment.design.to_dict()
    again = Experiment.of(type(experiment.request).from_dict(design.design), tmp_path / "e")
    assert again.design.hash == experiment.design.hash
    assert again.run().to_dict()["findings"] == experiment.run().to_dict()["findings"]


def test_another_smallest_difference_is_another_design(known: Known) -> None:
    asked = known(arms=arms(a={}, b={"width": 2}))
    hashes = {
        Experiment(asked).design.hash,
        Experiment(asked, seeds=11).design.hash,
        Experiment(asked, metric="accuracy").design.hash,
        Experiment(asked, nuisance={"learning_rate": [0.1, 0.3]}).design.hash,
        Experiment(asked, fixed={"spread": 0.03}).design.hash,
        Experiment(known(("two",), arms=arms(a={}, b={"width": 2}))).design.hash,
        Experiment(asked, budget="1h").design.hash,
    }
    assert len(hashes) == 7
    assert Experiment(asked).design.hash in hashes


def test_what_has_run_does_not_run_again(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    law = known_truth.outcome_of
    monkeypatch.setattr(known_truth, "outcome_of", lambda trial: ran.append(trial.key) or law(trial))
    asked = known(arms=arms(a={}, b={"width": 2}))
    first = Experiment(asked).run()
    assert len(ran) == len(set(ran)) == first.trials
    assert Experiment(asked).run().findings == first.findings
    assert len(ran) == first.trials
    more = Experiment(asked, seeds=12).run()
    assert len(ran) == first.trials + 4
    assert more.trials == first.trials + 4


def test_a_run_that_was_ended_goes_on_to_the_same_answer(known: Known, tmp_path: Path) -> None:
    class EndedError(Exception):
        pass

    asked = known(arms=arms(a={"quality": 0.1}, b={}))
    whole = Experiment(asked, folder=tmp_path / "whole").run()
    for most in (5, 15, 25):

        def end(progress: Progress, most: int = most) -> None:
            if progress.done >= most:
                raise EndedError

        with pytest.raises(EndedError):
            Experiment(asked, folder=tmp_path / "parts").run(end)
    parts = Experiment(asked, folder=tmp_path / "parts").run()
    assert parts.findings == whole.findings
    assert sorted(parts.points, key=repr) == sorted(whole.points, key=repr)


def test_progress_tells_an_answer_so_far(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    from layerlab.lab import phases

    monkeypatch.setattr(phases, "BETWEEN_ANSWERS", 0.0)
    law = known_truth.outcome_of
    monkeypatch.setattr(known_truth, "outcome_of", lambda trial: time.sleep(0.005) or law(trial))
    seen: list[Progress] = []
    Experiment(known(("one", "two"), seeds=40, arms=arms(a={"quality": 0.1}, b={}))).run(seen.append)
    assert {one.phase for one in seen} >= {"tuning", "replicates"}
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert all(one.done <= one.total for one in seen)
    answers = [one.answer for one in seen if one.answer is not None]
    assert answers
    assert not answers[0].complete
    assert len(answers[0].points) <= len(answers[-1].points)


def test_equal_parameters_are_solved_for(known: Known) -> None:
    asked = known(
        vary={"depth": [1, 4, 16]}, hold={"law": "depth"}, equal=Equal("parameters", "width", 4096), analysis="trend",
        factor="depth",
    )  # fmt: skip
    experiment = Experiment(asked)
    assert [(arm.factors["width"], arm.parameters) for arm in experiment.design.plans[0].arms] == [
        (64, 64 * 64 + 64),
        (32, 32 * 32 * 4 + 32),
        (16, 16 * 16 * 16 + 16),
    ]
    spread = caveat(experiment.run(), "equal-by").values["spread"]
    assert spread["parameters"] == [4112, 4160]


def test_an_arm_that_cannot_be_built_at_the_budget_is_refused(known: Known) -> None:
    asked = known(vary={"depth": [1, 64]}, equal=Equal("parameters", "width", 40))
    with pytest.raises(
        LayerlabError, match=r'the arm "depth=64" cannot be built at 40 parameters: the nearest, width 1'
    ):
        Experiment(asked)
    large = known(vary={"depth": [1, 2]}, equal=Equal("parameters", "width", 10_000_000))
    with pytest.raises(LayerlabError, match=r"nearest, width 512, has 262,656"):
        Experiment(large)


def test_a_budget_cuts_the_epochs(known: Known) -> None:
    asked = known(arms=arms(a={"seconds": 0.1}, b={"seconds": 0.1, "width": 2}))
    answer = Experiment(asked, budget=20, workers=1).run()
    # 18 s for 2 arms of (3 rates x 3 + 10 seeds) runs, after two pilots of 0.1 s: 17.8 / 3.8 epochs.
    assert {row.epochs for row in answer.arms} == {4}
    assert caveat(answer, "epochs-cut").values == {"epochs": [4], "planned": [10]}


def test_a_budget_for_less_than_an_epoch_says_what_would_fit(known: Known) -> None:
    asked = known(arms=arms(a={"seconds": 0.1}, b={"seconds": 0.1, "width": 2}))
    with pytest.raises(LayerlabError, match=r"a budget of 3 s is too small for 38 trainings of one epoch.*--budget 5s"):
        Experiment(asked, budget=3, workers=1).run()


def test_one_rate_is_taken_over_by_all_arms(known: Known) -> None:
    asked = known(arms=arms(base={"best_rate": 0.1}, other={"best_rate": 0.3}), tune_on="base")
    answer = Experiment(asked).run()
    assert {row.arm: row.tuned["learning_rate"] for row in answer.arms} == {"base": 0.1, "other": 0.1}
    assert {row.arm for row in answer.tuning} == {"base"}


def test_pairs_say_from_which_level_on(known: Known) -> None:
    asked = known(
        seeds=20, vary={"depth": [1, 2, 4], "quality": [0.0, 0.1]}, analysis="pairs", factor="quality", by="depth",
        hold={"spread": 0.005},
    )  # fmt: skip
    content = Experiment(asked).run().findings[0].content
    assert content["onset"] == 1
    assert [one["verdict"]["kind"] for one in content["contrasts"]] == ["better"] * 3


def test_contradictions_are_refused() -> None:
    bad = Comparison("one", vary={"learning_rate": [0.1, 0.3]}, tune={"learning_rate": [0.1]})
    from layerlab.lab.contradictions import check_comparison

    with pytest.raises(LayerlabError, match="learning_rate is tuned, and varied or held as well; choose one"):
        check_comparison(bad, "here")
    with pytest.raises(LayerlabError, match='the comparison "one" varies nothing'):
        check_comparison(Comparison("one"), "here")


def test_an_arm_alone_is_no_comparison(known: Known) -> None:
    with pytest.raises(LayerlabError, match='has one arm, "a"; expected at least two'):
        Experiment(known(arms=arms(a={})))


def test_two_arms_of_one_name_are_refused(known: Known) -> None:
    with pytest.raises(LayerlabError, match='two arms are called "a"'):
        Experiment(known(arms=[ArmOf("a", {}), ArmOf("a", {"width": 2})]))


def test_a_contrast_of_an_unknown_arm_is_refused(known: Known) -> None:
    with pytest.raises(LayerlabError, match=r'the contrast .* names "c", which is no arm'):
        Experiment(known(arms=arms(a={}, b={"width": 2}), contrasts=[["a", "c"]]))


def test_answers_survive_json(known: Known) -> None:
    import json

    answer = Experiment(known(("one", "two"), arms=arms(a={"quality": 0.1}, b={}))).run()
    assert Answer.from_dict(json.loads(json.dumps(answer.to_dict(), allow_nan=False))).to_dict() == answer.to_dict()


def test_a_variant_is_chosen_by_its_tasks() -> None:
    asked = Question("q", {"en": "?", "pl": "?"}, [Variant("playground", ["circle"], [])])
    with pytest.raises(LayerlabError, match='"q" cannot be asked on mnist5k; it is asked on circle'):
        Experiment(asked, on="mnist5k")
