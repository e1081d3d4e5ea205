"""Every data set by name: register, list, describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerlab.errors import LayerlabError, did_you_mean

if TYPE_CHECKING:
    from layerlab.data.dataset import Dataset
    from layerlab.data.options import LoadOptions

__all__ = [
    "DatasetInfo",
    "Loader",
    "dataset_info",
    "find_loader",
    "is_registered",
    "list_datasets",
    "register",
]

Loader = Callable[["LoadOptions"], "Dataset"]


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is loaded."""

    name: str
    """The name in ``load_data``."""
    title: str
    """As people say it."""
    shape: tuple[int, int, int] | None
    """(channels, height, width), None where it varies from image to image."""
    classes: tuple[str, ...] | int
    """Their names, or how many there are."""
    sizes: tuple[int, int, int] | None
    """Images for training, validation (about a tenth of what comes as training) and test."""
    licence: str
    """Under which terms the images may be used."""
    source: str
    """Who made it, and where it is described."""
    needs: str
    """``nothing``, ``a download of N MB`` or ``a folder``."""
    line: str
    """What it is, in a sentence."""
    flip: bool | None = False
    """Whether an image seen in a mirror is still an example of its class; None: suppose so of colour images."""
    light_on_dark: bool = False
    """Whether it shows light strokes on a dark ground."""

    @property
    def number_of_classes(self) -> int:
        """How many classes there are."""
        return self.classes if isinstance(self.classes, int) else len(self.classes)


_LOADERS: dict[str, tuple[DatasetInfo, Loader]] = {}


def register(info: DatasetInfo) -> Callable[[Loader], Loader]:
    """Return a decorator that makes a loader known under ``info.name``.

    Raises:
        ValueError: the name is taken.
    """

    def keep(loader: Loader) -> Loader:
        if info.name in _LOADERS:
            raise ValueError(f'the data set "{info.name}" is registered twice')
        _LOADERS[info.name] = (info, loader)
        return loader

    return keep


def list_datasets() -> list[DatasetInfo]:
    """Return what is known of every data set: first those that need nothing, each group by name."""
    return sorted((info for info, _ in _LOADERS.values()), key=lambda info: (info.needs != "nothing", info.name))


def is_registered(name: str) -> bool:
    """Say whether there is a data set of this name."""
    return name in _LOADERS


def dataset_info(name: str) -> DatasetInfo:
    """Return what is known of a data set. Raises LayerlabError where there is none of this name."""
    return _find(name)[0]


def find_loader(name: str, folders: Iterable[str] = ()) -> Loader:
    """Return what loads a data set.

    Args:
        name: of the data set.
        folders: what else may have been meant.

    Raises:
        LayerlabError: no data set has this name; the nearest one is told.
    """
    return _find(name, folders)[1]


def _find(name: str, folders: Iterable[str] = ()) -> tuple[DatasetInfo, Loader]:
    if name not in _LOADERS:
        hint = did_you_mean(name, [*_LOADERS, *folders], count=1)
        if hint.startswith("; known"):
            hint = did_you_mean(name, _LOADERS)
        raise LayerlabError(f'no dataset "{name}"{hint} (a path to a folder of class folders also works)')
    return _LOADERS[name]
