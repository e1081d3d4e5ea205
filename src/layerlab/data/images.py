"""Reading an image file of any size and mode, and saying in one sentence why another cannot be read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from layerlab.errors import LayerlabError, did_you_mean

__all__ = [
    "INTERPOLATIONS",
    "decode",
    "eight_bits",
    "fit_to_size",
    "is_grey",
    "read_image",
    "readable_formats",
    "reason_unreadable",
    "strict_pillow",
    "to_channels",
]

_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})
_SIXTEEN_BITS = 65535
_REASONS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((FileNotFoundError,), "the file is gone"),
    ((PermissionError,), "no permission to read it"),
    (
        (Image.DecompressionBombError, Image.DecompressionBombWarning),
        "it has more than 89 million pixels, as a file made to exhaust the memory would; scale it down first",
    ),
)
_EIGHT_BITS = 255
INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def read_image(
    path: str | os.PathLike[str], channels: int | None = None, size: int | tuple[int, int] | None = None
) -> Image.Image:
    """Read an image file as viewers show it, in 8 bits a channel.

    The camera's orientation (EXIF) is applied. Transparency is laid on white, as viewers do. Of an animation
    the first frame is taken. 16-bit grey is divided by 257. 32-bit integers and floats have no agreed white:
    values within 0..255 are kept (floats within 0..1 are multiplied by 255), integers within 0..65535 are
    divided by 257, and any other range is stretched from its smallest to its largest value.

    Args:
        path: the file; its content, not its name, says the format.
        channels: 1 (grey), 3 (red, green, blue) or None for what the file has.
        size: side, or (height, width): the image is scaled to cover it and the centre is cut out. None keeps
            it.

    Returns:
        An image of mode ``L`` or ``RGB``.

    Raises:
        LayerlabError: no such file, not an image, cut short, or so large that it could exhaust the memory.
    """
    path = Path(path)
    if path.is_dir():
        raise LayerlabError(f'"{path}" is a folder; an image file is expected')
    if not path.exists():
        raise LayerlabError(f'no image file "{path}"{_nearest_file(path)}')
    try:
        with strict_pillow():
            image = to_channels(decode(path), channels)
    except Exception as error:
        raise LayerlabError(f'"{path}" cannot be read as an image: {reason_unreadable(error, path)}') from error
    return image if size is None else fit_to_size(image, (size, size) if isinstance(size, int) else size)


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Refuse what Pillow only warns of where it matters, and hear nothing of what does not.

    Pillow warns of an image of 89 million pixels and refuses twice as many: the first limit is ours. It also warns of
    damaged notes beside the pixels. (Filters of warnings are global: enter this around threads, not in them.)
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@cache
def readable_formats() -> tuple[str, ...]:
    """Return the formats that are read.

    Pillow knows more, but some of them (EPS) are programs that it would run.
    """
    Image.init()
    wanted = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
    return tuple(name for name in wanted if name in Image.OPEN)


def decode(path: Path) -> Image.Image:
    """Return the whole image, upright, as ``L`` or ``RGB``. Raises what Pillow raises."""
    with Image.open(path, formats=readable_formats()) as opened:
        opened.load()
        image = _upright(opened)
        return eight_bits(image)


def is_grey(mode: str) -> bool:
    """Say whether images of a Pillow mode have one channel (beside transparency)."""
    return mode in _GREY_MODES or mode.startswith("I;")


def to_channels(image: Image.Image, channels: int | None) -> Image.Image:
    """Return the image as grey (1), as colours (3) or as it is (None).

    Raises:
        LayerlabError: another number of channels.
    """
    if channels not in (None, 1, 3):
        raise LayerlabError(f"an image has 1 channel (grey) or 3 (red, green, blue), not {channels}")
    mode = image.mode if channels is None else {1: "L", 3: "RGB"}[channels]
    return image if image.mode == mode else image.convert(mode)


def fit_to_size(
    image: Image.Image, size: tuple[int, int], *, resize: int | None = None, interpolation: str = "bilinear"
) -> Image.Image:
    """Scale the image until it just covers (height, width), then cut out the centre. Antialiased.

    Args:
        image: of any size.
        size: (height, width) that is cut out.
        resize: what the shorter side is scaled to instead, at least the longer side of ``size``; rounded as
            torchvision does, so that its weights see what they were trained on.
        interpolation: ``bilinear`` or ``bicubic``.
    """
    way = INTERPOLATIONS[interpolation]
    height, width = size
    if resize is None:
        return image if image.size == (width, height) else ImageOps.fit(image, (width, height), way)
    shorter, longer = sorted(image.size)
    sides = resize, int(resize * longer / shorter)
    scaled = image.resize(sides if image.width <= image.height else sides[::-1], way)
    left, top = round((scaled.width - width) / 2), round((scaled.height - height) / 2)
    return scaled.crop((left, top, left + width, top + height))


def reason_unreadable(error: Exception, path: Path) -> str:
    """Return in a few words why Pillow could not read ``path``."""
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or of an unknown format"
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return "the file is truncated"
    return f"damaged ({' '.join(str(error).split()) or type(error).__name__})"


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # The orientation is advice: a damaged EXIF block does not make the pixels unreadable.
        return image


def eight_bits(image: Image.Image) -> Image.Image:
    """Return the image as ``L`` or ``RGB``, whatever its mode."""
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        opaque = Image.alpha_composite(Image.new("RGBA", image.size, "white"), layered).convert("RGB")
        return opaque.convert("L") if is_grey(image.mode) else opaque
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        return Image.fromarray(_scale(np.asarray(image), wide=image.mode.startswith("I;")))
    return image.convert("L" if is_grey(image.mode) else "RGB")


def _scale(values: np.ndarray, wide: bool) -> np.ndarray:
    """Bring numbers of more than 8 bits to 0..255 by the rules of :func:`read_image`."""
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("a pixel is not a finite number")
    low, high = float(numbers.min()), float(numbers.max())
    whole = np.issubdtype(values.dtype, np.integer)
    if wide or (whole and low >= 0 and _EIGHT_BITS < high <= _SIXTEEN_BITS):
        numbers = numbers / 257
    elif not whole and low >= 0 and high <= 1:
        numbers = numbers * _EIGHT_BITS
    elif low < 0 or high > _EIGHT_BITS:
        spread = high - low
        numbers = (numbers - low) / (spread or 1.0) * _EIGHT_BITS
    return numbers.round().astype(np.uint8)


def _nearest_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f'; there is no folder "{folder}" either'
    names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    hint = did_you_mean(path.name, names)
    return hint if hint.startswith("; did") else ""
