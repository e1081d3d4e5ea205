"""Where the command line may write: said before the work begins, not after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from layerlab.errors import LayerlabError
from layerlab.files import atomic_write

__all__ = ["HTML", "SVG", "FileKind", "check_targets", "write"]

_HEAD = 4096


@dataclass(frozen=True)
class FileKind:
    """A kind of text file.

    Attributes:
        name: as a person calls it.
        suffixes: how its names end, the usual one first.
        marks: what such a file has near its beginning, in small letters; one of them.
    """

    name: str
    suffixes: tuple[str, ...]
    marks: tuple[bytes, ...]


SVG = FileKind("SVG", (".svg",), (b"<svg",))
HTML = FileKind("HTML", (".html", ".htm"), (b"<!doctype html", b"<html"))


def check_targets(targets: Mapping[str, tuple[Path, FileKind]]) -> None:
    """Refuse what cannot be written, or would destroy something else.

    Args:
        targets: for each option the file that it names, and what is to be in it.

    Raises:
        LayerlabError: a wrong ending, a folder that is missing or closed, a file of another kind that is there
            already, or two options that name the same file.
    """
    taken: dict[Path, str] = {}
    for option, (path, kind) in targets.items():
        if path.is_dir():
            raise LayerlabError(f'{option} "{path}" is a folder; name a file in it, such as "{path / _example(kind)}"')
        if path.suffix.lower() not in kind.suffixes:
            wanted = path.with_suffix(kind.suffixes[0]) if path.name else Path(_example(kind))
            raise LayerlabError(f'{option} writes {kind.name} and "{path}" does not end so; write "{wanted}"')
        if not path.parent.is_dir():
            raise LayerlabError(f'{option}: there is no folder "{path.parent}" for "{path.name}"; make it first')
        if not os.access(path.parent, os.W_OK):
            raise LayerlabError(f'{option}: the folder "{path.parent}" cannot be written to; choose another')
        if path.exists() and not _is(path, kind):
            raise LayerlabError(
                f'{option}: "{path}" is there already and is no {kind.name}; only a file of the same kind is replaced,'
                " so name another"
            )
        place = path.resolve()
        if place in taken:
            raise LayerlabError(f'{taken[place]} and {option} both name "{path}"; give each a file of its own')
        taken[place] = option


def write(path: Path, content: str) -> str:
    """Write a file in one step and return the line that says so."""
    atomic_write(path, content)
    return f"{path}: written"


def _is(path: Path, kind: FileKind) -> bool:
    """Return whether a file is empty or of a kind."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).lower()
    except OSError as error:
        raise LayerlabError(f'"{path}" cannot be read: {error.strerror or error}; name another file') from error
    return not head.strip() or any(mark in head for mark in kind.marks)


def _example(kind: FileKind) -> str:
    return f"network{kind.suffixes[0]}"
