"""What the report says, as plain data: computed from labels, probabilities and history."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

__all__ = [
    "Accuracy",
    "ClassRow",
    "Confusion",
    "Mistake",
    "accuracy_of",
    "best_epoch",
    "class_rows",
    "confusion_counts",
    "flat_facts",
    "frequent_confusions",
    "image_uri",
    "wilson_interval",
    "worst_mistakes",
]

_NORMAL_975 = 1.959963984540054


@dataclass(frozen=True)
class Accuracy:
    """How many were right, and where the true share lies with 95 % confidence."""

    correct: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share that was right, 0 to 1."""
        return self.correct / self.total


@dataclass(frozen=True)
class ClassRow:
    """One class in the table; a share whose denominator is zero is None."""

    name: str
    images: int
    predicted: int
    correct: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Confusion:
    """One class that was taken for another."""

    true: str
    predicted: str
    images: int
    share: float
    """Of the images of the true class."""


@dataclass(frozen=True)
class Mistake:
    """One test image that was taken for something else."""

    index: int
    """Its place in the test part."""
    true: int
    predicted: int
    probability: float
    """What the network gave to the class it chose."""
    true_probability: float
    loss: float


def wilson_interval(correct: int, total: int, z: float = _NORMAL_975) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Args:
        correct: successes.
        total: trials, at least 1.
        z: quantile of the normal distribution; the default gives 95 %.

    Raises:
        ValueError: ``total`` below 1, or ``correct`` outside 0 to ``total``.

    Reference:
        E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"expected 0 <= correct <= total and total >= 1, not {correct} and {total}")
    share, squared = correct / total, z * z
    centre = share + squared / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + squared / (4 * total * total))
    scale = 1 + squared / total
    # At the two ends the bound is the share itself, which rounding would miss by 1e-17.
    low = 0.0 if correct == 0 else (centre - spread) / scale
    high = 1.0 if correct == total else (centre + spread) / scale
    return low, high


def accuracy_of(labels: Tensor, predicted: Tensor) -> Accuracy:
    """Return the accuracy of ``predicted`` (N,) against ``labels`` (N,), N at least 1."""
    correct, total = int((labels == predicted).sum()), len(labels)
    return Accuracy(correct, total, *wilson_interval(correct, total))


def confusion_counts(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Return counts (classes, classes): row = true class, column = predicted class."""
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    counts: Tensor = multiclass_confusion_matrix(predicted, labels, num_classes=classes, validate_args=False)
    return counts


def class_rows(counts: Tensor, names: Sequence[str]) -> list[ClassRow]:
    """Return precision, recall and F1 of each class from its confusion counts."""
    correct, images, predicted = counts.diagonal().tolist(), counts.sum(1).tolist(), counts.sum(0).tolist()
    return [
        ClassRow(
            name,
            images[i],
            predicted[i],
            correct[i],
            _share(correct[i], predicted[i]),
            _share(correct[i], images[i]),
            _share(2 * correct[i], images[i] + predicted[i]),
        )
        for i, name in enumerate(names)
    ]


def frequent_confusions(counts: Tensor, names: Sequence[str], limit: int = 10) -> list[Confusion]:
    """Return the largest counts off the diagonal, the largest first; of equals, the larger share of its class."""
    wrong = counts.clone().fill_diagonal_(0)
    totals = counts.sum(1)
    rows, columns = wrong.nonzero(as_tuple=True)
    found = [
        Confusion(names[row], names[column], int(wrong[row, column]), float(wrong[row, column] / totals[row]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return sorted(found, key=lambda one: (-one.images, -one.share))[:limit]


def worst_mistakes(probabilities: Tensor, labels: Tensor, limit: int = 24) -> list[Mistake]:
    """Return the misclassified images with the largest cross-entropy, largest first.

    Args:
        probabilities: (N, classes).
        labels: (N,).
        limit: how many at most.
    """
    chosen, predicted = probabilities.double().max(dim=1)
    of_truth = probabilities.double().gather(1, labels[:, None]).squeeze(1)
    losses = -of_truth.clamp_min(torch.finfo(torch.float32).tiny).log()
    wrong = (predicted != labels).nonzero().squeeze(1)
    order = wrong[losses[wrong].argsort(descending=True, stable=True)][:limit]
    return [
        Mistake(i, int(labels[i]), int(predicted[i]), float(chosen[i]), float(of_truth[i]), float(losses[i]))
        for i in order.tolist()
    ]


def best_epoch(history: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the epoch with the lowest validation loss (the first of equals), or None when there is none."""
    known = [row for row in history if isinstance(row.get("val_loss"), float | int)]
    return min(known, key=lambda row: row["val_loss"])["epoch"] if known else None


def flat_facts(data: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) pairs, in their order."""
    facts: list[tuple[str, str]] = []
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            facts += flat_facts(value, f"{name}.")
        elif isinstance(value, list | tuple):
            facts.append((name, ", ".join(map(str, value)) or "none"))
        else:
            facts.append((name, "none" if value is None or value == {} else str(value)))
    return facts


def image_uri(image: Tensor, largest: int = 256) -> str:
    """Return a PNG data URI of an uint8 image (1 or 3, H, W), shrunk when a side is above ``largest``."""
    array = image.cpu().movedim(0, -1).numpy()
    picture = Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array[..., :3])
    picture.thumbnail((largest, largest))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
