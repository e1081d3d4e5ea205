"""The worked arithmetic of one layer: one small function for each kind of layer.

What a function writes is checked against the record as it is written (see
:mod:`layerlab.anatomy.explain.arithmetic`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from layerlab.anatomy.explain import activation, convolution, dense, normalization, pooling, recurrent
from layerlab.anatomy.explain.arithmetic import declared, equation, product
from layerlab.anatomy.explain.explanation import Explanation
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import without_batch

if TYPE_CHECKING:
    from layerlab.anatomy.anatomy import Anatomy

__all__ = ["Explanation", "explain"]

Explainer = Callable[[Layer], list[str]]

_DIMENSIONS = ("1d", "2d", "3d")
_EXPLAINERS: Mapping[str, Explainer] = {
    **{f"Conv{n}": convolution.convolution for n in _DIMENSIONS},
    **{f"LazyConv{n}": convolution.convolution for n in _DIMENSIONS},
    **{f"ConvTranspose{n}": convolution.transposed_convolution for n in _DIMENSIONS},
    **{f"{how}Pool{n}": pooling.pooling for how in ("Max", "Avg", "SameMax", "SameAvg") for n in _DIMENSIONS},
    **{f"Adaptive{how}Pool{n}": pooling.adaptive_pooling for how in ("Max", "Avg") for n in _DIMENSIONS},
    **{f"Global{how}Pool{n}": pooling.global_pooling for how in ("Max", "Average") for n in _DIMENSIONS},
    **{f"{how}Pad{n}": pooling.crop_or_pad
       for how in ("Zero", "Constant", "Reflection", "Replication", "Circular") for n in _DIMENSIONS},
    **{f"BatchNorm{n}": normalization.batch_normalization for n in _DIMENSIONS},
    **{f"InstanceNorm{n}": normalization.group_normalization for n in _DIMENSIONS},
    **{f"Dropout{n}": normalization.dropout for n in _DIMENSIONS},
    **dict.fromkeys(("Dropout", "AlphaDropout", "FeatureAlphaDropout"), normalization.dropout),
    **dict.fromkeys(activation.FORMULAS, activation.activation),
    **dict.fromkeys(("Softmax", "Softmax2d", "LogSoftmax"), activation.softmax),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"), recurrent.recurrent),
    **dict.fromkeys(("Linear", "LazyLinear", "NonDynamicallyQuantizableLinear"), dense.dense),
    **dict.fromkeys(("Flatten", "ChannelsLastFlatten", "Unflatten"), dense.flatten),
    **dict.fromkeys(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"), pooling.upsampling),
    **dict.fromkeys(("PixelShuffle", "PixelUnshuffle"), pooling.upsampling),
    "SamePadding": pooling.crop_or_pad,
    "Crop": pooling.crop_or_pad,
    "SeparableConv2d": convolution.separable,
    "Bilinear": dense.bilinear,
    "Embedding": dense.embedding,
    "MultiheadAttention": dense.attention,
    "Maxout": dense.maxout,
    "Add": dense.addition,
    "Concatenate": dense.concatenation,
    "LayerNorm": normalization.layer_normalization,
    "RMSNorm": normalization.rms_normalization,
    "GroupNorm": normalization.group_normalization,
}  # fmt: skip
# Their own function says all; the parts inside are not explained again.
_WHOLE = frozenset({"MultiheadAttention", *(f"Same{how}Pool{n}" for how in ("Max", "Avg") for n in _DIMENSIONS)})


def explain(anatomy: Anatomy, layer: Layer) -> Explanation:
    """Return the worked arithmetic of a layer, of its parts in order, and of their sums.

    Args:
        anatomy: where the layer's parts are found.
        layer: one of its records.
    """
    return Explanation(_title(layer), tuple(_lines(anatomy, layer)))


def _title(layer: Layer) -> str:
    number = f"{layer.number}  " if layer.number else ""
    name = f"{layer.path}: " if layer.path else ""
    return f"{number}{name}{layer.kind}"


def _lines(anatomy: Anatomy, layer: Layer) -> list[str]:
    if not layer.called and layer.is_leaf:
        return [*layer.notes, *_declared_parameters(layer)]
    lines = []
    if layer.called:
        lines.append(f"{_inputs(layer)} -> {without_batch(layer.outputs)}")
    lines += layer.notes
    kind = next((name for name in (layer.kind, *layer.bases) if name in _EXPLAINERS), layer.kind)
    explainer = _EXPLAINERS.get(kind)
    if explainer is not None and layer.called:
        try:
            lines += explainer(replace(layer, kind=kind))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            explainer = None  # another library's class of the same name, with other settings
    children = anatomy.children(layer)
    if not children or kind in _WHOLE:
        return lines if explainer is not None else lines + _plain(layer)
    for child in children:
        lines.append(_title(child))
        lines += (f"  {line}" for line in _lines(anatomy, child))
    return lines + _sums(layer, children)


def _inputs(layer: Layer) -> str:
    return ", ".join(without_batch([shape]) for shape in layer.inputs) or "nothing"


def _plain(layer: Layer) -> list[str]:
    """Explain a module of a kind that is not known: what it holds and what was measured."""
    lines = _declared_parameters(layer)
    if layer.macs:
        lines.append(f"MACs = {layer.macs:,}")
    if layer.receptive_field is not None:
        lines += [f"receptive field = {field}" for field in sorted(set(layer.receptive_field))]
    return lines


def _declared_parameters(layer: Layer) -> list[str]:
    held = layer.own_parameters
    formula = " + ".join(product(*parameter.shape) or "1" for parameter in held) or "0"
    names = f" ({', '.join(parameter.name for parameter in held)})" if held else ""
    return [equation("parameters", formula, declared(layer), declared(layer), names)]


def _sums(layer: Layer, children: list[Layer]) -> list[str]:
    """Return the sums over the children, and what the container does itself."""
    lines = []
    for name, own, attribute in (
        ("parameters", layer.own_parameter_count, "parameters"),
        ("MACs", layer.own_macs, "macs"),
    ):
        parts = [getattr(child, attribute) for child in children if getattr(child, attribute)]
        parts += [own] if own else []
        formula = " + ".join(f"{part}" for part in parts) or "0"
        tail = f" (the last {own:,} are its own)" if own else ""
        lines.append(equation(f"{name} together", formula, sum(parts), getattr(layer, attribute), tail))
    return lines
