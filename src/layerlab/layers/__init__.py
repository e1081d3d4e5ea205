"""The vocabulary of networks: activations, convolutions, pooling, normalisation, skips, and their geometry.

Where PyTorch has a layer, that layer is used; here is what it has not.
"""

from layerlab.layers.activations import ACTIVATIONS, Exponential, activation, activation_names
from layerlab.layers.convolution import convolution, dense
from layerlab.layers.flatten import ChannelsLastFlatten, Flatten
from layerlab.layers.geometry import (
    AxisPadding,
    output_size,
    padding_amounts,
    same_padding,
    transposed_crop,
    transposed_output_size,
)
from layerlab.layers.global_pooling import (
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
)
from layerlab.layers.inverse import Solution, solve, why_none
from layerlab.layers.maxout import Maxout, MaxoutConv2d, MaxoutLinear
from layerlab.layers.normalisation import batch_normalize
from layerlab.layers.padding import Padding, SamePadding
from layerlab.layers.partial import PartialConv2d
from layerlab.layers.pooling import SameAvgPool1d, SameAvgPool2d, SameMaxPool1d, SameMaxPool2d
from layerlab.layers.separable import SeparableConv2d
from layerlab.layers.skip import Add, Concatenate, Skip
from layerlab.layers.subsampling import Subsampling2d
from layerlab.layers.transposed import Crop, transposed_convolution

__all__ = [
    "ACTIVATIONS",
    "Add",
    "AxisPadding",
    "ChannelsLastFlatten",
    "Concatenate",
    "Crop",
    "Exponential",
    "Flatten",
    "GlobalAveragePool1d",
    "GlobalAveragePool2d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "Maxout",
    "MaxoutConv2d",
    "MaxoutLinear",
    "Padding",
    "PartialConv2d",
    "SameAvgPool1d",
    "SameAvgPool2d",
    "SameMaxPool1d",
    "SameMaxPool2d",
    "SamePadding",
    "SeparableConv2d",
    "Skip",
    "Solution",
    "Subsampling2d",
    "activation",
    "activation_names",
    "batch_normalize",
    "convolution",
    "dense",
    "output_size",
    "padding_amounts",
    "same_padding",
    "solve",
    "transposed_convolution",
    "transposed_crop",
    "transposed_output_size",
    "why_none",
]
