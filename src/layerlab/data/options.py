"""How a person wants a data set to be loaded."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerlab.errors import LayerlabError

__all__ = ["LoadOptions", "default_root"]

_MOST_WORKERS = 4
_LARGEST_SIDE = 8192


@dataclass(frozen=True)
class LoadOptions:
    """The checked arguments of :func:`~layerlab.data.load_data`, which documents them."""

    name_or_path: str
    root: Path | None
    size: tuple[int, int] | None
    channels: int | None
    seed: int
    validation: float
    skip_bad: bool
    workers: int
    download: bool
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    resize: int | None = None
    interpolation: str = "bilinear"

    @classmethod
    def checked(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None,
        size: int | Sequence[int] | None,
        channels: int | None,
        seed: int,
        validation: float,
        skip_bad: bool,
        workers: int | None,
        download: bool,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        resize: int | None = None,
        interpolation: str = "bilinear",
    ) -> LoadOptions:
        """Return the options. Raises LayerlabError, which names the argument and its rule."""
        if channels not in (None, 1, 3):
            raise LayerlabError(f"images have 1 channel (grey) or 3 (red, green, blue), not {channels!r}")
        if not _is_integer(seed) or seed < 0:
            raise LayerlabError(f"the seed must be an integer from 0, not {seed!r}")
        if not 0 < validation < 1:
            raise LayerlabError(f"the validation share must lie between 0 and 1, not be {validation!r}")
        if workers is None:
            workers = min(os.cpu_count() or 1, _MOST_WORKERS)
        elif not _is_integer(workers) or workers < 0:
            raise LayerlabError(f"the number of workers must be an integer from 0, not {workers!r}")
        if (mean is None) != (std is None):
            raise LayerlabError("mean and std are given together or not at all")
        if resize is not None and (not _is_integer(resize) or not 1 <= resize <= _LARGEST_SIDE):
            raise LayerlabError(f"resize must be a side in pixels up to {_LARGEST_SIDE}, not {resize!r}")
        return cls(
            name_or_path=os.fspath(name_or_path),
            root=None if root is None else Path(root).expanduser(),
            size=_checked_size(size),
            channels=channels,
            seed=seed,
            validation=float(validation),
            skip_bad=skip_bad,
            workers=workers,
            download=download,
            mean=_checked_statistic("mean", mean, channels),
            std=_checked_statistic("std", std, channels),
            resize=resize,
            interpolation=interpolation,
        )

    def reproduce(self, *, name_or_path: str, size: tuple[int, int], channels: int) -> dict[str, Any]:
        """Return, as what JSON can hold, the arguments that load the same again from any folder."""
        return {
            "name_or_path": name_or_path,
            "root": None if self.root is None else str(self.root.absolute()),
            "size": list(size),
            "channels": channels,
            "seed": self.seed,
            "validation": self.validation,
            "skip_bad": self.skip_bad,
            "workers": self.workers,
            "download": self.download,
            **self._way(),
        }

    def _way(self) -> dict[str, Any]:
        """Return the arguments that say how pixels become numbers, where they were given."""
        given: dict[str, Any] = {}
        if self.mean is not None and self.std is not None:
            given |= {"mean": list(self.mean), "std": list(self.std)}
        if self.resize is not None:
            given["resize"] = self.resize
        if self.interpolation != "bilinear":
            given["interpolation"] = self.interpolation
        return given


def default_root() -> Path:
    """Return where downloads are kept: ``$LAYERLAB_DATA``, or the user's cache folder."""
    if given := os.environ.get("LAYERLAB_DATA"):
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("layerlab", appauthor=False) / "data"


def _checked_size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = (size, size) if _is_integer(size) else tuple(size) if isinstance(size, (tuple, list)) else ()
    if len(sides) != 2 or not all(_is_integer(side) and side >= 1 for side in sides):
        raise LayerlabError(f"the image size must be a side or (height, width) in pixels, not {size!r}")
    if max(sides) > _LARGEST_SIDE:
        raise LayerlabError(
            f"an image size of {max(sides)} is too large; expected at most {_LARGEST_SIDE} pixels a side"
        )
    height, width = sides
    return int(height), int(width)


def _checked_statistic(what: str, values: Sequence[float] | None, channels: int | None) -> tuple[float, ...] | None:
    """Return one number a channel; a deviation is above 0."""
    if values is None:
        return None
    numbers = [float(v) for v in values] if isinstance(values, (tuple, list)) and all(map(_is_number, values)) else []
    if len(numbers) not in ((1, 3) if channels is None else (channels,)) or (what == "std" and min(numbers) <= 0):
        wanted = "1 or 3 numbers" if channels is None else f"{channels} number{'s' if channels > 1 else ''}"
        raise LayerlabError(f"{what} must be {wanted}, one a channel{', above 0' * (what == 'std')}, not {values!r}")
    return tuple(numbers)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
