"""One call for every kind of data: a registered name, or a path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from layerlab.data.dataset import Dataset
from layerlab.data.folder import load_folder
from layerlab.data.options import LoadOptions
from layerlab.data.registry import find_loader, is_registered

__all__ = ["load_data"]


def load_data(
    name_or_path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    size: int | Sequence[int] | None = None,
    channels: int | None = None,
    seed: int = 0,
    validation: float = 0.1,
    skip_bad: bool = False,
    workers: int | None = None,
    download: bool = True,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    resize: int | None = None,
    interpolation: str = "bilinear",
) -> Dataset:
    """Load images with classes, divided into training, validation and test parts.

    Args:
        name_or_path: one of :func:`list_datasets`, or the path of a folder of class folders (or of ``train/``
            and ``val/`` folders of them). A folder that is called like a data set is reached as ``./name``.
        root: where downloads are kept; default ``$LAYERLAB_DATA``, or the user's cache folder.
        size: side of the images, or (height, width). Default: the data's own; see
            :func:`~layerlab.data.dataset.assemble_files` for files of several sizes.
        channels: 1 (grey) or 3 (red, green, blue). Default: the data's own.
        seed: of the division into training and validation part. Test parts that come with the data are fixed.
        validation: share of the training images set aside for validation.
        skip_bad: leave out files that cannot be read (they are listed in ``.skipped``) instead of refusing.
        workers: decoding processes for files that do not fit into memory; default: the cores, at most 4.
        download: whether what is missing may be fetched.
        mean: of each channel, where 1 is white, to be subtracted. Default: that of the training part. Weights that
            were trained before want the one that they were trained with.
        std: standard deviation, to be divided by; likewise.
        resize: what the shorter side is scaled to before ``size`` is cut out of the centre. Default: just to cover it.
        interpolation: how images are scaled: ``bilinear`` or ``bicubic``.

    Returns:
        The data; the same arguments always give the same division.

    Raises:
        LayerlabError: no such name or folder, no network, or files that cannot be used; one sentence each.

    Example:
        >>> data = load_data("digits")
        >>> data.shape, len(data.train), len(data.test)
        ((1, 8, 8), 1295, 359)
    """
    options = LoadOptions.checked(
        name_or_path,
        root=root,
        size=size,
        channels=channels,
        seed=seed,
        validation=validation,
        skip_bad=skip_bad,
        workers=workers,
        download=download,
        mean=mean,
        std=std,
        resize=resize,
        interpolation=interpolation,
    )
    name = options.name_or_path
    if not is_registered(name) and _is_path(name):
        return load_folder(Path(name).expanduser(), options)
    here = [child.name for child in Path().iterdir() if child.is_dir()] if not is_registered(name) else []
    return find_loader(name, here)(options)


def _is_path(name: str) -> bool:
    separators = [os.sep, *([os.altsep] if os.altsep else [])]
    if not name:
        return False
    return name.startswith((".", "~")) or any(mark in name for mark in separators) or Path(name).exists()
