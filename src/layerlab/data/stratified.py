"""Dividing examples into parts so that every part has every class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from layerlab.data.randomness import SPLIT, permutation

__all__ = ["stratified_split"]


def stratified_split(labels: Tensor, fractions: Sequence[float], seed: int) -> list[Tensor]:
    """Divide examples into a first part and one further part for each fraction.

    Each class is divided on its own, so that the parts have its proportions. A class gives at least one
    example to every further part as long as one is left for the first; with fewer, the last parts are served
    first (the test before the validation).

    Args:
        labels: class of each example, int64, (N,).
        fractions: share of each further part, in (0, 1), together below 1.
        seed: the same seed divides alike on every machine.

    Returns:
        The indices of each part, sorted: ``1 + len(fractions)`` tensors that are disjoint and cover all
        examples.

    Raises:
        ValueError: the fractions are not shares of a whole.

    Example:
        >>> train, validation, test = stratified_split(torch.tensor([0] * 10 + [1] * 20), (0.1, 0.2), seed=0)
        >>> len(train), len(validation), len(test)
        (21, 3, 6)
    """
    if any(not 0 < fraction < 1 for fraction in fractions) or sum(fractions) >= 1:
        raise ValueError(f"fractions must be in (0, 1) and together below 1, got {list(fractions)}")
    # Shuffled first, then grouped: a class's members come in the shuffled order.
    order = permutation(len(labels), SPLIT, seed)
    parts: list[list[Tensor]] = [[] for _ in range(1 + len(fractions))]
    for label in torch.unique(labels).tolist():
        members = order[labels[order] == label]
        for number in range(len(fractions), 0, -1):
            wanted = max(1, round(fractions[number - 1] * int((labels == label).sum())))
            taken = min(wanted, len(members) - 1)
            parts[number].append(members[:taken])
            members = members[taken:]
        parts[0].append(members)
    return [torch.cat(part).sort().values if part else order[:0] for part in parts]
