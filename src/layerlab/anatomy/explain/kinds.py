"""Which function explains which class."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from layerlab.anatomy.explain import (
    activation,
    attention,
    convolution,
    dense,
    merging,
    normalization,
    ours,
    pooling,
    recurrent,
)
from layerlab.anatomy.explain.line import Line
from layerlab.anatomy.record import Layer

__all__ = ["EXPLAINERS", "WHOLE", "Explainer", "kind_of"]

Explainer = Callable[[Layer], list[Line]]

_DIMENSIONS = ("1d", "2d", "3d")
EXPLAINERS: Mapping[str, Explainer] = {
    **{f"{lazy}Conv{n}": convolution.convolution for lazy in ("", "Lazy") for n in _DIMENSIONS},
    **{f"{lazy}ConvTranspose{n}": convolution.transposed_convolution for lazy in ("", "Lazy") for n in _DIMENSIONS},
    **{f"{how}Pool{n}": pooling.pooling for how in ("Max", "Avg", "SameMax", "SameAvg", "LP") for n in _DIMENSIONS},
    **{f"Adaptive{how}Pool{n}": pooling.adaptive_pooling for how in ("Max", "Avg") for n in _DIMENSIONS},
    **{f"Global{how}Pool{n}": pooling.global_pooling for how in ("Max", "Average") for n in _DIMENSIONS},
    **{f"{how}Pad{n}": pooling.crop_or_pad
       for how in ("Zero", "Constant", "Reflection", "Replication", "Circular") for n in _DIMENSIONS},
    **{f"{lazy}BatchNorm{n}": normalization.batch_normalization for lazy in ("", "Lazy") for n in _DIMENSIONS},
    **{f"KerasBatchNorm{n}": normalization.batch_normalization for n in _DIMENSIONS},
    **{f"{lazy}InstanceNorm{n}": normalization.group_normalization for lazy in ("", "Lazy") for n in _DIMENSIONS},
    **{f"Dropout{n}": normalization.dropout for n in _DIMENSIONS},
    **dict.fromkeys(("Dropout", "AlphaDropout", "FeatureAlphaDropout", "StepDropout"), normalization.dropout),
    **dict.fromkeys(("GaussianNoise", "GaussianDropout"), normalization.noise),
    **dict.fromkeys(("StochasticDepth", "DropPath"), normalization.stochastic_depth),
    **dict.fromkeys(("LayerScale", "LayerScale2d"), normalization.layer_scale),
    **dict.fromkeys(activation.FORMULAS, activation.activation),
    **dict.fromkeys(("Softmax", "Softmax2d", "LogSoftmax", "Softmin"), activation.softmax),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"), recurrent.recurrent),
    **dict.fromkeys(("LoopRNN", "LoopLSTM", "LoopGRU"), recurrent.loop),
    **dict.fromkeys(("Linear", "LazyLinear", "NonDynamicallyQuantizableLinear"), dense.dense),
    **dict.fromkeys(("Flatten", "ChannelsLastFlatten", "Unflatten", "Reshape", "Permute", "SwapAxes",
                     "WindowPartition", "WindowDepartition"), merging.reshape),
    **dict.fromkeys(("Unfold", "Fold"), merging.fold),
    **dict.fromkeys(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"), pooling.upsampling),
    **dict.fromkeys(("PixelShuffle", "PixelUnshuffle", "ChannelShuffle"), pooling.shuffle),
    **dict.fromkeys(("Embedding", "EmbeddingBag"), dense.embedding),
    **dict.fromkeys(("CosineSimilarity", "PairwiseDistance"), dense.distance),
    **dict.fromkeys(merging.MERGES, merging.merge),
    "BatchNormAct2d": normalization.batch_normalization,
    "SyncBatchNorm": normalization.batch_normalization,
    "FrozenBatchNorm2d": normalization.frozen_batch_normalization,
    "LayerNorm": normalization.layer_normalization,
    "LayerNorm2d": normalization.channel_normalization,
    "RMSNorm": normalization.rms_normalization,
    "GroupNorm": normalization.group_normalization,
    "LocalResponseNorm": normalization.local_response_normalization,
    **{f"FractionalMaxPool{n}": pooling.fractional_pooling for n in _DIMENSIONS[1:]},
    **{f"MaxUnpool{n}": pooling.unpooling for n in _DIMENSIONS},
    "CrossMapLRN2d": normalization.local_response_normalization,
    "FastAdaptiveAvgPool": pooling.global_pooling,
    "GLU": activation.gated,
    "KerasReLU": activation.keras_relu,
    "SamePadding": pooling.crop_or_pad,
    "Crop": pooling.crop_or_pad,
    "SeparableConv2d": convolution.separable,
    "PartialConv2d": ours.partial_convolution,
    "Subsampling2d": ours.subsampling,
    "SubsampleAndPad": ours.subsampling_shortcut,
    "RadialBasis": ours.radial_basis,
    "Bilinear": dense.bilinear,
    "Maxout": dense.maxout,
    "Concatenate": merging.concatenation,
    "RepeatVector": merging.repeat,
    "MultiheadAttention": attention.attention,
}  # fmt: skip

# Their own function says all; the parts inside are not explained again.
WHOLE = frozenset(
    {"MultiheadAttention", "LoopRNN", "LoopLSTM", "LoopGRU"}
    | {f"Same{how}Pool{n}" for how in ("Max", "Avg") for n in _DIMENSIONS}
)


def kind_of(layer: Layer) -> tuple[str, Explainer | None]:
    """Return the class by which a layer is explained, its own or the nearest that it is a kind of, and the function."""
    for name in (layer.kind, *layer.bases):
        if name in EXPLAINERS:
            return name, EXPLAINERS[name]
    if ("Attention" in layer.kind or "Attn" in layer.kind) and isinstance(layer.settings.get("num_heads"), int):
        return layer.kind, attention.attention_block
    return layer.kind, None
