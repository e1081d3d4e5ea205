"""The Lab over HTTP and its socket: from a question to its answer; nobody else comes in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from layerlab.studio import files
from layerlab.studio.app import create_app
from layerlab.studio.lab.limits import LabLimits

HERE = "http://127.0.0.1:8321"
TOKEN = "a-token-of-some-length"  # noqa: S105
NOBODY = "0" * 16
POLISH = json.loads((files.HERE / "locale" / "pl" / "lab.json").read_text())
SMALL: dict[str, Any] = {
    "own": {"vary": {"depth": [1, 2]}, "hold": {"epochs": 5}, "tune": {"learning_rate": [0.03, 0.1]}},
    "on": ["circle", "xor"],
    "seeds": 3,
}


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
        assert error["key"] in ("", "layers.error.invalid") or error["key"] in POLISH
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
