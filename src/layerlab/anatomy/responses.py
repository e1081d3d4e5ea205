"""What a channel responds to: which pixels of an image it depends on, and an image made to excite it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from layerlab.anatomy.feature_maps_input import PictureInput
from layerlab.anatomy.map_layout import Box, MapLayout
from layerlab.anatomy.stage import Stage

__all__ = ["Excited", "Place", "dependence", "excite", "inside"]

Place = tuple[int, int, int]
"""Channel, row, column."""

_RATE, _DECAY = 0.15, 0.995
_AT_ONCE = 8
_LEAST_SIDE = 4
_NO_GRADIENT = 1e-12
_WORTH_IT = 0.7


class Excited:
    """What gradient ascent found for one channel.

    Attributes:
        picture: an input (channels, height, width) of the part that the channel sees.
        value: of the channel for it.
        steps: how many were taken.
    """

    __slots__ = ("picture", "steps", "value")

    def __init__(self, picture: Tensor, value: float, steps: int) -> None:
        self.picture, self.value, self.steps = picture, value, steps


def inside(box: Box, height: int, width: int) -> Box:
    """Return the part of a box that lies on the image: at least one pixel."""
    top, left, bottom, right = box
    top, left = min(max(top, 0), height - 1), min(max(left, 0), width - 1)
    return top, left, max(min(bottom, height), top + 1), max(min(right, width), left + 1)


def dependence(
    stage: Stage, layout: MapLayout, image: Tensor, places: Sequence[Place], deadline: float
) -> list[Tensor | None]:
    """Return for each place how much each pixel adds to its value: gradient times input, summed over the colours.

    Args:
        stage: opened.
        layout: of the layer's output.
        image: (channels, height, width).
        places: whose values to explain.
        deadline: of ``time.monotonic()``; places after it get ``None``.

    Returns:
        (height, width) for each place; ``None`` where there was no time or the network lets no gradient through.
    """
    leaf = image.clone().requires_grad_(True)
    maps = layout.maps(stage(leaf.unsqueeze(0)), 1)
    found: list[Tensor | None] = []
    for number, place in enumerate(places):
        if not maps.requires_grad or (number and time.monotonic() > deadline):
            found.append(None)
            continue
        try:
            (gradient,) = torch.autograd.grad(maps[(0, *place)], leaf, retain_graph=number < len(places) - 1)
        except RuntimeError:  # an operation without a derivative, or one that overwrote what its derivative needs
            return [None] * len(places)
        found.append((gradient * leaf).sum(0).detach().float().cpu())
    return found


def excite(
    stage: Stage,
    layout: MapLayout,
    image: PictureInput,
    places: Sequence[Place],
    *,
    steps: int,
    seed: int,
    deadline: float,
) -> list[Excited | None]:
    """Return for each place an input that was made to raise its value, starting from grey noise.

    The picture is held as its spectrum, each frequency weighted by its length of wave, so that smooth pictures are
    found before noise, and kept between black and white. Only the part that the place sees is changed; the rest
    is grey. The noise comes from a generator of its own.

    Args:
        stage: opened.
        layout: of the layer's output.
        image: says the size, black and white.
        places: of the layer's maps.
        steps: at most so many.
        seed: of the noise.
        deadline: of ``time.monotonic()``.
    """
    found: list[Excited | None] = []
    groups = [places[first : first + _AT_ONCE] for first in range(0, len(places), _AT_ONCE)]
    for number, group in enumerate(groups):
        left = deadline - time.monotonic()
        until = time.monotonic() + left / (len(groups) - number)
        made = _excite(stage, layout, image, group, steps, seed, until) if left > 0 else None
        found += made if made is not None else [None] * len(group)
    return found


def _excite(
    stage: Stage,
    layout: MapLayout,
    image: PictureInput,
    places: Sequence[Place],
    steps: int,
    seed: int,
    until: float,
) -> list[Excited | None] | None:
    # All places of one call lie in the middle of their maps, hence see the same part.
    canvas = _canvas(stage, layout, image, places[0])
    top, left, bottom, right = canvas.part
    count, channels = len(places), image.tensor.shape[0]
    spectrum = _Spectrum(count, channels, bottom - top, right - left, seed)
    optimizer = torch.optim.Adam([spectrum.values], lr=_RATE)
    best: list[Excited | None] = [None] * count
    for step in range(steps + 1):
        picture = image.low + (image.high - image.low) * spectrum.picture()
        maps = layout.maps(stage(canvas.around(picture, image)), count)
        if not maps.requires_grad:
            return None
        values = torch.stack([maps[(one, channel, *canvas.place)] for one, (channel, _, _) in enumerate(places)])
        for one, value in enumerate(values.tolist()):
            previous = best[one]
            if previous is None or value > previous.value:
                best[one] = Excited(picture[one].detach().clone(), value, step)
        if step == steps or time.monotonic() > until:
            break
        try:
            (gradient,) = torch.autograd.grad(values.sum(), spectrum.values)
        except RuntimeError:  # as above
            return None
        # Each picture by itself: a channel of large values does not decide over the others.
        scale = gradient.flatten(1).norm(dim=1).clamp_min(_NO_GRADIENT).view(-1, *[1] * (gradient.dim() - 1))
        spectrum.values.grad = -gradient / scale
        optimizer.step()
        with torch.no_grad():
            spectrum.values.mul_(_DECAY)
    return [one if one is not None and one.steps > 0 else None for one in best]


class _Canvas:
    """An input of the network, grey but for the part that a place sees.

    Args:
        size: (height, width).
        place: row and column in the maps for an input of this size.
        part: what the place sees.
    """

    def __init__(self, size: tuple[int, int], place: tuple[int, int], part: Box) -> None:
        self.size, self.place, self.part = size, place, part

    def around(self, picture: Tensor, image: PictureInput) -> Tensor:
        """Return inputs with the pictures (batch, channels, height, width) in their part."""
        top, left, bottom, right = self.part
        grey = (image.low + image.high) / 2
        whole = grey.expand(*picture.shape[:2], *self.size).clone()
        whole[:, :, top:bottom, left:right] = picture
        return whole


def _canvas(stage: Stage, layout: MapLayout, image: PictureInput, place: Place) -> _Canvas:
    """Return the smallest input on which a place sees what it sees in the middle of the whole one."""
    height, width = image.tensor.shape[1:]
    _, row, column = place
    whole = _Canvas((height, width), (row, column), inside(layout.box(row, column, height, width), height, width))
    spans = layout.reach.spans if layout.kind == "maps" and layout.reach is not None else ()
    if len(spans) != 2 or any(span.fixed or span.jump != int(span.jump) for span in spans):
        return whole
    place_here = tuple(max(math.ceil(-span.start / span.jump), 0) for span in spans)
    size = tuple(
        math.ceil((span.start + index * span.jump + span.field) / span.jump + 1) * int(span.jump)
        for span, index in zip(spans, place_here, strict=True)
    )
    if size[0] * size[1] > _WORTH_IT * height * width:
        return whole
    part = layout.box(*place_here, *size)
    small = _Canvas((size[0], size[1]), (place_here[0], place_here[1]), part)
    if part[2] - part[0] != whole.part[2] - whole.part[0] or part[3] - part[1] != whole.part[3] - whole.part[1]:
        return whole
    return small if _alike(stage, layout, image, whole, small) else whole


def _alike(stage: Stage, layout: MapLayout, image: PictureInput, one: _Canvas, other: _Canvas) -> bool:
    """Whether every channel gives the same on both inputs: nothing in the network knows the size of its input."""
    top, left, bottom, right = one.part
    part = image.tensor[:, top:bottom, left:right].unsqueeze(0)
    try:
        with torch.no_grad():
            here, there = (
                layout.maps(stage(canvas.around(part, image)), 1)[(0, slice(None), *canvas.place)]
                for canvas in (one, other)
            )
    except Exception:  # it takes no smaller input, in whatever way it says so
        return False
    return torch.allclose(here, there, rtol=1e-3, atol=1e-3 * float(here.abs().max()))


class _Spectrum:
    """Pictures between 0 and 1, held as weighted frequencies."""

    def __init__(self, count: int, channels: int, rows: int, columns: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._size = rows, columns
        down = torch.fft.fftfreq(rows).view(-1, 1)
        across = torch.fft.rfftfreq(columns).view(1, -1)
        frequency = (down.square() + across.square()).sqrt()
        self._plain = min(rows, columns) < _LEAST_SIDE
        if self._plain:  # too few pixels to have frequencies
            values = torch.randn(1, channels, rows, columns, generator=generator) * 0.1
        else:
            scale = 1 / frequency.clamp_min(1 / max(rows, columns))
            self._scale = scale * (rows * columns) ** 0.5 / scale.square().mean().sqrt()
            values = torch.randn(1, channels, *frequency.shape, 2, generator=generator) * 0.1
        self.values = values.repeat(count, *[1] * (values.dim() - 1)).requires_grad_(True)

    def picture(self) -> Tensor:
        if self._plain:
            return self.values.sigmoid()
        spectrum = torch.view_as_complex(self.values.contiguous()) * self._scale
        picture: Tensor = torch.fft.irfft2(spectrum, s=self._size)
        return picture.sigmoid()
