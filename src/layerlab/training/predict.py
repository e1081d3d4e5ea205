"""A trained network used on images: files, pictures or tensors in, classes with probabilities out."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor

from layerlab.data import Preprocessing, read_image
from layerlab.data.images import eight_bits
from layerlab.errors import LayerlabError
from layerlab.training.classifier import Classifier, load_classifier, loaded
from layerlab.training.outputs import Head, probabilities, read_head

if TYPE_CHECKING:
    from layerlab.training.run import Run

__all__ = ["Classifier", "Prediction", "Predictions", "Source", "load_classifier", "predict"]

Source = str | os.PathLike[str] | Image.Image | Tensor

_BATCH = 64
_NAMED_BAD = 3
_EXPECTED = "expected a path, a Pillow image, or a tensor of uint8 pixels or of prepared floats"


@dataclass(frozen=True)
class Prediction:
    """What a network says of one image."""

    path: Path | None
    """The file, or None for an image that came as an object."""
    classes: tuple[tuple[str, float], ...]
    """The most probable classes with their probabilities, the most probable first."""
    probabilities: tuple[float, ...]
    """Of every class, in the order of the network's outputs."""
    looks_inverted: bool = False
    """Whether the image is dark on light where the training images were light on dark: try ``invert=True``."""

    @property
    def name(self) -> str:
        """The most probable class."""
        return self.classes[0][0]


class Predictions(list[Prediction]):
    """The predictions in the order of the images, and what was left out."""

    def __init__(self, predictions: Iterable[Prediction] = (), skipped: Iterable[str] = ()) -> None:
        super().__init__(predictions)
        self.skipped: list[str] = list(skipped)
        """One sentence for each image that could not be read (only with ``skip_bad``)."""


@dataclass(frozen=True)
class _Input:
    path: Path | None
    tensor: Tensor
    looks_inverted: bool


def predict(
    run: Run | Classifier | str | os.PathLike[str],
    images: Source | Iterable[Source],
    *,
    top: int = 3,
    invert: bool = False,
    skip_bad: bool = False,
) -> Predictions:
    """Classify images with a trained network.

    Args:
        run: a finished run or its folder; a name of the zoo, for the network with its published weights; or what
            :func:`load_classifier` returns, which need not be loaded again for the next images.
        images: one or many of: a path of an image file of any size and mode; a Pillow image; a uint8 tensor (H, W),
            (C, H, W) or (N, C, H, W) of pixels; a floating-point tensor (C, H, W) or (N, C, H, W) that is prepared
            already, as the batches of a data set are.
        top: how many classes to name.
        invert: exchange light and dark first (for a digit that was drawn dark on light).
        skip_bad: leave out the images that cannot be read and say so in ``.skipped``; else they are an error.

    Returns:
        One :class:`Prediction` an image. The network, its flags and the random generators are as before.

    Raises:
        LayerlabError: images that cannot be read (the first are named, all are counted), ``top`` below 1, a tensor
            of another shape, or a run without its preprocessing.

    Example:
        >>> predict(run, ["seven.png"])[0].name  # doctest: +SKIP
        '7'
    """
    if top < 1:
        raise LayerlabError(f"top must be at least 1, not {top}")
    if isinstance(run, str | os.PathLike):
        run = loaded(run)
    recipe = run.preprocessing
    if recipe is None:
        raise LayerlabError(
            f'"{getattr(run, "path", "it")}" does not say how an image becomes an input: load it with load_run'
        )
    found = Predictions()
    count = 0
    head: Head | None = None
    for chunk in _chunks(_each(images)):
        inputs, bad = _prepare(chunk, count, recipe, invert)
        count += len(chunk)
        found.skipped += bad
        if not inputs or (bad and not skip_bad):
            continue  # goes on reading, to count all that are bad
        batch = torch.stack([one.tensor for one in inputs])
        head = head or _head(run.model, batch)
        found += _name(inputs, probabilities(run.model, batch, head), run.classes, top)
    if found.skipped and not skip_bad:
        raise LayerlabError(_bad_images(found.skipped, count))
    return found


def _each(images: Source | Iterable[Source]) -> Iterator[Source]:
    """Yield single images: one alone is a list of one, a tensor of many is its parts."""
    if isinstance(images, str | os.PathLike | Image.Image | Tensor):
        images = [images]
    if not isinstance(images, Iterable):
        raise LayerlabError(f"{type(images).__name__} is no image; {_EXPECTED}")
    for image in images:
        if isinstance(image, Tensor) and image.ndim == 4:
            yield from image
        else:
            yield image


def _chunks(images: Iterator[Source]) -> Iterator[list[Source]]:
    while chunk := list(itertools.islice(images, _BATCH)):
        yield chunk


def _prepare(
    chunk: Sequence[Source], first: int, recipe: Preprocessing, invert: bool
) -> tuple[list[_Input], list[str]]:
    """Return the inputs that could be made, and a sentence for each image of which none could."""

    def attempt(number: int, source: Source) -> _Input | LayerlabError:
        try:
            return _read(source, number, recipe, invert)
        except LayerlabError as error:
            return error

    with ThreadPoolExecutor(max_workers=min(len(chunk), os.cpu_count() or 1)) as pool:
        results = list(pool.map(attempt, range(first, first + len(chunk)), chunk))
    inputs = [result for result in results if isinstance(result, _Input)]
    return inputs, [str(result) for result in results if isinstance(result, LayerlabError)]


def _read(source: Source, number: int, recipe: Preprocessing, invert: bool) -> _Input:
    if isinstance(source, Tensor) and source.is_floating_point():
        return _Input(None, _prepared(source, number, recipe, invert), False)
    if isinstance(source, str | os.PathLike):
        path, picture = Path(source), read_image(source)
    else:
        path, picture = None, _picture(source, number)
    return _Input(path, recipe(picture, invert=invert), recipe.looks_inverted(picture) and not invert)


def _prepared(image: Tensor, number: int, recipe: Preprocessing, invert: bool) -> Tensor:
    """Return a tensor that needs nothing but, perhaps, light and dark exchanged."""
    if tuple(image.shape) != recipe.shape:
        raise LayerlabError(
            f"image {number} is a tensor of shape {tuple(image.shape)}; the network was trained on {recipe.shape}"
        )
    image = image.detach().float().cpu()
    if not invert:
        return image
    # (x - mean) / std of 1 - x, where 1 is white.
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (recipe.mean, recipe.std))
    return (1 - 2 * mean) / std - image


def _picture(source: Source, number: int) -> Image.Image:
    """Return an 8-bit picture of an image that came as an object."""
    if isinstance(source, Image.Image):
        try:
            return eight_bits(source)
        except Exception as error:  # Pillow reads lazily, and raises many kinds of errors for a damaged file
            reason = " ".join(str(error).split()) or type(error).__name__
            raise LayerlabError(f"image {number} cannot be read: {reason}") from error
    if not isinstance(source, Tensor) or source.dtype != torch.uint8:
        kind = f"a tensor of {source.dtype}" if isinstance(source, Tensor) else type(source).__name__
        raise LayerlabError(f"image {number} is {kind}; {_EXPECTED}")
    pixels = source.unsqueeze(0) if source.ndim == 2 else source
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3) or not pixels.numel():
        raise LayerlabError(
            f"image {number} is a tensor of shape {tuple(source.shape)};"
            " expected (H, W), or (C, H, W) of 1 or 3 channels"
        )
    array = pixels.detach().cpu().movedim(0, -1).numpy()
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def _head(model: torch.nn.Module, batch: Tensor) -> Head:
    """Learn once how the output is to be read."""
    where = next(model.parameters(), batch)
    return read_head(model, batch[:2].to(where.device, where.dtype))


def _name(inputs: Sequence[_Input], rows: Tensor, classes: Sequence[str], top: int) -> Iterator[Prediction]:
    if rows.shape[1] != len(classes):
        raise LayerlabError(
            f"the network gives {rows.shape[1]} outputs and the run has {len(classes)} classes: it is another network"
        )
    for one, row in zip(inputs, rows, strict=True):
        if not row.isfinite().all():
            raise LayerlabError(f"the network gives no number for {one.path or 'an image'}: its weights are damaged")
        order = row.argsort(descending=True, stable=True)[:top].tolist()
        yield Prediction(
            path=one.path,
            classes=tuple((classes[i], float(row[i])) for i in order),
            probabilities=tuple(row.tolist()),
            looks_inverted=one.looks_inverted,
        )


def _bad_images(bad: Sequence[str], count: int) -> str:
    if count == 1:
        return bad[0]
    named = "; ".join(bad[:_NAMED_BAD]) + ("; ..." if len(bad) > _NAMED_BAD else "")
    return f"{len(bad)} of {count} images cannot be used ({named}): leave them out, or pass --skip-bad"
