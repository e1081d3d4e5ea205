"""What the page is told: pure functions of what it asked for."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from layerlab.studio.architectures.asking import Explained, File, Network, Table
from layerlab.studio.architectures.bench import Bench, Specimen
from layerlab.studio.architectures.examples import EXAMPLES
from layerlab.studio.architectures.knobs import Control, controls_of
from layerlab.studio.architectures.loading import load_zoo
from layerlab.studio.architectures.words import command_of, python_of, title_of
from layerlab.studio.command_error import CommandError

__all__ = [
    "Catalogue",
    "Explanation",
    "Kept",
    "Line",
    "Model",
    "Numbers",
    "Rows",
    "catalogue",
    "explanation",
    "file",
    "numbers",
    "picture",
    "table",
]

BENCH = Bench()


class Model(BaseModel):
    """A network of the zoo."""

    name: str
    title: str
    year: int | None
    source: str
    idea: str
    deviations: str
    parent: str | None
    input: list[int]
    smallest: int
    fixed: bool
    controls: list[Control]


class Catalogue(BaseModel):
    """The zoo by family, and Keras texts to begin with."""

    families: dict[str, list[Model]]
    examples: dict[str, str]


@cache
def catalogue() -> Catalogue:
    """Return what there is to choose from."""
    load_zoo()
    from layerlab.zoo import list_models, model_info

    families: dict[str, list[Model]] = {}
    for name in list_models():
        info = model_info(name)
        model = Model(
            name=name,
            title=info.title,
            year=info.year,
            source=info.source,
            idea=info.idea,
            deviations=info.deviations,
            parent=info.parent,
            input=list(info.input_shape),
            smallest=info.smallest_input,
            fixed=info.fixed_size,
            controls=controls_of(name),
        )
        families.setdefault(info.family, []).append(model)

    def age(family: str) -> tuple[int, str]:
        years = [model.year for model in families[family] if model.year is not None]
        return min(years, default=0), family

    ordered = {family: sorted(families[family], key=_size_in_name) for family in sorted(families, key=age)}
    return Catalogue(families=ordered, examples=EXAMPLES)


def _size_in_name(model: Model) -> tuple[str, int, str]:
    """Sort ``resnet20`` before ``resnet110``."""
    word = model.name.rstrip("0123456789")
    digits = model.name[len(word) :]
    return word, int(digits or 0), model.name


class Numbers(BaseModel):
    """The figures that move when a knob is turned, and the lines that give the same elsewhere."""

    title: str
    kind: str
    input: list[list[int]]
    output: list[list[int]]
    layers: int
    parameters: int
    trainable: int
    executed: int
    macs: int
    at_least: bool
    element_operations: int
    weight_bytes: int
    buffer_bytes: int
    gradient_bytes: int
    optimizer_bytes: dict[str, int]
    backward_bytes: int | None
    peak_bytes: int
    receptive_field: list[int] | None
    uncounted: list[str]
    command: str
    python: str


def numbers(asked: Network, bench: Bench = BENCH) -> Numbers:
    """Return the totals of a network."""
    specimen = bench.specimen(asked)
    anatomy, totals = specimen.anatomy, specimen.anatomy.totals
    return Numbers(
        title=title_of(asked),
        kind=anatomy.root.kind,
        input=[list(shape[1:]) for shape in totals.input_shapes],
        output=[list(shape[1:]) for shape in anatomy.root.outputs],
        layers=sum(layer.is_leaf and layer.called for layer in anatomy.layers),
        parameters=totals.parameters,
        trainable=totals.trainable,
        executed=totals.executed_parameters,
        macs=totals.macs,
        at_least=totals.macs_are_lower_bound,
        element_operations=totals.element_operations,
        weight_bytes=totals.parameter_bytes,
        buffer_bytes=totals.buffer_bytes,
        gradient_bytes=totals.gradient_bytes,
        optimizer_bytes=totals.optimizer_bytes,
        backward_bytes=totals.backward_bytes,
        peak_bytes=totals.peak_bytes,
        receptive_field=_field(specimen),
        uncounted=list(totals.uncounted),
        command=command_of(asked, specimen.shapes),
        python=python_of(asked, specimen.shapes),
    )


def _field(specimen: Specimen) -> list[int] | None:
    """Return what one position of the last layer that still has positions sees."""
    fields = [layer.receptive_field for layer in specimen.anatomy.layers if layer.is_leaf and layer.receptive_field]
    return list(max(fields)) if fields else None


def picture(asked: Network, bench: Bench = BENCH) -> dict[str, Any]:
    """Return the layout of every block of the network, for the diagram that opens and closes."""

    def drawn(specimen: Specimen) -> dict[str, Any]:
        from layerlab.anatomy.picture import picture as picture_of

        return picture_of(specimen.anatomy)

    return bench.make(asked, drawn, kept_as="picture")


class Explanation(BaseModel):
    """The worked arithmetic of one layer."""

    path: str
    title: str
    lines: list[str]


def explanation(asked: Explained, bench: Bench = BENCH) -> Explanation:
    """Return the arithmetic of one layer, in the page's language."""
    anatomy = bench.specimen(asked.network).anatomy
    layer = next((layer for layer in (anatomy.root, *anatomy.layers) if layer.path == asked.path), None)
    if layer is None:
        raise CommandError("architectures.error.no-layer", f'this network has no layer "{asked.path}"', path=asked.path)
    explained = anatomy.explain(layer.path, language=asked.language)
    return Explanation(path=layer.path, title=explained.title, lines=list(explained.lines))


class Line(BaseModel):
    """One line of the table, of one layer or of equal ones in a row; its figures add up to the totals."""

    path: str
    name: str
    depth: int
    kind: str
    output: str
    parameters: int
    macs: int
    opened: bool
    repeats: int


class Rows(BaseModel):
    """The lines of the table, and how deep the network goes."""

    lines: list[Line]
    deepest: int


def table(asked: Table, bench: Bench = BENCH) -> Rows:
    """Return the table of a network, so many levels deep."""
    from layerlab.anatomy.rows import rows_of
    from layerlab.anatomy.text import without_batch

    anatomy = bench.specimen(asked.network).anatomy

    return Rows(
        lines=[
            Line(
                path=row.layer.path,
                name=row.name or row.kind,
                depth=row.layer.depth,
                kind=row.kind,
                output=without_batch(row.layer.outputs),
                parameters=row.parameters,
                macs=row.macs,
                opened=row.is_open,
                repeats=row.repeats,
            )
            for row in rows_of(anatomy, asked.depth)
        ],
        deepest=max((layer.depth for layer in anatomy.layers), default=0),
    )


class Kept(BaseModel):
    """A file to keep."""

    name: str
    type: str
    content: str


_TYPES = {"svg": "image/svg+xml", "scale": "image/svg+xml", "html": "text/html", "json": "application/json"}


def file(asked: File, bench: Bench = BENCH) -> Kept:
    """Return the network's diagram, picture to scale, page or figures as a file."""

    def written(specimen: Specimen) -> str:
        anatomy = specimen.anatomy
        match asked.form:
            case "svg":
                return anatomy.diagram()
            case "scale":
                return anatomy.to_scale()
            case "html":
                return anatomy.to_html()
            case "json":
                return anatomy.to_json()

    name = asked.network.model or "network"
    ending = {"scale": "-to-scale.svg"}.get(asked.form, f".{asked.form}")
    content = bench.make(asked.network, written, kept_as="scale" if asked.form == "scale" else None)
    return Kept(name=name + ending, type=_TYPES[asked.form], content=content)
