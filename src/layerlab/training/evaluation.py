"""Loss and accuracy over one part of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.training.outputs import Head, LogitReader, inspected

__all__ = ["Evaluation", "cross_entropy", "evaluate", "evaluation_batch_size"]

_PIXELS = {"cpu": 48 * 1024}
_MANY_PIXELS = 512 * 1024
"""A processor is fastest while what a layer gives still fits its cache; other devices like to be filled."""
_MOST_IMAGES = 512


@dataclass(frozen=True)
class Evaluation:
    """What was measured."""

    loss: float
    """Mean cross-entropy of an image."""
    accuracy: float
    """Share of images whose most probable class is the right one."""
    probabilities: Tensor | None = None
    """(N, classes), float32, where they were asked for."""
    labels: Tensor | None = None
    """(N,), int64, likewise."""


def evaluation_batch_size(batch_size: int, shape: tuple[int, ...], device: torch.device, world: int = 1) -> int:
    """Return how many images are evaluated at once: more than are trained on, where they are small.

    Args:
        batch_size: of training.
        shape: (C, H, W) of the images.
        device: where the network is.
        world: processes, of which each gets an equal share.
    """
    fitting = min(_MOST_IMAGES, _PIXELS.get(device.type, _MANY_PIXELS) // max(shape[-1] * shape[-2], 1))
    return max(batch_size, fitting // world * world)


def cross_entropy(head: Head, logits: Tensor, labels: Tensor, reduction: str = "sum") -> Tensor:
    """Return the plain cross-entropy of ``logits`` (N, width) and ``labels`` (N,)."""
    if head.binary:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype), reduction=reduction)
    return functional.cross_entropy(logits, labels, reduction=reduction)


def evaluate(
    model: nn.Module,
    head: Head,
    batches: Iterable[tuple[Tensor, Tensor]],
    device: torch.device,
    *,
    forward: Callable[[Tensor], object] | None = None,
    keep: bool = False,
    alone: bool = False,
    interrupted: Callable[[], bool] = lambda: False,
) -> Evaluation | None:
    """Measure ``model`` in evaluation mode, without a trace; over all processes where there are several.

    Args:
        model: the network.
        head: how its output is read.
        batches: of images and labels; each process gives its own share.
        device: where the network is.
        forward: what is called in place of ``model``, such as the same under autocast.
        keep: whether probabilities and labels are returned.
        alone: whether the other processes, if there are any, do something else.
        interrupted: asked after each batch; None is returned once it is true.
    """
    from torchmetrics import MeanMetric
    from torchmetrics.classification import MulticlassAccuracy

    mean = MeanMetric(nan_strategy="disable", sync_on_compute=not alone).to(device)
    accuracy = MulticlassAccuracy(head.classes, average="micro", validate_args=False, sync_on_compute=not alone).to(
        device
    )
    kept: list[Tensor] = []
    truth: list[Tensor] = []
    with inspected(model), LogitReader(model, head) as reader:
        for images, labels in batches:
            if interrupted():
                return None
            if not len(labels):
                continue
            logits, _ = reader.read((forward or model)(images.to(device, non_blocking=True)))
            target = labels.to(device, non_blocking=True)
            mean.update(cross_entropy(head, logits, target, "none"))
            accuracy.update(head.predictions(logits), target)
            if keep:
                kept.append(head.probabilities(logits).float().cpu())
                truth.append(labels)
    return Evaluation(
        float(mean.compute()),
        float(accuracy.compute()),
        torch.cat(kept) if keep else None,
        torch.cat(truth) if keep else None,
    )
