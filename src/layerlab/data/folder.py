"""A person's own images: a folder of class folders, or train/ and val/ folders of them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from layerlab.data.assembly import FileParts, assemble_files
from layerlab.data.dataset import Dataset
from layerlab.data.examples import Examples
from layerlab.data.options import LoadOptions
from layerlab.data.registry import DatasetInfo
from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["IMAGE_SUFFIXES", "load_folder"]

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"}
    | {".tif", ".tiff", ".webp"}
)
"""What marks a file as an image; its content is judged when it is opened."""

_PARTS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}


def load_folder(path: Path, options: LoadOptions, info: DatasetInfo | None = None, *, trusted: bool = False) -> Dataset:
    """Load the images of a folder.

    A folder of class folders (``cats/``, ``dogs/``) is divided, class by class: a tenth for the test and a
    tenth (``options.validation``) for validation. A folder with ``train/`` and ``test/`` keeps that division;
    a ``val/`` (``valid/``, ``validation/``) beside both is the validation part. With ``train/`` and ``val/``
    alone, ``val/`` is what results are reported on, so it becomes the test part, looked at once, and
    validation is taken from ``train/``.

    Class folders may have folders inside, and links; links that lead in a circle are followed once. Hidden
    files and files that are no images by their ending are passed over and counted.

    Args:
        path: the folder.
        options: how to load it.
        info: what it is, where that is known.
        trusted: whether the files are known to be whole.

    Raises:
        LayerlabError: the folder or its layout cannot be used; each reason in one sentence.
    """
    if not path.exists():
        raise LayerlabError(f'no folder "{path}"{_nearest_folder(path)}')
    if not path.is_dir():
        raise LayerlabError(f'"{path}" is a file; a folder of class folders is expected')
    name = path.resolve().name or str(path)
    roots = _parts_of(path)
    classes = sorted(_class_folders(roots["train"]))
    _require_two_classes(path, roots["train"], classes)
    found: dict[str, Examples] = {}
    ignored = 0
    for part, folder in roots.items():
        found[part], passed_over = _examples(path, folder, classes, required=part == "train")
        ignored += passed_over
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    parts = FileParts(
        classes, found["train"], found.get("validation"), found.get("test"), trusted=trusted, ignored=ignored
    )
    # A registered data set is found again by its name and root, a person's own folder by its path.
    again = str(path.absolute()) if info is None else info.name
    return assemble_files(info or _describe(name), options, parts, again)


def _describe(name: str) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=name,
        shape=None,
        classes=0,
        sizes=None,
        licence="yours",
        source="a folder of images",
        needs="this folder",
        line="images in class folders",
        flip=None,
    )


def _parts_of(path: Path) -> dict[str, Path]:
    """Return the folder of each part; only a training one where the classes lie directly in ``path``."""
    children = {child.name.casefold(): child for child in _folders(path)}
    found = {part: children[name] for part, names in _PARTS.items() for name in names if name in children}
    if "train" in found:
        return found
    if found and len(found) == len(children):
        listed = " and ".join(f"{folder.name}/" for folder in found.values())
        raise LayerlabError(f'"{path}" has {listed} but no train/ to learn from')
    return {"train": path}


def _class_folders(folder: Path) -> dict[str, list[Path]]:
    """Return the folders of each class (two where they differ only in how an accent is encoded)."""
    classes: dict[str, list[Path]] = {}
    for child in _folders(folder):
        classes.setdefault(_readable(child.name), []).append(child)
    return classes


def _require_two_classes(path: Path, train: Path, classes: Sequence[str]) -> None:
    if not classes:
        images = sum(1 for entry in _entries(train) if _is_image(entry))
        holds = f"{images} images but no class folders" if images else "no class folders"
        raise LayerlabError(
            f'"{train}" has {holds}; put the images of each class in a folder of its own, such as {path.name}/cats/'
        )
    if len(classes) < 2:
        inner = next(iter(_class_folders(train)[classes[0]]))
        hint = f' (were the classes meant that are in "{inner}"?)' if len(_folders(inner)) > 1 else ""
        raise LayerlabError(f'"{train}" has one class, "{classes[0]}"; a classifier needs at least two{hint}')


def _examples(path: Path, folder: Path, classes: Sequence[str], *, required: bool) -> tuple[Examples, int]:
    """Return the images under a part's folder, and how many other files are there."""
    folders = _class_folders(folder)
    if not folders:
        raise LayerlabError(f'"{folder}" has no class folders; it needs those of "{path}/train"')
    for name in folders:
        if name not in classes:
            raise LayerlabError(f'"{folder}" has a class "{name}" that train/ has not{did_you_mean(name, classes)}')
    paths: list[Path] = []
    labels: list[int] = []
    ignored = sum(1 for entry in _entries(folder) if not entry.is_dir())
    for number, name in enumerate(classes):
        found: list[Path] = []
        for class_folder in folders.get(name, ()):
            for file, image in _files(class_folder, set()):
                if image:
                    found.append(file)
                else:
                    ignored += 1
        if not found and required:
            raise LayerlabError(f'class folder "{folder / name}" has no images; add some or remove the folder')
        paths += sorted(found)
        labels += [number] * len(found)
    if not paths:
        raise LayerlabError(f'"{folder}" has no images')
    names = [_readable(str(file.relative_to(path))) for file in paths]
    return Examples(paths, torch.tensor(labels, dtype=torch.int64), names), ignored


def _files(folder: Path, visited: set[str]) -> Iterator[tuple[Path, bool]]:
    """Yield every file under a folder and whether it passes for an image; each real folder is entered once."""
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    for entry in _entries(folder):
        if entry.is_dir():
            if not _hidden(entry.name):
                yield from _files(Path(entry.path), visited)
        else:
            yield Path(entry.path), _is_image(entry)


def _folders(path: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(path) if entry.is_dir() and not _hidden(entry.name)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise LayerlabError(f'cannot look into "{folder}": {error.strerror or error}') from error


def _is_image(entry: os.DirEntry[str]) -> bool:
    # A link that leads nowhere counts, so that it is reported; a pipe or a device does not.
    usable = entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
    return usable and not _hidden(entry.name) and Path(entry.name).suffix.lower() in IMAGE_SUFFIXES


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _readable(name: str) -> str:
    """Return a file name as text that can be printed and compared, whatever bytes and accents it is made of."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def _nearest_folder(path: Path) -> str:
    parent = path.absolute().parent
    if not parent.is_dir():
        return f'; there is no folder "{parent}" either'
    hint = did_you_mean(path.name, [child.name for child in _folders(parent)])
    return hint if hint.startswith("; did") else ""
