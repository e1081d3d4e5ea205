"""The guide's pages on the zoo: their figures are the networks', their examples run, their pictures are as drawn."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import layerlab
from layerlab.zoo.registry import knobs_of

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "zoo"
PICTURES = ROOT / "docs" / "images" / "zoo"
PAGES = sorted(FOLDER.glob("*.md"))
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.M | re.S)
MNIST5K = (1, 28, 28)
LARGEST_PICTURE = 60_000
BY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def blocks(page: Path, language: str) -> list[str]:
    return [textwrap.dedent(body) for _, kind, body in FENCE.findall(page.read_text()) if kind == language]


def tables(page: Path) -> Iterator[list[dict[str, str]]]:
    """Yield each table of a page as rows by their column's name."""
    for table in re.findall(r"(?:^\|.*\|\n)+", page.read_text(), re.M):
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
        yield [dict(zip(head, row, strict=True)) for row in rows]


def short(macs: int) -> str:
    """Return multiply-accumulates as the pages print them."""
    return f"{macs / 1e9:.3f} G" if macs >= 1e9 else f"{macs / 1e6:.1f} M" if macs >= 1e7 else f"{macs / 1e6:.3f} M"


@cache
def figures(cell: str) -> tuple[int, int]:
    """Return parameters and multiply-accumulates of what a table's first cell names, knobs included."""
    name, *knobs = re.findall(r"`([^`]+)`", cell)
    info = layerlab.model_info(name)
    if not knobs:
        return info.parameters, info.macs
    assert knobs == ["stride_on_first=True"], cell
    module = layerlab.create(name, device="meta", stride_on_first=True).eval()
    products: list[int] = []

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        products.append(output.numel() * layer.weight[0].numel())  # type: ignore[index]

    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(count)
    module(torch.empty(1, *info.input_shape, device="meta"))
    return sum(parameter.numel() for parameter in module.parameters()), sum(products)


@BY_PAGE
def test_our_figures_are_the_networks(page: Path) -> None:
    checked = 0
    for table in tables(page):
        for row in table:
            if "our parameters" in row:
                parameters, macs = figures(row["model"])
                assert row["our parameters"] == f"{parameters:,}", row["model"]
                assert row["our MACs"] == short(macs), row["model"]
                checked += 1
    assert checked or page.stem in ("index", "reading-order")


def members_on(page: Path) -> list[str]:
    """Return the networks that stand in a page's list of members; ``_050`` there is an ending, no name."""
    listed = re.findall(r"^Members: (.*?)File", page.read_text(), re.M | re.S)
    return [name for part in listed for name in re.findall(r"`(\w+)`", part) if not name.startswith("_")]


def test_each_family_has_a_page_that_names_its_members() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for name in layerlab.list_models():
        if name == "lecture_cnn" or re.match(r"(mobilenet_v\d\w*_\d{3}|vgg\d+_bn|(preact_resnet|plain)\d+)$", name):
            continue  # a page says "each also narrower", "each also with batch normalisation", "to"
        assert f"`{name}`" in text, name
    for page in PAGES:
        for name in members_on(page):
            assert name in layerlab.list_models(), name
        for file in re.findall(r"`((?:src|examples)/[\w/]+\.py)`", page.read_text()):
            assert (ROOT / file).exists(), file


def test_years_are_those_of_the_networks() -> None:
    by_page = {row["page"]: row["year"] for table in tables(FOLDER / "index.md") for row in table if "page" in row}
    assert len(by_page) == 8
    for cell, years in by_page.items():
        stem = re.search(r"\((\w+)\.md\)", cell)[1]  # type: ignore[index]
        known = {str(layerlab.model_info(name).year) for name in members_on(FOLDER / f"{stem}.md")}
        assert set(re.findall(r"\d{4}", years)) <= known, cell


# ---- knobs


def knobs_table() -> str:
    """Return the table of the index, from the families' own builders."""
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name in layerlab.list_models():
        grouped.setdefault((layerlab.model_info(name).family, tuple(knobs_of(name)[2:])), []).append(name)
    lines = ["| networks | knobs |", "| --- | --- |"]
    for (_, knobs), names in grouped.items():
        shown = [f"`{name}`" for name in sorted(names, key=lambda name: (len(name), name))]
        listed = ", ".join(shown[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        lines.append(f"| {listed} | {', '.join(f'`{knob}`' for knob in knobs)} |")
    return "\n".join(lines)


def test_the_table_of_knobs_is_the_builders() -> None:
    assert knobs_table() in (FOLDER / "index.md").read_text(), f"the table should be\n{knobs_table()}"


def test_the_refusal_that_the_index_shows_is_what_is_said() -> None:
    [shown] = blocks(FOLDER / "index.md", "text")
    with pytest.raises(layerlab.LayerlabError) as caught:
        layerlab.create("vgg16", skip=False)
    assert shown.strip() == f"layerlab: {caught.value}"


# ---- examples


@pytest.mark.parametrize(
    "page",
    [page if page.stem == "lenet" else pytest.param(page, marks=pytest.mark.slow) for page in PAGES],
    ids=lambda page: page.stem,
)
def test_python_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights, except in the index. A training is not run: its arguments and the shapes are checked."""
    program = "\n".join(blocks(page, "python"))
    assert program
    trained: list[nn.Module] = []
    signature = inspect.signature(layerlab.fit)

    def fit(*args: Any, **options: Any) -> None:
        given = signature.bind(*args, **options).arguments
        assert given["data"] == "mnist5k"
        model, size = given["model"], given.get("size", MNIST5K[1])
        output = model.train()(torch.empty(2, MNIST5K[0], size, size, device="meta"))
        assert output.shape == (2, 10)
        trained.append(model)

    monkeypatch.setattr(layerlab, "fit", fit)
    real = page.stem == "index"
    with torch.device("cpu" if real else "meta"):
        torch.set_default_device("cpu" if real else "meta")
        try:
            exec(compile(program, str(page), "exec"), {"__name__": "__main__"})
        finally:
            torch.set_default_device(None)
    assert len(trained) >= program.count("layerlab.fit(")


@BY_PAGE
def test_commands_are_understood(page: Path) -> None:
    from typer.main import get_command

    from layerlab import cli

    known = get_command(cli.app).commands  # type: ignore[attr-defined]
    networks, sets = layerlab.list_models(), [one.name for one in layerlab.list_datasets()]
    for block in blocks(page, "console"):
        for line in block.splitlines():
            assert line.startswith("$ layerlab "), line
            _, command, *words = shlex.split(line.removeprefix("$ "))
            values = known[command].make_context(command, words).params
            given = values.get("names") or [values.get("model") or values.get("source")]
            if command == "models":
                assert layerlab.list_models(words[0]) if words else networks
                continue
            assert given[0], line
            assert set(given) <= set(networks), line
            assert values.get("data") in (None, "./photos", *sets), line
            if values.get("layer"):
                layerlab.create(given[0], device="meta").get_submodule(values["layer"])


def test_what_to_read_is_there() -> None:
    [rows] = [table for table in tables(FOLDER / "reading-order.md") if "file" in table[0]]
    assert [row["step"] for row in rows] == [str(step) for step in range(1, 13)]
    for row in rows:
        text = (ROOT / "src" / "layerlab" / "zoo" / row["file"].strip("`")).read_text()
        for name in re.findall(r"`(\w+)`", row["look at"]):
            assert re.search(rf"^(class )?{name}\b", text, re.M), f"{row['file']}: {name}"


# ---- pictures


SCRIPTS = ROOT / "scripts" / "figures"
QUICK = ("lenet5-stages", "lenet-connections", "resnet-blocks", "reading-order", "zoo-map")


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Return the functions that draw, by the picture's name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield importlib.import_module("draw").FIGURES
    for file in SCRIPTS.glob("*.py"):
        sys.modules.pop(file.stem, None)


def drawn(picture: Any) -> str:
    canvas, title, description = picture()
    text: str = canvas.svg(title, description)
    return text


@pytest.mark.parametrize("name", QUICK)
def test_pictures_are_as_they_are_drawn(name: str, pictures: dict[str, Any]) -> None:
    same = drawn(pictures[name]) == (PICTURES / f"{name}.svg").read_text()
    assert same, f"{name}.svg is not what the networks give now: run python scripts/figures/draw.py"


@pytest.mark.slow
def test_all_pictures_are_as_they_are_drawn(pictures: dict[str, Any]) -> None:
    assert set(pictures) == {file.stem for file in PICTURES.iterdir()}
    for name, picture in pictures.items():
        same = drawn(picture) == (PICTURES / f"{name}.svg").read_text()
        assert same, f"{name}.svg is not what the networks give now: run python scripts/figures/draw.py"


def test_a_picture_is_drawn_from_the_command_line(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", str(SCRIPTS / "draw.py"), "--output", str(tmp_path), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("vgg-stack").returncode == 0
    assert (tmp_path / "vgg-stack.svg").read_text() == (PICTURES / "vgg-stack.svg").read_text()
    refused = run("vgg-stak")
    assert refused.returncode == 1
    assert refused.stderr.startswith("no figure vgg-stak; there are alexnet-stages, ")


def test_pictures_are_shown_described_and_small() -> None:
    linked: set[str] = set()
    for page in PAGES:
        for words, name in re.findall(r"!\[(.*?)\]\(\.\./images/zoo/(.*?)\)", page.read_text()):
            assert len(words) > 20, f"{page.name}: {name} needs words for those who do not see it"
            linked.add(name)
    assert linked == {file.name for file in PICTURES.glob("*.svg")}
    for file in PICTURES.iterdir():
        text = file.read_text()
        assert re.search(r"<title[^>]*>[^<]{8,}</title>", text)
        assert re.search(r"<desc[^>]*>[^<]{40,}</desc>", text)
        assert "prefers-color-scheme:dark" in text
        assert len(text) < LARGEST_PICTURE
