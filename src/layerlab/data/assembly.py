"""Putting a data set together, from tensors or from files."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor

from layerlab.data.batches import FileSplit, Split, TensorSplit
from layerlab.data.dataset import Dataset
from layerlab.data.examples import Examples, Header, decode_all, read_headers, verify_all
from layerlab.data.options import LoadOptions
from layerlab.data.preprocessing import Preprocessing, pixel_statistics
from layerlab.data.registry import DatasetInfo
from layerlab.data.stratified import stratified_split
from layerlab.errors import LayerlabError

__all__ = ["FileParts", "assemble_files", "assemble_tensors"]

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
_SHARE_OF_MEMORY = 0.3  # while they are put in place they are there up to three times


@dataclass(frozen=True)
class FileParts:
    """The image files of a data set, as they came."""

    classes: Sequence[str]
    """Their names, in the order of the labels."""
    train: Examples
    """To learn from; also to make the other parts of, where they did not come."""
    validation: Examples | None = None
    """To choose by."""
    test: Examples | None = None
    """To measure on."""
    trusted: bool = False
    """Whether the files are known to be whole, so that none is opened before it is needed."""
    ignored: int = 0
    """How many other files were passed over."""


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
    size = options.size or (train[0].shape[2], train[0].shape[3])
    recipe = _recipe(info, options, classes, size, options.channels or train[0].shape[1])
    _require_memory(info.name, len(train[0]) + len(test[0]), recipe)
    images, test_images = _refit(train[0], recipe), _refit(test[0], recipe)
    train_images = images[kept]
    if options.mean is None:
        recipe = _with_statistics(recipe, train_images)
    return Dataset(
        info=info,
        train=TensorSplit(train_images, train[1][kept], recipe),
        validation=TensorSplit(images[held_out], train[1][held_out], recipe),
        test=TensorSplit(test_images, test[1], recipe),
        preprocess=recipe,
        reproduce=options.reproduce(name_or_path=info.name, size=size, channels=recipe.channels),
    )


def assemble_files(info: DatasetInfo, options: LoadOptions, parts: FileParts, name_or_path: str) -> Dataset:
    """Make a data set of image files.

    Without a test part, a tenth of the training images becomes it; without a validation part, the share
    ``options.validation`` of them does. Where no size is asked for, the images keep theirs if all have the
    same, of at most 512 pixels a side; otherwise they are made square, with the median of their shorter
    sides, at most 224. Where no number of channels is asked for, it is 1 if all images are grey, else 3.

    Args:
        info: what it is.
        options: size, channels, shares, and whether to leave out files that cannot be read.
        parts: the files.
        name_or_path: what loads it again.

    Raises:
        LayerlabError: files that cannot be read, without ``skip_bad``; a class left without training images;
            too few images to divide.
    """
    given = [part for part in (parts.train, parts.validation, parts.test) if part is not None]
    everything = Examples.joined(given)
    headers, bad = ([], {}) if parts.trusted else read_headers(everything)
    readable = [header for header in headers if header is not None]
    size = options.size or _common_size(readable)
    grey = bool(readable) and all(header.grey for header in readable)
    recipe = _recipe(info, options, parts.classes, size, options.channels or (1 if grey else 3))

    pixels: Tensor | None = None
    if len(everything) <= MEMORY_IMAGES and len(everything) * torch.Size(recipe.shape).numel() <= MEMORY_LIMIT:
        pixels, bad = decode_all(everything, recipe, bad)
    elif options.skip_bad or (not parts.trusted and len(everything) <= VERIFY_IMAGES):
        bad = verify_all(everything, bad)
    if bad and not options.skip_bad:
        raise LayerlabError(_bad_files(info.name, everything, bad))

    chosen = _divide(parts, [len(part) for part in given], everything.labels, bad, options)
    _require_enough(info.name, parts.classes, everything.labels, chosen, bad)
    if options.mean is None:
        sample = chosen[0][:: -(-len(chosen[0]) // STATISTICS_IMAGES)]
        recipe = _with_statistics(
            recipe, decode_sample(everything.at(sample), recipe) if pixels is None else pixels[chosen[0]]
        )
    train, validation, test = (
        _file_part(everything.at(rows), None if pixels is None else pixels[rows], recipe, options.workers)
        for rows in chosen
    )
    return Dataset(
        info=info,
        train=train,
        validation=validation,
        test=test,
        preprocess=recipe,
        reproduce=options.reproduce(name_or_path=name_or_path, size=size, channels=recipe.channels),
        skipped=[f"{everything.names[row]}: {reason}" for row, reason in sorted(bad.items())],
        ignored=parts.ignored,
    )


def decode_sample(examples: Examples, recipe: Preprocessing) -> Tensor:
    """Decode some files that are known to be readable. Raises LayerlabError where one is not."""
    pixels, bad = decode_all(examples, recipe, {})
    if bad:
        row, reason = min(bad.items())
        raise LayerlabError(f'"{examples.paths[row]}" cannot be read as an image: {reason}')
    return pixels


def _divide(
    parts: FileParts, lengths: Sequence[int], labels: Tensor, bad: Iterable[int], options: LoadOptions
) -> list[Tensor]:
    """Return the readable rows of the training, validation and test parts."""
    readable = torch.ones(len(labels), dtype=torch.bool)
    readable[list(bad)] = False
    came = [rows[readable[rows]] for rows in torch.split(torch.arange(len(labels)), list(lengths))]
    wanted = ((options.validation, parts.validation), (_TEST_SHARE, parts.test))
    fractions = [share for share, part in wanted if part is None]
    if sum(fractions) >= 1:
        raise LayerlabError(
            f"a validation share of {options.validation:g} and a test share of {_TEST_SHARE:g} "
            "leave nothing to train on"
        )
    train, *carved = (came[0][rows] for rows in stratified_split(labels[came[0]], fractions, options.seed))
    sources = iter(carved), iter(came[1:])
    return [train, *(next(sources[part is not None]) for _, part in wanted)]


def _require_enough(
    name: str, classes: Sequence[str], labels: Tensor, chosen: Sequence[Tensor], bad: dict[int, str]
) -> None:
    """Refuse a division in which a class cannot be learned, or nothing is left to judge by."""
    for number, count in enumerate(torch.bincount(labels[chosen[0]], minlength=len(classes)).tolist()):
        if count == 0:
            left = ", as none of its files can be read" if bad else ""
            raise LayerlabError(f'class "{classes[number]}" of "{name}" has no image to train on{left}')
    for what, rows in zip(("validation", "test"), chosen[1:], strict=True):
        if len(rows) == 0:
            raise LayerlabError(
                f'"{name}" has too few images ({len(labels) - len(bad)}) to set some aside for {what}; '
                "give its classes at least three each"
            )


def _file_part(examples: Examples, pixels: Tensor | None, recipe: Preprocessing, workers: int) -> Split:
    if pixels is not None:
        return TensorSplit(pixels, examples.labels, recipe, examples.names)
    return FileSplit(examples.paths, examples.labels, recipe, examples.names, workers)


def _recipe(
    info: DatasetInfo, options: LoadOptions, classes: Sequence[str], size: tuple[int, int], channels: int
) -> Preprocessing:
    """Return the recipe as far as it is known before the training images are."""
    for values in (options.mean, options.std):
        if values is not None and len(values) != channels:
            images = f"images of {channels} channel{'s' if channels > 1 else ''}"
            raise LayerlabError(f'"{info.name}" has {images}, and {len(values)} values of mean and std came')
    return Preprocessing(
        size=size,
        channels=channels,
        mean=options.mean or (0.0,) * channels,
        std=options.std or (1.0,) * channels,
        classes=tuple(classes),
        light_on_dark=info.light_on_dark,
        resize=options.resize,
        interpolation=options.interpolation,
    )


def _with_statistics(recipe: Preprocessing, images: Tensor) -> Preprocessing:
    mean, std = pixel_statistics([images])
    return replace(recipe, mean=mean, std=std)


def _require_memory(name: str, count: int, recipe: Preprocessing) -> None:
    """Refuse images that could not be held in memory, rather than let the system end the program."""
    needed = count * math.prod(recipe.shape)
    if needed > _SHARE_OF_MEMORY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        height, width = recipe.size
        raise LayerlabError(
            f'"{name}" at {height}x{width} takes {needed / 2**30:.0f} GiB in memory, more than this machine can spare;'
            " choose a smaller size"
        )


def _refit(images: Tensor, recipe: Preprocessing) -> Tensor:
    """Bring images to the recipe's size and channels, by the very path that a single image takes."""
    if tuple(images.shape[1:]) == recipe.shape and recipe.resize is None:
        return images
    pillow = (Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy()) for image in images)
    with ThreadPoolExecutor() as threads:
        return torch.stack(list(threads.map(recipe.to_pixels, pillow)))


def _common_size(headers: Sequence[Header]) -> tuple[int, int]:
    """Choose a size for images that may have several, by the rule of :func:`assemble_files`."""
    if not headers:
        return (_LARGEST_DEFAULT, _LARGEST_DEFAULT)
    sizes = {(header.height, header.width) for header in headers}
    if len(sizes) == 1 and max(size := sizes.pop()) <= _LARGEST_COMMON:
        return size
    shorter = sorted(min(header.height, header.width) for header in headers)
    side = min(shorter[len(shorter) // 2], _LARGEST_DEFAULT)
    return (side, side)


def _bad_files(name: str, everything: Examples, bad: dict[int, str], named: int = 3) -> str:
    first = ", ".join(f"{everything.names[row]}: {bad[row]}" for row in sorted(bad)[:named])
    more = f", and {len(bad) - named} more" if len(bad) > named else ""
    return (
        f'{len(bad)} of {len(everything)} images in "{name}" cannot be read ({first}{more}); '
        "remove them or pass --skip-bad"
    )
