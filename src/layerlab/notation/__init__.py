"""Keras source to networks, and networks to Keras and PyTorch source."""

from layerlab.notation.catalogue import keras_layer_names
from layerlab.notation.keras_writer import write_keras
from layerlab.notation.model import KerasModel
from layerlab.notation.pytorch_writer import write_pytorch
from layerlab.notation.reader import read_keras
from layerlab.notation.weights import load_keras_weights

__all__ = ["KerasModel", "keras_layer_names", "load_keras_weights", "read_keras", "write_keras", "write_pytorch"]
