"""Fetching a data set with torchvision so that it is there whole or not at all, and saying why it is not."""

from __future__ import annotations

import io
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from layerlab.data.options import LoadOptions, default_root
from layerlab.errors import LayerlabError

__all__ = ["fetch"]

Content = TypeVar("Content")

_PATIENCE = 30.0
"""Seconds without an answer after which a host counts as out of reach."""


def fetch(
    name: str,
    options: LoadOptions,
    read: Callable[[Path, bool], Content],
    urls: Sequence[str],
    archives_in: str = "",
) -> Content:
    """Return what ``read`` makes of a data set's files, which are downloaded if they are not there.

    They are looked for in ``ROOT/name`` and, as torchvision would have put them, in ``ROOT`` itself. A
    download goes to a folder of its own, which is moved into place when everything in it has been read once.
    Archives that a person has put into ``ROOT/name`` are used, if their checksums are right.

    Args:
        name: of the data set.
        options: where to look, and whether to download.
        read: (folder, whether to download) -> content, by torchvision's classes.
        urls: where torchvision downloads from.
        archives_in: where in the folder torchvision expects the archives.

    Raises:
        LayerlabError: the files are not there, and are not to be fetched or cannot be.
    """
    root = options.root or default_root()
    home = root / name
    for folder in (home, root):
        if folder.is_dir():
            # torchvision raises several types of exception for absent and for damaged files.
            with suppress(Exception):
                return read(folder, False)
    if not options.download:
        raise LayerlabError(f'{name} is not, or not whole, in "{home}", and downloading is off; {_advice(home)}')
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=root) as made, _quietly():
            folder = Path(made)
            _adopt(home, folder / archives_in, urls)
            read(folder, True)
            _move_into(folder, home)
        return read(home, False)
    except Exception as error:
        hosts = sorted({urlsplit(url).hostname or url for url in urls})
        raise LayerlabError(
            f"{name} could not be fetched from {' or '.join(hosts)} ({_reason(error)}); {_advice(home)}"
        ) from error


def _advice(home: Path) -> str:
    return (
        f'put its files into "{home}", pass --data-root FOLDER where they are, '
        "or use mnist5k or digits, which need no network"
    )


def _adopt(home: Path, target: Path, urls: Sequence[str]) -> None:
    """Copy archives that are already in ``home`` to where torchvision looks for them."""
    wanted = {Path(urlsplit(url).path).name for url in urls}
    target.mkdir(parents=True, exist_ok=True)
    for file in home.rglob("*") if home.is_dir() else ():
        if file.name in wanted and file.is_file():
            shutil.copyfile(file, target / file.name)


def _move_into(folder: Path, home: Path) -> None:
    """Move everything in ``folder`` into ``home``, each entry in one step, in place of what has its name there."""
    home.mkdir(parents=True, exist_ok=True)
    for entry in list(folder.iterdir()):
        goal = home / entry.name
        if goal.is_dir() and not goal.is_symlink():
            goal.rename(folder / f"{entry.name}.old")
        entry.replace(goal)


@contextmanager
def _quietly() -> Iterator[None]:
    """Limit how long a silent host is waited for, and show torchvision's progress to terminals only."""
    before: Any = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        with nullcontext() if sys.stderr.isatty() else redirect_stderr(io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    """Return the cause in a few words; torchvision's own messages have several lines."""
    text = str(error)
    if "corrupted" in text:
        return "what came is not what was published: its checksum differs, as when a download is cut short"
    if found := re.search(r"urlopen error (?:\[Errno -?\d+\] )?([^>]*)>", text):
        return found[1]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(text.split()) or type(error).__name__
