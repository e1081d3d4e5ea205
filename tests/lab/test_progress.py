from __future__ import annotations

import io

import pytest
from rich.console import Console

from layerlab.lab.progress import Bar, Pace, Progress, make_display


def test_time_left_adds_up_what_each_engine_takes() -> None:
    pace = Pace()
    assert pace.seconds_left({"playground": 10}) is None
    pace.group_ended("playground", 10, 1.0)
    pace.group_ended("playground", 10, 3.0)
    assert pace.seconds_left({"playground": 10}) == pytest.approx(2)
    pace.group_ended("zoo", 2, 60.0)
    assert pace.seconds_left({"playground": 10, "zoo": 3}) == pytest.approx(2 + 90)
    assert pace.seconds_left({"playground": 10, "zoo": 3}, at_once=4) == pytest.approx(92 / 4)
    assert pace.seconds_left({"networks": 22}) == pytest.approx(64)
    assert pace.seconds_left({}) == 0


def test_the_first_of_networks_that_end_together_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("layerlab.lab.progress.time.monotonic", lambda: now)
    pace = Pace()
    pace.group_begins()
    now = 104.0
    pace.trial_ended()
    assert pace.seconds_left({"networks": 9}) is None
    pace.trial_ended()
    assert pace.seconds_left({"networks": 8}) == pytest.approx(16)


def test_the_bar_says_how_many_how_long_and_what(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, highlight=False)
    monkeypatch.setattr("rich.console.Console", lambda **_: console)
    with Bar() as bar:
        for seconds, words in [(12.4, "about 12 s left"), (600, "about 10 min left"), (9000, "about 2.5 h left")]:
            bar.show(Progress(30, 400, seconds, 0))
            bar.say("deep [bold] is better")
            screen.truncate(0)
            bar._bar.refresh()
            assert "30/400" in screen.getvalue()
            assert words in screen.getvalue()
            assert "deep [bold] is better" in screen.getvalue()


def test_only_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with make_display() as display:
        display.show(Progress(1, 2, None, 0))
        display.say("undecided")
    assert not isinstance(display, Bar)
    assert capsys.readouterr() == ("", "")
    assert isinstance(make_display(shown=True), Bar)
