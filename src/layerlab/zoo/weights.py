"""Published weights: where they are, what they were trained on, and how they get into a network."""

from __future__ import annotations

import os

from torch import nn

from layerlab.errors import LayerlabError

__all__ = ["load_pretrained"]


def load_pretrained(name: str, module: nn.Module, weights: str | os.PathLike[str]) -> None:
    """Load published weights into ``module``."""
    raise LayerlabError(f'there are no weights "{weights}" for "{name}"')
