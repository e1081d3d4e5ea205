"""From an image to a network's input: the one recipe of training, evaluation and prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from layerlab.data.images import INTERPOLATIONS, fit_to_size, to_channels
from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["Preprocessing", "pixel_statistics"]

_LATER = ("resize", "interpolation")  # old run folders have not these fields
_WHITE = 255
_LEAST_DEVIATION = 1e-6


@dataclass(frozen=True)
class Preprocessing:
    """Everything that must be known to prepare an image as the training images were, without having them.

    Calling it turns a Pillow image into a normalised float32 tensor (channels, height, width).

    Example:
        >>> recipe = Preprocessing(size=(28, 28), channels=1, mean=(0.13,), std=(0.31,), classes=("0", "1"))
        >>> recipe(Image.new("RGB", (40, 30))).shape
        torch.Size([1, 28, 28])
    """

    size: tuple[int, int]
    """(height, width) that is cut out of the centre; the image is scaled to cover it, unless ``resize`` says more."""
    channels: int
    """1 (grey) or 3 (red, green, blue)."""
    mean: tuple[float, ...]
    """Of each channel over the training part, where 1 is white."""
    std: tuple[float, ...]
    """Standard deviation, likewise."""
    classes: tuple[str, ...]
    """The names, in the order of the network's outputs."""
    light_on_dark: bool = False
    """Whether the training images are light strokes on a dark ground, as MNIST's are."""
    resize: int | None = None
    """What the shorter side is scaled to before the centre is cut out, as published weights want it: never less than
    the longer side of ``size``. None: just to cover ``size``."""
    interpolation: str = "bilinear"
    """How the image is scaled, always antialiased: ``bilinear`` or ``bicubic``."""

    def __post_init__(self) -> None:
        """Refuse what cannot be carried out. Raises LayerlabError."""
        if self.interpolation not in INTERPOLATIONS:
            raise LayerlabError(
                f"images are scaled by {' or '.join(INTERPOLATIONS)}, not {self.interpolation!r}"
                f"{did_you_mean(str(self.interpolation), INTERPOLATIONS)}"
            )
        if self.resize is not None and self.resize < max(self.size):
            height, width = self.size
            raise LayerlabError(
                f"the shorter side cannot be scaled to {self.resize} and {height}x{width} cut out of it; expected a"
                f" resize of at least {max(self.size)}, or none"
            )

    def __repr__(self) -> str:
        """Return the fields; those that most recipes have not are left out where they are not set.

        A data set's fingerprint is made of it, which must stay the same for runs of before they were there.
        """
        shown = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name not in _LATER or getattr(self, field.name) != field.default
        )
        return f"Preprocessing({shown})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return (self.channels, *self.size)

    def __call__(self, image: Image.Image, *, invert: bool = False) -> Tensor:
        """Return the network's input for one image. Args: see :meth:`to_pixels`."""
        return self.normalize(self.to_pixels(image, invert=invert).unsqueeze(0)).squeeze(0)

    def to_pixels(self, image: Image.Image, *, invert: bool = False) -> Tensor:
        """Scale, cut and convert one image: uint8, (channels, height, width).

        Args:
            image: of mode ``L`` or ``RGB`` (``read_image`` gives these).
            invert: exchange light and dark first.
        """
        colours = to_channels(image, self.channels)
        fitted = fit_to_size(colours, self.size, resize=self.resize, interpolation=self.interpolation)
        pixels = np.array(ImageOps.invert(fitted) if invert else fitted)
        return torch.from_numpy(pixels).view(*self.size, self.channels).permute(2, 0, 1).contiguous()

    def normalize(self, images: Tensor) -> Tensor:
        """Return a batch as float32 with zero mean and unit deviation a channel.

        Args:
            images: (N, channels, height, width), uint8, or float in 0..255.
        """
        mean, std = (torch.tensor(values).view(1, -1, 1, 1) * _WHITE for values in (self.mean, self.std))
        return (images.float() - mean).div_(std)

    def looks_inverted(self, image: Image.Image) -> bool:
        """Say whether an image is dark on light while the training images are light on dark.

        A digit that was drawn or photographed on paper is; a network trained on MNIST needs ``invert=True``
        for it.
        """
        if not self.light_on_dark:
            return False
        pixels = np.asarray(to_channels(image, 1))
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        return bool(np.median(border) > _WHITE / 2)

    def to_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Preprocessing:
        """Return what :meth:`to_dict` described.

        Raises:
            LayerlabError: a field is missing, unknown, or not of its kind.
        """
        names = {field.name for field in fields(cls)}
        required = names - {"light_on_dark", *_LATER}
        if not isinstance(content, Mapping) or set(content) - names or required - set(content):
            found = sorted(content) if isinstance(content, Mapping) else content
            raise LayerlabError(f"a preprocessing needs exactly the fields {sorted(names)}, found {found}")
        try:
            return cls(
                size=_pair(content["size"]),
                channels=int(content["channels"]),
                mean=tuple(float(value) for value in content["mean"]),
                std=tuple(float(value) for value in content["std"]),
                classes=tuple(str(name) for name in content["classes"]),
                light_on_dark=bool(content.get("light_on_dark", False)),
                resize=None if content.get("resize") is None else int(content["resize"]),
                interpolation=str(content.get("interpolation", "bilinear")),
            )
        except (TypeError, ValueError) as error:
            raise LayerlabError(f"a preprocessing cannot be made of {dict(content)}: {error}") from error


def pixel_statistics(batches: Sequence[Tensor]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return each channel's mean and standard deviation, where 1 is white.

    They come from the histogram of the pixels, hence exactly and without a float copy of the images.

    Args:
        batches: uint8 tensors (N, C, H, W), at least one with an image.
    """
    channels = batches[0].shape[1]
    counts = torch.zeros(channels, 256, dtype=torch.int64)
    for batch in batches:
        for channel in range(channels):
            for piece in torch.split(batch[:, channel], 4096):  # bincount makes an int64 copy: keep it small
                counts[channel] += torch.bincount(piece.reshape(-1), minlength=256)
    weights = counts.double() / counts.sum(dim=1, keepdim=True)
    levels = torch.arange(256, dtype=torch.float64) / _WHITE
    mean = weights @ levels
    variance = weights @ levels.square() - mean.square()
    std = variance.clamp_min(0).sqrt()
    # Images of one even tone have no deviation; they are then only shifted.
    std = torch.where(std < _LEAST_DEVIATION, torch.ones_like(std), std)
    return tuple(mean.tolist()), tuple(std.tolist())


def _pair(value: Sequence[int]) -> tuple[int, int]:
    height, width = (int(side) for side in value)
    return height, width
