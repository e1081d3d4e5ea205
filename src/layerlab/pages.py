"""What every HTML file of ours stands on: data and scripts inside the page, named by their hashes in its policy."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["normal_lines", "plotly_text", "script_hash", "script_json", "template_environment"]

_LONGEST_LABEL = 20


def template_environment(packages: Sequence[str]) -> Environment:
    """Return an environment that escapes whatever it is given, for the templates of several packages.

    Args:
        packages: with a folder ``templates`` each; of one name, that of the first counts.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates") for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def script_json(data: Any) -> str:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def normal_lines(text: str) -> str:
    """Return the text as a browser hashes it: an HTML parser reads every line end as a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def script_hash(script: str) -> str:
    """Return the source by which a content security policy allows this script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def plotly_text(text: str, longest: int = _LONGEST_LABEL) -> str:
    """Return ``text`` so that Plotly, which reads a little HTML, shows it letter by letter."""
    text = " ".join(text.split())
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    # Two dollar signs would be a formula for MathJax, which is not there.
    return html.escape(text, quote=False).replace("$", "&#36;")
