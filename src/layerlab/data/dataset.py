"""A loaded data set, and how one is put together from tensors or from files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from layerlab.data.augmentation import Augmentation, augmentation
from layerlab.data.batches import FileSplit, Split, TensorSplit
from layerlab.data.examples import Examples, Header, decode_all, read_headers, verify_all
from layerlab.data.options import LoadOptions
from layerlab.data.preprocessing import Preprocessing, pixel_statistics
from layerlab.data.registry import DatasetInfo
from layerlab.data.stratified import stratified_split
from layerlab.errors import LayerlabError

__all__ = ["Dataset", "assemble_files", "assemble_tensors"]

MEMORY_LIMIT = 256 * 2**20
"""Files are decoded into memory once, where the pixels take at most this many bytes ..."""
MEMORY_IMAGES = 20_000
"""... and there are at most this many of them."""
VERIFY_IMAGES = 20_000
"""Up to this many streamed files are decoded once before training, to find those that cannot be."""
STATISTICS_IMAGES = 512
"""Mean and deviation of streamed images come from this many, evenly chosen from the training part."""

_LARGEST_DEFAULT = 224
_LARGEST_COMMON = 512
_TEST_SHARE = 0.1
_NEITHER = Preprocessing(size=(1, 1), channels=1, mean=(0.0,), std=(1.0,), classes=())


@dataclass
class Dataset:
    """Images with classes, divided into training, validation and test parts.

    The recipe of the inputs is :attr:`preprocess`; what a run must store to prepare other images alike is its
    ``to_dict()``, and what it must store to load the same data again is :attr:`reproduce`.
    """

    info: DatasetInfo
    """What it is and where it comes from."""
    train: Split
    """To learn from."""
    validation: Split
    """To choose by: the epoch, the settings."""
    test: Split
    """To be measured on once."""
    preprocess: Preprocessing
    """Image -> input, exactly as the parts are prepared when they are not augmented."""
    reproduce: dict[str, Any]
    """The arguments of ``load_data`` that load the same again; JSON can hold them."""
    skipped: list[str] = field(default_factory=list)
    """Files that were left out because they cannot be read, each with the reason."""
    ignored: int = 0
    """How many files were passed over because they are no images."""

    @property
    def name(self) -> str:
        """The registered name, or the name of the folder."""
        return self.info.name

    @property
    def classes(self) -> list[str]:
        """The names, in the order of the labels."""
        return list(self.preprocess.classes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        return self.preprocess.shape

    @property
    def mean(self) -> tuple[float, ...]:
        """Of each channel over the training part, where 1 is white."""
        return self.preprocess.mean

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel, likewise."""
        return self.preprocess.std

    @property
    def fingerprint(self) -> str:
        """A digest of what is in the parts: a resumed run whose data has changed can notice."""
        digest = hashlib.sha256(repr(self.preprocess).encode())
        for part in (self.train, self.validation, self.test):
            digest.update(part.labels.numpy().tobytes())
            digest.update(
                "\n".join(part.name_of(index) for index in range(len(part))).encode("utf-8", "replace")
            )
        return digest.hexdigest()[:16]

    def augmentation(self, name: str) -> Augmentation | None:
        """Return a named augmentation for these images; left and right are exchanged only where that is safe."""
        return augmentation(name, self.shape, flip=self.info.flip)


def assemble_tensors(
    info: DatasetInfo,
    options: LoadOptions,
    classes: Sequence[str],
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
) -> Dataset:
    """Make a data set of images in memory. The validation part is taken from the training part.

    Args:
        info: what it is.
        options: size and channels are applied where they differ from the images'.
        classes: the names.
        train: uint8 images (N, C, H, W) and int64 labels (N,).
        test: likewise.
    """
    kept, held_out = stratified_split(train[1], (options.validation,), options.seed)
    channels = options.channels or train[0].shape[1]
    size = options.size or (train[0].shape[2], train[0].shape[3])
    recipe = replace(_NEITHER, size=size, channels=channels, classes=tuple(classes))
    recipe = replace(recipe, light_on_dark=info.light_on_dark)
    images, test_images = _refit(train[0], recipe), _refit(test[0], recipe)
    train_images = images[kept]
    recipe = _with_statistics(recipe, [train_images])
    return Dataset(
        info=info,
        train=TensorSplit(train_images, train[1][kept], recipe),
        validation=TensorSplit(images[held_out], train[1][held_out], recipe),
        test=TensorSplit(test_images, test[1], recipe),
        preprocess=recipe,
        reproduce=options.reproduce(name_or_path=info.name, size=size, channels=channels),
    )


def assemble_files(
    info: DatasetInfo,
    options: LoadOptions,
    classes: Sequence[str],
    train: Examples,
    validation: Examples | None,
    test: Examples | None,
    *,
    name_or_path: str,
    trusted: bool = False,
    ignored: int = 0,
) -> Dataset:
    """Make a data set of image files.

    Without a test part, a tenth of the training part becomes it; then, without a validation part, the share
    ``options.validation`` of all images that came as training does. Where no size is asked for, the images
    keep theirs if all have one size of at most 512 pixels a side; otherwise they are made square, with the
    median of their shorter sides, at most 224. Where no number of channels is asked for, it is 1 if all
    images are grey, else 3.

    Args:
        info: what it is.
        options: size, channels, shares, and whether to leave out files that cannot be read.
        classes: the names.
        train: the files to learn from.
        validation: those to choose by, if they came apart.
        test: those to measure on, if they came apart.
        name_or_path: what loads it again.
        trusted: whether the files are known to be whole, so that none is opened before it is needed.
        ignored: how many files were passed over.

    Raises:
        LayerlabError: files that cannot be read, without ``skip_bad``; a class left without training images;
            too few images to divide.
    """
    parts = [part for part in (train, validation, test) if part is not None]
    everything = Examples.joined(parts)
    bad: dict[int, str] = {}
    headers: list[Header] = []
    if not trusted:
        headers, bad = read_headers(everything)
    size = options.size or _common_size([header for header in headers if header is not None])
    channels = options.channels or (1 if headers and all(h is None or h.grey for h in headers) else 3)
    recipe = replace(_NEITHER, size=size, channels=channels, classes=tuple(classes))
    recipe = replace(recipe, light_on_dark=info.light_on_dark)

    pixels: Tensor | None = None
    in_memory = (
        len(everything) <= MEMORY_IMAGES and len(everything) * channels * size[0] * size[1] <= MEMORY_LIMIT
    )
    if in_memory:
        pixels, bad = decode_all(everything, recipe, bad)
    elif options.skip_bad or (not trusted and len(everything) <= VERIFY_IMAGES):
        bad = verify_all(everything, bad)
    if bad and not options.skip_bad:
        raise LayerlabError(_bad_files(info.name, everything, bad))

    chosen = _divide(everything.labels, [len(part) for part in parts], bad, options, validation, test)
    _require_classes(info.name, classes, everything.labels[chosen[0]], bad)
    for what, indices in zip(("validation", "test"), chosen[1:], strict=True):
        if len(indices) == 0:
            raise LayerlabError(
                f'"{info.name}" has too few images ({len(everything) - len(bad)}) to set some aside for {what}; '
                "give one of its classes at least three"
            )

    sample = chosen[0][:: -(-len(chosen[0]) // STATISTICS_IMAGES)]
    recipe = _with_statistics(
        recipe,
        [pixels[chosen[0]] if pixels is not None else decode_all(everything.at(sample), recipe, {})[0]],
    )
    splits = [_file_part(everything, pixels, indices, recipe, options.workers) for indices in chosen]
    return Dataset(
        info=info,
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        preprocess=recipe,
        reproduce=options.reproduce(name_or_path=name_or_path, size=size, channels=channels),
        skipped=[f"{everything.names[index]}: {reason}" for index, reason in sorted(bad.items())],
        ignored=ignored,
    )


def _divide(
    labels: Tensor,
    lengths: Sequence[int],
    bad: Iterable[int],
    options: LoadOptions,
    validation: Examples | None,
    test: Examples | None,
) -> list[Tensor]:
    """Return the readable files of the training, validation and test parts, by their place among all files."""
    readable = torch.ones(len(labels), dtype=torch.bool)
    readable[list(bad)] = False
    given = [chunk[readable[chunk]] for chunk in torch.arange(len(labels)).split(list(lengths))]
    train = given[0]
    fractions = [
        share for share, part in ((options.validation, validation), (_TEST_SHARE, test)) if part is None
    ]
    if sum(fractions) >= 1:
        raise LayerlabError(
            f"a validation share of {options.validation:g} and a test share of {_TEST_SHARE:g} leave nothing to train on"
        )
    carved = [train[part] for part in stratified_split(labels[train], fractions, options.seed)]
    further = iter(given[1:])
    taken = iter(carved[1:])
    return [carved[0], *(next(taken) if part is None else next(further) for part in (validation, test))]


def _file_part(
    everything: Examples, pixels: Tensor | None, indices: Tensor, recipe: Preprocessing, workers: int
) -> Split:
    part = everything.at(indices)
    if pixels is not None:
        return TensorSplit(pixels[indices], part.labels, recipe, part.names)
    return FileSplit(part.paths, part.labels, recipe, part.names, workers)


def _refit(images: Tensor, recipe: Preprocessing) -> Tensor:
    """Bring images to the recipe's size and channels, by the very path that a single image takes."""
    if tuple(images.shape[1:]) == recipe.shape:
        return images
    pillow = (Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy()) for image in images)
    with ThreadPoolExecutor() as threads:
        return torch.stack(list(threads.map(recipe.to_pixels, pillow)))


def _with_statistics(recipe: Preprocessing, batches: Sequence[Tensor]) -> Preprocessing:
    mean, std = pixel_statistics(batches)
    return replace(recipe, mean=mean, std=std)


def _common_size(headers: Sequence[Header]) -> tuple[int, int]:
    """Choose a size for images that have several, by the rule of :func:`assemble_files`."""
    if not headers:
        return (_LARGEST_DEFAULT, _LARGEST_DEFAULT)
    sizes = {(header.height, header.width) for header in headers}
    if len(sizes) == 1 and max(size := sizes.pop()) <= _LARGEST_COMMON:
        return size
    shorter = sorted(min(header.height, header.width) for header in headers)
    side = min(shorter[len(shorter) // 2], _LARGEST_DEFAULT)
    return (side, side)


def _require_classes(name: str, classes: Sequence[str], labels: Tensor, bad: dict[int, str]) -> None:
    for number, count in enumerate(torch.bincount(labels, minlength=len(classes)).tolist()):
        if count == 0:
            left = ", as none of its files can be read" if bad else ""
            raise LayerlabError(f'class "{classes[number]}" of "{name}" has no image to train on{left}')


def _bad_files(name: str, everything: Examples, bad: dict[int, str], named: int = 3) -> str:
    first = ", ".join(f"{everything.names[index]}: {bad[index]}" for index in sorted(bad)[:named])
    more = f", and {len(bad) - named} more" if len(bad) > named else ""
    return (
        f'{len(bad)} of {len(everything)} images in "{name}" cannot be read ({first}{more}); '
        "remove them or pass --skip-bad"
    )
