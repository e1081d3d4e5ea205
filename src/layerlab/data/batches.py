"""The parts of a data set, and how their batches are formed.

Which images form a batch is a pure function of (seed, epoch): neither the number of processes nor the batch
at which a resumed run begins has any influence. Images in memory are served as slices of one tensor, without
a Python call per image; files are decoded by worker processes, a whole batch each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from layerlab.data.augmentation import Augmentation, augmentation
from layerlab.data.images import read_image
from layerlab.data.preprocessing import Preprocessing
from layerlab.data.randomness import AUGMENTATION, ORDER, permutation, uniform
from layerlab.errors import LayerlabError

__all__ = ["BatchPlan", "Batches", "FileSplit", "Share", "Split", "TensorSplit"]

_CACHE_LIMIT = 256 * 2**20
"""A normalised float32 copy of a part is kept up to this many bytes."""


@dataclass(frozen=True)
class Share:
    """What one process does of one global batch."""

    number: int
    """Which batch of the epoch."""
    indices: Tensor
    """The images, by their place in the part; int64."""
    offset: int
    """How many images of the batch are other processes' and come before."""
    total: int
    """How many images the whole batch has."""


@dataclass(frozen=True)
class BatchPlan:
    """The batches of one epoch, as one process sees them.

    Every process has equally many images of each batch. A last batch that the number of processes does not
    divide is the exception (its shares differ by one and may be empty): ``drop_last`` leaves it out.

    Raises:
        LayerlabError: a number is out of its range, or ``world`` does not divide ``batch_size``.
    """

    count: int
    batch_size: int
    shuffle: bool
    seed: int = 0
    epoch: int = 0
    rank: int = 0
    world: int = 1
    drop_last: bool = False
    start: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise LayerlabError(f"the batch size must be at least 1, not {self.batch_size}")
        if self.world < 1 or not 0 <= self.rank < self.world:
            raise LayerlabError(f"process {self.rank} of {self.world} does not exist; the first of n is 0")
        if self.batch_size % self.world:
            lower = self.batch_size // self.world * self.world
            fix = f"{lower} or {lower + self.world}" if lower else str(self.world)
            raise LayerlabError(
                f"a batch of {self.batch_size} images cannot be shared equally by {self.world} processes; "
                f"use a batch size of {fix}"
            )
        for name in ("seed", "epoch", "start"):
            if getattr(self, name) < 0:
                raise LayerlabError(f"{name} must not be negative, got {getattr(self, name)}")

    @property
    def number_of_batches(self) -> int:
        """Of the whole epoch, wherever this plan starts."""
        return (self.count + (0 if self.drop_last else self.batch_size - 1)) // self.batch_size

    def __len__(self) -> int:
        return max(0, self.number_of_batches - self.start)

    def __iter__(self) -> Iterator[Share]:
        order = permutation(self.count, ORDER, self.seed, self.epoch) if self.shuffle else torch.arange(self.count)
        for number in range(self.start, self.number_of_batches):
            batch = order[number * self.batch_size : (number + 1) * self.batch_size]
            shares = batch.tensor_split(self.world)
            offset = sum(len(share) for share in shares[: self.rank])
            yield Share(number, shares[self.rank], offset, len(batch))

    def noise(self, share: Share, draws: int) -> Tensor:
        """Return the rows of random numbers of a share's images, (images, draws)."""
        rows = uniform(share.total, draws, AUGMENTATION, self.seed, self.epoch, share.number)
        return rows[share.offset : share.offset + len(share.indices)]


class Split(ABC):
    """One part of a data set: training, validation or test.

    Args:
        labels: class of each image, int64, (N,).
        preprocess: the recipe that the images were, or will be, prepared by.
        names: what each image is called, for messages and reports.
    """

    def __init__(self, labels: Tensor, preprocess: Preprocessing, names: Sequence[str] | None = None) -> None:
        self.labels = labels
        self.preprocess = preprocess
        self._names = names

    def __len__(self) -> int:
        return len(self.labels)

    def name_of(self, index: int) -> str:
        """Return the file of an image, relative to the data's folder, or its number."""
        return self._names[index] if self._names is not None else f"image {index}"

    @abstractmethod
    def images(self, indices: Sequence[int] | Tensor) -> Tensor:
        """Return images for display: uint8, (N, C, H, W)."""

    def batches(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        epoch: int = 0,
        rank: int = 0,
        world: int = 1,
        drop_last: bool = False,
        transform: Augmentation | Callable[[Tensor], Tensor] | None = None,
        memory_format: torch.memory_format | None = None,
        start: int = 0,
    ) -> Batches:
        """Return the batches of one epoch.

        Args:
            batch_size: of the global batch, which the processes share equally.
            shuffle: whether the order is drawn (from ``seed`` and ``epoch``) or that of the part.
            seed: of the order and of the augmentation.
            epoch: likewise.
            rank: which process this is, from 0.
            world: how many processes there are.
            drop_last: whether to leave out a last batch that is not full.
            transform: from :func:`~layerlab.data.augmentation`, or a torchvision v2 transform.
            memory_format: of the images; ``torch.channels_last`` for instance.
            start: the first batch to serve, as when a run is resumed in the middle of an epoch.

        Returns:
            An iterable with a length, of (images, labels): float32 (N, C, H, W), normalised; int64 (N,).

        Raises:
            LayerlabError: as :class:`BatchPlan`; while iterating, a file that cannot be read.
        """
        plan = BatchPlan(len(self), batch_size, shuffle, seed, epoch, rank, world, drop_last, start)
        return Batches(self, plan, augmentation(transform, self.preprocess.shape), memory_format)

    @abstractmethod
    def _inputs(self, plan: BatchPlan, transform: Augmentation | None) -> Iterator[tuple[Share, Tensor]]:
        """Yield each share with its normalised images."""


class Batches:
    """The batches of one epoch; see :meth:`Split.batches`. Each iteration gives the same."""

    def __init__(
        self,
        split: Split,
        plan: BatchPlan,
        transform: Augmentation | None,
        memory_format: torch.memory_format | None,
    ) -> None:
        self.plan = plan
        self._split, self._transform, self._memory_format = split, transform, memory_format

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for share, images in self._split._inputs(self.plan, self._transform):
            laid_out = images.contiguous(memory_format=self._memory_format or torch.contiguous_format)
            yield laid_out, self._split.labels[share.indices]


class TensorSplit(Split):
    """A part whose images are in memory.

    Args:
        pixels: uint8, (N, C, H, W).
        labels: int64, (N,).
        preprocess: its normalisation is applied to the batches.
        names: as in :class:`Split`.
    """

    def __init__(
        self, pixels: Tensor, labels: Tensor, preprocess: Preprocessing, names: Sequence[str] | None = None
    ) -> None:
        super().__init__(labels, preprocess, names)
        self.pixels = pixels
        self._normalized: Tensor | None = None

    def images(self, indices: Sequence[int] | Tensor) -> Tensor:
        """Return images for display: uint8, (N, C, H, W)."""
        return self.pixels[torch.as_tensor(indices, dtype=torch.int64)]

    def _inputs(self, plan: BatchPlan, transform: Augmentation | None) -> Iterator[tuple[Share, Tensor]]:
        if transform is None and self._normalized is None and self.pixels.numel() * 4 <= _CACHE_LIMIT:
            self._normalized = self.preprocess.normalize(self.pixels)
        for share in plan:
            if transform is None and self._normalized is not None:
                yield share, self._normalized.index_select(0, share.indices)
                continue
            images = self.pixels.index_select(0, share.indices)
            if transform is not None:
                images = transform(images, plan.noise(share, transform.draws))
            yield share, self.preprocess.normalize(images)


class FileSplit(Split):
    """A part whose images are decoded from files when they are needed.

    Args:
        paths: the image files.
        labels: int64, (N,).
        preprocess: how an image becomes an input.
        names: as in :class:`Split`.
        workers: decoding processes, which stay alive between epochs; 0 decodes in this process.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Tensor,
        preprocess: Preprocessing,
        names: Sequence[str] | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__(labels, preprocess, names)
        self.paths = paths
        self.workers = workers
        self._loader: _BatchLoader | None = None

    def images(self, indices: Sequence[int] | Tensor) -> Tensor:
        """Return images for display: uint8, (N, C, H, W). Raises LayerlabError for a file that cannot be read."""
        return _decode_batch(self.paths, torch.as_tensor(indices, dtype=torch.int64).tolist(), self.preprocess)

    def _inputs(self, plan: BatchPlan, transform: Augmentation | None) -> Iterator[tuple[Share, Tensor]]:
        loader = self._loader
        if loader is None or loader.busy or loader.decoder.transform is not transform:
            loader = _BatchLoader(_Decoder(self.paths, self.preprocess, transform), self.workers)
            if self._loader is None or not self._loader.busy:
                self._loader = loader
        for share, images in loader.run(plan):
            yield share, self.preprocess.normalize(images)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the worker processes behind when the part is sent to another process."""
        return self.__dict__ | {"_loader": None}


class _Decoder(Dataset[tuple[Share, Tensor | str]]):
    """What a worker does: a share and its noise in, its pixels out."""

    def __init__(self, paths: Sequence[Path], preprocess: Preprocessing, transform: Augmentation | None) -> None:
        self.paths, self.preprocess, self.transform = paths, preprocess, transform

    def __getitem__(self, work: tuple[Share, Tensor | None]) -> tuple[Share, Tensor | str]:
        """Return the pixels, or why there are none: an exception would arrive as a worker's traceback."""
        share, noise = work
        try:
            pixels = _decode_batch(self.paths, share.indices.tolist(), self.preprocess)
        except LayerlabError as error:
            return share, str(error)
        if self.transform is not None and noise is not None:
            pixels = self.transform(pixels, noise)
        return share, pixels


class _Work(Sampler[tuple[Share, Tensor | None]]):
    """The shares of whichever epoch is to be decoded next, each with its noise."""

    def __init__(self, draws: int) -> None:
        self.draws = draws
        self.plan: BatchPlan | None = None

    def __iter__(self) -> Iterator[tuple[Share, Tensor | None]]:
        for share in self.plan or ():
            yield share, self.plan.noise(share, self.draws) if self.plan and self.draws else None

    def __len__(self) -> int:
        return len(self.plan or ())


class _BatchLoader:
    """Worker processes that outlive an epoch. One epoch at a time."""

    def __init__(self, decoder: _Decoder, workers: int) -> None:
        self.decoder = decoder
        self.busy = False
        self._work = _Work(decoder.transform.draws if decoder.transform is not None else 0)
        self._loader = DataLoader(
            decoder,
            batch_size=None,
            sampler=self._work,
            num_workers=workers,
            persistent_workers=workers > 0,
            # Its own generator: the loader must not advance the one that the network's dropout draws from.
            generator=torch.Generator(),
        )

    def run(self, plan: BatchPlan) -> Iterator[tuple[Share, Tensor]]:
        self._work.plan = plan
        self.busy = True
        try:
            for share, pixels in self._loader:
                if isinstance(pixels, str):
                    raise LayerlabError(pixels)
                yield share, pixels
        finally:
            self.busy = False


def _decode_batch(paths: Sequence[Path], indices: Sequence[int], preprocess: Preprocessing) -> Tensor:
    pixels = torch.empty((len(indices), *preprocess.shape), dtype=torch.uint8)
    for row, index in enumerate(indices):
        pixels[row] = preprocess.to_pixels(read_image(paths[index], preprocess.channels))
    return pixels
