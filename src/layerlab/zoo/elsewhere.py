"""Networks of timm by their name there, and the input that those of timm and torchvision say they were made for."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from torch import nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.zoo.origin import origin_of

__all__ = ["TIMM", "customary_input_of", "timm_builder"]

TIMM = "timm:"
"""What stands before the name of a network of timm: ``timm:vit_tiny_patch16_224``."""

_NAME = re.compile(r"[A-Za-z0-9_.]+")  # never hf-hub:..., which would load from elsewhere


def timm_builder(spec: str) -> Callable[..., nn.Module]:
    """Return what builds ``timm:NAME`` with fresh weights; takes ``num_classes`` and ``in_channels``.

    Raises:
        LayerlabError: timm is not installed, or has no such network; names the nearest.
    """
    name = spec.removeprefix(TIMM)
    try:
        timm: Any = importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise LayerlabError(f'"{spec}" is built by timm, which is not installed: pip install timm') from error
    if not _NAME.fullmatch(name) or not timm.is_model(name):
        near = did_you_mean(name, timm.list_models())
        listed = near if near.startswith("; did") else "; timm.list_models() lists all"
        raise LayerlabError(f'timm has no network "{name}"{listed}')

    def build(num_classes: int | None = None, in_channels: int | None = None) -> nn.Module:
        given = {"num_classes": num_classes, "in_chans": in_channels}
        built: nn.Module = timm.create_model(
            name, pretrained=False, **{key: value for key, value in given.items() if value is not None}
        )
        return built

    return build


def customary_input_of(module: nn.Module) -> tuple[int, ...] | None:
    """Return the size of one input that a network of timm or torchvision says it was made for, else None.

    timm says it in the network; torchvision in the preprocessing of its weights, for classifiers of images.
    """
    origin = origin_of(module)
    if origin is None or origin.kind != "import":
        return None
    said: Any = getattr(module, "pretrained_cfg", None)
    if isinstance(said, dict) and isinstance(said.get("input_size"), tuple):
        channels, *size = said["input_size"]
        return (origin.arguments.get("in_channels", channels), *size)
    package, _, builder = origin.name.partition(":")
    if package.split(".")[:2] != ["torchvision", "models"]:
        return None
    side = getattr(module, "image_size", None) or _crop_of(package, builder)
    return (3, side, side) if isinstance(side, int) else None


def _crop_of(package: str, builder: str) -> int | None:
    """Return the side to which torchvision crops images for the weights of a network."""
    from torchvision.models import get_model_weights

    try:
        weights = get_model_weights(getattr(importlib.import_module(package), builder)).DEFAULT
    except (AttributeError, ImportError, ValueError):  # no weights, or not one of its builders
        return None
    return getattr(weights.transforms, "keywords", {}).get("crop_size")
