"""Every Keras layer that is read: one file for each kind of layer, each registering its own."""

from layerlab.notation.catalogue import (
    activations,
    convolutional,
    dense,
    merging,
    noise,
    normalisation,
    pooling,
    recurrent,
    reshaping,
)
from layerlab.notation.catalogue.activations import KERAS_ACTIVATIONS
from layerlab.notation.catalogue.call import LARGEST_NETWORK, Budget, LayerCall
from layerlab.notation.catalogue.kind import KINDS, REQUIRED, Built, Kind, Weight, keras_layer_names
from layerlab.notation.catalogue.unread import UNREAD

__all__ = [
    "KERAS_ACTIVATIONS",
    "KINDS",
    "LARGEST_NETWORK",
    "REQUIRED",
    "UNREAD",
    "Budget",
    "Built",
    "Kind",
    "LayerCall",
    "Weight",
    "activations",
    "convolutional",
    "dense",
    "keras_layer_names",
    "merging",
    "noise",
    "normalisation",
    "pooling",
    "recurrent",
    "reshaping",
]
