"""A network as source that a person can run and go on from, with these weights."""

from layerlab.playground.source_keras import write_keras
from layerlab.playground.source_pytorch import write_pytorch

__all__ = ["write_keras", "write_pytorch"]
