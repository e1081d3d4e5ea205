"""The Lab tab: what is told before, during and after an experiment; its jobs; its routes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from layerlab.errors import LayerlabError
from layerlab.lab.answer import Answer
from layerlab.lab.experiment import Experiment
from layerlab.lab.question import list_questions, question
from layerlab.lab.store import Store
from layerlab.playground import Session
from layerlab.studio import files
from layerlab.studio.app import create_app
from layerlab.studio.command_error import CommandError
from layerlab.studio.lab import answering, describing, recalling, taking
from layerlab.studio.lab.asking import Asked
from layerlab.studio.lab.composing import experiment_of, folder
from layerlab.studio.lab.jobs import CHILD, Jobs
from layerlab.studio.lab.limits import LabLimits
from layerlab.studio.lab.live import arrived, live
from layerlab.studio.lab.naming import empty_answer

HERE = "http://127.0.0.1:8321"
TOKEN = "a-token-of-some-length"  # noqa: S105
NOBODY = "0" * 16
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
        ({"own": {"vary": {"width": [1, 2]}, "equal": "parameters"}}, "width"),
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


def test_the_picture_of_the_runs_ends_as_the_answer(experiment: Experiment, answer: Answer) -> None:
    with Store.open(folder()) as store:
        points = arrived(store.linked(answer.design_hash))
    assert sorted(map(repr, points)) == sorted(map(repr, answer.points))
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


TALK = """
import json, sys, time
asked = json.loads(sys.stdin.readline())
for line in asked["say"]:
    print(line, flush=True)
if asked.get("wait"):
    sys.stdin.read()
"""
TALKER = (sys.executable, "-S", "-c", TALK)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def talkers() -> Iterator[Callable[..., Jobs]]:
    made: list[Jobs] = []

    def make(**limits: Any) -> Jobs:
        made.append(Jobs(LabLimits(**limits), TALKER))
        return made[-1]

    yield make
    for one in made:
        one.close()


def state(jobs: Jobs, design: str) -> str:
    return str(jobs.status(design)[0]["state"])


def test_one_job_at_a_time_and_all_who_watch_are_told(talkers: Callable[..., Jobs]) -> None:
    jobs, told = talkers(), threading.Event()
    forget = jobs.watch("b", told.set)
    progress = {"phase": "tuning", "done": 1, "total": 2, "seconds_left": None}
    jobs.submit("a", {"say": [json.dumps({"progress": progress}), '{"live":{"x":1}}'], "wait": True})
    jobs.submit("b", {"say": ['{"done":true}']})
    jobs.submit("c", {"say": ['{"done":true}']})
    jobs.submit("a", {"say": ["it runs already: nobody hears this"]})
    until(lambda: jobs.status("a")[1] == '{"live":{"x":1}}')
    assert jobs.status("a")[0] == {"state": "running", "place": None, "progress": progress, "problem": None}
    assert [jobs.status(name)[0]["place"] for name in "bc"] == [1, 2]
    assert state(jobs, "d") == "none"
    told.clear()
    jobs.stop("a")
    until(lambda: state(jobs, "c") == "done")
    assert told.is_set()
    assert [state(jobs, name) for name in "abc"] == ["stopped", "done", "done"]
    forget()
    told.clear()
    jobs.submit("b", {"say": ['{"done":true}']})
    until(lambda: state(jobs, "b") == "done")
    assert not told.is_set()


def test_a_job_that_waits_can_be_stopped_and_asked_for_again(talkers: Callable[..., Jobs]) -> None:
    jobs = talkers()
    jobs.submit("a", {"say": [], "wait": True})
    jobs.submit("b", {"say": ['{"done":true}']})
    jobs.stop("b")
    assert state(jobs, "b") == "stopped"
    jobs.submit("b", {"say": ['{"done":true}']})
    assert state(jobs, "b") == "queued"
    jobs.stop("a")
    until(lambda: state(jobs, "b") == "done")
    jobs.stop("b")
    jobs.stop("never heard of")
    assert state(jobs, "b") == "done"


def test_the_queue_and_the_clock_have_an_end(talkers: Callable[..., Jobs]) -> None:
    jobs = talkers(queue=1, seconds=0.3)
    jobs.submit("a", {"say": [], "wait": True})
    until(lambda: state(jobs, "a") == "running")
    jobs.submit("b", {"say": ['{"done":true}']})
    with pytest.raises(CommandError, match="1 experiments wait already") as caught:
        jobs.submit("c", {"say": []})
    assert caught.value.key in LOCALE["pl"]
    until(lambda: state(jobs, "b") == "done")
    assert state(jobs, "a") == "late"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (['{"failed":{"key":"","values":{},"text":"the disk is full"}}'], "the disk is full"),
        ([], "the experiment ended without a word"),
        (["no JSON at all"], ""),
    ],
)
def test_a_job_that_fails_says_why_and_the_next_runs(talkers: Callable[..., Jobs], lines: list[str], text: str) -> None:
    jobs = talkers()
    jobs.submit("a", {"say": lines})
    jobs.submit("b", {"say": ['{"done":true}']})
    until(lambda: state(jobs, "b") == "done")
    status, _ = jobs.status("a")
    assert status["state"] == "failed"
    assert status["problem"]["text"] == text


def test_jobs_end_with_the_studio(talkers: Callable[..., Jobs]) -> None:
    jobs = talkers()
    jobs.submit("a", {"say": [], "wait": True})
    jobs.submit("b", {"say": [], "wait": True})
    until(lambda: state(jobs, "a") == "running")
    jobs.close()
    assert [state(jobs, name) for name in "ab"] == ["stopped", "stopped"]
    jobs.submit("c", {"say": []})
    assert state(jobs, "c") == "none"


@pytest.mark.slow
def test_a_process_without_a_studio_ends_and_keeps_what_it_trained(tmp_path: Path) -> None:
    long = asked(own={"vary": {"depth": [1, 2]}, "hold": {"epochs": 2_000}, "tune": {}}, seeds=30)
    environment = {**os.environ, "LAYERLAB_LAB": str(tmp_path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(long.model_dump_json() + "\n")
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        assert first["progress"]["phase"] == "timing"
        process.stdin.close()
        begun = time.monotonic()
        rest = process.stdout.read()
        assert process.wait() is not None
        assert time.monotonic() - begun < 12
    assert '"done":true' not in rest
    with Store.open(tmp_path, create=False) as store:
        (design,) = store.designs()
        assert design.hash == experiment_of(long).design.hash


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


# The routes.


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), base_url=HERE) as made:
        yield made


def post(client: TestClient, what: str, body: Any, status: int = 200) -> Any:
    answer = client.post(f"/api/lab/{what}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_from_a_question_to_its_answer_over_http(client: TestClient) -> None:
    wanted = {**SMALL, "seeds": 2}
    told = post(client, "design", wanted)
    assert told["answered"] is False
    kinds: set[str] = set()
    with client.websocket_connect(f"ws://127.0.0.1:8321/ws/lab?design={told['hash']}") as socket:
        assert socket.receive_json() == {"status": {"state": "none", "place": None, "progress": None, "problem": None}}
        assert post(client, "run", wanted) == {"design": told["hash"]}
        while True:
            message = socket.receive_json()
            kinds |= set(message)
            if message.get("status", {}).get("state") not in (None, "queued", "running"):
                break
    assert message["status"]["state"] == "done", message
    assert message["status"]["progress"]["phase"] == "replicates"
    assert kinds == {"status", "live"}
    assert post(client, "design", wanted)["answered"] is True
    said = post(client, "answer", {"design": told["hash"], "language": "pl"})
    assert said["live"]["complete"] is True
    for form, kind in (("csv", "text/csv"), ("json", "application/json"), ("report", "text/html")):
        kept = client.get(f"/api/lab/answers/{told['hash']}/{form}?language=pl")
        assert kept.status_code == 200, kept.text
        assert kept.headers["content-type"].startswith(kind)
        assert kept.headers["content-disposition"].startswith('attachment; filename="sweep-')
        assert len(kept.content) > 500


def test_what_is_not_there_is_told_in_one_sentence(client: TestClient) -> None:
    for what, body in (
        ("answer", {"design": NOBODY}),
        ("figure", {"design": NOBODY, "number": 0}),
        ("trial", {"design": NOBODY, "key": "0" * 32}),
        ("answer", {"design": "../../etc/passwd"}),
        ("run", {"question": "nothing-of-the-kind"}),
        ("run", {"question": "deeper-or-wider", "seeds": 5000}),
    ):
        error = post(client, what, body, 422)["error"]
        assert error["text"]
        assert "\n" not in error["text"]
        assert error["key"] in ("", "layers.error.invalid") or error["key"] in LOCALE["pl"]
    assert client.get(f"/api/lab/answers/{NOBODY}/csv").status_code == 422
    assert client.get("/api/lab/answers/..%2f..%2fetc/csv").status_code in (404, 422)
    assert post(client, "stop", {"design": NOBODY}) == {"design": NOBODY}


def test_a_socket_of_no_design_is_turned_away(client: TestClient) -> None:
    with client.websocket_connect("ws://127.0.0.1:8321/ws/lab?design=nonsense") as socket:
        assert socket.receive_json()["error"]["key"] == "lab.error.design"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1013


def test_a_foreign_page_or_one_without_the_token_reaches_nothing() -> None:
    app = create_app(token=TOKEN, host="0.0.0.0")  # noqa: S104 - nothing is bound here
    base = "http://192.168.1.7:8321"
    with TestClient(app, base_url=base) as client:
        assert app.state.jobs.limits == LabLimits.of_visitors()
        foreign = {"Origin": "https://elsewhere.example"}
        token = {"Cookie": f"layerlab-token-8321={TOKEN}"}
        for path in ("design", "run", "stop", "answer", "figure", "trial"):
            assert client.post(f"/api/lab/{path}", json=SMALL).status_code == 403
            assert client.post(f"/api/lab/{path}", json=SMALL, headers={**token, **foreign}).status_code == 403
        for path in ("/api/lab/catalogue", f"/api/lab/answers/{NOBODY}/csv", "/plotly.js"):
            assert client.get(path).status_code == 403
        for headers in ({}, {**token, **foreign}):
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect(f"ws://192.168.1.7:8321/ws/lab?design={NOBODY}", headers=headers),
            ):
                pass
        assert client.post("/api/lab/design", json=SMALL, headers=token).status_code == 200
        with client.websocket_connect(f"ws://192.168.1.7:8321/ws/lab?design={NOBODY}", headers=token) as socket:
            assert socket.receive_json()["status"]["state"] == "none"


def test_plotly_is_that_of_the_wheel_and_is_sent_once(client: TestClient) -> None:
    from plotly.offline import get_plotlyjs

    packed = client.get("/plotly.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text.endswith(get_plotlyjs())
    assert "template" in packed.text.splitlines()[0], "the style sheet of the maps would break the page's policy"
    assert int(packed.headers["content-length"]) < 2_000_000
    plain = client.get("/plotly.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text
    seen = client.get("/plotly.js", headers={"If-None-Match": packed.headers["etag"]})
    assert (seen.status_code, seen.content) == (304, b"")


def test_the_texts_are_the_same_in_both_languages() -> None:
    assert list(LOCALE["en"]) == list(LOCALE["pl"])
    for key, text in LOCALE["en"].items():
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", LOCALE["pl"][key])), key
    sources = "".join(path.read_text() for path in (files.HERE / "static" / "lab").glob("*.js"))
    for key in set(re.findall(r'"(lab\.[\w.-]+)"', sources)):
        assert key in LOCALE["en"], key
