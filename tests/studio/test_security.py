from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from layerlab.studio.app import create_app
from layerlab.studio.security import Access, is_loopback, new_token

HERE = "http://127.0.0.1:8321"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound here
TOKEN = "a-token-of-some-length"  # noqa: S105
PATHS = ["/", "/locale/en.json", "/openapi.json", "/nothing"]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), base_url=HERE) as made:
        yield made


@pytest.fixture
def guarded() -> Iterator[TestClient]:
    with TestClient(create_app(token=TOKEN, host=EVERYWHERE), base_url="http://192.168.1.7:8321") as made:
        yield made


def socket_of(client: TestClient) -> str:
    return f"ws://{client.base_url.netloc.decode()}/ws/playground"


def refusal(client: TestClient, headers: dict[str, str]) -> tuple[int, str]:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(socket_of(client), headers=headers):
        pass
    answer = refused.value
    return answer.status_code, answer.text  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost:8321", "[::1]:8321", "127.0.0.1", "LOCALHOST"])
def test_this_machine_is_let_in_by_any_of_its_loopback_names(client: TestClient, host: str) -> None:
    assert client.get("/locale/en.json", headers={"Host": host}).status_code == 200
    with client.websocket_connect(socket_of(client), headers={"Host": host, "Origin": f"http://{host}"}):
        pass


FOREIGN = [
    "evil.example",
    "evil.example:8321",
    "127.0.0.1.evil.example",
    "10.0.0.1:8321",
    "localhost.",
    "",
    "a b",
    "[::2]",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_name_of_this_machine_is_refused(client: TestClient, host: str) -> None:
    for path in PATHS:
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert answer.text == "This studio is not known by that name; use the address that it printed.\n"
    assert client.post("/api/layers/pooling", headers={"Host": host}, json={}).status_code == 421
    assert refusal(client, {"Host": host})[0] == 421


ORIGINS = ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8321.evil.example", "file://", ""]


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_another_origin_is_refused(client: TestClient, origin: str) -> None:
    sentence = "Only the studio's own page may talk to it.\n"
    for path in PATHS:
        answer = client.get(path, headers={"Origin": origin})
        assert (answer.status_code, answer.text) == (403, sentence)
        assert "access-control-allow-origin" not in answer.headers
    assert client.post("/api/layers/pooling", headers={"Origin": origin}, json={}).status_code == 403
    assert refusal(client, {"Origin": origin}) == (403, sentence)


def test_a_preflight_allows_nothing(client: TestClient) -> None:
    headers = {"Origin": HERE, "Access-Control-Request-Method": "POST"}
    answer = client.options("/api/layers/pooling", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_an_origin_that_was_allowed_is_let_in() -> None:
    app = create_app(allowed_origins=["https://school.example"])
    with TestClient(app, base_url=HERE) as client:
        assert client.get("/locale/en.json", headers={"Origin": "https://school.example"}).status_code == 200
        assert client.get("/locale/en.json", headers={"Origin": "http://school.example"}).status_code == 403


def test_without_the_token_there_is_nothing(guarded: TestClient) -> None:
    sentence = "This studio needs its token: open the whole link that it printed, with ?token=...\n"
    for path in [*PATHS, "/?token=", "/?token=wrong", "/?token=%ff", "/?token=w%C3%B3ng", f"/?Token={TOKEN}"]:
        answer = guarded.get(path)
        assert (answer.status_code, answer.text) == (403, sentence), path
        assert "set-cookie" not in answer.headers
    assert guarded.post("/api/layers/pooling", json={}).status_code == 403
    assert refusal(guarded, {}) == (403, sentence)
    assert refusal(guarded, {"Cookie": "layerlab-token-8321=wrong"}) == (403, sentence)


def test_the_token_of_the_link_goes_on_in_a_cookie(guarded: TestClient) -> None:
    answer = guarded.get(f"/?token={TOKEN}")
    assert answer.status_code != 403
    cookie = answer.headers["set-cookie"]
    assert cookie == f"layerlab-token-8321={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert guarded.get("/locale/en.json").status_code == 200
    with guarded.websocket_connect(socket_of(guarded)) as socket:
        socket.send_text("{}")
        assert "error.no-command" in socket.receive_text()


def test_a_class_may_come_by_address_or_by_the_machines_name_only(guarded: TestClient) -> None:
    guarded.get(f"/?token={TOKEN}")
    for host, status in (("192.168.1.7:8321", 200), ("10.1.2.3:8321", 200), ("evil.example:8321", 421)):
        assert guarded.get("/locale/en.json", headers={"Host": host}).status_code == status


def test_a_broken_cookie_is_no_cookie(guarded: TestClient) -> None:
    for cookie in ["=", ";;;", "layerlab-token-8321", 'layerlab-token-8321="', "a" * 5000]:
        assert guarded.get("/", headers={"Cookie": cookie}).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers_of_a_careful_page(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self' ws://127.0.0.1:8321 wss://127.0.0.1:8321",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def test_a_name_that_is_no_name_gets_into_no_header(client: TestClient) -> None:
    answer = client.get("/", headers={"Host": "127.0.0.1; script-src *"})
    assert answer.status_code == 421
    assert "*" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("127.3.2.1", True),
        (EVERYWHERE, False),
        ("school", False),
    ],
)
def test_loopback_is_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_tokens_are_long_differ_and_are_not_shown() -> None:
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 32
    assert TOKEN not in repr(Access.to(EVERYWHERE, token=TOKEN))
