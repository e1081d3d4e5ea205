"""A network's forward pass in plain NumPy, every number in between kept: what explanations are made of.

It is written to be read; the compiled engine computes the same, faster, and the tests compare the two. Evaluation mode
throughout: batch normalisation by its running statistics, no dropout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from layerlab.playground.data_sets import inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.network import Layer, Network

Floats: TypeAlias = "NDArray[np.float64]"

__all__ = ["EPSILON", "LayerPass", "forward", "normalize"]

EPSILON: Final = 1e-5
"""Of batch normalisation."""
LEAKY_SLOPE: Final = 0.1


@dataclass(frozen=True)
class LayerPass:
    """What one layer computes for some points. All arrays have the points first."""

    inputs: Floats
    """(n, inputs)."""
    sums: Floats
    """(n, units): bias and weighted inputs; of Maxout (n, units, 2)."""
    normalized: Floats
    """Like ``sums``: after batch normalisation, or the sums themselves."""
    activations: Floats
    """(n, units): after the activation, before the skip connection."""
    slopes: Floats
    """Like ``sums``: derivative of the activation; of Maxout 1 for the piece that is larger. Of softmax: NaN."""
    outputs: Floats
    """(n, width): after the skip connection."""


def forward(network: Network, xy: Floats) -> list[LayerPass]:
    """Return the pass of points (n, 2) through every layer."""
    values = inputs(np.asarray(xy, np.float64).reshape(-1, 2), network.specification.features)
    passes: list[LayerPass] = []
    with np.errstate(all="ignore"):  # a diverged network has no numbers to show, and no warning would help
        for layer in network.layers:
            passes.append(_layer(layer, values))
            values = passes[-1].outputs
    return passes


def normalize(layer: Layer, sums: Floats) -> Floats:
    """Return a layer's sums after its batch normalisation by running statistics; without one, the sums."""
    if layer.gamma is None or layer.beta is None or layer.running_mean is None or layer.running_variance is None:
        return sums
    return (sums - layer.running_mean) / np.sqrt(layer.running_variance + EPSILON) * layer.gamma + layer.beta


def _layer(layer: Layer, values: Floats) -> LayerPass:
    sums = np.tensordot(values, layer.weights, axes=(1, -1)) + layer.biases
    normalized = normalize(layer, sums)
    activations, slopes = ACTIVATIONS[layer.activation](normalized)
    outputs = activations
    if layer.skip == "add":
        outputs = activations + values
    elif layer.skip == "concatenate":
        outputs = np.concatenate([activations, values], axis=1)
    return LayerPass(values, sums, normalized, activations, slopes, outputs)


def _tanh(z: Floats) -> tuple[Floats, Floats]:
    a = np.tanh(z)
    return a, 1 - a * a


def _sigmoid(z: Floats) -> tuple[Floats, Floats]:
    a = 1 / (1 + np.exp(-z))
    return a, a * (1 - a)


def _relu(z: Floats) -> tuple[Floats, Floats]:
    return np.maximum(z, 0), np.where(z > 0, 1.0, 0.0)


def _leaky_relu(z: Floats) -> tuple[Floats, Floats]:
    return np.where(z < 0, LEAKY_SLOPE * z, z), np.where(z > 0, 1.0, LEAKY_SLOPE)


def _elu(z: Floats) -> tuple[Floats, Floats]:
    a = np.where(z < 0, np.expm1(np.minimum(z, 0)), z)
    return a, np.where(z < 0, a + 1, 1.0)


def _maxout(z: Floats) -> tuple[Floats, Floats]:
    first = z[..., 0] >= z[..., 1]
    return z.max(axis=-1), np.stack([first, ~first], axis=-1).astype(np.float64)


def _linear(z: Floats) -> tuple[Floats, Floats]:
    return z, np.ones_like(z)


def _softmax(z: Floats) -> tuple[Floats, Floats]:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True), np.full_like(z, np.nan)


ACTIVATIONS: Final[Mapping[str, Callable[[Floats], tuple[Floats, Floats]]]] = {
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "maxout": _maxout,
    "linear": _linear,
    "softmax": _softmax,
}
"""Each activation, with its derivative."""
