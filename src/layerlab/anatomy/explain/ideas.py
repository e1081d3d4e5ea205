"""The idea of a block in one sentence, by its class name in our zoo, torchvision and timm, where it holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from layerlab.anatomy.explain.arithmetic import equation, product, ratio
from layerlab.anatomy.explain.line import Line, say
from layerlab.anatomy.record import Layer

__all__ = ["IDEAS", "idea"]

IDEAS: Mapping[str, str] = {
    **dict.fromkeys(("BasicBlock", "Bottleneck", "PreactBlock", "ResidualBlock", "BottleneckBlock", "XceptionBlock"),
                    "block.residual"),
    **dict.fromkeys(("InvertedResidual", "_InvertedResidual", "MBConv", "SearchedBlock"), "block.inverted"),
    **dict.fromkeys(("DepthwiseSeparable", "SeparableConvolution", "DepthwiseSeparableConv"), "separable.pair"),
    **dict.fromkeys(("Inception", "Module35", "Module17", "Module8", "InceptionA", "InceptionC", "InceptionE",
                     "SepInceptionBlock3D"), "block.inception"),
    **dict.fromkeys(("To17", "To8", "InceptionB", "InceptionD"), "block.reduction"),
    **dict.fromkeys(("DenseBlock", "_DenseBlock"), "block.dense"),
    **dict.fromkeys(("DenseLayer", "_DenseLayer"), "block.dense-layer"),
    **dict.fromkeys(("Transition", "_Transition"), "block.transition"),
    **dict.fromkeys(("SqueezeExcite", "SqueezeExcitation", "SEModule"), "block.squeeze"),
    **dict.fromkeys(("PatchEmbed", "PatchEmbed3d"), "block.patches"),
    **dict.fromkeys(("Mlp", "MLP", "MLPBlock"), "block.mlp"),
    **dict.fromkeys(("PatchMerging", "PatchMergingV2"), "block.patch-merging"),
    **dict.fromkeys(("AuxiliaryHead", "InceptionAux"), "block.auxiliary"),
    **dict.fromkeys(("Block", "EncoderBlock", "SwinTransformerBlock", "SwinTransformerBlockV2",
                     "TransformerEncoderLayer"), "block.transformer"),
    **dict.fromkeys(("ConvNormActivation", "Conv2dNormActivation", "Conv3dNormActivation", "ConvNormAct",
                     "ConvolutionUnit", "BasicConv2d"), "block.unit"),
    **dict.fromkeys(("MaxoutLinear", "MaxoutConv2d"), "block.maxout"),
    "Fire": "block.fire",
    "FeaturePyramidNetwork": "block.pyramid",
    "ASPP": "block.aspp",
    "TimeDistributed": "block.time-distributed",
    "Bidirectional": "block.bidirectional",
    "Recurrent": "block.recurrent",
}  # fmt: skip
# What a block must do itself for the sentence to be true: the same class, built otherwise, may do without.
_NEEDS: Mapping[str, str] = {
    "block.residual": "sum",
    "block.transformer": "sum",
    "block.inception": "channels",
    "block.reduction": "channels",
    "block.dense": "channels",
    "block.pyramid": "sum",
}


def idea(layer: Layer, below: Sequence[Layer], work: Sequence[Line]) -> list[Line]:
    """Return the sentence that says the idea of a block, and where it is a saving, what is saved.

    Args:
        layer: the block.
        below: everything in it.
        work: what it does itself.
    """
    key = next((IDEAS[name] for name in (layer.kind, *layer.bases) if name in IDEAS), None)
    if key is None or not layer.called or not layer.inputs:
        return []
    parts = [part for part in below if part.called]
    convolutions = [part for part in parts if "kernel_size" in part.settings and part.parameters]
    if key == "separable.pair":
        return _saved(convolutions)
    return [say(key)] if _holds(key, layer, parts, convolutions, work) else []


def _holds(key: str, layer: Layer, parts: Sequence[Layer], convolutions: Sequence[Layer], work: Sequence[Line]) -> bool:
    """Return whether the sentence is true of the block."""
    needed = _NEEDS.get(key)
    if needed is not None and all(line.gives != needed for line in work):
        return False
    if key == "block.inverted":
        return _widens(layer, convolutions)
    if key == "block.dense-layer":
        return len(convolutions) == 2
    if key == "block.transformer":
        return any("Attention" in part.kind for part in parts)
    return key != "block.mlp" or _wider_and_back([part for part in parts if "in_features" in part.settings])


def _widens(layer: Layer, convolutions: Sequence[Layer]) -> bool:
    widest = max((part.settings.get("out_channels", 0) for part in convolutions), default=0)
    return bool(widest > max(layer.inputs[0][1], layer.outputs[0][1]))


def _wider_and_back(dense: Sequence[Layer]) -> bool:
    if len(dense) != 2:
        return False
    first, second = (part.settings for part in dense)
    return bool(first["out_features"] > first["in_features"] and second["out_features"] == first["in_features"])


def _saved(convolutions: Sequence[Layer]) -> list[Line]:
    """Return the sentence and the comparison with one full convolution of the same ends."""
    if len(convolutions) != 2:
        return []
    first, second = (part.settings for part in convolutions)
    kernel = first["kernel_size"]
    if first["groups"] != first["in_channels"] or math.prod(second["kernel_size"]) != 1:
        return []
    sides = (*kernel, first["in_channels"], second["out_channels"])
    weights = sum(math.prod(part.own_parameters[0].shape) for part in convolutions)
    full = math.prod(sides)
    return [say("separable.pair"), equation("full-convolution", product(*sides), full, full, ratio(full, weights))]
