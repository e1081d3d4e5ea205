"""One HTML file with the whole anatomy: the diagram that opens and closes, the arithmetic of each layer, the table."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.explain.line import Line
from layerlab.anatomy.explain.words import note_phrase, written
from layerlab.anatomy.html import html_table
from layerlab.anatomy.record import Layer
from layerlab.anatomy.rows import rows_of, title
from layerlab.anatomy.text import memory, per_axis, without_batch
from layerlab.errors import LayerlabError

__all__ = ["LANGUAGES", "MODULES", "STATIC", "TEMPLATES", "html_page", "page_payload", "page_script"]

STATIC = Path(__file__).with_name("static")
TEMPLATES = Path(__file__).with_name("templates")

LANGUAGES = ("en", "pl")
MODULES = (
    "words.js", "warp.js", "walk.js", "homes.js", "motion.js", "viewport.js", "diagram_items.js", "diagram.js",
    "page_panel.js", "page_table.js", "page.js",
)  # fmt: skip
"""Files of ``static/`` that make the page's script, each after those that it imports."""
_IMPORT = re.compile(r'^import ({[^}]*}) from "\./([\w.]+)";$', flags=re.M)
_EXPORT = re.compile(r"^export (?:async )?(?:function|const|class) (\w+)", flags=re.M)


def html_page(anatomy: Anatomy) -> str:
    """Return a page that holds all it needs, works from a file, and asks nothing of a network.

    Its script is named by its hash in the page's policy; everything from the model is text, in data that the script
    reads, and escaped where it stands in HTML.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    script = page_script()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        title=title(anatomy),
        kind=anatomy.root.kind,
        words=_words()["en"],
        style=Markup(_read(STATIC / "diagram.css") + _read(STATIC / "page.css")),  # noqa: S704  (our own files)
        script=Markup(script),  # noqa: S704  (likewise)
        hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        data=Markup(_script_json(page_payload(anatomy))),  # noqa: S704  (escaped just there)
        table=Markup(html_table(anatomy)),  # noqa: S704  (it escapes every name)
    )


def page_payload(anatomy: Anatomy) -> dict[str, Any]:
    """Return what the page's script shows, as JSON can hold it.

    Returns:
        ``picture`` (or None, and ``problem`` says why), ``totals``, ``layers`` (one record a layer, the root first),
        ``open`` (paths of the rows that are open at the start), ``texts`` and ``explanations``: by language, for each
        layer the indent and the number of each line's text, the title first, so that a line that many layers share
        is held once. ``notes`` and ``words`` are by language too.
    """
    words = _words()
    picture, problem = _picture(anatomy)
    texts: dict[str, int] = {}
    layers = (anatomy.root, *anatomy.layers)
    totals = anatomy.totals
    return {
        "title": title(anatomy),
        "kind": anatomy.root.kind,
        "picture": picture,
        "problem": problem,
        "totals": {
            "inputs": ["x".join(map(str, shape)) for shape in totals.input_shapes],
            "parameters": totals.parameters,
            "trainable": totals.trainable,
            "frozen": totals.frozen,
            "executed": totals.executed_parameters,
            "macs": totals.macs,
            "atLeast": totals.macs_are_lower_bound,
            "flops": totals.flops,
            "others": totals.element_operations,
            "weights": memory(totals.parameter_bytes),
            "buffers": memory(totals.buffer_bytes),
            "outputs": memory(totals.activation_bytes),
            "peak": memory(totals.peak_bytes),
            "training": None if totals.backward_bytes is None else memory(totals.backward_bytes),
            "gradients": memory(totals.gradient_bytes),
            "adam": memory(totals.optimizer_bytes["Adam"]),
        },
        "notes": {language: _notes(anatomy, words[language], language) for language in LANGUAGES},
        "layers": [_row(layer) for layer in layers],
        "open": [row.layer.path for row in rows_of(anatomy) if row.is_open],
        "explanations": {
            language: [_explained(anatomy, layer, language, texts) for layer in layers] for language in LANGUAGES
        },
        "texts": list(texts),
        "words": words,
    }


def page_script() -> str:
    """Return the modules as one script: each a function of its own that returns what it exports."""
    return "\n".join(_as_function(name) for name in MODULES)


def _as_function(name: str) -> str:
    text = _read(STATIC / name)
    exported = ", ".join(_EXPORT.findall(text))
    text = _IMPORT.sub(lambda found: f"const {found[1]} = {_variable(found[2])};", text)
    text = re.sub(r"^export ", "", text, flags=re.M)
    return f"const {_variable(name)} = (() => {{\n{text}return {{ {exported} }};\n}})();"


def _variable(file: str) -> str:
    return f"module_{file.removesuffix('.js')}"


def _picture(anatomy: Anatomy) -> tuple[dict[str, Any] | None, str]:
    """Return the picture or, when there is none, why."""
    from layerlab.anatomy.picture import picture

    try:
        return picture(anatomy), ""
    except LayerlabError as error:
        return None, str(error)


def _row(layer: Layer) -> dict[str, Any]:
    """Return what the table knows of a layer: figures of the whole layer, and its own without those below."""
    return {
        "path": layer.path,
        "number": layer.number,
        "kind": layer.kind,
        "depth": layer.depth,
        "used": layer.used,
        "output": without_batch(layer.outputs),
        "parameters": [layer.parameters, layer.own_parameter_count],
        "macs": [layer.macs, layer.own_macs],
        "memory": [memory(size) if size else "-" for size in (layer.activation_bytes, layer.own_activation_bytes)],
        "field": per_axis(layer.receptive_field),
        "stride": per_axis(layer.stride),
        "shared": layer.shared_with is not None,
    }


def _explained(anatomy: Anatomy, layer: Layer, language: str, texts: dict[str, int]) -> list[int]:
    """Return indent and number of each line; a text that was not met yet gets the next number."""
    explanation = anatomy.explain(layer.path, language)
    encoded = []
    for line in (explanation.title, *explanation.lines):
        text = line.lstrip(" ")
        encoded += [(len(line) - len(text)) // 2, texts.setdefault(text, len(texts))]
    return encoded


def _notes(anatomy: Anatomy, words: Mapping[str, str], language: str) -> list[str]:
    """Return what a reader must know of the numbers: of the whole network, then of its layers, each note once."""
    totals = anatomy.totals
    unused = totals.parameters - totals.executed_parameters
    known = {
        "ran on real numbers": words["noteReal"],
        "MACs are a lower bound": words["noteBound"].format(names=", ".join(totals.uncounted)),
        f"{unused:,} parameters took no part": words["noteUnused"].format(
            rest=f"{unused:,}", executed=f"{totals.executed_parameters:,}", all=f"{totals.parameters:,}"
        ),
    }
    notes = [next((text for start, text in known.items() if note.startswith(start)), note) for note in anatomy.notes]
    places: dict[str, list[str]] = {}
    for layer in anatomy.layers:
        for note in layer.notes:
            places.setdefault(note, []).append(layer.path)
    for note, paths in places.items():
        named = ", ".join(paths[:2])
        if len(paths) > 2:
            named = words["places"].format(paths=named, count=len(paths) - 2)
        notes.append(f"{named}: {written(Line((note_phrase(note),)), language)}")
    return notes


def _words() -> dict[str, dict[str, str]]:
    """Return the page's words by language."""
    words: dict[str, dict[str, str]] = json.loads(_read(TEMPLATES / "page_words.json"))
    return words


def _read(file: Path) -> str:
    """Return a file's text; reading it as text leaves the line ends that a browser hashes."""
    return file.read_text("utf-8")


def _script_json(data: Any) -> str:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
