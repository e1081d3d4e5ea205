"""The Architectures tab's payloads: what a page asks for is built, counted and refused, and nothing else happens."""

from __future__ import annotations

import ast
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError
from typer.testing import CliRunner

import layerlab
from layerlab.studio import files
from layerlab.studio.architectures import router
from layerlab.studio.architectures.asking import Explained, File, Network, Table
from layerlab.studio.architectures.bench import Bench
from layerlab.studio.architectures.building import build
from layerlab.studio.architectures.examples import EXAMPLES
from layerlab.studio.architectures.knobs import controls_of
from layerlab.studio.architectures.payloads import catalogue, explanation, file, numbers, picture, table
from layerlab.studio.command_error import CommandError

LOCALE = {
    name: json.loads((files.HERE / "locale" / name / "architectures.json").read_text()) for name in files.LANGUAGES
}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        yield client


def refusal(**asked: Any) -> CommandError:
    with pytest.raises(CommandError) as caught:
        numbers(Network(**asked))
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.key in LOCALE["en"]
    assert set(re.findall(r"\{(\w+)\}", LOCALE["en"][caught.value.key])) <= set(caught.value.values)
    return caught.value


def test_the_figures_are_those_of_dissect() -> None:
    asked = Network(model="resnet20", knobs={"width": 0.5, "skip": False}, input=[3, 48, 48])
    told = numbers(asked)
    totals = layerlab.dissect(layerlab.create("resnet20", width=0.5, skip=False), (3, 48, 48)).totals
    assert (told.parameters, told.macs, told.peak_bytes) == (totals.parameters, totals.macs, totals.peak_bytes)
    assert (told.backward_bytes, told.gradient_bytes) == (totals.backward_bytes, totals.gradient_bytes)
    assert told.optimizer_bytes["Adam"] == 2 * told.gradient_bytes
    assert (told.input, told.output) == ([[3, 48, 48]], [[10]])
    assert told.title == "resnet20:width=0.5,skip=false"
    drawn = picture(asked)
    assert sum(node["macs"] for node in drawn["levels"][drawn["root"]]["nodes"]) == told.macs
    assert sum(line.macs for line in table(Table(network=asked)).lines) == told.macs
    assert sum(line.parameters for line in table(Table(network=asked, depth=9)).lines) == told.parameters


@pytest.mark.parametrize(
    "asked",
    [
        Network(model="resnet20", knobs={"width": 0.5, "skip": False, "activation": "tanh"}, input=[3, 24, 40]),
        Network(model="lecture_cnn"),
        Network(keras=EXAMPLES["recurrent"]),
    ],
)
def test_the_lines_give_the_same_elsewhere(asked: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from layerlab.cli import app

    monkeypatch.chdir(tmp_path)
    if asked.keras:
        Path("network.py").write_text(asked.keras)
    told = numbers(asked)
    shown = CliRunner().invoke(app, [*told.command.split()[1:], "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["totals"]["macs"] == told.macs
    ast.parse(told.python)
    assert eval(told.python, {"layerlab": layerlab}).totals.macs == told.macs  # noqa: S307 - our own line


def test_what_the_guide_says_of_the_figures() -> None:
    plain, cut = (numbers(Network(model="resnet20", knobs=knobs)) for knobs in ({}, {"skip": False}))
    names = {"parameters", "macs", "weight_bytes", "buffer_bytes", "gradient_bytes", "backward_bytes", "peak_bytes"}
    assert plain.model_dump(include=names) == cut.model_dump(include=names)
    half, large = (
        numbers(Network(model="resnet20", knobs={"width": 0.5})),
        numbers(Network(model="resnet20", input=[3, 64, 64])),
    )
    assert half.parameters / plain.parameters == pytest.approx(0.25, abs=0.01)
    assert half.backward_bytes is not None
    assert plain.backward_bytes is not None
    assert half.backward_bytes / plain.backward_bytes == pytest.approx(0.5, abs=0.01)
    assert (large.parameters, large.gradient_bytes) == (plain.parameters, plain.gradient_bytes)


@pytest.mark.slow
def test_what_the_guide_says_of_two_networks() -> None:
    dense, residual = (numbers(Network(model=name)) for name in ("densenet121", "resnet50"))
    assert round(dense.parameters / residual.parameters, 3) == 0.312
    assert dense.backward_bytes is not None
    assert residual.backward_bytes is not None
    assert round(dense.backward_bytes / residual.backward_bytes, 2) == 1.52


def test_keras_text_begins_with_the_lectures_network() -> None:
    lecture = (Path(__file__).parents[2] / "examples" / "lecture.py").read_text()
    assert next(iter(EXAMPLES)) == "lecture"
    assert ast.dump(ast.parse(EXAMPLES["lecture"])) == ast.dump(ast.parse(lecture))
    told = numbers(Network(keras=EXAMPLES["lecture"]))
    assert (told.parameters, told.macs, told.title) == (146_058, 9_381_120, "network.py")
    for text in EXAMPLES.values():
        assert numbers(Network(keras=text)).parameters > 1_000


def test_the_catalogue_has_the_whole_zoo_and_every_word_of_it() -> None:
    families = catalogue().families
    assert sorted(model.name for models in families.values() for model in models) == layerlab.list_models()
    for model in (model for models in families.values() for model in models):
        for control in model.controls:
            for texts in LOCALE.values():
                assert f"architectures.knob.{control.name}" in texts
                assert f"architectures.knob.{control.name}.what" in texts
    for name in catalogue().examples:
        assert f"architectures.example.{name}" in LOCALE["pl"]
    assert LOCALE["en"].keys() == LOCALE["pl"].keys()


def offers(name: str) -> Iterator[dict[str, Any]]:
    for control in controls_of(name):
        values = [True, False] if control.kind == "switch" else control.choices or [control.least, control.most]
        for value in values:
            yield {control.name: int(value) if control.kind == "whole" and value is not None else value}


EVERYDAY = ["resnet20", "alexnet_2012", "lenet5"]


@pytest.mark.parametrize(
    "name",
    [name if name in EVERYDAY else pytest.param(name, marks=pytest.mark.slow) for name in layerlab.list_models()],
)
def test_the_zoo_takes_every_value_that_a_control_offers(name: str) -> None:
    """Knobs that hang together are refused by the zoo in its words; any other refusal is a mistake of the page."""
    for knobs in offers(name):
        try:
            build(Network(model=name, knobs=knobs))
        except CommandError as error:
            assert " needs " in str(error) or "connections=" in str(error), f"{knobs}: {error}"
            assert error.values["knob"] == next(iter(knobs))


def test_what_is_refused_names_its_control() -> None:
    error = refusal(model="resnet20", knobs={"width": 0.5, "depth": 21})
    assert error.values["knob"] == "depth"
    assert error.values["reason"] == "depth must be 6n + 2, not 21; the nearest that is: 20"
    assert refusal(model="resnet20", knobs={"activation": "rel", "width": 1}).values["knob"] == "activation"
    assert refusal(model="resnet20", knobs={"norm": "x", "width": 1}).values["knob"] == "norm"
    assert refusal(model="resnet20", knobs={"widht": 1}).values["knob"] == "widht"
    assert refusal(model="resnet20", input=[1, 32, 32]).key == "architectures.error.input"
    assert "expects 3 channels" in str(refusal(model="resnet20", input=[1, 32, 32]))
    assert refusal(model="resnet").key == "architectures.error.model"
    assert refusal(keras="layers.Dens(3)").key == "architectures.error.text"
    assert refusal(keras="model = keras.Sequential([keras.Input((None, 3)), layers.Dense(3)])").key.endswith("input")
    assert numbers(
        Network(keras="model = keras.Sequential([keras.Input((None, 3)), layers.Dense(3)])", input=[7, 3])
    ).output == [[7, 3]]


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"model": "resnet20", "knobs": {"depth": 6_000_002}}, "large-knob"),
        ({"model": "resnet20", "knobs": {"width": 1e300}}, "large-knob"),
        ({"model": "mobilenet_v1", "knobs": {"depth": 10**30}}, "large-knob"),
        ({"model": "resnet20", "input": [3, 4096, 4096]}, "large-input"),
        ({"model": "resnet20", "knobs": {"weights": "/etc/passwd"}}, "foreign"),
        ({"model": "resnet20", "knobs": {"device": "cuda"}}, "foreign"),
        ({"model": "os:abort"}, "model"),
        ({"model": "torchvision.models:resnet18"}, "model"),
        ({"model": "examples/lecture.py"}, "model"),
        ({"model": "-"}, "model"),
        ({"model": "resnet20", "keras": "x"}, "which"),
        ({}, "which"),
        ({"keras": "", "knobs": {"width": 1}}, "text-knobs"),
        ({"keras": "import os\nos.abort()"}, "text"),
        ({"keras": "(" * 15_000}, "text"),
        ({"keras": "\x00"}, "text"),
        ({"keras": "model = keras.Sequential([keras.Input((9,)), layers.Dense(10**9), layers.Dense(10**9)])"}, "text"),
    ],
)
def test_hostile_requests_get_one_sentence(asked: dict[str, Any], key: str) -> None:
    assert refusal(**asked).key == f"architectures.error.{key}"


def test_a_text_that_doubles_with_every_line_is_no_long_run() -> None:
    lines = ["a0 = keras.Sequential([keras.Input((4,)), layers.Dense(4)])"]
    lines += [f"a{i} = keras.Sequential([keras.Input((4,)), a{i - 1}, a{i - 1}])" for i in range(1, 30)]
    began = time.monotonic()
    assert refusal(keras="\n".join([*lines, "model = a29"])).key in (
        "architectures.error.large",
        "architectures.error.text",
    )
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "resnet20", "input": [0, 32, 32]},
        {"model": "resnet20", "input": [3, 32.5, 32]},
        {"model": "resnet20", "input": ["3"]},
        {"model": "resnet20", "input": [1] * 5},
        {"model": "r" * 61},
        {"model": "resnet20", "knobs": {"width": [1]}},
        {"model": "resnet20", "knobs": {f"k{i}": 1 for i in range(31)}},
        {"keras": "x" * 20_001},
        {"model": "resnet20", "path": "/etc/passwd"},
    ],
)
def test_a_request_of_another_form_is_refused(asked: dict[str, Any], client: TestClient) -> None:
    with pytest.raises(ValidationError):
        Network(**asked)
    answer = client.post("/api/architectures/numbers", json=asked)
    assert answer.status_code == 422
    assert set(answer.json()["error"]) == {"key", "values", "text"}


def test_numbers_that_are_none_are_refused(client: TestClient) -> None:
    for written in ("NaN", "Infinity", "1e999", "-" + "9" * 400, "9" * 5_000):
        body = f'{{"model": "resnet20", "knobs": {{"width": {written}}}}}'
        answer = client.post("/api/architectures/numbers", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, written
        assert answer.json()["error"]["text"]


def test_the_arithmetic_of_a_layer_in_both_languages() -> None:
    network = Network(model="lecture_cnn")
    english = explanation(Explained(network=network, path="conv1.convolution"))
    polish = explanation(Explained(network=network, path="conv1.convolution", language="pl"))
    assert any("640" in line for line in english.lines)
    assert any("640" in line for line in polish.lines)
    assert english.lines != polish.lines
    with pytest.raises(CommandError, match='no layer "conv9"'):
        explanation(Explained(network=network, path="conv9"))


def test_files_to_keep() -> None:
    network = Network(model="lecture_cnn")
    kept = {form: file(File(network=network, form=form)) for form in ("svg", "scale", "html", "json")}  # type: ignore[arg-type]
    assert kept["svg"].name == "lecture_cnn.svg"
    assert kept["svg"].content.lstrip().startswith(("<svg", "<?xml"))
    assert kept["scale"].name == "lecture_cnn-to-scale.svg"
    assert "<svg" in kept["scale"].content
    assert "<!doctype html>" in kept["html"].content[:200].lower()
    assert json.loads(kept["json"].content)["totals"]["parameters"] == 146_058


def test_what_was_asked_before_is_remembered_and_only_the_latest() -> None:
    bench = Bench(kept=2)
    first = bench.specimen(Network(model="lecture_cnn"))
    assert bench.specimen(Network(model="lecture_cnn", knobs={})) is first
    bench.specimen(Network(model="lecture_cnn", knobs={"width": 0.5}))
    bench.specimen(Network(model="lecture_cnn", knobs={"width": 0.25}))
    assert bench.specimen(Network(model="lecture_cnn")) is not first
    assert len(bench._kept) == 2
    made = [bench.make(Network(model="lecture_cnn"), lambda _: object(), kept_as="picture") for _ in range(2)]
    assert made[0] is made[1]


@pytest.mark.parametrize(
    ("name", "seconds"), [("resnet20", 0.3), pytest.param("densenet121", 1.5, marks=pytest.mark.slow)]
)
def test_the_figures_follow_a_knob_at_once(name: str, seconds: float) -> None:
    numbers(Network(model=name))
    taken = []
    for width in (0.5, 0.75, 1.25):
        began = time.process_time()  # of this process: others may keep the machine busy
        numbers(Network(model=name, knobs={"width": width}))
        taken.append(time.process_time() - began)
    assert min(taken) < seconds


def test_a_network_that_takes_too_long_is_left() -> None:
    bench = Bench(seconds=0.0)
    with pytest.raises(CommandError) as caught:
        bench.specimen(Network(model="densenet121"))
    assert caught.value.key == "architectures.error.slow"


def test_more_than_may_wait_are_refused_at_once() -> None:
    bench = Bench(waiting=1, seconds=30)
    begun, go = threading.Event(), threading.Event()

    def hold(_: object) -> str:
        begun.set()
        go.wait(30)
        return "made"

    bench.specimen(Network(model="lecture_cnn"))
    threads = [threading.Thread(target=bench.make, args=(Network(model="lecture_cnn"), hold)) for _ in range(2)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    end = time.monotonic() + 30
    while bench._places._value:
        assert time.monotonic() < end
        time.sleep(0.001)
    with pytest.raises(CommandError) as caught:
        bench.make(Network(model="lecture_cnn"), hold)
    assert caught.value.key == "architectures.error.busy"
    go.set()
    for thread in threads:
        thread.join(30)
    assert bench.make(Network(model="lecture_cnn"), lambda _: "made") == "made"


def test_the_diagrams_modules_are_served_and_nothing_above_them(client: TestClient) -> None:
    module = client.get("/anatomy/static/diagram.js")
    assert (module.status_code, module.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "export function mountDiagram" in module.text
    for path in ("/anatomy/static/..%2frecord.py", "/anatomy/static/%2e%2e%2frecord.py", "/anatomy/static/nothing.js"):
        assert client.get(path).status_code == 404
