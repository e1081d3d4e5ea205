"""The trials of an experiment as a table, and as files that other programs read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.files import atomic_path, atomic_write

if TYPE_CHECKING:
    import pandas as pd

    from layerlab.lab.store import Linked, Store

__all__ = ["FORMATS", "export", "trials_frame"]

FORMATS: Final = ("csv", "parquet", "json")
_LOTS: Final = ("split", "initialisation", "order")
_LAST: Final = ("failure", "seconds", "key")
_ALWAYS: Final = "learning_rate"
"""A factor that has a column even where all trials share it."""


def trials_frame(store: Store, design_hash: str) -> pd.DataFrame:
    """Return the trials of a design that have run, one a row, in the order in which they were linked.

    Columns: what the label says (``role``, ``comparison``, ``arm``, ``task``, ...); ``split``, ``initialisation`` and
    ``order`` of the replicate; the factors that vary, and the learning rate; every figure of
    :mod:`layerlab.lab.metrics` that was measured; ``failure``, ``seconds``, ``key``. A factor whose name is taken is
    called ``factor_...``. What a trial does not have is missing there.
    """
    import pandas as pd

    links = store.linked(design_hash)
    factors = _varying([link.label.get("factors", {}) for link in links])
    figures = list(dict.fromkeys(name for link in links for name in link.outcome.values))
    told = dict.fromkeys(name for link in links for name in link.label)
    labels = [name for name in told if name not in ("factors", "replicate")]  # both have columns of their own
    taken = {*labels, *_LOTS, *figures, *_LAST}
    columns: dict[str, list[Any]] = {name: [_cell(link.label.get(name)) for link in links] for name in labels}
    columns |= {name: [getattr(link.trial.replicate, name) for link in links] for name in _LOTS}
    columns |= {
        f"factor_{name}" if name in taken else name: _alike([link.label.get("factors", {}).get(name) for link in links])
        for name in factors
    }
    columns |= {name: [_number(link.outcome.values.get(name)) for link in links] for name in figures}
    columns["failure"] = [link.outcome.failure for link in links]
    columns["seconds"] = [link.outcome.seconds for link in links]
    columns["key"] = [link.key for link in links]
    return pd.DataFrame(columns)


def export(
    store: Store, design_hash: str, folder: str | os.PathLike[str], formats: Iterable[str] = FORMATS
) -> list[Path]:
    """Write the trials of a design as files, each in one step, and return their paths.

    Args:
        store: where they are.
        design_hash: of which design.
        folder: where to; made where there is none.
        formats: of :data:`FORMATS`. ``csv`` and ``parquet`` hold :func:`trials_frame`; ``json`` (``trials.json``)
            holds besides the full specification of every trial, its label, its curve and what it ran with.

    Raises:
        LayerlabError: an unknown format; a folder that cannot be written; a full disk.
    """
    wanted = list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            raise LayerlabError(f'no format "{name}"{did_you_mean(name, FORMATS)}')
    frame = trials_frame(store, design_hash)
    paths = [Path(folder) / f"trials.{name}" for name in wanted]
    for name, path in zip(wanted, paths, strict=True):
        if name == "json":
            atomic_write(path, json.dumps([_record(link) for link in store.linked(design_hash)], indent=1) + "\n")
            continue
        with atomic_path(path) as temporary:
            if name == "csv":
                frame.to_csv(temporary, index=False, lineterminator="\n")
            else:
                frame.to_parquet(temporary, engine="pyarrow", index=False)
    return paths


def _record(link: Linked) -> dict[str, Any]:
    return {
        "key": link.key,
        "label": link.label,
        "trial": link.trial.to_dict(),
        "outcome": link.outcome.to_dict(),
        "machine": link.machine,
    }


def _varying(factors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the factors that differ between trials."""
    names = dict.fromkeys(name for one in factors for name in one)
    seen = {name: {json.dumps(one.get(name)) for one in factors} for name in names}
    return [name for name in names if len(seen[name]) > 1 or name == _ALWAYS]


def _alike(values: Sequence[Any]) -> list[Any]:
    """Return a column whose cells are of one kind: numbers, truth values or texts."""
    cells = [_cell(value) for value in values]
    kinds = {float if type(cell) is int else type(cell) for cell in cells if cell is not None}
    if len(kinds) <= 1:
        return cells
    return [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells]


def _cell(value: Any) -> Any:
    """Return what fits into a cell: a list or a table as JSON."""
    return json.dumps(value) if isinstance(value, (list, tuple, dict)) else value


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
