"""Networks compared: the same seeds for all, figures that follow from the runs, and a folder that goes on."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
import torch

import layerlab
from layerlab.errors import LayerlabError
from layerlab.training import Stopped, load_run
from layerlab.training.compare import compare
from layerlab.training.compare_progress import Bar, make_display, time_left
from layerlab.training.compare_report import cost_figure, render_comparison
from layerlab.training.compare_statistics import Comparison, Row, Trial, half_width

QUICK: dict[str, Any] = {"epochs": 2, "precision": "32", "memory_format": "contiguous", "batch_size": 128}
KERAS = """
model = keras.Sequential([
    keras.Input(shape=(8, 8, 1)),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
"""
NETS = ["small_nets:build", "dense.py"]
FIT = "layerlab.training.compare.fit"


@pytest.fixture
def nets(place: Path) -> Path:
    (place / "dense.py").write_text(KERAS)
    return place


def row(model: str, *accuracies: float | None, parameters: int = 1000) -> Row:
    trials = (
        Trial(model, seed, f"{model}-seed{seed}", accuracy=one, parameters=parameters, macs=5, seconds=1.0)
        if one is not None
        else Trial(model, seed, f"{model}-seed{seed}", failure="the loss became nan")
        for seed, one in enumerate(accuracies)
    )
    return Row(model, tuple(trials))


def comparison(*rows: Row) -> Comparison:
    seeds = tuple(range(max(len(one.trials) for one in rows)))
    return Comparison(Path("x"), "digits", seeds, rows, {}, "layerlab compare", {"torch": torch.__version__})


def test_every_network_is_trained_with_every_seed(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []

    def noted(model: str, data: str, **options: Any) -> Any:
        order.append((model, options["seed"]))
        return layerlab.fit(model, data, **options)

    monkeypatch.setattr(FIT, noted)
    result = compare(NETS, "digits", seeds=2, output="out", **QUICK)
    assert order == [(NETS[0], 0), (NETS[1], 0), (NETS[0], 1), (NETS[1], 1)]
    assert sorted(path.name for path in Path("out").iterdir() if path.name != ".lock") == [
        "plan.json", "report.html", "results.csv", "results.json", "runs",
    ]  # fmt: skip

    convolutional, dense = result.rows
    assert (dense.parameters, dense.macs, dense.input_text) == (650, 640, "1x8x8")
    assert convolutional.macs == 8 * 9 * 36 + 2880
    runs = [load_run(f"out/runs/dense.py-seed{seed}") for seed in (0, 1)]
    accuracies = [run.metrics["test_accuracy"] for run in runs]
    assert dense.accuracies == accuracies
    assert dense.accuracy == pytest.approx(fmean(accuracies))
    assert dense.half_width == pytest.approx(12.7062 * stdev(accuracies) / math.sqrt(2), rel=1e-4)
    assert dense.seconds == pytest.approx(fmean(run.metrics["seconds"] for run in runs))
    one, other = (run.config["data"]["fingerprint"] for run in runs)
    assert one != other, "another seed keeps other images for validation"
    assert one == load_run("out/runs/small_nets_build-seed0").config["data"]["fingerprint"]

    written = json.loads(Path("out/results.json").read_text())
    assert written == json.loads(json.dumps(result.to_dict()))
    with Path("out/results.csv").open() as file:
        assert [line["accuracy"] for line in csv.DictReader(file) if line["model"] == "dense.py"] == [
            str(one) for one in accuracies
        ]
    assert result.command == (
        "layerlab compare small_nets:build dense.py --data digits --seeds 2 --epochs 2 --precision 32"
        " --memory-format contiguous --batch-size 128"
    )
    page = Path("out/report.html").read_text()
    assert result.command in page
    assert dense.text in page


def test_the_same_call_again_repeats_nothing_and_another_is_refused(
    nets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compare(NETS, "digits", seeds=1, output="out", **QUICK)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(FIT, never)
    again = compare(NETS, "digits", seeds=1, output="out", **QUICK)
    assert again.rows == first.rows
    Path("out/results.json").write_text("{")  # then the runs themselves are read
    assert compare(NETS, "digits", seeds=1, output="out", **QUICK).rows == first.rows

    for change, says in (
        ({"seeds": 2}, '"out" holds another comparison, of seeds 0 and not 0, 1: give another output folder'),
        ({"epochs": 3}, "holds another comparison, of options epochs=2, precision=32.* and not epochs=3"),
        ({"models": [*NETS, "lecture_cnn"]}, "holds another comparison, of models small_nets:build, dense.py and not"),
    ):
        given: dict[str, Any] = {"models": NETS, "seeds": 1, "output": "out", **QUICK, **change}
        with pytest.raises(LayerlabError, match=says):
            compare(given.pop("models"), "digits", **given)
    Path("dense.py").write_text(KERAS.replace("Flatten()", 'Flatten(name="flat")'))
    with pytest.raises(LayerlabError, match=r"was begun with another text of dense\.py"):
        compare(NETS, "digits", seeds=1, output="out", **QUICK)
    Path("full").mkdir()
    Path("full/mine.txt").touch()
    with pytest.raises(LayerlabError, match='"full" is not empty and holds no comparison: give another output folder'):
        compare(NETS, "digits", output="full", **QUICK)
    assert [path.name for path in Path("full").iterdir()] == ["mine.txt"]


def test_without_a_folder_each_comparison_has_its_own(nets: Path) -> None:
    paths = [compare("dense.py", "digits", seeds=1, **{**QUICK, "epochs": epochs}).path for epochs in (1, 2, 1)]
    assert [path.as_posix() for path in paths] == [
        "comparisons/dense.py-digits", "comparisons/dense.py-digits-2", "comparisons/dense.py-digits",
    ]  # fmt: skip


def test_a_stop_keeps_what_is_finished_and_goes_on_in_the_middle_of_a_run(
    nets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = compare(NETS, "digits", seeds=2, output="whole", **QUICK)
    calls: list[Any] = []

    def interrupted(*models: str, **options: Any) -> Any:
        calls.append(options.get("resume") or models[0])
        stops = len(calls) == 3  # Ctrl-C after the first epoch of the third run
        more = [lambda _: os.kill(os.getpid(), signal.SIGINT)] if stops else []
        return layerlab.fit(*models, **{**options, "callbacks": [*options["callbacks"], *more]})

    monkeypatch.setattr(FIT, interrupted)
    with pytest.raises(Stopped, match=r"stopped after 2 of 4 runs \(see .*report.html.*\); the same command again"):
        compare(NETS, "digits", seeds=2, output="out", **QUICK)
    partial = json.loads(Path("out/results.json").read_text())
    assert [(trial["model"], trial["seed"]) for trial in partial["trials"]] == [(name, 0) for name in NETS]
    assert "small_nets:build" in Path("out/report.html").read_text()

    result = compare(NETS, "digits", seeds=2, output="out", **QUICK)
    assert calls[3:] == [Path("out/runs/small_nets_build-seed1"), "dense.py"]
    assert [one.accuracies for one in result.rows] == [one.accuracies for one in whole.rows]


def test_a_run_that_was_killed_before_its_first_checkpoint_is_begun_again(nets: Path) -> None:
    Path("out").mkdir()
    compare("dense.py", "digits", seeds=1, output="out", **QUICK)
    run = Path("out/runs/dense.py-seed0")
    for name in ("config.json", "results.json"):
        (run / name).unlink()
    Path("out/results.json").unlink()
    assert compare("dense.py", "digits", seeds=1, output="out", **QUICK).rows[0].accuracies


def test_what_fails_is_said_in_its_row_and_tried_again(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(model: str, data: str, **options: Any) -> Any:
        if options["seed"] == 1:
            raise RuntimeError("a\nstrange\nerror")
        return layerlab.fit(model, data, **options)

    monkeypatch.setattr(FIT, fails)
    result = compare(["small_nets:wide", "dense.py"], "digits", seeds=2, output="out", **QUICK)
    wide, dense = result.rows
    assert wide.text == "failed"
    assert wide.trouble.startswith('2 of 2 runs failed; seed 0: "small_nets:wide" gives 11 outputs and "digits" has 10')
    assert dense.trouble == "1 of 2 runs failed; seed 1: RuntimeError: a strange error"
    assert (len(dense.accuracies), dense.half_width) == (1, None)
    assert result.ranked[-1] is wide
    assert "a strange error" in Path("out/report.html").read_text()

    monkeypatch.undo()
    monkeypatch.chdir(nets)
    again = compare(["small_nets:wide", "dense.py"], "digits", seeds=2, output="out", **QUICK)
    assert len(again.rows[1].accuracies) == 2
    assert not again.rows[1].trouble


def test_a_diverging_network_is_a_result(nets: Path) -> None:
    result = compare("small_nets:build", "digits", seeds=1, output="out", optimizer="sgd", learning_rate=1e30, **QUICK)
    assert result.rows[0].failures
    assert result.verdict == "no run came to its end"


@pytest.mark.parametrize(
    ("models", "given", "says"),
    [
        ([], {}, "compare what\\? Name at least one network"),
        (["dense.py", "dense.py"], {}, '"dense.py" is named twice'),
        (["resnet2O"], {}, 'no model "resnet2O"; did you mean .*"resnet20"'),
        (["small_nets:built"], {}, '"small_nets" has no "built"; did you mean "build"'),
        (["-"], {}, "standard input is read once"),
        ([torch.nn.Linear(2, 2)], {}, "Linear is no name: every seed needs a fresh network"),
        (["dense.py"], {"seeds": 0}, "seeds is 0; expected at least one"),
        (["dense.py"], {"seeds": [1, 1]}, r"seeds is \[1, 1\]; each seed counts once"),
        (["dense.py"], {"seeds": -1}, "seeds is -1; expected at least one"),
        (["dense.py"], {"seeds": "3"}, "seeds is '3'; expected how many"),
        (["dense.py"], {"epochs": 0}, "epochs is 0; expected a whole number from 1"),
        (["dense.py"], {"epoch": 3}, 'compare has no option "epoch"; did you mean "epochs"'),
        (["dense.py"], {"output": "dense.py"}, '"dense.py" is a file; expected a folder for the comparison'),
        (["dense.py"], {"data": "digit"}, 'no dataset "digit"; did you mean "digits"'),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_refused_before_anything_is_trained(
    nets: Path, models: list[Any], given: dict[str, Any], says: str
) -> None:
    with pytest.raises(LayerlabError, match=says):
        compare(models, **{"data": "digits", **given})
    assert not Path("comparisons").exists()


def test_the_interval_is_students() -> None:
    values = [0.91, 0.93, 0.95, 0.90]
    assert half_width(values) == pytest.approx(3.182446 * stdev(values) / 2, rel=1e-6)
    assert half_width([0.5]) is None


def test_no_more_is_said_than_the_intervals_carry() -> None:
    apart = comparison(row("a", 0.90, 0.91, 0.92), row("b", 0.97, 0.98, 0.975))
    assert apart.sentence == (
        "b 97.5 % ± 1.2, a 91.0 % ± 2.5: mean test accuracy of 3 seeds, with its 95 % t interval;"
        " the interval of b lies above the other"
    )
    near = comparison(row("a", 0.90, 0.92, 0.97), row("b", 0.97, 0.98, 0.975), row("c", 0.5, 0.51, 0.52))
    assert near.verdict.endswith("; b and a are not told apart, for their intervals overlap")
    assert comparison(row("a", 0.9), row("b", 0.8)).verdict == (
        "test accuracy of one seed, without an interval; so few runs do not tell the networks apart"
    )
    assert comparison(row("a", 0.9, 0.9, 0.9)).verdict == "mean test accuracy of 3 seeds, with its 95 % t interval"
    lost = comparison(row("a", 0.9, 0.91), row("b", 0.8, None))
    assert "b are not told apart" in lost.verdict
    assert "1 to 2 seeds" in lost.verdict
    assert "best" not in apart.sentence


def test_the_figure_has_every_run_and_every_interval() -> None:
    rows = [row("small", 0.90, 0.91, 0.92, parameters=1000), row("<large>", 0.97, 0.98, 0.975, parameters=90_000)]
    runs, means = cost_figure(rows, "parameters")["data"]
    assert runs["x"] == [1000] * 3 + [90_000] * 3
    assert runs["y"] == [0.90, 0.91, 0.92, 0.97, 0.98, 0.975]
    assert means["y"] == [pytest.approx(0.91), pytest.approx(0.975)]
    assert means["error_y"]["array"] == [one.half_width for one in rows]
    assert means["text"] == ["small", "&lt;large&gt;"]
    layout = cost_figure(rows, "parameters")["layout"]
    assert layout["xaxis"]["range"][0] < 3
    assert layout["xaxis"]["range"][1] > math.log10(90_000)
    low, high = layout["yaxis"]["range"]
    assert all(low < end < high for one in rows for end in one.interval or ())
    (only,) = cost_figure([row("a", 0.9)], "macs")["data"]
    assert only["name"] == "one run"


def test_the_page_holds_all_it_needs_and_no_name_is_read_as_html() -> None:
    page = render_comparison(comparison(row("<b>bold</b>", 0.9, 0.95), row("none", None, None)))
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "2 of 2 runs failed; seed 0: the loss became nan" in page
    for outside in ('src="http', "@import", '<link rel="stylesheet"'):
        assert outside not in page.partition('<script type="application/json"')[0]
    assert "Accuracy and cost" not in render_comparison(comparison(row("none", None)))


def test_time_left_is_that_of_the_networks_themselves() -> None:
    assert time_left(["a", "b"], {}, 3) == ""
    assert time_left(["a", "b"], {"a": [10.0, 20.0]}, 5) == "about 25 s left"
    assert time_left(["a", "b"], {"a": [60.0], "b": [600.0]}, 0) == "about 11 min left"
    assert time_left(["a"] * 10, {"a": [3600.0]}, 0) == "about 10.0 h left"
    assert time_left(["a"], {"a": [10.0]}, 50) == "about 0 s left"


def test_progress_says_which_run_of_how_many(nets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    compare(["dense.py", "small_nets:wide"], "digits", seeds=1, output="out", progress=True, **QUICK)
    told = capfd.readouterr().err
    assert "dense.py, seed 0: " in told
    assert 'small_nets:wide, seed 0: "small_nets:wide" gives 11 outputs' in " ".join(told.split())
    assert not isinstance(make_display(None, 1, 1), Bar)
    bar = Bar(6, 2)
    with bar.run(3, "net", 1, ["net"]) as note:
        note({"epoch": 1})
        assert bar._bar.tasks[0].description == "run 3 of 6: net, seed 1, epoch 2 of 2"
    bar.close()
