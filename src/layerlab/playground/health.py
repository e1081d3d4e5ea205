"""How a network is: what its units put out, which of them no longer learn, how much gradient reaches each layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.playground.plain_pass import forward

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.network import Network

    Floats = NDArray[np.float64]

__all__ = ["Histogram", "LayerHealth", "Verdict", "health", "verdicts"]

MOST_POINTS: Final = 300
"""Training points that are looked at, evenly spread over all."""
BINS: Final = 24
SATURATED_SLOPE: Final = 0.05
"""Of tanh, sigmoid (in units of its largest slope) and ELU: what is flatter lets next to no gradient through."""
LARGEST_SLOPES: Final = {"tanh": 1.0, "sigmoid": 0.25, "elu": 1.0}
"""The activations that saturate."""
VANISHING: Final = 1e-3
"""Root mean square of a layer's gradients, over that of the layer with the largest."""
MOSTLY: Final = 0.5
"""Share from which a layer is called saturated."""
ADAPTIVE: Final = ("rmsprop", "adam", "adamw")
"""The optimisers whose steps do not grow with the gradient."""
EXPLODING: Final = 1e3
"""Norm of a gradient that explodes, where steps do not grow with it."""


@dataclass(frozen=True)
class Histogram:
    """How many values lie in each of evenly wide bins."""

    low: float
    high: float
    counts: list[int]


@dataclass(frozen=True)
class LayerHealth:
    """How one layer is. Shares are of all units; the output layer has none that count as dead or saturated."""

    layer: int
    """From 0; the output layer is the last."""
    output: bool
    """Whether it is the output layer."""
    activation: str
    activations: Histogram
    """What the units put out, before a skip connection."""
    gradients: Histogram
    """The loss's derivatives by the layer's weights."""
    dead: list[int]
    """Units whose gradient is 0 for every point: they never learn again, unless the layers before them change."""
    dead_share: float
    saturated: float
    """Share of (unit, point) pairs where the activation is next to flat; 0 for those that never are."""
    gradient_norm: float
    """Of the weights and biases together."""
    gradient_size: float
    """Root mean square of the gradients of the weights: comparable between layers of different widths."""
    weight_norm: float
    step_size: float
    """Length of the next step over the length of the weights, for plain SGD; 0 for optimisers that rescale steps."""
    finite: bool
    """Whether all of this is finite."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a layer: ``kind`` is vanishing, exploding, dead or saturated."""

    kind: str
    layer: int
    values: dict[str, float]
    """The numbers it rests on: ``ratio`` and ``size``; ``norm`` and ``step``; ``units`` and ``share``; ``share``."""


def health(network: Network) -> list[LayerHealth]:
    """Return how each layer is, judged on the training points. The network stays as it is."""
    points = network.points.train
    points = points[np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).round().astype(np.int64)]
    passes = forward(network, points[:, :2])
    whole = [np.ones((len(points), layer.units)) for layer in network.layers[:-1]]  # chance has no part in this
    gradients = network.gradients(points, whole).layers
    rate = 0.0 if network.specification.optimizer in ADAPTIVE else network.specification.learning_rate
    found = []
    for number, (layer, each, slopes) in enumerate(zip(network.layers, passes, gradients, strict=True)):
        output = number == len(network.layers) - 1
        flat = each.slopes if each.slopes.ndim == 2 else each.slopes.max(axis=2)
        dead = [] if output else np.flatnonzero((flat == 0).all(axis=0)).tolist()
        top = None if output else LARGEST_SLOPES.get(layer.activation)
        with np.errstate(all="ignore"):  # a diverged network is no reason to fail
            norm = float(np.hypot(np.linalg.norm(slopes.weights), np.linalg.norm(slopes.biases)))
            weight_norm = float(np.linalg.norm(layer.weights))
            size = float(np.sqrt(np.mean(slopes.weights**2))) if slopes.weights.size else 0.0
            step = rate * norm / max(weight_norm, 1.0)
        found.append(
            LayerHealth(
                layer=number,
                output=output,
                activation=layer.activation,
                activations=_histogram(each.activations),
                gradients=_histogram(slopes.weights),
                dead=dead,
                dead_share=len(dead) / layer.units,
                saturated=float(np.mean(flat < SATURATED_SLOPE * top)) if top and flat.size else 0.0,
                gradient_norm=_finite(norm),
                gradient_size=_finite(size),
                weight_norm=_finite(weight_norm),
                step_size=_finite(step),
                finite=bool(np.isfinite([norm, weight_norm]).all() and np.isfinite(each.activations).all()),
            )
        )
    return found


def verdicts(layers: Sequence[LayerHealth]) -> list[Verdict]:
    """Return what is wrong, layer by layer.

    - *vanishing*: a hidden layer's gradients are less than a thousandth of those of the layer with the largest;
    - *exploding*: the next step would move the layer by more than its own length (or, where the optimiser rescales
      steps, the norm of its gradient is over 1000), or its numbers are no longer finite;
    - *dead*: units that no point can change any more;
    - *saturated*: most outputs lie where the activation is flat.
    """
    found = []
    largest = max((layer.gradient_size for layer in layers if layer.finite), default=0.0)
    for layer in layers:
        if not layer.finite or layer.step_size > 1 or layer.gradient_norm > EXPLODING:
            found.append(_verdict("exploding", layer, norm=layer.gradient_norm, step=layer.step_size))
        if layer.output:
            continue
        if layer.finite and layer.gradient_size < VANISHING * largest:
            ratio = layer.gradient_size / largest
            found.append(_verdict("vanishing", layer, ratio=ratio, size=layer.gradient_size))
        if layer.dead:
            found.append(_verdict("dead", layer, units=len(layer.dead), share=layer.dead_share))
        if layer.saturated > MOSTLY:
            found.append(_verdict("saturated", layer, share=layer.saturated))
    return found


def _verdict(kind: str, layer: LayerHealth, **values: float) -> Verdict:
    return Verdict(kind, layer.layer, {name: float(value) for name, value in values.items()})


def _histogram(values: Floats) -> Histogram:
    """Return where the finite values lie; their range is widened where all are one."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    middle, width = low / 2 + high / 2, high / 2 - low / 2
    if width <= 1e-9 * abs(middle):
        width = max(0.5 * abs(middle), 1e-12)
        low, high = middle - width, middle + width
    # Scaled to [0, 1] first, for the difference of two of the largest numbers is none.
    scaled = (finite / 2 - low / 2) / (high / 2 - low / 2)
    counts, _ = np.histogram(scaled, bins=BINS, range=(0.0, 1.0))
    return Histogram(low, high, counts.tolist())


def _finite(value: float) -> float:
    """Return ``value``, or the largest number there is in place of what is none."""
    return value if math.isfinite(value) else float(np.finfo(np.float64).max)
