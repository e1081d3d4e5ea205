"""Figures of answers: what Plotly takes, with every run in them, in both languages."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects
import pytest
from lab_answers import EVERY, over_depth, over_rates, over_sets, several, two_arms

from layerlab.errors import LayerlabError
from layerlab.lab.report import figure
from layerlab.lab.report.figure_numbers import figure_table
from layerlab.lab.report.figures import figure_of_finding, profiled
from layerlab.lab.report.series import series_of, tasks_of


def runs_of(made: dict[str, Any], name: str = "one run") -> list[tuple[float, float]]:
    """Return the dots of a figure."""
    traces = [trace for trace in made["data"] if trace["name"] == name]
    return [spot for trace in traces for spot in zip(trace["x"], trace["y"], strict=True)]


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("kind", list(EVERY))
def test_plotly_takes_every_figure(kind: str, language: str) -> None:
    answer = EVERY[kind]()
    for number in range(len(answer.findings) + len(profiled(answer))):
        made = figure(answer, number, language)
        json.dumps(made, allow_nan=False)
        whole = plotly.graph_objects.Figure(made)
        assert whole.layout.title.text
        assert all("role" in trace["meta"] for trace in made["data"])


def test_a_figure_that_is_not_there_is_refused() -> None:
    with pytest.raises(LayerlabError, match="no figure 2; the answer has 1, counted from 0"):
        figure(two_arms(0.1), 2)


def test_every_run_is_a_dot() -> None:
    answer = several()
    made = figure_of_finding(answer, answer.findings[0], "en")
    tasks = tasks_of(answer, answer.findings[0])
    assert tasks == ["", "circle", "xor"]
    assert len(runs_of(made)) == 3 * 5 * 10
    losses = {point.values["loss"] for point in answer.points if point.comparison == "at-tuned-rate"}
    assert losses <= {x for x, _ in runs_of(made)}
    titles = [note["text"] for note in made["layout"]["annotations"]]
    assert titles == ["<b>all tasks</b>", "<b>circle</b>", "<b>exclusive or</b>"]


def test_two_arms_are_joined_seed_by_seed() -> None:
    made = figure_of_finding(two_arms(0.1), two_arms(0.1).findings[0], "en")
    [line] = [trace for trace in made["data"] if trace["mode"] == "lines"]
    assert line["x"].count(None) == 10
    assert set(line["y"]) == {0, 1, None}


def test_the_mean_is_that_of_the_statistics() -> None:
    answer = two_arms(0.1)
    [relu, tanh] = series_of(answer, answer.findings[0], "circle")
    row = answer.arms[1].values["loss"]
    assert (tanh.middle, tanh.low, tanh.high) == pytest.approx((row["mean"], row["low"], row["high"]))
    contrast = answer.findings[0].content["contrasts"][0]
    assert relu.middle == pytest.approx(contrast["mean_b"])


def test_what_was_never_reached_is_a_cross_at_the_edge() -> None:
    answer = several()
    made = figure_of_finding(answer, answer.findings[1], "en")
    linear = [trace for trace in made["data"] if trace["name"] == "one run"][4]
    assert set(linear["marker"]["symbol"]) == {"x-thin-open"}
    assert min(linear["x"]) > max(x for trace in made["data"][:4] for x in trace["x"] if x)
    assert linear["x"][0] < 10 ** made["layout"]["xaxis"]["range"][1]


def test_a_curve_has_a_band_and_every_run() -> None:
    answer = over_depth({1: 0.1, 2: 0.2, 4: 0.3, 8: 0.4})
    made = figure_of_finding(answer, answer.findings[0], "pl")
    trend = answer.findings[0].content["trends"][0]["trend"]
    band, runs, line = made["data"]
    assert line["x"] == [1, 2, 4, 8]
    assert line["y"] == pytest.approx(trend["means"])
    assert band["y"] == pytest.approx([*trend["lows"], *reversed(trend["highs"])])
    assert len(runs["x"]) == 40
    assert made["layout"]["xaxis"]["type"] == "log"
    assert made["layout"]["separators"] == ",\u00a0"


def test_pairs_are_two_curves() -> None:
    made = figure_of_finding(EVERY["pairs"](), EVERY["pairs"]().findings[0], "en")
    assert [trace["name"] for trace in made["data"] if trace["mode"] == "lines+markers"] == [
        "no skip connections",
        "skip connections",
    ]


def test_heat_shows_what_trained() -> None:
    answer = over_rates()
    [trace] = figure_of_finding(answer, answer.findings[0], "en")["data"]
    assert trace["z"] == [[1.0, 1.0, 0.5, 0.0], [1.0, 1.0, 1.0, 1.0]]
    grid = over_rates("grid")
    means, failed = figure_of_finding(grid, grid.findings[0], "en")["data"]
    assert means["reversescale"] is True
    assert failed["z"][0] == [0.0, 0.0, 0.5, 1.0]


def test_a_lattice_has_every_set_and_a_line_to_each_with_one_more() -> None:
    answer = over_sets()
    made = figure_of_finding(answer, answer.findings[0], "en")
    lines, nodes, rings = made["data"][:3]
    assert len(nodes["x"]) == 15
    assert lines["x"].count(None) == 6 * 2 + 4 * 3 + 1 * 4  # each but the smallest has a line for each member
    assert sorted(rings["y"]) == [2, 2]
    assert {"X₁, X₂", "X₁², X₂²"} <= {note["text"] for note in made["layout"]["annotations"]}


def test_profiles_rise_where_less_is_better() -> None:
    answer = several()
    made = figure(answer, len(answer.findings))
    best = next(trace for trace in made["data"] if trace["name"] == "tanh")
    assert best["y"] == sorted(best["y"])
    assert best["y"][-1] == 1.0


def test_the_numbers_of_a_figure_are_a_table() -> None:
    answer = several()
    table = figure_table(answer, answer.findings[0], "en")
    assert list(table.columns) == ["arm", "task", "mean", "95 % interval", "did not train"]
    assert len(table.rows) == 5 * 3
    assert list(table.rows[-1])[::4] == ["no activation", "10 of 10"]
    sets = figure_table(over_sets(), over_sets().findings[0], "en")
    assert [row[1] for row in sets.rows if "◯" in row[1]] == ["100\u00a0% ◯"] * 2
