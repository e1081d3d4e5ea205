"""Lists of labelled image files, and going through many of them at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from layerlab.data.images import decode, is_grey, readable_formats, reason_unreadable, strict_pillow
from layerlab.data.preprocessing import Preprocessing

__all__ = ["Examples", "Header", "decode_all", "read_headers", "verify_all"]

_ORIENTATION = 0x0112
_LYING = frozenset({5, 6, 7, 8})
"""EXIF orientations that exchange height and width."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Examples:
    """Image files with their classes."""

    paths: Sequence[Path]
    labels: Tensor
    """int64, (N,)."""
    names: Sequence[str]
    """What messages call the files: their paths within the data's folder."""

    def __len__(self) -> int:
        return len(self.paths)

    def at(self, indices: Tensor) -> Examples:
        """Return those at the given places."""
        places = indices.tolist()
        return Examples(
            [self.paths[place] for place in places],
            self.labels[indices],
            [self.names[place] for place in places],
        )

    @classmethod
    def joined(cls, parts: Sequence[Examples]) -> Examples:
        """Return several lists as one."""
        return cls(
            [path for part in parts for path in part.paths],
            torch.cat([part.labels for part in parts]),
            [name for part in parts for name in part.names],
        )


@dataclass(frozen=True)
class Header:
    """What an image file says of itself before its pixels."""

    height: int
    width: int
    grey: bool


def read_headers(examples: Examples) -> tuple[list[Header | None], dict[int, str]]:
    """Return every file's header, and the reasons of those that have none, by their place."""
    return _for_each(lambda row: _header(examples.paths[row]), examples, {})


def verify_all(examples: Examples, bad: dict[int, str]) -> dict[int, str]:
    """Decode every file and keep nothing; return the reasons of those that cannot be, with those of ``bad``."""
    return _for_each(lambda row: decode(examples.paths[row]).close(), examples, bad)[1]


def decode_all(examples: Examples, recipe: Preprocessing, bad: dict[int, str]) -> tuple[Tensor, dict[int, str]]:
    """Decode every file that is not ``bad`` already.

    Returns:
        uint8 (N, C, H, W), black where there is no image; and the reasons of those, by their place.
    """
    pixels = torch.zeros((len(examples), *recipe.shape), dtype=torch.uint8)

    def keep(row: int) -> None:
        pixels[row] = recipe.to_pixels(decode(examples.paths[row]))

    return pixels, _for_each(keep, examples, bad)[1]


def _for_each(
    work: Callable[[int], Result], examples: Examples, bad: dict[int, str]
) -> tuple[list[Result | None], dict[int, str]]:
    """Do the work for every row that is not bad, in threads (Pillow decodes outside of Python's lock)."""

    def attempt(row: int) -> tuple[Result | None, str | None]:
        if row in bad:
            return None, bad[row]
        try:
            return work(row), None
        except Exception as error:
            return None, reason_unreadable(error, examples.paths[row])

    with strict_pillow(), ThreadPoolExecutor(os.cpu_count()) as threads:
        outcomes = list(threads.map(attempt, range(len(examples))))
    reasons = {row: reason for row, (_, reason) in enumerate(outcomes) if reason is not None}
    return [result for result, _ in outcomes], reasons


def _header(path: Path) -> Header:
    with Image.open(path, formats=readable_formats()) as image:
        width, height = image.size
        if image.format == "JPEG" and image.getexif().get(_ORIENTATION) in _LYING:
            width, height = height, width
        return Header(height, width, is_grey(image.mode))
