"""Keras source to networks, and networks to Keras and PyTorch source."""

from layerlab.notation.model import KerasModel
from layerlab.notation.reader import read_keras
from layerlab.notation.weights import load_keras_weights

__all__ = ["KerasModel", "load_keras_weights", "read_keras"]
