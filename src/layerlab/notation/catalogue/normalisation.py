"""Normalisation."""

from __future__ import annotations

from typing import Any

from torch import nn

from layerlab.notation.catalogue.activations import one_axis
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import Built, Weight, chain, keras_layer
from layerlab.notation.layout import channels_are_first, keras_order, torch_axis, torch_order
from layerlab.notation.modules.axes import Permute
from layerlab.notation.modules.batch_norm import KerasBatchNorm1d, KerasBatchNorm2d, KerasBatchNorm3d

__all__: list[str] = []

_BATCH_NORMS: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d]] = {
    1: KerasBatchNorm1d,
    2: KerasBatchNorm1d,
    3: KerasBatchNorm2d,
    4: KerasBatchNorm3d,
}

_ENDS: dict[str, Any] = {
    "center": True,
    "scale": True,
    "beta_initializer": "zeros",
    "gamma_initializer": "ones",
}
_INERT_ENDS: dict[str, Any] = {
    "beta_regularizer": None,
    "gamma_regularizer": None,
    "beta_constraint": None,
    "gamma_constraint": None,
}


def _scale_and_shift(call: LayerCall, shape: tuple[int, ...]) -> tuple[Weight | None, Weight | None]:
    """Declare gamma and beta, as far as the layer learns them."""
    gamma = call.weight("gamma", shape) if call.flag("scale") else None
    beta = call.weight("beta", shape) if call.flag("center") else None
    return gamma, beta


def _affine(call: LayerCall, layer: nn.Module, gamma: Weight | None, beta: Weight | None) -> None:
    """Say where gamma and beta go. PyTorch has both or none: one that Keras does not learn is frozen at 1 or 0."""
    if gamma is None and beta is None:
        return
    for weight, attribute, constant in ((gamma, "weight", "ones"), (beta, "bias", "zeros")):
        if weight is None:
            call.freeze(layer, attribute, constant)
        else:
            weight.into(layer, attribute)


@keras_layer(
    "BatchNormalization",
    axis=-1,
    momentum=0.99,
    epsilon=0.001,
    **_ENDS,
    moving_mean_initializer="zeros",
    moving_variance_initializer="ones",
    **_INERT_ENDS,
    renorm=False,
    renorm_clipping=None,
    renorm_momentum=0.99,
    synchronized=False,
    fused=None,
)
def _batch_normalization(call: LayerCall) -> Built:
    call.refuse("renorm")
    call.require_rank(1, 2, 3, 4)
    axis = one_axis(call, call["axis"])
    size = call.size(axis - 1, "the length of the axis that it normalises")
    momentum, epsilon = call.number("momentum", 0, 1), call.number("epsilon", 0)
    gamma, beta = _scale_and_shift(call, (size,))
    mean, variance = call.weight("moving_mean", (size,)), call.weight("moving_variance", (size,))

    affine = gamma is not None or beta is not None
    # Keras's momentum is the share of the old average that stays, PyTorch's that of the new value.
    layer = _BATCH_NORMS[call.rank](size, eps=epsilon, momentum=round(1 - momentum, 12), affine=affine)
    _affine(call, layer, gamma, beta)
    mean.into(layer, "running_mean")
    variance.into(layer, "running_var")

    place = torch_axis(axis, call.rank)
    swapped = list(range(call.rank + 1))
    swapped[1], swapped[place] = place, 1
    first, last = (None, None) if place == 1 else (Permute(*swapped), Permute(*swapped))
    return Built(chain(channels_first=first, normalization=layer, channels_last=last), call.shape)


@keras_layer("LayerNormalization", axis=-1, epsilon=0.001, **_ENDS, **_INERT_ENDS, rms_scaling=False)
def _layer_normalization(call: LayerCall) -> Built:
    call.refuse("rms_scaling")
    given = call["axis"]
    axes = sorted(one_axis(call, axis) for axis in (given if isinstance(given, (tuple, list)) else [given]))
    if axes != list(range(call.rank + 1 - len(axes), call.rank + 1)) or not axes:
        raise call.wrong("axis", "the last axes, such as -1 or (1, 2, 3)")
    sizes = tuple(call.size(axis - 1, "the length of the axes that it normalises") for axis in axes)
    gamma, beta = _scale_and_shift(call, sizes)

    affine = gamma is not None or beta is not None
    layer = nn.LayerNorm(sizes, eps=call.number("epsilon", 0), elementwise_affine=affine)
    _affine(call, layer, gamma, beta)
    moved = channels_are_first(call.rank)
    module = chain(
        channels_last=Permute(*keras_order(call.rank)) if moved else None,
        normalization=layer,
        channels_first=Permute(*torch_order(call.rank)) if moved else None,
    )
    return Built(module, call.shape)


@keras_layer("GroupNormalization", groups=32, axis=-1, epsilon=0.001, **_ENDS, **_INERT_ENDS)
def _group_normalization(call: LayerCall) -> Built:
    if one_axis(call, call["axis"]) != call.rank:
        raise call.wrong("axis", "-1, the channels")
    channels = call.channels()
    groups = channels if call["groups"] == -1 else call.whole("groups")
    if channels % groups:
        raise call.error(f"has groups={groups}, which must divide its {channels} channels")
    gamma, beta = _scale_and_shift(call, (channels,))
    affine = gamma is not None or beta is not None
    layer = nn.GroupNorm(groups, channels, eps=call.number("epsilon", 0), affine=affine)
    _affine(call, layer, gamma, beta)
    swap = call.rank == 2
    first, last = (Permute(0, 2, 1), Permute(0, 2, 1)) if swap else (None, None)
    return Built(chain(channels_first=first, normalization=layer, channels_last=last), call.shape)
