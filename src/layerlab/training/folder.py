"""The run folder: where each file lies, and how it is made, read and kept to one process."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.files import atomic_write

__all__ = ["HISTORY_COLUMNS", "RunFolder"]

HISTORY_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
)
_FORMAT = 1
_LOCK = ".lock"
_LONGEST_NAME = 80


class RunFolder:
    """A run's files.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.metrics = self.path / "metrics.csv"
        self.status = self.path / "status.json"
        self.last = self.path / "last.ckpt"
        self.best = self.path / "best.ckpt"
        self.weights = self.path / "model.safetensors"
        self.predictions = self.path / "test_predictions.safetensors"
        self.results = self.path / "results.json"
        self.report = self.path / "report.html"

    @classmethod
    def create(cls, output: str | os.PathLike[str] | None, model: str, data: str) -> RunFolder:
        """Make a new folder: ``output``, or ``runs/MODEL-DATA`` with a counter where that is taken.

        Raises:
            LayerlabError: ``output`` is in use, or nothing can be written there.
        """
        if output is not None:
            folder = cls(output)
            if folder.path.exists() and not folder.path.is_dir():
                raise LayerlabError(f'"{output}" is a file; expected a new folder for the run')
            begun = {folder.status.name, _LOCK}  # all that a run leaves which was stopped before its first step
            if folder.path.is_dir() and any(entry.name not in begun for entry in folder.path.iterdir()):
                raise LayerlabError(
                    f'"{output}" is not empty; give another --output, or --resume {output} to go on with that run'
                )
            _make(folder.path, exist_ok=True)
        else:
            folder = cls._numbered(Path("runs"), f"{_plain(model)}-{_plain(data)}"[:_LONGEST_NAME])
        folder.write_status("starting")  # finds out now, not after training, whether anything can be written
        return folder

    @classmethod
    def _numbered(cls, parent: Path, name: str) -> RunFolder:
        number = 1
        while True:
            path = parent / (name if number == 1 else f"{name}-{number}")
            if not path.exists() and _make(path, exist_ok=False):
                return cls(path)
            number += 1

    @classmethod
    def existing(cls, path: str | os.PathLike[str]) -> RunFolder:
        """Return the folder of a run that was begun.

        Raises:
            LayerlabError: there is none.
        """
        folder = cls(path)
        if not folder.path.is_dir():
            parent = folder.path.parent
            siblings = [entry.name for entry in parent.iterdir() if entry.is_dir()] if parent.is_dir() else []
            near = did_you_mean(folder.path.name, siblings) if siblings else ""
            raise LayerlabError(f'no run folder "{path}"' + (near if near.startswith("; did") else ""))
        if not folder.config.is_file():
            raise LayerlabError(
                f'"{folder.config}" is missing: "{path}" is no run folder, or its run was stopped before it began'
            )
        return folder

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write ``config.json``."""
        atomic_write(self.config, _json({"format": _FORMAT, **config}))

    def read_config(self) -> dict[str, Any]:
        """Return ``config.json``. Raises LayerlabError: it is missing, cut or foreign."""
        content = self._read_json(self.config)
        for key in ("training", "data", "model", "preprocessing", "classes", "resolved"):
            if key not in content:
                raise LayerlabError(f'"{self.config}" was not written by Layerlab: it has no "{key}"')
        if content.get("format") != _FORMAT:
            raise LayerlabError(
                f'"{self.config}" has format {content.get("format")!r}, and this version reads {_FORMAT}'
            )
        return content

    def write_metrics(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Write ``metrics.csv``: one line an epoch."""
        text = io.StringIO()
        writer = csv.DictWriter(text, HISTORY_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        atomic_write(self.metrics, text.getvalue())

    def write_results(self, results: Mapping[str, Any]) -> None:
        """Write ``results.json``, the figures of the finished run."""
        atomic_write(self.results, _json(results))

    def read_results(self) -> dict[str, Any]:
        """Return ``results.json``. Raises LayerlabError: it is missing, cut or foreign."""
        return self._read_json(self.results)

    def write_status(self, state: str, **details: Any) -> None:
        """Write ``status.json``: starting, running, stopped, failed or finished, and what else is known."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        atomic_write(self.status, _json({"state": state, **details, "time": now}))

    def read_status(self) -> dict[str, Any]:
        """Return ``status.json``, or nothing where it cannot be read: it only describes."""
        try:
            return self._read_json(self.status)
        except LayerlabError:
            return {}

    def is_finished(self) -> bool:
        """Tell whether the run has come to its end, and what it left then is still there."""
        ended = self.read_status().get("state") == "finished"
        return ended and self.report.is_file() and self.results.is_file() and self.weights.is_file()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other process from training in this folder; the system lets go when this one dies.

        Raises:
            LayerlabError: another process trains here.
        """
        try:
            lock = (self.path / _LOCK).open("w")
        except OSError as error:
            raise LayerlabError(f'cannot write in "{self.path}": {error.strerror or error}') from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LayerlabError(f'"{self.path}" is being trained by another process') from error
            except OSError:  # a file system without locks
                pass
            yield

    def _read_json(self, path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise LayerlabError(f'"{path}" is missing') from error
        except OSError as error:
            raise LayerlabError(f'"{path}" cannot be read: {error.strerror or error}') from error
        except ValueError as error:
            size = path.stat().st_size
            raise LayerlabError(f'"{path}" is cut or not JSON ({size:,} bytes)') from error
        if not isinstance(content, dict):
            raise LayerlabError(f'"{path}" was not written by Layerlab')
        return content


def _make(path: Path, *, exist_ok: bool) -> bool:
    """Make a folder; return False when another process was quicker."""
    try:
        path.mkdir(parents=True, exist_ok=exist_ok)
    except FileExistsError:
        if not exist_ok:
            return False
        raise LayerlabError(f'"{path}" is a file; expected a folder') from None
    except OSError as error:
        raise LayerlabError(f'cannot make the run folder "{path}": {error.strerror or error}') from error
    return True


def _plain(name: str) -> str:
    """Return ``name`` with nothing in it that a shell or a file system minds."""
    stem = re.sub(r"[^\w.-]+", "_", name.rsplit("/", 1)[-1].removesuffix(".py")).strip("._-")
    return stem or "model"


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
