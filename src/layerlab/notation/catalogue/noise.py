"""Layers that do something in training only."""

from __future__ import annotations

from torch import nn

from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import REQUIRED, Built, keras_layer
from layerlab.notation.modules.elementwise import GaussianDropout, GaussianNoise
from layerlab.notation.modules.recurrent import StepDropout

__all__: list[str] = []

_ALMOST_ONE = 1 - 1e-7


@keras_layer("Dropout", rate=REQUIRED, noise_shape=None, seed=None)
def _dropout(call: LayerCall) -> Built:
    call.refuse("noise_shape")
    return Built(nn.Dropout(call.number("rate", 0, 1)), call.shape)


@keras_layer("SpatialDropout1D", rate=REQUIRED, seed=None)
def _spatial_dropout1d(call: LayerCall) -> Built:
    call.require_rank(2)
    return Built(StepDropout(call.number("rate", 0, 1)), call.shape)


@keras_layer("SpatialDropout2D", rate=REQUIRED, data_format=None, seed=None)
def _spatial_dropout2d(call: LayerCall) -> Built:
    call.require_rank(3)
    call.channels_last()
    return Built(nn.Dropout2d(call.number("rate", 0, 1)), call.shape)


@keras_layer("SpatialDropout3D", rate=REQUIRED, data_format=None, seed=None)
def _spatial_dropout3d(call: LayerCall) -> Built:
    call.require_rank(4)
    call.channels_last()
    return Built(nn.Dropout3d(call.number("rate", 0, 1)), call.shape)


@keras_layer("AlphaDropout", rate=REQUIRED, noise_shape=None, seed=None)
def _alpha_dropout(call: LayerCall) -> Built:
    call.refuse("noise_shape")
    return Built(nn.AlphaDropout(call.number("rate", 0, _ALMOST_ONE)), call.shape)


@keras_layer("GaussianDropout", rate=REQUIRED, seed=None)
def _gaussian_dropout(call: LayerCall) -> Built:
    return Built(GaussianDropout(call.number("rate", 0, _ALMOST_ONE)), call.shape)


@keras_layer("GaussianNoise", stddev=REQUIRED, seed=None)
def _gaussian_noise(call: LayerCall) -> Built:
    return Built(GaussianNoise(call.number("stddev", 0)), call.shape)
