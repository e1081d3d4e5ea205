"""The Lab tab: what is told before, during and after an experiment; its jobs; its routes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from layerlab.errors import LayerlabError
from layerlab.lab.answer import Answer, Point
from layerlab.lab.experiment import Experiment
from layerlab.lab.question import list_questions, question
from layerlab.lab.store import Store
from layerlab.playground import Session
from layerlab.studio import files
from layerlab.studio.command_error import CommandError
from layerlab.studio.lab import answering, describing, estimating, recalling, taking
from layerlab.studio.lab.asking import Asked
from layerlab.studio.lab.composing import experiment_of, folder
from layerlab.studio.lab.limits import LabLimits
from layerlab.studio.lab.live import arrived, live
from layerlab.studio.lab.naming import empty_answer

LOCALE = {name: json.loads((files.HERE / "locale" / name / "lab.json").read_text()) for name in files.LANGUAGES}
SMALL: dict[str, Any] = {
    "own": {"vary": {"depth": [1, 2]}, "hold": {"epochs": 5}, "tune": {"learning_rate": [0.03, 0.1]}},
    "on": ["circle", "xor"],
    "seeds": 3,
}


def asked(**changes: Any) -> Asked:
    return Asked.model_validate({**SMALL, **changes})


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    """A small experiment that has run."""
    made = experiment_of(asked())
    made.run()
    return made


@pytest.fixture(scope="module")
def answer(experiment: Experiment) -> Answer:
    return experiment.answer


# Before.


def test_the_catalogue_has_every_question_in_both_languages() -> None:
    told = describing.catalogue(LabLimits(), "/plotly.js")
    assert [one["name"] for one in told["questions"]] == list_questions()
    assert {one["group"] for one in told["questions"]} == {"lecture", "architectures"}
    for one in told["questions"]:
        assert all(one["title"][language] for language in files.LANGUAGES)
        assert all(kind["tasks"] for kind in one["kinds"])
    assert {bench["engine"]: bench["tasks"][0]["label"]["pl"] for bench in told["own"]}["playground"] == "koło"


def test_a_workshop_names_the_factors_of_its_engine() -> None:
    factors = {one["name"]: one for one in describing.workshop("playground")["factors"]}
    assert factors["width"]["label"] == {
        "en": "the number of units of a layer",
        "pl": "liczba neuronów w warstwie",
    }
    assert factors["width"]["says"]


def test_a_design_is_that_of_the_experiment_and_nothing_runs() -> None:
    told = describing.designed(asked(seeds=4), LabLimits())
    made = experiment_of(asked(seeds=4))
    assert (told["hash"], told["trainings"]) == (made.design.hash, 2 * 2 * (2 * 3 + 4))
    assert (told["exploratory"], told["answered"], told["problem"]) == (True, False, None)
    assert told["seconds"] is not None
    (compared,) = told["comparisons"]
    assert [arm["label"] for arm in compared["arms"]] == [
        {"en": "1 hidden layer", "pl": "1 warstwa ukryta"},
        {"en": "2 hidden layers", "pl": "2 warstwy ukryte"},
    ]
    assert {"en": "the learning rate: 0.03, 0.1", "pl": "współczynnik uczenia: 0,03; 0,1"} in [
        fact["text"] for fact in compared["facts"]
    ]
    assert told["command"] == made.request.command
    with Store.open(folder()) as store:
        assert made.design.hash not in [one.hash for one in store.designs()]


def test_a_visitor_can_ask_every_question_on_two_dimensional_tasks() -> None:
    for name in (one for one in list_questions() if question(one).variants[0].engine == "playground"):
        told = describing.designed(Asked(question=name), LabLimits.of_visitors())
        assert told["problem"] is None, f"{name} is too large for a visitor"
        assert all(fact["text"]["pl"] for one in told["comparisons"] for fact in one["facts"])


def test_the_time_is_estimated_by_what_experiments_took_here(experiment: Experiment) -> None:
    estimating._pace_of.cache_clear()
    wanted = asked(seeds=40)
    before = describing.designed(wanted, LabLimits())["seconds"]
    with Store.open(folder()) as store:
        told = [one.hash for one in store.designs() if one.answered]
        kept = {design: store.answer(design) or {} for design in told}
        for design, answer in kept.items():
            store.put_answer(design, {**answer, "seconds": 10 * answer["seconds"]})
    estimating._pace_of.cache_clear()
    after = describing.designed(wanted, LabLimits())["seconds"]
    with Store.open(folder()) as store:
        for design, answer in kept.items():
            store.put_answer(design, answer)
    estimating._pace_of.cache_clear()
    assert before is not None
    assert after is not None
    assert after - estimating.BEGINNING == pytest.approx(10 * (before - estimating.BEGINNING))


def test_more_seeds_see_smaller_differences() -> None:
    few, many = (describing.designed(asked(seeds=seeds), LabLimits())["detectable"] for seeds in (5, 20))
    assert few is not None
    assert many is not None
    assert many == pytest.approx(0.66, abs=0.01)
    assert few > 2 * many


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"own": None}, "ask either a known question or one of your own"),
        ({"question": "deeper-or-wider"}, "ask either a known question or one of your own"),
        ({"own": None, "question": "deeper-or-wide"}, 'no question "deeper-or-wide"; did you mean "deeper-or-wider"?'),
        ({"own": None, "question": "/etc/passwd"}, 'no question "/etc/passwd"'),
        ({"own": None, "question": "mine.toml"}, 'no question "mine.toml"'),
        ({"own": {"vary": {"deepth": [1, 2]}}}, 'the playground has no factor "deepth"; did you mean "depth"?'),
        ({"own": {"vary": {"depth": [1, 99]}}}, "depth"),
        ({"own": {"vary": {"depth": [1, 2]}, "metric": "los"}}, 'no metric "los"'),
        ({"on": ["circle", "digits"]}, '"circle" is a two-dimensional task and "digits" is not'),
        ({"own": {"vary": {"width": [1, 32]}, "equal": "parameters"}}, 'the arm "width=1" cannot be built at'),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError) as caught:
        describing.designed(asked(**changes), LabLimits())
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seeds": 0},
        {"seeds": 1.5},
        {"own": {"vary": {}}},
        {"own": {"vary": {"depth": [1]}}},
        {"own": {"vary": {"depth": [1, 2]}, "tune": {"learning_rate": [-1.0]}}},
        {"own": {"vary": {"depth": [1, 2]}, "equal": "nothing"}},
        {"own": {"vary": {"depth": [1, {"a": 1}]}}},
        {"folder": "/tmp"},
    ],
)
def test_what_is_no_question_at_all_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        asked(**wrong)


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        (LabLimits.of_visitors(), "lab.error.seeds"),
        (LabLimits(trainings=100), "lab.error.trainings"),
        (LabLimits(arms=1), "lab.error.arms"),
    ],
)
def test_who_asks_for_too_much_is_told_of_what(limits: LabLimits, key: str) -> None:
    problem = describing.designed(asked(seeds=51), limits)["problem"]
    assert problem is not None
    assert problem["key"] == key
    for language in files.LANGUAGES:
        assert set(re.findall(r"\{(\w+)\}", LOCALE[language][key])) <= set(problem["values"])
    assert describing.designed(asked(seeds=51), LabLimits())["problem"] is None


# During.


def by_key(point: Point) -> str:
    return point.key


def test_the_picture_of_the_runs_ends_as_the_answer(experiment: Experiment, answer: Answer) -> None:
    with Store.open(folder()) as store:
        points = arrived(store.linked(answer.design_hash))
    assert sorted(points, key=by_key) == sorted(answer.points, key=by_key)
    shown = live(empty_answer(experiment.request), points, {"en": "so far", "pl": "na razie"})
    assert shown["verdict"]["pl"] == "na razie"
    assert shown["complete"] is False
    (panel,) = shown["panels"]
    assert panel == live(answer, answer.points)["panels"][0]
    rows = {(row.arm, row.task): row.values["loss"] for row in answer.arms}
    for arm in panel["arms"]:
        for task in ("", "circle", "xor"):
            told = rows[arm["name"], task]
            assert arm["means"][task]["loss"] == pytest.approx([told["mean"], told["low"], told["high"]])
        assert len(arm["points"]) == 6


def test_runs_are_shown_before_every_arm_has_some(experiment: Experiment, answer: Answer) -> None:
    first = [point for point in answer.points if point.arm == "depth=1" and point.replicate == 0]
    (panel,) = live(empty_answer(experiment.request), first[:1])["panels"]
    assert [len(arm["points"]) for arm in panel["arms"]] == [1, 0]
    assert panel["arms"][0]["means"][""]["loss"] == [None, None, None]
    (panel,) = live(empty_answer(experiment.request), first)["panels"]
    middle, low, high = panel["arms"][0]["means"][""]["loss"]
    assert middle == pytest.approx(sum(point.values["loss"] or 0 for point in first) / 2)
    assert (low, high) == (None, None)


def test_of_very_many_arms_the_best_are_shown(answer: Answer) -> None:
    many = {"name": "many", "title": {}, "metrics": ["loss"], "vary": {}, "subsets": {}}
    arms = [{"name": f"arm {number}", "factors": {}, "label": {}} for number in range(100)]
    design = {**answer.design, "tasks": ["circle"], "comparisons": [{**many, "arms": arms}]}
    points = [
        type(answer.points[0])("many", f"arm {number}", "circle", 0, {"loss": abs(number - 50.0)}, "", str(number))
        for number in range(100)
    ]
    (panel,) = live(type(answer)(**{**vars(answer), "design": design, "findings": []}), points)["panels"]
    assert panel["hidden"] == 60
    assert [arm["name"] for arm in panel["arms"]] == [f"arm {number}" for number in range(30, 70)]


# After.


def test_an_answer_is_told_in_both_languages(answer: Answer) -> None:
    english, polish = (answering.words_of(answer, language) for language in files.LANGUAGES)
    assert english["headline"] != polish["headline"]
    assert {one["kind"] for one in english["sentences"]} >= {"headline", "finding", "caveat"}
    assert [len(one["rows"]) for one in english["tables"]] == [2, 1]
    for one in english["tables"]:
        assert all(len(row) == len(one["columns"]) for row in one["rows"])
    assert [one["number"] for one in english["figures"]] == list(range(len(english["figures"])))
    assert english["command"] == polish["command"] == answer.command
    assert json.loads(json.dumps(english, allow_nan=False)) == english


def test_what_was_answered_is_found_again_by_what_was_asked(answer: Answer) -> None:
    told = recalling.recalled()
    found = [one for one in told if experiment_of(Asked.model_validate(one["asked"])).design.hash == answer.design_hash]
    assert [(one["seeds"], [task["name"] for task in one["tasks"]]) for one in found] == [(3, ["circle", "xor"])]
    assert found[0]["date"].startswith("20")


@pytest.mark.parametrize("name", ["deeper-or-wider", "does-skip-matter"])
def test_a_known_question_is_recalled_by_its_name(name: str) -> None:
    for wanted in (Asked(question=name), Asked(question=name, on=["circle"], seeds=7)):
        design = experiment_of(wanted).design
        again = recalling.asked_of(json.loads(json.dumps(design.to_dict())))
        assert again is not None
        assert again["question"] == name
        assert experiment_of(Asked.model_validate(again)).design.hash == design.hash
    assert recalling.asked_of({**design.to_dict(), "budget": 60.0}) is None


def test_every_figure_that_is_named_can_be_had(answer: Answer) -> None:
    for language in files.LANGUAGES:
        for one in answering.words_of(answer, language)["figures"]:
            made = answering.figure_of(answer.design_hash, one["number"], language)
            assert made["data"]
            json.dumps(made, allow_nan=False)
    with pytest.raises(LayerlabError, match="no figure 99"):
        answering.figure_of(answer.design_hash, 99, "en")


def test_what_to_ask_next_is_a_button_where_the_page_can_ask_it(answer: Answer) -> None:
    lines = [
        "ask does-skip-matter",
        "ask deeper-or-wider --on digits --seeds 20",
        "ask deeper-or-wider --budget 9m",
        "sweep x",
    ]
    told = answering.words_of(type(answer)(**{**vars(answer), "next": lines}), "pl")["next"]
    assert [one["command"] for one in told] == [f"layerlab {line}" for line in lines]
    assert told[0]["asked"] == {"question": "does-skip-matter", "own": None, "on": [], "seeds": None}
    assert told[1]["asked"] == {"question": "deeper-or-wider", "own": None, "on": ["digits"], "seeds": 20}
    assert (told[2]["asked"], told[3]["asked"]) == (None, None)
    for one in told[:2]:
        assert one["title"]
        Asked.model_validate(one["asked"])


def test_the_playground_trains_the_very_network_of_a_trial(answer: Answer) -> None:
    for point in answer.points[::5]:
        taken = taking.trial_of(answer.design_hash, point.key)
        session = Session(taken["link"])
        session.step(taken["epochs"])
        assert taken["loss"] == point.values["loss"]
        assert session.losses[-1][2] == pytest.approx(point.values["loss"], abs=2e-4)


def test_other_trials_do_not_open_in_the_playground(answer: Answer) -> None:
    with pytest.raises(CommandError, match="no trial of this experiment"):
        taking.trial_of(answer.design_hash, "0" * 32)
    with Store.open(folder()) as store:
        trial, outcome = next(iter(store.trials(answer.design_hash)))
    foreign = type(trial)("networks", trial.settings, trial.replicate, trial.part)
    with pytest.raises(CommandError, match="only networks on two-dimensional tasks open"):
        taking.link_of(foreign, outcome)


def test_the_texts_are_the_same_in_both_languages() -> None:
    assert list(LOCALE["en"]) == list(LOCALE["pl"])
    for key, text in LOCALE["en"].items():
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", LOCALE["pl"][key])), key
    sources = "".join(path.read_text() for path in (files.HERE / "static" / "lab").glob("*.js"))
    for key in set(re.findall(r'"(lab\.[\w.-]+)"', sources)):
        assert key in LOCALE["en"], key
