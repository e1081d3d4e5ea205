"""Classification: from logits and labels to the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.errors import LayerlabError
from layerlab.training.config import TrainingConfig
from layerlab.training.evaluation import cross_entropy
from layerlab.training.outputs import Head
from layerlab.training.randomness import beta_draw

__all__ = ["Classification", "Target", "criterion_of"]

_Loss = Callable[[Tensor, Tensor], Tensor]

_AUXILIARY_WEIGHT = 0.3  # of GoogLeNet's auxiliary classifiers (Szegedy et al. 2015, section 5)
_MIXUP = 0x6D69  # keeps mixup's draws apart from others of the same seed, epoch and batch


@dataclass(frozen=True)
class Target:
    """What the logits of a batch should say: ``share`` of ``first`` and the rest of ``second``."""

    first: Tensor
    second: Tensor | None = None
    share: float = 1.0


def criterion_of(model: nn.Module) -> nn.Module | None:
    """Return the loss that the network brings with it: its module ``criterion``, called (logits, labels)."""
    criterion = getattr(model, "criterion", None)
    return criterion if isinstance(criterion, nn.Module) else None


class Classification:
    """One label an image.

    Args:
        head: how the network's output is read.
        config: label smoothing and mixup.
        criterion: what is minimised in place of the cross-entropy: a module called (logits, labels) that gives the
            mean loss. See :func:`criterion_of`.

    Raises:
        LayerlabError: label smoothing is asked for and the network has a loss of its own.
    """

    def __init__(self, head: Head, config: TrainingConfig, criterion: nn.Module | None = None) -> None:
        if criterion is not None and config.label_smoothing:
            raise LayerlabError(
                f"label_smoothing is {config.label_smoothing:g} and the network brings a loss of its own"
                f" ({type(criterion).__name__}), which takes whole labels only: leave label_smoothing at 0"
            )
        self.head = head
        self.criterion = criterion
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

        Raises:
            LayerlabError: the network's own criterion fails, or gives no single number.
        """
        plain = _mixed(self._cross_entropy, logits, target)
        minimised: _Loss = self._cross_entropy
        loss = plain
        if self.criterion is not None:
            minimised = partial(_called, self.criterion)
            loss = _mixed(minimised, logits, target)
        if self.smoothing:
            loss = (1 - self.smoothing) * plain + self.smoothing * self._to_uniform(logits)
        for other in auxiliary:
            loss = loss + _AUXILIARY_WEIGHT * _mixed(minimised, other, target)
        return plain, loss

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(self.head, logits, labels, "mean")

    def _to_uniform(self, logits: Tensor) -> Tensor:
        """Return the cross-entropy against an even spread over all classes."""
        if self.head.binary:
            half = torch.full_like(logits, 0.5)
            return functional.binary_cross_entropy_with_logits(logits, half)
        return -functional.log_softmax(logits, dim=1).mean()


def _mixed(loss: _Loss, logits: Tensor, target: Target) -> Tensor:
    """Return the loss against both labels, each with its share."""
    first = loss(logits, target.first)
    if target.second is None:
        return first
    return target.share * first + (1 - target.share) * loss(logits, target.second)


def _called(criterion: nn.Module, logits: Tensor, labels: Tensor) -> Tensor:
    """Return what a network's own criterion gives."""
    name = type(criterion).__name__
    try:
        loss = criterion(logits, labels)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:  # what torch's losses raise
        reason = " ".join(str(error).split())[:200]
        raise LayerlabError(
            f"the network's criterion ({name}) cannot take outputs {tuple(logits.shape)} and labels"
            f" {tuple(labels.shape)} ({reason}); expected a loss of logits and class numbers"
        ) from error
    if not isinstance(loss, Tensor) or loss.dim():
        given = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise LayerlabError(f"the network's criterion ({name}) gives {given}; expected one number, the mean loss")
    return loss
