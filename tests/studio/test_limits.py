from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from layerlab.studio.commands import COMMANDS
from layerlab.studio.limits import Limits
from layerlab.studio.socket import Allowance

LETTERS = st.characters(exclude_categories=())  # half a pair of surrogates too, which JSON can hold
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(LETTERS, max_size=20)
    | st.just(10**400)
    | st.just(-(2**63)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(LETTERS, max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = ["link", "changes", "page", "minibatches", "epochs", "frames", "stop", "epoch", "new_weights", "layer", "unit"]
NAMES += [
    "source",
    "piece",
    "value",
    "frozen",
    "map",
    "health",
    "metrics",
    "count",
    "seeds",
    "index",
    "x",
    "y",
    "label",
]
NAMES += ["framework", "csv", "points", "classes", "regression", "scale"]
QUICK = sorted(set(COMMANDS) - {"lesson"})
LIKELY = st.fixed_dictionaries(
    {"id": st.integers(0, 9), "do": st.sampled_from(QUICK)},
    optional=dict.fromkeys(
        NAMES, ANYTHING | st.integers(-2, 5) | st.floats(-3, 3) | st.lists(st.integers(-1, 3), max_size=3)
    ),
)
CHANGES = st.dictionaries(
    st.sampled_from(
        ["learning_rate", "hidden_layers", "features", "dataset", "points", "frozen", "seed", "classes", "skip"]
    ),
    ANYTHING | st.lists(st.integers(-1, 40), max_size=9) | st.floats(-1, 100),
    max_size=3,
)


@pytest.fixture
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing unforeseen may have happened in the server."""
    with caplog.at_level(logging.WARNING):
        yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR], caplog.text


def is_well(page: Any) -> None:
    """Assert that a tab still answers."""
    page.quiet(0.02)
    assert page.error("no such thing")["key"] == "error.unknown-command"


def answers(page: Any, message: str | bytes) -> dict[str, Any]:
    """Send raw ``message`` and return the one reply."""
    page.socket.send(message)
    reply = None
    while reply is None:
        reply = page.take()
    assert set(reply) == {"id", "error"} or reply.get("ok") is True
    if "error" in reply:
        assert reply["error"]["text"]
        assert "\n" not in reply["error"]["text"]
        assert "Traceback" not in reply["error"]["text"]
        assert reply["error"]["key"] != "error.internal", reply
    return reply


ODD = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ODD
@given(st.text(max_size=200) | ANYTHING.map(json.dumps) | LIKELY.map(json.dumps))
def test_any_text_is_answered_by_one_line(opened, quiet_log, message: str) -> None:
    answers(opened, message)


@ODD
@given(CHANGES)
def test_any_change_is_made_or_refused(opened, quiet_log, changes: dict[str, Any]) -> None:
    answers(opened, json.dumps({"id": 1, "do": "change", "changes": changes}))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_bytes_are_refused(opened, quiet_log, message: bytes) -> None:
    assert answers(opened, message)["error"]["key"] == "error.binary"


REFUSED = {
    "": "error.no-json",
    "{": "error.no-json",
    "[" * 60_000: "error.no-json",
    '{"a":' * 10_000 + "1" + "}" * 10_000: "error.no-json",
    "9" * 50_000: "error.no-json",
    '{"id": 1, "do": "step", "epochs": NaN}': "error.no-json",
    '{"id": 1, "do": "step", "epochs": Infinity}': "error.no-json",
    "[]": "error.no-command",
    "null": "error.no-command",
    '"open"': "error.no-command",
    '{"id": 1}': "error.no-command",
    '{"id": 1, "do": 5}': "error.no-command",
    '{"do": "open"}': "error.no-id",
    '{"id": true, "do": "open"}': "error.no-id",
    '{"id": [1], "do": "open"}': "error.no-id",
    '{"id": 1, "do": "__class__"}': "error.unknown-command",
    r'{"id": "\ud800", "do": "\udfff"}': "error.unknown-command",
    '{"id": 1, "do": "opne"}': "error.unknown-command",
    '{"id": 1, "do": "step", "epochs": 1e400}': "error.argument",
    '{"id": 1, "do": "step", "epochs": 0}': "error.argument",
    '{"id": 1, "do": "step", "epochs": 1.5}': "error.argument",
    '{"id": 1, "do": "step", "epochs": "1"}': "error.argument",
    '{"id": 1, "do": "step", "epochs": 100001}': "error.argument",
    '{"id": 1, "do": "play", "frames": 61}': "error.argument",
    '{"id": 1, "do": "play", "frames": 0}': "error.argument",
    '{"id": 1, "do": "play", "stop": {"epoch": -1}}': "error.argument",
    '{"id": 1, "do": "play", "stop": {"loss": "low"}}': "error.argument",
    '{"id": 1, "do": "play", "stop": 5}': "error.argument",
    '{"id": 1, "do": "edit", "layer": 3, "unit": 0, "source": 0, "value": 1}': "error.argument",
    '{"id": 1, "do": "edit", "layer": 0, "unit": 4, "source": 0, "value": 1}': "error.argument",
    '{"id": 1, "do": "edit", "layer": 0, "unit": 0, "source": -2, "value": 1}': "error.argument",
    '{"id": 1, "do": "edit", "layer": 0, "unit": 0, "source": 0, "value": 1e9}': "error.argument",
    '{"id": 1, "do": "select", "map": [9, 0]}': "error.argument",
    '{"id": 1, "do": "select", "map": [0]}': "error.argument",
    '{"id": 1, "do": "select", "map": ["0", 0]}': "error.argument",
    '{"id": 1, "do": "watch", "health": 1}': "error.argument",
    '{"id": 1, "do": "change", "changes": []}': "error.argument",
    '{"id": 1, "do": "change", "changes": {"page": 1}}': "",
    '{"id": 1, "do": "change", "changes": {"hidden_layers": [1,1,1,1,1,1,1,1,1]}}': "",
    '{"id": 1, "do": "change", "changes": {"hidden_layers": [33]}}': "",
    '{"id": 1, "do": "change", "changes": {"learning_rate": 1e999}}': "",
    '{"id": 1, "do": "change", "changes": {}, "page": {"a": 1}}': "error.argument",
    '{"id": 1, "do": "open", "link": 5}': "error.argument",
    '{"id": 1, "do": "open", "link": "batchSize=many"}': "",
    '{"id": 1, "do": "open_seed", "index": 0}': "error.no-seeds",
    '{"id": 1, "do": "seeds", "count": 65}': "error.too-many-seeds",
    '{"id": 1, "do": "seeds", "count": "many"}': "error.argument",
    '{"id": 1, "do": "seeds", "count": -5}': "error.argument",
    '{"id": 1, "do": "seeds", "seeds": []}': "error.too-many-seeds",
    '{"id": 1, "do": "seeds", "seeds": [null]}': "error.argument",
    '{"id": 1, "do": "seeds", "count": 2, "epochs": 10001}': "error.argument",
    '{"id": 1, "do": "inside", "x": 7, "y": 0, "label": 1}': "error.argument",
    '{"id": 1, "do": "code", "framework": "jax"}': "error.argument",
    '{"id": 1, "do": "points", "points": []}': "error.no-points",
    '{"id": 1, "do": "points", "points": [[1, 2]]}': "",
    '{"id": 1, "do": "points", "csv": ""}': "error.no-points",
    '{"id": 1, "do": "points", "csv": "x,y,label"}': "error.no-points",
    '{"id": 1, "do": "points", "csv": "1,2,1\\n1,,1"}': "error.no-point",
    '{"id": 1, "do": "points", "csv": "1,2,1\\n7,0,1"}': "error.point-outside",
    '{"id": 1, "do": "points", "csv": "1,2,a", "regression": true}': "error.no-number",
    json.dumps(
        {"id": 1, "do": "points", "csv": "".join(f"1,1,{name}\n" for name in "abcdefg")}
    ): "error.too-many-classes",
    json.dumps({"id": 1, "do": "points", "csv": "1,1,1\n" * 2001}): "error.too-many-points",
    json.dumps({"id": 1, "do": "points", "points": [[1, 1, 1]] * 2001}): "error.too-many-points",
    json.dumps({"id": 1, "do": "step", "x": "a" * 70_000}): "error.too-long",
    json.dumps({"id": 1, "do": "points", "csv": "a" * 1_000_001}): "error.too-long",
}


@pytest.mark.parametrize("message", REFUSED, ids=[message[:70] for message in REFUSED])
def test_each_mistake_has_its_sentence(opened, quiet_log, message: str) -> None:
    reply = answers(opened, message)
    assert reply["error"]["key"] == REFUSED[message], reply
    is_well(opened)


def test_before_a_network_is_open_there_is_nothing_to_do(page, quiet_log) -> None:
    for name in sorted(set(COMMANDS) - {"open", "cancel", "lesson", "open_seed", "pause", "watch"}):
        assert page.error(name)["key"] == "error.not-open", name


def test_a_message_without_bound_ends_its_own_socket_only(served, opened) -> None:
    with served.connect() as hostile, pytest.raises(ConnectionClosed):
        hostile.send("a" * 5_000_000)
        hostile.recv(timeout=10)
    is_well(opened)


def test_one_tab_too_many_is_told_so(serve) -> None:
    studio = serve(limits=Limits(tabs=2))
    with studio.connect() as first, studio.connect():
        with studio.connect() as third:
            told = json.loads(third.recv(timeout=5))
            assert told["event"] == "refused"
            assert told["error"]["key"] == "error.too-many-tabs"
            assert told["error"]["text"] == "2 tabs are open, as many as this studio serves; close one and reload"
            with pytest.raises(ConnectionClosed):
                third.recv(timeout=5)
        first.close()
        end = time.monotonic() + 5
        while len(studio.tabs) > 1 and time.monotonic() < end:
            time.sleep(0.01)
        with studio.connect() as again:
            again.send("null")
            assert "error.no-command" in again.recv(timeout=5)


@pytest.mark.alone
def test_a_flood_is_taken_slowly_and_hurts_nobody_else(serve) -> None:
    studio = serve(limits=Limits(commands_per_second=50))
    with studio.connect() as hostile, studio.connect() as other:
        stop = threading.Event()

        def flood() -> None:
            while not stop.is_set():
                try:
                    hostile.send("[[[[")
                except ConnectionClosed:
                    return

        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        waits = []
        for number in range(20):
            start = time.monotonic()
            other.send(json.dumps({"id": number, "do": "nothing"}))
            assert json.loads(other.recv(timeout=5))["id"] == number
            waits.append(time.monotonic() - start)
        assert sorted(waits)[10] < 0.1
        start = time.monotonic()
        for _ in range(100):
            assert "error.no-json" in hostile.recv(timeout=5)
        assert time.monotonic() - start > 0.5
        stop.set()
        hostile.socket.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.alone
def test_a_page_that_floods_and_never_reads_is_not_listened_to(serve) -> None:
    studio = serve(limits=Limits(commands_per_second=100_000))
    with studio.connect() as hostile:
        hostile.send('{"id": 1, "do": "open"}')

        def flood() -> None:
            try:
                for _ in range(100_000):
                    hostile.send('{"id": 1, "do": "data"}' + " " * 1000)
            except (ConnectionClosed, OSError):
                return

        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        time.sleep(1.5)
        assert thread.is_alive(), "its messages wait in its own machine"
        hostile.socket.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_an_allowance_lets_a_second_through_at_once_and_then_its_rate() -> None:
    allowance = Allowance(10)
    assert [allowance.wait(100) for _ in range(10)] == [0] * 10
    assert allowance.wait(100) == pytest.approx(0.1)
    assert allowance.wait(100) == pytest.approx(0.2)
    assert allowance.wait(105) == 0


def test_thirty_tabs_play_side_by_side(served) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(served.connect()) for _ in range(30)]
        for connection in connections:
            connection.send('{"id": 1, "do": "open"}')
            connection.send('{"id": 2, "do": "play", "minibatches": 25, "frames": 60, "stop": {"epoch": 15}}')
        for connection in connections:
            while True:
                message = connection.recv(timeout=60)
                if isinstance(message, str) and '"stopped"' in message:
                    break
