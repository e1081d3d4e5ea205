"""Weights of attention as maps over the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from layerlab.anatomy.map_layout import MapLayout

__all__ = ["AttentionMaps", "attention_maps"]


@dataclass(frozen=True)
class AttentionMaps:
    """What each head looks at.

    Attributes:
        weights: (heads, queries, keys); each row adds up to 1.
        layout: how the keys lie on the image.
    """

    weights: Tensor
    layout: MapLayout

    def from_class_token(self) -> Tensor | None:
        """Return (heads, rows, columns): what the first token looks at; ``None`` where all tokens are positions."""
        return self._grid(self.weights[:, 0]) if self.layout.skipped else None

    def on_average(self) -> Tensor:
        """Return (heads, rows, columns): how much each position is looked at, the mean over all queries."""
        return self._grid(self.weights.mean(dim=1))

    def from_position(self, row: int, column: int) -> Tensor:
        """Return (heads, rows, columns): what one position looks at."""
        return self._grid(self.weights[:, self.layout.skipped + row * self.layout.columns + column])

    def _grid(self, rows: Tensor) -> Tensor:
        return rows[:, self.layout.skipped :].reshape(len(rows), self.layout.rows, self.layout.columns)


def attention_maps(softmax: Sequence[Tensor], layout: MapLayout) -> AttentionMaps | None:
    """Return the attention of a layer that takes one softmax over the tokens of one image, else ``None``.

    Args:
        softmax: what was seen inside the layer.
        layout: of the layer's output.
    """
    if len(softmax) != 1 or softmax[0].dim() < 3 or softmax[0].shape[-1] != softmax[0].shape[-2]:
        return None
    weights = softmax[0].detach().float().cpu().flatten(0, -3)
    tokens = weights.shape[-1]
    # Windows of attention hold fewer tokens than the image has.
    if layout.kind != "tokens" or layout.parts > 1 or layout.rows * layout.columns + layout.skipped != tokens:
        return None
    return AttentionMaps(weights, layout)
