"""The images of a trial: what is held out for ever, and how a replicate divides the rest.

Four in ten images, chosen by a digest of what is in them, are never seen where choices are made. A trial of the
validation part divides the other six; a trial of the test part draws half of the four to be scored on, and trains on
all the rest. So the answer's images are untouched by the choices, and yet differ from replicate to replicate.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from layerlab.data import load_data
from layerlab.data.stratified import stratified_split
from layerlab.lab.engines.networks_settings import EVER_HELD_OUT, VALIDATION
from layerlab.lab.trial import Trial

__all__ = ["Division", "Images", "divide", "generator", "load"]


@dataclass(frozen=True)
class Images:
    """All images of a data set, in an order that follows from what is in them."""

    pixels: Tensor
    """(N, C, H, W), float32; mean 0 and deviation 1 over the images that may be seen in validation trials."""
    labels: Tensor
    """(N,), int64."""
    classes: int
    """How many."""
    seen: Tensor
    """Rows that trials of the validation part divide, int64."""
    kept: Tensor
    """Rows that they never see."""


@dataclass(frozen=True)
class Division:
    """What one trial trains and is scored on."""

    train: Tensor
    """Rows of the images, (n,), int64."""
    labels: Tensor
    """Their labels, some of them perhaps exchanged."""
    held_out: Tensor
    """Rows that it is scored on."""
    pixels: Tensor
    """(N, C, H, W): all images; with noise, if there is some, of this trial's own."""


@lru_cache(maxsize=2)
def load(task: str) -> Images:
    """Return the images of a data set that needs nothing."""
    data = load_data(task)
    parts = (data.train, data.validation, data.test)
    pixels = torch.cat([part.images(torch.arange(len(part))) for part in parts])
    labels = torch.cat([part.labels for part in parts])
    digests = [
        hashlib.sha256(image.tobytes() + bytes([label % 256])).digest()
        for image, label in zip(pixels.numpy(), labels.tolist(), strict=True)
    ]
    order = torch.tensor(sorted(range(len(digests)), key=digests.__getitem__))
    pixels, labels = pixels[order], labels[order]
    # The order is that of the digests, so that the first of each class are as good as drawn by lot.
    kept = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(len(data.classes)):
        members = (labels == label).nonzero().squeeze(1)
        kept[members[: round(EVER_HELD_OUT * len(members))]] = True
    seen = (~kept).nonzero().squeeze(1)
    values = pixels.float()
    mean, deviation = (
        figure.view(1, -1, 1, 1) for figure in (values[seen].mean((0, 2, 3)), values[seen].std((0, 2, 3)))
    )
    return Images((values - mean) / deviation, labels, len(data.classes), seen, kept.nonzero().squeeze(1))


def divide(trial: Trial, images: Images) -> Division:
    """Return what a trial trains and is scored on: by its part, its replicate's ``split`` and its settings."""
    settings, split = trial.settings, trial.replicate.split
    if trial.part == "validation":
        first, second = stratified_split(images.labels[images.seen], (VALIDATION,), split)
        train, held_out = images.seen[first], images.seen[second]
    else:
        first, second = stratified_split(images.labels[images.kept], (0.5,), split)
        train, held_out = torch.cat([images.seen, images.kept[first]]), images.kept[second]
    if settings["train_share"] < 1:
        used, _ = stratified_split(images.labels[train], (1 - settings["train_share"],), split)
        train = train[used]
    return Division(train, _labels(trial, images, train), held_out, _pixels(trial, images))


def _labels(trial: Trial, images: Images, train: Tensor) -> Tensor:
    """Return the training labels; a share of them, exactly, is exchanged for one of the others."""
    labels = images.labels[train]
    count = round(trial.settings["label_noise"] * len(labels))
    if not count:
        return labels
    draw = generator("label noise", trial.part, trial.replicate.split)
    rows = torch.randperm(len(labels), generator=draw)[:count]
    shift = torch.randint(1, images.classes, (count,), generator=draw)
    labels[rows] = (labels[rows] + shift) % images.classes
    return labels


def _pixels(trial: Trial, images: Images) -> Tensor:
    noise: float = trial.settings["noise"]
    if not noise:
        return images.pixels
    draw = generator("noise", trial.part, trial.replicate.split)
    return images.pixels + noise * torch.randn(images.pixels.shape, generator=draw)


def generator(*key: object) -> torch.Generator:
    """Return a generator whose draws follow from ``key`` alone."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
