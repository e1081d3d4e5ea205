"""Where trials are kept, so that none runs twice: one SQLite file that several processes may use at once."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from layerlab.errors import LayerlabError
from layerlab.lab.machine import this_machine
from layerlab.lab.store_file import default_folder, file_of, in_words, open_file
from layerlab.lab.trial import Outcome, Trial

__all__ = ["Design", "Linked", "Store"]

_MOST_PARAMETERS: Final = 900
"""Of one statement; builds of SQLite take 999 at least."""


@dataclass(frozen=True)
class Design:
    """An experiment as it was before its first trial."""

    hash: str
    design: dict[str, Any]
    command: str
    """What was typed, so that one line reproduces it."""
    date: str
    """ISO 8601, UTC."""
    versions: dict[str, str]
    """Of the machine that began it; :func:`layerlab.lab.machine.this_machine`."""
    answered: bool


@dataclass(frozen=True)
class Linked:
    """A trial as a part of an experiment."""

    key: str
    """As it was stored under; an older Layerlab's trial may have another key now."""
    label: dict[str, Any]
    """What it is there: ``role``, ``condition``, ``arm``, ``task``, ``replicate``, ``factors``."""
    trial: Trial
    outcome: Outcome
    machine: dict[str, str]
    """What it ran with; empty where that is not known."""


class Store:
    """The trials, designs and answers of a file. Threads may share it; each process opens its own.

    What a method has written is on disk when it returns. Every method raises LayerlabError where the file cannot be
    read or written (a full disk, a damaged file); what was there before is then unchanged.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, *, create: bool = True) -> Store:
        """Open a store; close it with :meth:`close`, or use it in a ``with`` statement.

        Args:
            path: a folder, or a file in it; None: the user's own (``$LAYERLAB_LAB``).
            create: whether a store is made where there is none.

        Raises:
            LayerlabError: there is none, it is another program's or another version's, or it cannot be written.
        """
        file = file_of(default_folder() if path is None else path)
        return cls(file, open_file(file, create=create))

    def close(self) -> None:
        """Close the file."""
        with self._lock, in_words(self.path):
            self._connection.close()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def get(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return what came of those of the trials ``keys`` that have run, by key, in the order of ``keys``."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Outcome] = {}
        with self._lock, in_words(self.path):
            for start in range(0, len(wanted), _MOST_PARAMETERS):
                some = wanted[start : start + _MOST_PARAMETERS]
                rows = self._connection.execute(
                    f"SELECT key, figures, curve, failure, seconds FROM trials WHERE key IN ({_marks(some)})",  # noqa: S608 - question marks
                    some,
                )
                found |= {key: _outcome(*row) for key, *row in rows}
        return {key: found[key] for key in wanted if key in found}

    def put(self, trial: Trial, outcome: Outcome, machine: Mapping[str, str] | None = None) -> Outcome:
        """Store what came of a trial, and return what is stored. See :meth:`put_many`."""
        return self.put_many([(trial, outcome)], machine)[trial.key]

    def put_many(
        self, pairs: Sequence[tuple[Trial, Outcome]], machine: Mapping[str, str] | None = None
    ) -> dict[str, Outcome]:
        """Store what came of trials, all or nothing, and return by key what is stored.

        A trial that has an outcome keeps it: where two processes run the same trial, both go on with that of the
        first. Figures that are not finite are stored as None.

        Args:
            pairs: trials and their outcomes.
            machine: what they ran with, :func:`layerlab.lab.machine.this_machine`.
        """
        with self._writing():
            number = None if machine is None else self._machine(machine)
            self._connection.executemany(
                "INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(trial.key, json.dumps(trial.to_dict()), *_row(outcome), number) for trial, outcome in pairs],
            )
        return self.get(trial.key for trial, _ in pairs)

    def add_design(self, design_hash: str, design: Mapping[str, Any], command: str) -> None:
        """Store a design before any of its trials runs, with the date and versions; one that is there stays.

        Args:
            design_hash: its digest.
            design: JSON values.
            command: the line that reproduces it.
        """
        if self._has_design(design_hash):
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        texts = (json.dumps(dict(design)), json.dumps(command), now, json.dumps(this_machine()))
        with self._writing():
            self._connection.execute(
                "INSERT OR IGNORE INTO designs VALUES (?, ?, ?, ?, ?, NULL)", (design_hash, *texts)
            )

    def designs(self) -> list[Design]:
        """Return the designs, oldest first."""
        with self._lock, in_words(self.path):
            rows = self._connection.execute(
                "SELECT hash, design, command, date, versions, answer IS NOT NULL FROM designs ORDER BY rowid"
            ).fetchall()
        return [
            Design(key, json.loads(design), json.loads(command), date, json.loads(versions), bool(answered))
            for key, design, command, date, versions, answered in rows
        ]

    def link(self, design_hash: str, labelled: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Note which trials belong to a design, run or not; one that is noted already stays where it was.

        Args:
            design_hash: of :meth:`add_design`.
            labelled: the key of each trial and its label, JSON values; see :class:`Linked`.
        """
        rows = [(design_hash, key, json.dumps(dict(label))) for key, label in labelled]
        self._need_design(design_hash)
        with self._writing():
            self._connection.executemany("INSERT OR IGNORE INTO design_trials VALUES (?, ?, ?)", rows)

    def linked(self, design_hash: str) -> list[Linked]:
        """Return the trials of a design that have run, in the order in which they were linked."""
        with self._lock, in_words(self.path):
            rows = self._connection.execute(
                "SELECT t.key, l.label, t.trial, t.figures, t.curve, t.failure, t.seconds, m.versions"
                " FROM design_trials AS l JOIN trials AS t ON t.key = l.key"
                " LEFT JOIN machines AS m ON m.number = t.machine WHERE l.design = ? ORDER BY l.rowid",
                (design_hash,),
            ).fetchall()
        machines = {text: json.loads(text) if text else {} for text in {row[-1] for row in rows}}
        return [
            Linked(key, json.loads(label), Trial.from_dict(json.loads(trial)), _outcome(*outcome), machines[machine])
            for key, label, trial, *outcome, machine in rows
        ]

    def trials(self, design_hash: str) -> list[tuple[Trial, Outcome]]:
        """Return the trials of a design that have run, each once, in the order in which they were linked."""
        return list({link.key: (link.trial, link.outcome) for link in self.linked(design_hash)}.values())

    def machines(self, design_hash: str) -> list[dict[str, str]]:
        """Return what the trials of a design ran with, each kind of machine once."""
        with self._lock, in_words(self.path):
            rows = self._connection.execute(
                "SELECT DISTINCT m.versions FROM design_trials AS l JOIN trials AS t ON t.key = l.key"
                " JOIN machines AS m ON m.number = t.machine WHERE l.design = ?",
                (design_hash,),
            ).fetchall()
        return [json.loads(versions) for (versions,) in rows]

    def answer(self, design_hash: str) -> dict[str, Any] | None:
        """Return the answer to a design; None where there is none yet."""
        with self._lock, in_words(self.path):
            row = self._connection.execute("SELECT answer FROM designs WHERE hash = ?", (design_hash,)).fetchone()
        answer: dict[str, Any] | None = json.loads(row[0]) if row and row[0] else None
        return answer

    def put_answer(self, design_hash: str, answer: Mapping[str, Any]) -> None:
        """Store the answer to a design (JSON values), in place of an earlier one."""
        text = json.dumps(dict(answer))
        self._need_design(design_hash)
        with self._writing():
            self._connection.execute("UPDATE designs SET answer = ? WHERE hash = ?", (text, design_hash))

    def _has_design(self, design_hash: str) -> bool:
        with self._lock, in_words(self.path):
            row = self._connection.execute("SELECT 1 FROM designs WHERE hash = ?", (design_hash,)).fetchone()
        return row is not None

    def _need_design(self, design_hash: str) -> None:
        if not self._has_design(design_hash):
            raise LayerlabError(f'no design "{design_hash}" in "{self.path}"')

    def _machine(self, versions: Mapping[str, str]) -> int:
        """Return the number under which a machine is stored."""
        text = json.dumps(dict(versions), sort_keys=True)
        self._connection.execute("INSERT OR IGNORE INTO machines (versions) VALUES (?)", (text,))
        (number,) = self._connection.execute("SELECT number FROM machines WHERE versions = ?", (text,)).fetchone()
        return int(number)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Do everything inside or nothing of it."""
        with self._lock, in_words(self.path):
            # The lock for writing at once: one that was taken after reading could not be waited for.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")
                raise


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _row(outcome: Outcome) -> tuple[str, bytes, str, float]:
    """Return an outcome as columns. The curve is packed: three doubles a point, in half the space of JSON."""
    figures = {name: _finite(value) for name, value in outcome.values.items()}
    points = [
        math.nan if value is None else value
        for point in outcome.curve
        for value in (point[0], *map(_finite, point[1:]))
    ]
    return json.dumps(figures), struct.pack(f"<{len(points)}d", *points), outcome.failure, float(outcome.seconds)


def _outcome(figures: str, curve: bytes, failure: str, seconds: float) -> Outcome:
    """Return the outcome of :func:`_row`."""
    values = struct.unpack(f"<{len(curve) // 8}d", curve)
    numbers = [None if value != value else value for value in values]  # noqa: PLR0124 - true of NaN alone
    epochs = map(int, values[::3])
    return Outcome(json.loads(figures), list(zip(epochs, numbers[1::3], numbers[2::3], strict=True)), failure, seconds)


def _finite(value: float | None) -> float | None:
    """Return a plain number, whatever kind it was; None for infinity and NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
