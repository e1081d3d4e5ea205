"""The Layers pages: the lecture's numbers, and every output equal to the arithmetic that is written beside it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

import layerlab.studio
from layerlab.layers import activation_names, output_size, transposed_output_size
from layerlab.studio.layer_pages import router

MAXIMUM = [[29, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]]
AVERAGE = [[31, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        yield client


def ask(client: TestClient, page: str, **request: Any) -> Any:
    answer = client.post(f"/api/layers/{page}", json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(client: TestClient, page: str, **request: Any) -> dict[str, Any]:
    answer = client.post(f"/api/layers/{page}", json=request)
    assert answer.status_code == 422, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["text"]
    assert "\n" not in error["text"]
    return error


def worked(cell: dict[str, Any]) -> float:
    """Return what the arithmetic of a cell gives."""
    numbers = [term["value"] * (1.0 if term["weight"] is None else term["weight"]) for term in cell["terms"]]
    how = {"max": max, "copy": sum, "sum": math.fsum, "mean": lambda n: math.fsum(n) / len(n)}
    return float(how[cell["operation"]](numbers)) + cell["bias"]


def agrees(grid: dict[str, Any], grids: dict[str, list[list[float]]]) -> None:
    """Check every cell against its arithmetic, and every term against the cell that it names."""
    for values, cells in zip(grid["values"], grid["cells"], strict=True):
        for value, cell in zip(values, cells, strict=True):
            assert worked(cell) == pytest.approx(value, rel=1e-12, abs=1e-9)
            for term in cell["terms"]:
                for place, number in ((term["source"], term["value"]), (term["weight_source"], term["weight"])):
                    if place is not None:
                        name, row, column = place
                        rows = grids[name]
                        inside = 0 <= row < len(rows) and 0 <= column < len(rows[0])
                        assert (rows[row][column] if inside else 0) == number


def test_pooling_gives_the_lectures_numbers_and_the_true_mean(client: TestClient) -> None:
    page = ask(client, "pooling", maximum=MAXIMUM, average=AVERAGE, kernel=2, stride=2)
    assert page["maximum"]["values"] == [[100, 184], [12, 45]]
    assert page["average"]["values"] == [[36.5, 80], [12, 15]]
    assert [term["source"] for term in page["maximum"]["cells"][0][1]["terms"]] == [
        ["maximum", 0, 2], ["maximum", 0, 3], ["maximum", 1, 2], ["maximum", 1, 3],
    ]  # fmt: skip


numbers = st.integers(-50, 50).map(lambda n: n / 4)


def matrices(rows: st.SearchStrategy[int], columns: st.SearchStrategy[int]) -> st.SearchStrategy[list[list[float]]]:
    return st.tuples(rows, columns).flatmap(
        lambda size: st.lists(st.lists(numbers, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
    )


sides = st.integers(1, 6)


@given(matrices(sides, sides), st.integers(1, 4), st.integers(1, 4), st.sampled_from([0, 1, 2, "same"]))
def test_pooling_is_its_arithmetic(
    client: TestClient, matrix: list[list[float]], kernel: int, stride: int, padding: int | str
) -> None:
    answer = client.post(
        "/api/layers/pooling",
        json={"maximum": matrix, "average": matrix, "kernel": kernel, "stride": stride, "padding": padding},
    )
    if answer.status_code == 422:
        assert answer.json()["error"]["key"] in ("layers.error.window", "layers.error.pool-padding")
        return
    page = answer.json()
    agrees(page["maximum"], {"maximum": matrix})
    agrees(page["average"], {"average": matrix})


@given(
    matrices(sides, sides),
    matrices(st.integers(1, 3), st.integers(1, 3)),
    numbers,
    st.integers(1, 3),
    st.sampled_from([0, 1, 2, "same"]),
    st.integers(1, 2),
)
def test_convolution_is_its_arithmetic(
    client: TestClient,
    image: list[list[float]],
    kernel: list[list[float]],
    bias: float,
    stride: int,
    padding: int | str,
    dilation: int,
) -> None:
    request = {"image": image, "kernel": kernel, "bias": bias, "stride": stride, "dilation": dilation}
    answer = client.post("/api/layers/convolution", json={**request, "padding": padding})
    if answer.status_code == 422:
        assert answer.json()["error"]["key"] == "layers.error.window"
        return
    agrees(answer.json()["output"], {"image": image, "kernel": kernel})


def test_the_lectures_convolution_has_9_weights_where_a_dense_layer_has_225(client: TestClient) -> None:
    page = ask(client, "convolution", image=[[1.0] * 5] * 5, kernel=[[1.0] * 3] * 3)
    assert (len(page["output"]["values"]), page["weights"], page["dense_weights"]) == (3, 9, 225)
    assert page["output"]["values"][1][1] == 9


@given(
    matrices(st.integers(1, 4), st.integers(1, 4)),
    matrices(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(1, 2),
)
def test_transposed_convolution_is_its_arithmetic(
    client: TestClient,
    image: list[list[float]],
    kernel: list[list[float]],
    stride: int,
    padding: int,
    output_padding: int,
    dilation: int,
) -> None:
    request = {"image": image, "kernel": kernel, "bias": 0.5, "stride": stride, "dilation": dilation}
    answer = client.post(
        "/api/layers/transposed-convolution", json={**request, "padding": padding, "output_padding": output_padding}
    )
    if answer.status_code == 422:
        assert answer.json()["error"]["key"] in ("layers.error.output-padding", "layers.error.crop")
        return
    agrees(answer.json()["output"], {"image": image, "kernel": kernel})


def test_batch_normalisation_step_by_step(client: TestClient) -> None:
    page = ask(client, "batch-normalization", batch=[[1.0], [9.0]], gamma=[2.0], beta=[3.0], epsilon=1e-9)
    assert (page["mean"], page["variance"]) == ([5], [16])
    assert [row[0] for row in page["normalized"]] == pytest.approx([-1, 1])
    assert [row[0] for row in page["output"]] == pytest.approx([1, 5])
    assert [row[0] for row in page["slide"]] == pytest.approx([2.5, 3.5]), "the slide's line lacks the root"


def test_flatten_and_global_pooling_name_their_sources(client: TestClient) -> None:
    channels = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]
    grids = {f"channel{i}": rows for i, rows in enumerate(channels)}
    flat = ask(client, "flatten", channels=channels)
    assert flat["channels_first"]["values"] == [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]]
    assert flat["channels_last"]["values"] == [[1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12]]
    pooled = ask(client, "global-pooling", channels=channels)
    assert pooled["average"]["values"] == [[3.5], [9.5]]
    assert pooled["maximum"]["values"] == [[6], [12]]
    for grid in (*flat.values(), *pooled.values()):
        agrees(grid, grids)
    assert ask(client, "global-pooling", channels=[[[1, 2, 6]]])["average"]["values"] == [[3]]


def test_dense(client: TestClient) -> None:
    weights = [[1.0, -1.0, 0.5], [0.0, 2.0, -1.0]]
    page = ask(client, "dense", inputs=[1, 2, 4], weights=weights, biases=[0.5, -3], activation="relu")
    assert page["sums"]["values"] == [[1.5], [-3]]
    assert (page["outputs"], page["parameters"]) == ([1.5, 0], 8)
    agrees(page["sums"], {"inputs": [[1], [2], [4]], "weights": weights})
    assert refusal(client, "dense", inputs=[1], weights=weights, biases=[0, 0])["key"] == "layers.error.dense"


def test_skips_that_fit_and_that_do_not(client: TestClient) -> None:
    x, block = [[1, 2], [3, 4]], [[10, 20], [30, 40]]
    page = ask(client, "skip", x=x, block=block)
    assert page["addition"]["values"] == [[11, 22], [33, 44]]
    assert page["concatenation"]["values"] == [[10, 20], [30, 40], [1, 2], [3, 4]]
    for grid in (page["addition"], page["concatenation"]):
        agrees(grid, {"x": x, "block": block})
    page = ask(client, "skip", x=x, block=[[1, 2]])
    assert page["addition"] is None
    assert page["why_not_added"]["values"] == {"block": "1×2", "x": "2×2"}
    assert len(page["concatenation"]["values"]) == 3
    page = ask(client, "skip", x=x, block=[[1, 2, 3]])
    assert page["concatenation"] is None
    assert page["why_not_concatenated"]["key"] == "layers.error.concatenate"


def test_the_curves_are_the_lectures_and_their_slopes(client: TestClient) -> None:
    page = ask(client, "activations", low=-2, high=2, points=5)
    curves = {curve["name"]: curve for curve in page["curves"]}
    assert [c["name"] for c in page["curves"] if c["lecture"]] == [
        "sigmoid", "tanh", "relu", "leaky_relu", "maxout", "elu", "linear",
    ]  # fmt: skip
    assert curves["leaky_relu"]["values"] == pytest.approx([-0.2, -0.1, 0, 1, 2])
    assert curves["leaky_relu"]["derivatives"] == pytest.approx([0.1, 0.1, 0.1, 1, 1])
    assert curves["maxout"]["values"] == [2, 1, 0, 1, 2]
    assert curves["sigmoid"]["derivatives"][2] == 0.25
    assert curves["elu"]["values"][0] == pytest.approx(math.exp(-2) - 1)
    assert "gelu" in curves


def test_geometry_both_ways(client: TestClient) -> None:
    page = ask(client, "geometry", size=4, kernel=2, stride=2, wanted=2)
    assert page["output"] == 2
    assert page["windows"][0] == {"kernel": 2, "stride": 2, "padding": 0, "dilation": 1, "output_padding": 0}
    assert page["why_none"] is None
    page = ask(client, "geometry", size=4, kernel=9, wanted=20)
    assert page["output"] is None
    assert page["why_no_output"]["values"] == {"reach": 9, "size": 4}
    assert "9" in page["why_no_output"]["text"]
    assert page["windows"] == []
    near = page["why_none"]["values"]["near"]
    assert f"nearest size it can make is {near}" in page["why_none"]["text"]
    assert ask(client, "geometry", size=4, kernel=1, wanted=int(near))["windows"]
    up = ask(client, "geometry", size=4, kernel=2, stride=2, wanted=8, transposed=True)
    assert up["output"] == 8


@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_every_listed_window_makes_the_wanted_size(client: TestClient, size: int, wanted: int, up: bool) -> None:
    page = ask(client, "geometry", size=size, kernel=1, wanted=wanted, transposed=up)
    assert bool(page["windows"]) != bool(page["why_none"])
    for window in page["windows"]:
        extra = window.pop("output_padding")
        again = transposed_output_size(size, output_padding=extra, **window) if up else output_size(size, **window)
        assert again == wanted, window


def test_softmax_is_drawn_as_the_first_of_three(client: TestClient) -> None:
    page = ask(client, "activations", low=-1, high=1, points=3)
    softmax = next(curve for curve in page["curves"] if curve["name"] == "softmax")
    assert softmax["values"] == pytest.approx([math.exp(x) / (math.exp(x) + 2) for x in (-1, 0, 1)])
    assert softmax["derivatives"][1] == pytest.approx(1 / 3 * 2 / 3)
    drawn = {curve["name"] for curve in page["curves"]}
    assert drawn == set(activation_names()) - {"swish"}


def test_arithmetic_longer_than_a_page_is_refused(client: TestClient) -> None:
    large = [[1] * 12] * 12
    for page, request in (
        ("convolution", {"image": large, "kernel": large, "padding": 11}),
        ("transposed-convolution", {"image": large, "kernel": large}),
        ("pooling", {"maximum": large, "average": large, "kernel": 12, "stride": 1, "padding": 6}),
    ):
        assert refusal(client, page, **request)["key"] == "layers.error.too-much"


def test_bodies_that_cannot_be_read_are_one_sentence(client: TestClient) -> None:
    for body in (b"[" * 60_000, b'{"channels":[[[' + b"1" * 5_000 + b"]]]}", b"\xff\xfe", b'{"\\ud800":1}', b"null"):
        answer = client.post("/api/layers/flatten", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, body[:20]
        assert answer.json()["error"]["text"]
    endless = client.post("/api/layers/flatten", content=iter([b"[", b"1", b"]"]))
    assert endless.json()["error"]["key"] == "layers.error.too-long"


def test_mistakes_are_one_sentence(client: TestClient) -> None:
    assert refusal(client, "pooling", maximum=[[1]], average=[[1]], kernel=2, stride=1)["key"] == "layers.error.window"
    ragged = refusal(client, "flatten", channels=[[[1, 2], [3]]])
    assert ragged["values"]["place"] == "channels.0"
    assert "rows" in ragged["text"]
    assert refusal(client, "pooling", maximum=[["a"]], average=[[1]], kernel=1, stride=1)["values"]["place"]
    assert "12" in refusal(client, "flatten", channels=[[[0] * 13]])["text"]
    assert refusal(client, "activations", low=1, high=1)["key"] == "layers.error.range"
    assert refusal(client, "batch-normalization", batch=[[1]], gamma=[1], beta=[0])["key"] == "layers.error.batch"
    answer = client.post("/api/layers/pooling", content=b'{"maximum": [[NaN]]', headers={"Content-Type": "text/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["text"]
    long = client.post("/api/layers/flatten", content=b" " * 70_000)
    assert long.json()["error"]["key"] == "layers.error.too-long"


def test_a_request_is_answered_quickly(client: TestClient) -> None:
    from time import perf_counter

    request = {"image": [[1.0] * 12] * 12, "kernel": [[1.0] * 3] * 3, "padding": "same"}
    ask(client, "convolution", **request)
    times = []
    for _ in range(5):
        start = perf_counter()
        ask(client, "convolution", **request)
        times.append(perf_counter() - start)
    assert min(times) < 0.05


STUDIO = Path(layerlab.studio.__file__).parent
TEXTS = {lang: json.loads((STUDIO / "locale" / lang / "layers.json").read_text("utf-8")) for lang in ("en", "pl")}


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    assert TEXTS["en"].keys() == TEXTS["pl"].keys()
    for key, english in TEXTS["en"].items():
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, TEXTS["pl"][key])]
        assert places[0] == places[1], key


def test_every_text_that_the_pages_name_is_there() -> None:
    sources = [*(STUDIO / "static" / "layers").glob("*.js"), *(STUDIO / "layer_pages").glob("*.py")]
    named = {key for file in sources for key in re.findall(r'"(layers\.[a-z0-9.-]*[a-z0-9])"', file.read_text("utf-8"))}
    assert len(named) > 80
    assert named <= TEXTS["en"].keys()
    for name in activation_names():
        assert name == "swish" or f"layers.activation.{name}" in TEXTS["en"]


def test_the_guide_names_every_page() -> None:
    index = (STUDIO / "static" / "layers" / "index.js").read_text("utf-8")
    pages = re.findall(r'^  "?([a-z-]+)"?: \(\) => import', index, re.M)
    assert len(pages) == 11
    guide = (Path(__file__).parents[2] / "docs" / "layers.md").read_text("utf-8")
    assert [page for page in pages if f"| `{page}` |" not in guide] == []


def test_the_guides_request_is_answered(client: TestClient) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "layers.md").read_text("utf-8")
    request = json.loads(re.findall(r"```json\n(.*?)```", guide, re.S)[0])
    page = ask(client, "pooling", **request)
    assert (page["maximum"]["values"], page["average"]["values"]) == ([[100]], [[36.5]])
