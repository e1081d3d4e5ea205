from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import layerlab.studio
from layerlab.errors import LayerlabError


@pytest.fixture
def lesson(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[..., Any]], None]]:
    """Return a function that puts another ``run`` in the place of the lessons'."""

    def replace(run: Callable[..., Any]) -> None:
        module = ModuleType("layerlab.studio.lessons")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "layerlab.studio.lessons", module)
        monkeypatch.setattr(layerlab.studio, "lessons", module, raising=False)

    yield replace


def test_a_lesson_reports_and_its_result_is_the_reply(page, lesson) -> None:
    given = []

    def run(name: str, arguments: dict[str, Any], report: Callable[..., None]) -> dict[str, Any]:
        given.append((name, arguments))
        report(1, 2, {"curve": [1.0]})
        time.sleep(0.15)
        report(2, 2)
        return {"verdict": "deeper", "interval": (0.1, float("nan"))}

    lesson(run)
    reply = page.call("lesson", name="depth", arguments={"seeds": 3})
    assert given == [("depth", {"seeds": 3})]
    assert reply["verdict"] == "deeper"
    assert reply["interval"] == [0.1, None]
    told = [(event["name"], event["done"], event["total"]) for event in page.events]
    assert told[0] == ("depth", 0, 1)
    assert told[-1] == ("depth", 2, 2)


def test_the_tab_goes_on_while_a_lesson_runs_and_a_cancelled_lesson_ends(opened, lesson) -> None:
    begun, ended = threading.Event(), threading.Event()

    def run(name: str, arguments: dict[str, Any], report: Callable[..., None]) -> dict[str, Any]:
        begun.set()
        try:
            while True:
                report(1, 2)
                time.sleep(0.01)
        finally:
            ended.set()

    lesson(run)
    identity = opened.send("lesson", name="depth", arguments={})
    assert begun.wait(5)
    opened.call("step", epochs=1)
    opened.picture(lambda header: header["epoch"] >= 1)
    opened.send("cancel")
    replies = []
    while len(replies) < 2:
        reply = opened.take()
        replies += [reply] if reply else []
    assert ended.is_set()
    [cancelled] = [reply for reply in replies if reply["id"] == identity]
    assert cancelled["error"]["key"] == "error.cancelled"


def test_a_lesson_ends_with_its_tab(served, lesson) -> None:
    ended = threading.Event()

    def run(name: str, arguments: dict[str, Any], report: Callable[..., None]) -> dict[str, Any]:
        try:
            while True:
                report(1, 2)
                time.sleep(0.01)
        finally:
            ended.set()

    lesson(run)
    with served.connect() as connection:
        connection.send('{"id": 1, "do": "lesson", "name": "depth"}')
        connection.recv(timeout=5)
    assert ended.wait(5)


def test_what_lessons_there_are_is_said_while_another_runs(opened, lesson) -> None:
    ended = threading.Event()

    def run(name: str, arguments: dict[str, Any], report: Callable[..., None]) -> dict[str, Any]:
        if name == "contents":
            return {"lessons": []}
        while not ended.is_set():
            report(1, 2)
            time.sleep(0.01)
        return {"verdict": "none"}

    lesson(run)
    identity = opened.send("lesson", name="depth")
    assert opened.call("lesson", name="contents", arguments={})["lessons"] == []
    ended.set()
    reply = None
    while reply is None:
        reply = opened.take()
    assert (reply["id"], reply["ok"]) == (identity, True)


def test_mistakes_in_a_lesson_are_one_line(page, lesson, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: Any) -> None:
        raise LayerlabError('there is no lesson "depht"; did you mean "depth"?')

    lesson(refuse)
    error = page.error("lesson", name="depht")
    assert error == {"key": "", "values": {}, "text": 'there is no lesson "depht"; did you mean "depth"?'}

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    lesson(fail)
    assert page.error("lesson", name="depth")["key"] == "error.internal"
    assert "a lesson failed" in caplog.text
    assert page.error("lesson")["key"] == "error.argument"
    assert page.error("lesson", name="depth", arguments=[])["key"] == "error.argument"
