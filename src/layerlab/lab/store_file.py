"""The file behind the store: where it lies, its tables, who may open it, and SQLite's errors in words."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from layerlab.errors import LayerlabError

__all__ = ["FORMAT", "default_folder", "file_of", "in_words", "open_file"]

FORMAT: Final = 1
"""Of the tables: raised when an older Layerlab could no longer read them."""
_APPLICATION: Final = 0x4C61796C  # "Layl", in the header of the file
_FILE: Final = "trials.sqlite"
_PATIENCE: Final = 30
"""Seconds to wait for another process that is writing."""
_TABLES: Final = (
    "CREATE TABLE machines (number INTEGER PRIMARY KEY, versions TEXT NOT NULL UNIQUE)",
    """CREATE TABLE trials (
        key TEXT PRIMARY KEY, trial TEXT NOT NULL, figures TEXT NOT NULL, curve BLOB NOT NULL, failure TEXT NOT NULL,
        seconds REAL NOT NULL, machine INTEGER REFERENCES machines)""",
    """CREATE TABLE designs (
        hash TEXT PRIMARY KEY, design TEXT NOT NULL, command TEXT NOT NULL, date TEXT NOT NULL,
        versions TEXT NOT NULL, answer TEXT)""",
    # A trial may be linked before it has run, so its key need not be among the trials.
    """CREATE TABLE design_trials (
        design TEXT NOT NULL REFERENCES designs, key TEXT NOT NULL, label TEXT NOT NULL,
        UNIQUE (design, key, label))""",
)


def default_folder() -> Path:
    """Return where trials are kept: ``$LAYERLAB_LAB``, or a folder among the user's data."""
    if given := os.environ.get("LAYERLAB_LAB"):
        return Path(given).expanduser()
    from platformdirs import user_data_path

    return user_data_path("layerlab", appauthor=False) / "lab"


def file_of(path: str | os.PathLike[str]) -> Path:
    """Return the file of the store at ``path``, which names it (``....sqlite``) or the folder that it is in."""
    path = Path(path).expanduser()
    return path if path.is_file() or path.suffix == ".sqlite" else path / _FILE


def open_file(path: Path, *, create: bool) -> sqlite3.Connection:
    """Return a connection to the store at ``path``.

    Args:
        path: the file.
        create: whether a store is made where there is none.

    Raises:
        LayerlabError: no store there, another program's file, a store of another version, or nothing can be written.
    """
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LayerlabError(f'cannot write "{path}": {error.strerror or error}') from error
    elif not path.is_file():
        raise _nothing_there(path)
    with in_words(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}",
            uri=True,
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,  # the store has a lock of its own
        )
        try:
            _prepare(connection, path, create=create)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, create: bool) -> None:
    """Check whose file it is; fill an empty one."""
    # Rows of some 2 kB would leave half of each page of the usual size empty.
    connection.execute("PRAGMA page_size = 16384")
    empty = _is_empty(connection, path)
    if empty and not create:
        raise _nothing_there(path)
    _write_ahead(connection)
    # A trial takes longer than a sync: what is committed outlives a power cut, too.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if not empty:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection, path):  # nobody else was quicker
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let one process write while others read. SQLite doesn't wait for others here, so this does."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _is_empty(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether there are no tables yet. Raises LayerlabError where the file is not ours to use."""
    application, version, tables = _looked_at(connection)
    if application == _APPLICATION and version == FORMAT:
        return False
    if application == _APPLICATION:
        raise LayerlabError(
            f'the trials in "{path}" were stored by another version of Layerlab (their format is {version}, this one '
            f"has {FORMAT}); use that version, or another folder"
        )
    if application or version or tables:
        raise LayerlabError(f'"{path}" is another program\'s database, not a store of trials')
    return True


def _looked_at(connection: sqlite3.Connection) -> list[int]:
    """Return application id, version and number of tables, all of one moment: another process may be filling it."""
    questions = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")
    try:
        # The tables first: it is a query that begins to read, and not a pragma.
        found = [int(connection.execute(question).fetchone()[0]) for question in reversed(questions)]
    finally:
        if own:
            connection.execute("ROLLBACK")
    return found[::-1]


def _nothing_there(path: Path) -> LayerlabError:
    return LayerlabError(
        f'no trials in "{path.parent}"; expected a folder that "layerlab ask" or "layerlab sweep" has written'
    )


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into LayerlabError: one sentence that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise LayerlabError(_sentence(path, error)) from error


def _sentence(path: Path, error: sqlite3.Error) -> str:
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_IOERR and _is_full(path):
        kind = sqlite3.SQLITE_FULL
    closed = f'cannot write "{path}": expected a file and a folder that may be written'
    busy = f'another process has been writing to "{path}" for {_PATIENCE} seconds'
    return {
        sqlite3.SQLITE_FULL: f'cannot write "{path}": the disk is full; what was there before is unchanged',
        sqlite3.SQLITE_IOERR: f'cannot read or write "{path}": {error}; what was there before is unchanged',
        sqlite3.SQLITE_BUSY: busy,
        sqlite3.SQLITE_LOCKED: busy,
        sqlite3.SQLITE_READONLY: closed,
        sqlite3.SQLITE_CANTOPEN: closed,
        sqlite3.SQLITE_PERM: closed,
        sqlite3.SQLITE_NOTADB: f'"{path}" is not a store of trials',
        sqlite3.SQLITE_CORRUPT: f'"{path}" is damaged ({error}); move it away, and its trials run anew',
    }.get(kind, f'cannot use "{path}": {error}')


def _is_full(path: Path) -> bool:
    """Return whether less than a megabyte is left."""
    try:
        return shutil.disk_usage(path.parent).free < 2**20
    except OSError:
        return False
