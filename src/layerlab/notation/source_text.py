"""From what people paste to what Python parses: fences, prompts, indentation, typographic quotes."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

from layerlab.errors import LayerlabError

__all__ = ["LONGEST_TEXT", "parse"]

LONGEST_TEXT = 1_000_000
"""Characters. A network of a thousand layers takes about a tenth of it."""

_FENCE = re.compile(r"^\s*(```|~~~)")
_PROMPT = re.compile(r"^\s*(>>>|\.\.\.)( |$)")
_MAGIC = re.compile(r"^\s*[%!]")
_TYPOGRAPHIC = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u2212": "-"})


def parse(text: str, filename: str) -> list[ast.stmt]:
    """Return the statements of ``text``. Nothing is executed. Line numbers stay those of ``text``.

    Raises:
        LayerlabError: the text is too long, or is not Python.
    """
    if len(text) > LONGEST_TEXT:
        raise LayerlabError(
            f"{filename} has {len(text):,} characters; expected at most {LONGEST_TEXT:,} of Keras source"
        )
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise LayerlabError(f"{filename} line {line}: a null character; expected Keras source as text")
    code = _code_alone(text.removeprefix("\ufeff"))
    try:
        return _parse(code)
    except SyntaxError as first:
        if any(character in code for character in map(chr, _TYPOGRAPHIC)):
            try:
                return _parse(code.translate(_TYPOGRAPHIC))
            except SyntaxError:
                pass
        line = first.lineno or 1
        raise LayerlabError(f"{filename} line {line}: this is not Python: {_reason(first)}") from None
    except (RecursionError, MemoryError):
        raise LayerlabError(f"{filename} is nested too deeply to be read") from None
    except ValueError as error:  # surrogates, numbers of thousands of digits
        raise LayerlabError(f"{filename} cannot be read as Python: {_reason(error)}") from None


def _parse(code: str) -> list[ast.stmt]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the style of the person's own text
        return ast.parse(code).body


def _code_alone(text: str) -> str:
    """Return ``text`` with everything that is not code made empty, line for line."""
    lines = re.split(r"\r\n|\r|\n", text)
    if any(_FENCE.match(line) for line in lines):
        lines = _inside_fences(lines)
    if any(line.lstrip().startswith(">>>") for line in lines):
        lines = [_PROMPT.sub("", line) if _PROMPT.match(line) else "" for line in lines]
    lines = ["" if _MAGIC.match(line) else line for line in lines]
    return textwrap.dedent("\n".join(lines)) + "\n"


def _inside_fences(lines: list[str]) -> list[str]:
    """Return the lines between Markdown fences; a fence that is never closed goes on to the end."""
    inside = False
    kept = []
    for line in lines:
        if _FENCE.match(line):
            inside = not inside
            kept.append("")
        else:
            kept.append(line if inside else "")
    return kept


def _reason(error: Exception) -> str:
    """Return Python's own words in one line."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    if "integer string conversion" in message:
        return "a number has thousands of digits"
    return " ".join(message.encode("utf-8", "replace").decode().split())[:200]
