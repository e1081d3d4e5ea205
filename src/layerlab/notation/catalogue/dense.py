"""Dense layers and embeddings."""

from __future__ import annotations

from torch import nn

from layerlab.notation.catalogue.activations import activation_of
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import REQUIRED, Built, chain, keras_layer, permuted
from layerlab.notation.layout import channels_are_first, keras_order, torch_order
from layerlab.notation.modules.axes import Permute
from layerlab.notation.modules.embedding import Embedding

__all__: list[str] = []

_POINTWISE: dict[int, type[nn.Conv2d | nn.Conv3d]] = {3: nn.Conv2d, 4: nn.Conv3d}


@keras_layer(
    "Dense",
    units=REQUIRED,
    activation=None,
    use_bias=True,
    kernel_initializer="glorot_uniform",
    bias_initializer="zeros",
    kernel_regularizer=None,
    bias_regularizer=None,
    kernel_constraint=None,
    bias_constraint=None,
    lora_rank=None,
)
def _dense(call: LayerCall) -> Built:
    """Keras's Dense acts on the last axis, so that on an image it is a 1x1 convolution."""
    call.refuse("lora_rank")
    call.require_rank(1, 2, 3, 4)
    units, features, use_bias = call.whole("units"), call.channels(), call.flag("use_bias")
    kernel = call.weight("kernel", (features, units))
    bias = call.weight("bias", (units,)) if use_bias else None
    layer: nn.Module
    if channels_are_first(call.rank):
        layer = _POINTWISE[call.rank](features, units, 1, bias=use_bias)
    else:
        layer = nn.Linear(features, units, bias=use_bias)
    kernel.into(layer, "weight", permuted(1, 0))
    if bias is not None:
        bias.into(layer, "bias")
    return Built(chain(dense=layer, activation=activation_of(call)), (*call.shape[:-1], units))


@keras_layer(
    "Embedding",
    input_dim=REQUIRED,
    output_dim=REQUIRED,
    embeddings_initializer="uniform",
    embeddings_regularizer=None,
    embeddings_constraint=None,
    mask_zero=False,
    weights=None,
    lora_rank=None,
)
def _embedding(call: LayerCall) -> Built:
    call.refuse("mask_zero", "weights", "lora_rank")
    call.require_rank(1, 2, 3)
    words, width = call.whole("input_dim"), call.whole("output_dim")
    table = call.weight("embeddings", (words, width))
    layer = Embedding(words, width)
    table.into(layer, "weight")
    rank = call.rank + 1
    last = Permute(*torch_order(rank)) if channels_are_first(rank) else None
    first = Permute(*keras_order(call.rank)) if channels_are_first(call.rank) else None
    return Built(chain(channels_last=first, embedding=layer, channels_first=last), (*call.shape, width))
