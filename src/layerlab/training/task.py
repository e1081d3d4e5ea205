"""Classification: from logits and labels to the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from layerlab.training.config import TrainingConfig
from layerlab.training.evaluation import cross_entropy
from layerlab.training.outputs import Head
from layerlab.training.randomness import beta_draw

__all__ = ["Classification", "Target"]

_AUXILIARY_WEIGHT = 0.3  # of GoogLeNet's auxiliary classifiers (Szegedy et al. 2015, section 5)
_MIXUP = 0x6D69  # keeps mixup's draws apart from others of the same seed, epoch and batch


@dataclass(frozen=True)
class Target:
    """What the logits of a batch should say: ``share`` of ``first`` and the rest of ``second``."""

    first: Tensor
    second: Tensor | None = None
    share: float = 1.0


class Classification:
    """One label an image.

    Args:
        head: how the network's output is read.
        config: label smoothing and mixup.
    """

    def __init__(self, head: Head, config: TrainingConfig) -> None:
        self.head = head
        self.smoothing = config.label_smoothing
        self.alpha = config.mixup
        self.seed = config.seed

    def mix(self, images: Tensor, labels: Tensor, epoch: int, batch: int) -> tuple[Tensor, Target]:
        """Return the batch, mixed with itself in reverse order where mixup is on.

        Args:
            images: (N, C, H, W).
            labels: (N,).
            epoch: the share is a function of the seed, this and the next, alike in all processes.
            batch: likewise.

        Reference:
            H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, *mixup*, 2018.
        """
        if not self.alpha:
            return images, Target(labels)
        share = beta_draw(self.alpha, _MIXUP, self.seed, epoch, batch)
        share = max(share, 1 - share)  # the first label is the one that accuracy is counted against
        return images.lerp(images.flip(0), 1 - share), Target(labels, labels.flip(0), share)

    def loss(self, logits: Tensor, auxiliary: Sequence[Tensor], target: Target) -> tuple[Tensor, Tensor]:
        """Return the plain cross-entropy that is reported and the loss that is minimised.

        Args:
            logits: (N, width).
            auxiliary: logits of auxiliary classifiers, of the same shape.
            target: from :meth:`mix`.
        """
        plain = self._mixed(logits, target)
        loss = plain
        if self.smoothing:
            loss = (1 - self.smoothing) * plain + self.smoothing * self._to_uniform(logits)
        for other in auxiliary:
            loss = loss + _AUXILIARY_WEIGHT * self._mixed(other, target)
        return plain, loss

    def _mixed(self, logits: Tensor, target: Target) -> Tensor:
        first = cross_entropy(self.head, logits, target.first, "mean")
        if target.second is None:
            return first
        second = cross_entropy(self.head, logits, target.second, "mean")
        return target.share * first + (1 - target.share) * second

    def _to_uniform(self, logits: Tensor) -> Tensor:
        """Return the cross-entropy against an even spread over all classes."""
        if self.head.binary:
            half = torch.full_like(logits, 0.5)
            return functional.binary_cross_entropy_with_logits(logits, half)
        return -functional.log_softmax(logits, dim=1).mean()
