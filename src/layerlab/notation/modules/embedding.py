"""A table of rows, chosen by number."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Embedding"]


class Embedding(nn.Embedding):
    """:class:`torch.nn.Embedding` that takes numbers of any type, as Keras does."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's name
        """Return the rows of the table."""
        return super().forward(input.long())
