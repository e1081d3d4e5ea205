"""Signed values as small pictures that suit any page: nothing is clear, positive orange, negative blue."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["NEGATIVE", "POSITIVE", "colour_picture", "data_uri", "signed_picture"]

POSITIVE, NEGATIVE = (224, 93, 8), (34, 102, 226)
_LEVELS = 127


def signed_picture(values: Tensor, most: float) -> Image.Image:
    """Return (rows, columns) as a picture of 255 colours, one pixel a value.

    The strength of a colour is how opaque it is, so that zero shows the page behind, light or dark.

    Args:
        values: real numbers.
        most: the value that is full in colour.
    """
    from PIL import Image

    share = (values.double() / most if most > 0 else torch.zeros_like(values.double())).clamp(-1, 1)
    levels = (share * _LEVELS).round().to(torch.int64) + _LEVELS
    picture = Image.fromarray(levels.to(torch.uint8).contiguous().numpy(), mode="P")
    colours = [NEGATIVE] * _LEVELS + [(0, 0, 0)] + [POSITIVE] * _LEVELS + [(0, 0, 0)]
    picture.putpalette([part for colour in colours for part in colour])
    opaque = [round(255 * abs(level - _LEVELS) / _LEVELS) for level in range(2 * _LEVELS + 1)] + [0]
    picture.info["transparency"] = bytes(opaque)
    return picture


def colour_picture(pixels: Tensor) -> Image.Image:
    """Return uint8 (height, width, 3) as a picture of at most 255 colours, which takes a third of the room."""
    from PIL import Image

    picture = Image.fromarray(pixels.contiguous().numpy(), mode="RGB")
    few = 255
    return picture.quantize(few) if pixels.shape[0] * pixels.shape[1] > few else picture


def data_uri(picture: Image.Image) -> str:
    """Return a picture as an address that holds it."""
    content = io.BytesIO()
    options = {"transparency": picture.info["transparency"]} if "transparency" in picture.info else {}
    picture.save(content, "PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")
