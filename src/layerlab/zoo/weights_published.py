"""Which weights are published for which architecture: where they are, and what they expect of an image.

Addresses, checksums, preprocessing and class names of torchvision's weights come from torchvision itself. Of those that
torchvision has not, timm's are used; what timm says of them is below.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from layerlab.errors import LayerlabError
from layerlab.zoo.registry import list_models
from layerlab.zoo.weights_fetch import RemoteFile

__all__ = ["PUBLISHED", "InputRecipe", "WeightsInfo", "has_published", "imagenet_classes", "published"]

PUBLISHED = ("imagenet", "imagenet-v2")
"""The words for published weights: of torchvision's first recipe, and of its later one where there is one."""

_ENTRIES = {"imagenet": "IMAGENET1K_V1", "imagenet-v2": "IMAGENET1K_V2"}
_NAMED_CHECKSUM = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")
_HALF = (0.5, 0.5, 0.5)
_SHIFTED = frozenset({"googlenet", "inception_v3"})
"""torchvision's code shifts the input of these once more (``transform_input``), to 0.5 and 0.5."""


@dataclass(frozen=True)
class InputRecipe:
    """What weights expect of an image. :class:`layerlab.data.Preprocessing` has the same fields, and carries it out."""

    size: tuple[int, int]
    """(height, width) of the input."""
    channels: int
    """Of the image."""
    mean: tuple[float, ...]
    """Of each channel, where 1 is white."""
    std: tuple[float, ...]
    """Standard deviation, likewise."""
    resize: int | None = None
    """What the shorter side is scaled to before the centre is cut out."""
    interpolation: str = "bilinear"
    """How it is scaled."""
    light_on_dark: bool = False
    """Whether the images are light strokes on a dark ground."""


@dataclass(frozen=True)
class WeightsInfo:
    """What is known of weights before they are loaded."""

    label: str
    """What a person calls them: ``imagenet``, or a path."""
    source: str
    """Who made them."""
    licence: str
    """Under which terms they may be used, as far as their makers say."""
    file: RemoteFile | None
    """Where they are published, with the first digits of their SHA-256; None for a file of one's own."""
    classes: tuple[str, ...] | None = field(repr=False)
    """The names, in the order of the outputs; None where the weights do not say."""
    recipe: InputRecipe | None
    """What they expect of an image; likewise."""


@dataclass(frozen=True)
class _OfTimm:
    """Weights of timm on its hub: the repository, and what timm's configuration of them says."""

    repository: str
    size: int
    share: float
    """Of the scaled image's side that is cut out."""


_OF_TIMM = {
    "xception": _OfTimm("timm/legacy_xception.tf_in1k", 299, 0.8975),
    "mobilenet_v1": _OfTimm("timm/mobilenetv1_100.ra4_e3600_r224_in1k", 224, 0.875),
}


def has_published(name: str, label: str = "imagenet") -> bool:
    """Say whether there are published weights for an architecture."""
    if name in _OF_TIMM:
        return label == "imagenet"
    return name in list_models() and _entry(name, label) is not None


def published(name: str, label: str = "imagenet") -> WeightsInfo:
    """Return what is known of the published weights of an architecture. Nothing is fetched.

    Raises:
        LayerlabError: there are none; it lists which architectures have them.
    """
    if not has_published(name, label):
        if has_published(name):
            raise LayerlabError(f'there are no weights "{label}" for "{name}"; there are its weights "imagenet"')
        having = ", ".join(known for known in list_models() if has_published(known, label))
        raise LayerlabError(f'there are no published weights for "{name}"; {having} have them')
    return _from_timm(name) if name in _OF_TIMM else _from_torchvision(name, label)


@cache
def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's thousand classes in their usual order."""
    from torchvision.models import ResNet50_Weights

    return tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])


def _entry(name: str, label: str) -> Any:
    """Return torchvision's entry for the weights, or None."""
    import torchvision.models

    if name not in torchvision.models.list_models(module=torchvision.models):
        return None
    return getattr(torchvision.models.get_model_weights(name), _ENTRIES[label], None)


def _from_torchvision(name: str, label: str) -> WeightsInfo:
    entry = _entry(name, label)
    way = entry.transforms()
    mean, std = (_HALF, _HALF) if name in _SHIFTED else (tuple(way.mean), tuple(way.std))
    side = int(way.crop_size[0])
    file = str(urlsplit(entry.url).path).rpartition("/")[2]
    checksum = _NAMED_CHECKSUM.search(file)
    if checksum is None:
        raise LayerlabError(f'"{entry.url}" has no checksum in its name, so that it cannot be checked')
    return WeightsInfo(
        label=label,
        source=f"torchvision, {entry}",
        licence="torchvision's code: BSD-3-Clause; trained on ImageNet, whose images have terms of their own",
        file=RemoteFile(_mirrored(entry.url, file), file, checksum[1]),
        classes=tuple(entry.meta["categories"]),
        recipe=InputRecipe(
            (side, side), len(mean), mean, std, int(way.resize_size[0]), interpolation=str(way.interpolation.value)
        ),
    )


def _mirrored(url: str, file: str) -> str:
    """Return the address of a file of torchvision's, under ``$LAYERLAB_WEIGHTS_MIRROR`` where that is set."""
    mirror = os.environ.get("LAYERLAB_WEIGHTS_MIRROR")
    return f"{mirror.rstrip('/')}/{file}" if mirror else url


def _from_timm(name: str) -> WeightsInfo:
    one = _OF_TIMM[name]
    hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    short = one.repository.rpartition("/")[2]
    return WeightsInfo(
        label="imagenet",
        source=f"timm, {short}",
        licence="Apache-2.0; trained on ImageNet, whose images have terms of their own",
        file=RemoteFile(f"{hub}/{one.repository}/resolve/main/model.safetensors", f"{short}.safetensors", None),
        classes=imagenet_classes(),
        recipe=InputRecipe((one.size, one.size), 3, _HALF, _HALF, int(one.size / one.share), interpolation="bicubic"),
    )
