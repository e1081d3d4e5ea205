"""``layerlab dissect``: a network as a table, a picture, a page, the arithmetic of one layer, a comparison."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from layerlab.cli_files import HTML, SVG, FileKind, check_targets, write
from layerlab.cli_output import print_json
from layerlab.cli_subject import Subject
from layerlab.cli_zoo import MODEL_HELP
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["dissect"]

_LANGUAGES = ("en", "pl")


def dissect(
    model: Annotated[str, typer.Argument(metavar="MODEL|RUN", help=f"{MODEL_HELP} Or a run folder.")],
    input_size: Annotated[
        str | None, typer.Option("--input", metavar="CxHxW", help="Size of its input (default: what the network says).")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="A number or path of the table: its arithmetic, worked.")] = None,
    language: Annotated[str | None, typer.Option(help="Of the arithmetic: en or pl.")] = None,
    depth: Annotated[int | None, typer.Option(help="Levels of nesting to show (default: what stays readable).")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Each layer on a line of its own: equals are not folded.")
    ] = False,
    diagram: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw its blocks.")] = None,
    to_scale: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw what its layers give as boxes, to scale.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page on which its blocks open and close.")
    ] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --layer: write a page of what it makes of this image.")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Where the page of --image goes.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Of a network of the zoo: imagenet (published), a file, or a run folder.")
    ] = None,
    timed: Annotated[
        bool, typer.Option("--time", help="Run it: the time of each layer, and the least that it could take here.")
    ] = False,
    other: Annotated[
        str | None, typer.Option("--compare", metavar="MODEL", help="Side by side with another network.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Show a network layer by layer: shapes, parameters, arithmetic, receptive field; as a table, picture or page.

    An option that writes a file replaces one of the same kind and no other. Where nothing is asked for, the table is
    printed.
    """
    _check(depth, layer, language, image, output)
    page = _page_of(image, layer, output)
    wanted: list[tuple[str, Path | None, FileKind]] = [
        ("--diagram", diagram, SVG),
        ("--to-scale", to_scale, SVG),
        ("--html", html, HTML),
        ("--output" if output is not None else "--image", page, HTML),
    ]
    targets = {option: (path, kind) for option, path, kind in wanted if path is not None}
    check_targets(targets)
    said, files = _Said(), dict[Path, str]()
    # What the network's own code prints is not part of the answer.
    with _progress("loading PyTorch ...") as say, redirect_stdout(sys.stderr):
        subject = Subject(model, input_size, weights, real=timed or image is not None)
        say(f"looking into {model} ...")
        if layer is not None and image is None:
            explanation = subject.anatomy.explain(layer, language=language or "en")
            said.add("layer", explanation, list(explanation.lines))
        if timed:
            from layerlab.anatomy.timing import time_layers

            anatomy = subject.anatomy
            say("measuring ...")
            timing = time_layers(subject.module, subject.size, anatomy=anatomy)
            said.add("time", timing, timing.to_dict())
        if other is not None:
            say(f"looking into {other} ...")
            comparison = subject.anatomy.compare(Subject(other, input_size).anatomy, (model, other))
            said.add("comparison", comparison, comparison.to_dict())
        if page is not None and image is not None and layer is not None:
            from layerlab.anatomy.feature_maps import feature_maps

            say(f"looking at {image} ...")
            maps = feature_maps(
                subject.module, image, layer,
                preprocess=subject.preprocessing, size=subject.given_size, note=subject.note,
            )  # fmt: skip
            files[page] = maps.to_html()
            said.add("maps", "\n".join(maps.notes), maps.to_dict())
        if not said and (as_json or not targets):
            table = subject.anatomy.table(depth, folded=not every)
            said.add("anatomy", table, subject.anatomy.to_dict() if as_json else None)
        if diagram is not None:
            say("drawing ...")
            files[diagram] = subject.anatomy.diagram(depth)
        if to_scale is not None:
            say("drawing to scale ...")
            files[to_scale] = subject.anatomy.to_scale()
        if html is not None:
            say("writing the page ...")
            files[html] = subject.anatomy.to_html()
    said.print(as_json)
    for path, content in files.items():
        print(write(path, content), file=sys.stderr if as_json else sys.stdout)  # beside JSON nothing else may stand


def _check(depth: int | None, layer: str | None, language: str | None, image: Path | None, output: Path | None) -> None:
    """Refuse options that make no sense, or not together."""
    if depth is not None and depth < 0:
        raise LayerlabError(f"--depth is {depth}; expected a whole number from 0")
    if language is not None and language not in _LANGUAGES:
        raise LayerlabError(f'--language is "{language}"; expected {" or ".join(_LANGUAGES)}')
    if language is not None and layer is None:
        raise LayerlabError(
            f"--language {language} is of the arithmetic of a layer: add --layer with a number or path of the table"
        )
    if image is not None and layer is None:
        raise LayerlabError(
            f"--image {image} shows what one layer makes of it: add --layer with a number or path of the table"
        )
    if image is not None and not image.is_file():
        raise LayerlabError(f'--image: no file "{image}"; expected an image, such as a PNG or a JPEG')
    if output is not None and image is None:
        raise LayerlabError(
            f"--output {output} is where the page of --image goes: add --image, or write --html {output}"
        )


def _page_of(image: Path | None, layer: str | None, output: Path | None) -> Path | None:
    """Return where the page of an image goes: here, named by the image and the layer, unless told otherwise."""
    if image is None or output is not None:
        return output
    return Path(re.sub(r"[^\w.-]", "_", f"{image.stem}-{layer}") + ".html")


class _Said:
    """What is printed in the end: for people one below the other, as JSON each under its name if there are several."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Any, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, name: str, shown: Any, data: Any) -> None:
        self._parts[name] = shown, data

    def print(self, as_json: bool) -> None:
        if as_json and self._parts:
            data = {name: one for name, (_, one) in self._parts.items()}
            print_json(data if len(data) > 1 else next(iter(data.values())))
            return
        for number, (name, (shown, _)) in enumerate(self._parts.items()):
            if number:
                print()
            print(shown) if name in ("layer", "maps") else _console().print(shown)


@contextmanager
def _progress(first: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, on one line that is gone in the end."""
    shows = sys.stderr.isatty()

    def say(text: str) -> None:
        if shows:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    say(first)
    try:
        yield say
    finally:
        say("")


def _console() -> Console:
    """Return a console that neither colours numbers nor reads square brackets as style."""
    from rich.console import Console

    return Console(highlight=False, markup=False)
