from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest
from websockets.sync.client import connect

from layerlab.errors import LayerlabError
from layerlab.studio import serve as serving

LINE = re.compile(r"Layerlab studio: http://(\S+?)/(\?token=\S+)? \(Ctrl-C ends it\)\n")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - with a token

Start = Callable[..., tuple[subprocess.Popen[str], re.Match[str]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that runs ``layerlab studio`` until it says where it is."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> tuple[subprocess.Popen[str], re.Match[str]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "layerlab", "studio", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        running.append(process)
        assert process.stdout is not None
        match = LINE.fullmatch(process.stdout.readline())
        assert match is not None
        return process, match

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.alone
def test_it_says_where_it_is_once_it_accepts_and_ctrl_c_ends_it_in_silence(start: Start) -> None:
    process, found = start("--no-browser")
    host = found[1]
    assert found[2] is None
    with urllib.request.urlopen(f"http://{host}/", timeout=10) as page:
        assert page.status == 200
        assert "server" not in page.headers
    reads = connect(f"ws://{host}/ws/playground", close_timeout=1)
    ignores = connect(f"ws://{host}/ws/playground", close_timeout=1, max_queue=1)
    with reads as one, ignores as other:
        for connection in (one, other):
            connection.send('{"id": 1, "do": "open"}')
            connection.send('{"id": 2, "do": "play", "epochs": 1}')
        one.recv(timeout=10)
        time.sleep(1)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - begun < 2.5
    assert (process.returncode, out, err) == (130, "", "")


def test_it_takes_the_next_port_unless_one_was_named(start: Start, layerlab: Callable[..., object]) -> None:
    _, first = start("--no-browser")
    _, second = start("--no-browser")
    ports = [int(found[1].rpartition(":")[2]) for found in (first, second)]
    assert ports[1] > ports[0] >= serving.DEFAULT_PORT
    complaint = layerlab("studio", "--no-browser", "--port", ports[0]).complaint()  # type: ignore[attr-defined]
    assert complaint == f"port {ports[0]} is in use; leave --port out to take a free one, or name another"


def test_beyond_loopback_the_link_has_a_token(start: Start) -> None:
    _, found = start("--no-browser", "--host", EVERYWHERE)
    port = int(found[1].rpartition(":")[2])
    answers = []
    for path in ("/locale/en.json", f"/locale/en.json{found[2]}"):
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        answers.append(connection.getresponse().status)
        connection.close()
    assert answers == [403, 200]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "0"], "--port is 0; expected 1 to 65535"),
        (["--port", "70000"], "--port is 70000; expected 1 to 65535"),
        (["--host", "192.0.2.1"], '--host "192.0.2.1" is no address of this machine; try 127.0.0.1 or 0.0.0.0'),
    ],
)
def test_what_cannot_be_served_is_one_line(
    layerlab: Callable[..., object], arguments: list[str], sentence: str
) -> None:
    assert layerlab("studio", "--no-browser", *arguments).complaint() == sentence  # type: ignore[attr-defined]


def test_a_host_that_there_is_not_is_one_line(layerlab: Callable[..., object]) -> None:
    complaint = layerlab("studio", "--no-browser", "--host", "no such host").complaint()  # type: ignore[attr-defined]
    assert complaint.startswith('--host "no such host": ')
    assert complaint.endswith("expected a name or address of this machine")


def test_all_ports_in_use_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(serving, "DEFAULT_PORT", taken.getsockname()[1])
        monkeypatch.setattr(serving, "PORTS_TRIED", 1)
        with pytest.raises(LayerlabError, match=r"all ports from \d+ to \d+ are in use; name a free one"):
            serving.listen("127.0.0.1", None)


def test_a_page_that_does_not_read_is_sent_little_ahead() -> None:
    with serving.listen("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * serving.SEND_BUFFER


def test_a_browser_is_opened_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not serving.has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert serving.has_browser()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("SSH_CONNECTION", "1")
    assert not serving.has_browser()


@pytest.mark.parametrize(("option", "opened"), [((), True), (("--no-browser",), False)])
def test_the_browser_gets_the_address(start: Start, tmp_path, option: tuple[str, ...], opened: bool) -> None:
    note = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {note}\n')
    browser.chmod(0o755)
    _, found = start(*option, DISPLAY=":0", BROWSER=f"{browser} %s")
    end = time.monotonic() + (5 if opened else 0.5)
    while not note.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert note.exists() is opened
    if opened:
        time.sleep(0.1)
        assert note.read_text() == f"http://{found[1]}/\n"
