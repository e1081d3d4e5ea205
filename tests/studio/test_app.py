from __future__ import annotations

import json
import mimetypes
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from layerlab.studio import files
from layerlab.studio.app import create_app

HERE = "http://127.0.0.1:8321"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), base_url=HERE) as made:
        yield made


def test_the_page_and_its_modules_come_with_their_types(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for name, kind in (("main.js", "text/javascript"), ("style.css", "text/css")):
        answer = client.get(f"/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.content == (files.HERE / "static" / name).read_bytes()


def test_a_machine_whose_table_of_types_is_wrong_serves_modules_all_the_same(client: TestClient) -> None:
    before = mimetypes.types_map.get(".js")
    mimetypes.add_type("text/plain", ".js")
    try:
        assert client.get("/main.js").headers["content-type"] == "text/javascript; charset=utf-8"
    finally:
        mimetypes.add_type(before or "text/javascript", ".js")


def test_what_the_browser_has_already_is_not_sent_again(client: TestClient) -> None:
    for path in ("/main.js", "/locale/pl.json"):
        first = client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": f'W/{first.headers["etag"]}, "other"'})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "static"
    (root / "deep").mkdir(parents=True)
    (root / "index.html").write_text("page")
    (root / "deep" / "a.js").write_text("module")
    (root / "notes.txt").write_text("not for the page")
    (tmp_path / "secret.json").write_text("secret")
    (tmp_path / "static-neighbour").mkdir()
    (tmp_path / "static-neighbour" / "b.js").write_text("secret")
    (root / "link.js").symlink_to(tmp_path / "secret.json")
    return root


OUTSIDE = [
    "../secret.json",
    "deep/../../secret.json",
    "/etc/passwd",
    "../static-neighbour/b.js",
    "link.js",
    "notes.txt",
    "deep",
]
OUTSIDE += [
    "",
    ".",
    "..",
    "\0.js",
    "a" * 5000 + ".js",
    "deep//..//..//secret.json",
    "..\\secret.json",
    "~/a.js",
]


@pytest.mark.parametrize("path", OUTSIDE[:7] + OUTSIDE[8:])
def test_nothing_outside_the_folder_is_served(folder: Path, path: str) -> None:
    answer = files.static_file(path, root=folder)
    assert (answer.status_code, answer.body) == (404, b"There is no such file.\n")


def test_what_is_inside_is_served(folder: Path) -> None:
    assert files.static_file("", root=folder).body == b"page"
    assert files.static_file("deep/a.js", root=folder).body == b"module"
    assert files.static_file("deep/../index.html", root=folder).body == b"page"


@pytest.mark.parametrize(
    "path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/%2e%2e%2fapp.py", "//etc/passwd", "/static/%00"]
)
def test_nothing_outside_the_page_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_texts_of_a_language_come_in_one(client: TestClient, language: str) -> None:
    texts = client.get(f"/locale/{language}.json").json()
    own = json.loads((files.HERE / "locale" / language / "errors.json").read_text())
    assert own.items() <= texts.items()


@pytest.mark.parametrize("language", ["de", "..", "%2e%2e", "en%2f..", "EN", "en.json"])
def test_other_languages_there_are_not(client: TestClient, language: str) -> None:
    assert client.get(f"/locale/{language}.json").status_code == 404


def test_both_languages_have_the_same_errors_with_the_same_places() -> None:
    import re

    source = "".join(path.read_text() for path in files.HERE.glob("*.py"))
    used = set(re.findall(r'"(error\.[a-z-]+)"', source))
    places = {}
    for language in files.LANGUAGES:
        texts = json.loads((files.HERE / "locale" / language / "errors.json").read_text())
        assert set(texts) == used
        places[language] = {key: set(re.findall(r"{(\w+)}", text)) for key, text in texts.items()}
    del places["en"]["error.argument"], places["pl"]["error.argument"]  # what was expected is said in English only
    assert places["en"] == places["pl"]


def test_starting_loads_no_torch() -> None:
    program = (
        "import sys, layerlab.studio.serve, layerlab.studio.commands\n"
        "from layerlab.studio.app import create_app; create_app()\n"
        "sys.exit('loaded torch' if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
