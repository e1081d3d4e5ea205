"""Augmentation of whole batches, as a pure function of the images and of a table of random numbers.

torchvision's random transforms draw once a call, so that a whole batch would be turned by one angle. Here
every image has its own row of uniform draws: shifts, flips and turns are computed for all images at once, and
torchvision v2's photometric policies (which have no batched form) are run image by image, each seeded from
its row. The rows belong to the positions in the global batch: it makes no difference which process, or which
resumed run, works on them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["AUGMENTATIONS", "Augmentation", "Chain", "CropAndFlip", "PerImage", "Wobble", "augmentation"]


class Augmentation(ABC):
    """Changes a batch of images, each by its own row of random numbers.

    Input and output: uint8, or float in 0..255; (N, C, H, W).
    """

    draws: int
    """How many numbers a row has."""

    @abstractmethod
    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the changed images. Args: ``noise``: uniform on [0, 1), float64, (N, draws)."""


class CropAndFlip(Augmentation):
    """Shifts each image by whole pixels, what leaves the frame being mirrored back in, and flips every other
    one.

    It is the padded crop of the residual networks' recipe with a reflected instead of a black border.

    Args:
        padding: largest shift in pixels.
        flip: whether to exchange left and right for half of the images.

    Reference:
        He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016, section 4.2.
    """

    draws = 3

    def __init__(self, padding: int, flip: bool) -> None:
        if padding < 0:
            raise ValueError(f"padding must not be negative, got {padding}")
        self.padding, self.flip = padding, flip

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the shifted and flipped images."""
        shift = (noise[:, :2] * (2 * self.padding + 1)).long() - self.padding
        height, width = images.shape[-2:]
        rows = _reflect(torch.arange(height) + shift[:, :1], height)  # N, H
        columns = _reflect(torch.arange(width) + shift[:, 1:], width)  # N, W
        if self.flip:
            columns = torch.where(noise[:, 2:] < 0.5, columns.flip(1), columns)
        number = torch.arange(len(images))[:, None, None, None]
        channel = torch.arange(images.shape[1])[None, :, None, None]
        return images[number, channel, rows[:, None, :, None], columns[:, None, None, :]]


class Wobble(Augmentation):
    """Turns, scales and shifts each image a little; the edge pixels are continued outwards.

    Args:
        degrees: largest turn.
        shift: largest shift, as a share of the side.
        scale: largest change of size, as a share.
        flip: whether to exchange left and right for half of the images.
    """

    draws = 5

    def __init__(self, degrees: float = 8.0, shift: float = 0.06, scale: float = 0.08, flip: bool = False) -> None:
        self.degrees, self.shift, self.scale, self.flip = degrees, shift, scale, flip

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the wobbled images, float32."""
        if len(images) == 0:
            return images.float()
        spread = (2 * noise[:, :4] - 1).float()
        angle = spread[:, 0] * math.radians(self.degrees)
        zoom = 1 + spread[:, 1] * self.scale
        mirror = torch.where((noise[:, 4] < 0.5) & self.flip, -1.0, 1.0)
        height, width = images.shape[-2:]
        cosine, sine = angle.cos() * zoom, angle.sin() * zoom
        # Coordinates run from -1 to 1 on both axes, so a turn must allow for the aspect ratio.
        top = torch.stack([cosine * mirror, -sine * height / width, 2 * self.shift * spread[:, 2]], dim=1)
        bottom = torch.stack([sine * mirror * width / height, cosine, 2 * self.shift * spread[:, 3]], dim=1)
        grid = torch.nn.functional.affine_grid(
            torch.stack([top, bottom], dim=1), list(images.shape), align_corners=False
        )
        return torch.nn.functional.grid_sample(
            images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
        )


class PerImage(Augmentation):
    """Runs any torchvision v2 transform on each image, with torch's generator seeded from the image's row.

    Args:
        transform: uint8 tensor (C, H, W) -> tensor of the same shape.
    """

    draws = 1

    def __init__(self, transform: Callable[[Tensor], Tensor]) -> None:
        self.transform = transform

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the transformed images."""
        seeds = (noise[:, 0] * 2**53).long().tolist()
        changed = []
        with torch.random.fork_rng(devices=[]):
            for image, seed in zip(images, seeds, strict=True):
                torch.default_generator.manual_seed(seed)
                changed.append(self.transform(image))
        return torch.stack(changed) if changed else images


class Chain(Augmentation):
    """Runs several augmentations, one after the other."""

    def __init__(self, *steps: Augmentation) -> None:
        self.steps = steps
        self.draws = sum(step.draws for step in steps)

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the images after the last step."""
        for step, part in zip(self.steps, torch.split(noise, [step.draws for step in self.steps], dim=1), strict=True):
            images = step(images, part)
        return images


def _standard(size: int, flip: bool) -> Augmentation:
    return CropAndFlip(math.ceil(size / 8), flip)


def _randaugment(size: int, flip: bool) -> Augmentation:
    from torchvision.transforms import v2

    return Chain(_standard(size, flip), PerImage(v2.RandAugment()))


def _trivialaugment(size: int, flip: bool) -> Augmentation:
    from torchvision.transforms import v2

    return Chain(_standard(size, flip), PerImage(v2.TrivialAugmentWide()))


AUGMENTATIONS: dict[str, Callable[[int, bool], Augmentation | None]] = {
    "none": lambda size, flip: None,  # noqa: ARG005
    "light": lambda size, flip: Wobble(flip=flip),  # noqa: ARG005
    "standard": _standard,
    "randaugment": _randaugment,
    "trivialaugment": _trivialaugment,
}
"""Name -> maker, which takes the shorter side in pixels and whether left and right may be exchanged."""


def augmentation(
    name: str | Augmentation | Callable[[Tensor], Tensor] | None,
    shape: Sequence[int],
    *,
    flip: bool | None = None,
) -> Augmentation | None:
    """Return an augmentation by name.

    Args:
        name: ``none``; ``light`` (small turns, scalings and shifts); ``standard`` (padded crop);
            ``randaugment`` or ``trivialaugment`` (the crop, then the policy of that name); or an
            :class:`Augmentation`, or any torchvision v2 transform, which is then run image by image.
        shape: (channels, height, width) of the images.
        flip: whether left and right may be exchanged. None: for colour images only, as a mirrored digit or
            letter is another sign or none.

    Returns:
        What ``batches(transform=...)`` takes, None for ``none``.

    Raises:
        LayerlabError: no such name.

    Reference:
        Cubuk, Zoph, Shlens, Le: RandAugment, 2019; Müller, Hutter: TrivialAugment, ICCV 2021.
    """
    if name is None or isinstance(name, Augmentation):
        return name
    if callable(name):
        return PerImage(name)
    if name not in AUGMENTATIONS:
        raise LayerlabError(f'no augmentation "{name}"{did_you_mean(str(name), AUGMENTATIONS)}')
    channels, height, width = shape
    return AUGMENTATIONS[name](min(height, width), channels == 3 if flip is None else flip)


def _reflect(index: Tensor, size: int) -> Tensor:
    """Fold positions outside of 0..size-1 back in, the edge pixel not repeated."""
    if size == 1:
        return torch.zeros_like(index)
    period = 2 * (size - 1)
    index = index.remainder(period)
    return torch.minimum(index, period - index)
