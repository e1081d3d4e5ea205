"""What loading gives: three parts, and the recipe of their inputs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from layerlab.data.augmentation import Augmentation, augmentation
from layerlab.data.batches import Split
from layerlab.data.preprocessing import Preprocessing
from layerlab.data.registry import DatasetInfo

__all__ = ["Dataset"]


@dataclass
class Dataset:
    """Images with classes, divided into training, validation and test parts.

    The recipe of the inputs is :attr:`preprocess`; what a run must store to prepare other images alike is its
    ``to_dict()``, and what it must store to load the same data again is :attr:`reproduce`.
    """

    info: DatasetInfo
    """What it is and where it comes from."""
    train: Split
    """To learn from."""
    validation: Split
    """To choose by: the epoch, the settings."""
    test: Split
    """To be measured on once."""
    preprocess: Preprocessing
    """Image -> input, exactly as the parts are prepared when they are not augmented."""
    reproduce: dict[str, Any]
    """The arguments of ``load_data`` that load the same again; JSON can hold them."""
    skipped: list[str] = field(default_factory=list)
    """Files that were left out because they cannot be read, each with the reason."""
    ignored: int = 0
    """How many files were passed over because they are no images."""

    @property
    def name(self) -> str:
        """The registered name, or the name of the folder."""
        return self.info.name

    @property
    def classes(self) -> list[str]:
        """The names, in the order of the labels."""
        return list(self.preprocess.classes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        return self.preprocess.shape

    @property
    def mean(self) -> tuple[float, ...]:
        """Of each channel over the training part, where 1 is white."""
        return self.preprocess.mean

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel, likewise."""
        return self.preprocess.std

    @property
    def fingerprint(self) -> str:
        """A digest of what is in the parts: a resumed run whose data has changed can notice."""
        digest = hashlib.sha256(repr(self.preprocess).encode())
        for part in (self.train, self.validation, self.test):
            digest.update(part.labels.numpy().tobytes())
            digest.update("\n".join(part.name_of(index) for index in range(len(part))).encode("utf-8", "replace"))
        return digest.hexdigest()[:16]

    def augmentation(self, name: str) -> Augmentation | None:
        """Return a named augmentation for these images, which exchanges left and right only where it may."""
        return augmentation(name, self.shape, flip=self.info.flip)
