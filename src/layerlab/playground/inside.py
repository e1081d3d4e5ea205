"""One point's way through a network and back: every number on every link, and the chain rule that made its gradient.

Written for reading, by :mod:`layerlab.playground.plain_pass`; evaluation mode, so that batch normalisation uses its
running statistics and nothing is dropped. Penalties have no part in the gradients.

Symbols of the factors: L the loss, a a unit's output, z what its activation takes, s the sum before batch
normalisation (without one z is the sum), w the weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from layerlab.errors import LayerlabError
from layerlab.playground import checks
from layerlab.playground.plain_pass import EPSILON, LayerPass, forward

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.network import Layer, Network
    from layerlab.playground.specification import Specification

Floats: TypeAlias = "NDArray[np.float64]"
Factors: TypeAlias = "list[tuple[str, float]]"

__all__ = ["trace"]

FURTHEST: Final = 100.0
"""Size of a coordinate; the data lie in about [-6, 6]."""


@dataclass(frozen=True)
class _Back:
    """What comes back to one layer."""

    factors: list[list[Factors]]
    """Of the loss's derivative by the sum of each unit and piece."""
    by_output: Floats
    """(units,): the loss's derivatives by what the activations put out; NaN where the loss is one with them."""
    by_skip: Floats
    """(units,): the part of it that came through the skip connection of the next layer."""

    @property
    def by_sum(self) -> Floats:
        """(units, pieces): the loss's derivatives by the sums."""
        return np.array([[_product(piece) for piece in unit] for unit in self.factors])


def trace(network: Network, x: float, y: float, label: float) -> dict[str, Any]:
    """Return the forward and backward pass of one point as plain values.

    Args:
        network: as it is; it stays so.
        x: of the point.
        y: of the point.
        label: what the output should be: +1 or -1, the number of a class, or any number for regression.

    Returns:
        ``x``, ``y``, ``label``, ``loss``, ``outputs`` (what the map shows), ``features`` (name and value), ``layers``.

        A layer (the output layer is the last): ``activation``, ``skip``, ``normalized`` and ``units``.

        A unit: ``output`` (a, before a skip connection), ``carried`` (what the next layer takes: a, plus the skipped
        input where widths agree), ``output_gradient`` (dL/da; None of the output layer), ``skip_gradient`` (the part of
        dL/da that came back through a skip connection), ``winner`` (the larger piece of Maxout; otherwise None) and
        ``pieces``: one, or Maxout's two.

        A piece: ``bias``, ``sum``, ``normalized`` (None without), ``slope`` (da/dz), ``sum_gradient``,
        ``bias_gradient``, ``factors`` (whose product is ``sum_gradient``) and ``links``.

        A link: ``source``, ``weight``, ``input``, ``product`` (bias and products add up to the sum), ``gradient``,
        ``factors`` (pairs of symbol and value, whose product is ``gradient``), ``dead``, ``frozen``.

    Raises:
        LayerlabError: no such point or label, or the network's numbers are no longer finite.
    """
    specification = network.specification
    x = checks.real("x", x, -FURTHEST, FURTHEST)
    y = checks.real("y", y, -FURTHEST, FURTHEST)
    label = _label(specification, label)
    passes = forward(network, np.array([[x, y]]))
    with np.errstate(all="ignore"):
        loss, start = _loss(specification, passes[-1], label)
        backs = _backward(network.layers, passes, start)
    whole = [each.outputs for each in passes] + [back.by_sum for back in backs]
    if not (np.isfinite(loss) and all(np.isfinite(array).all() for array in whole)):
        raise LayerlabError("the network's numbers are too large to be shown; rewind it, or lower the learning rate")
    features = zip(specification.features, passes[0].inputs[0].tolist(), strict=True)
    return {
        "x": x,
        "y": y,
        "label": label,
        "loss": loss,
        "outputs": network.outputs([[x, y]])[0].tolist(),
        "features": [{"name": name, "value": value} for name, value in features],
        "layers": [_layer(*parts) for parts in zip(network.layers, passes, backs, strict=True)],
    }


def _label(specification: Specification, label: object) -> float:
    value = checks.real("label", label, -1e6, 1e6)
    classes = (-1, 1) if specification.classes == 2 else range(specification.classes)
    if specification.problem == "classification" and value not in classes:
        listed = ", ".join(map(str, classes))
        raise LayerlabError(f"label {value:g}: the {specification.classes} classes have the labels {listed}")
    return value


def _loss(specification: Specification, last: LayerPass, label: float) -> tuple[float, list[Factors]]:
    """Return the loss, and for each output unit the factors of its derivative by the unit's sum."""
    a, slopes = last.activations[0], last.slopes[0]
    if specification.outputs == 1:
        if specification.loss == "mse":
            error = float(a[0] - label)
            return 0.5 * error * error, [[("∂L/∂a", error), ("∂a/∂z", float(slopes[0]))]]
        z = float(last.sums[0, 0])
        # As the product, ∂L/∂a ∂a/∂z would be a division by nothing where p is 0 or 1 to the last digit.
        return float(np.logaddexp(0.0, -label * z)), [[("∂L/∂z", float(a[0]) - (label > 0))]]
    error = a - (np.arange(len(a)) == label)
    if specification.loss == "mse":
        slope = a * (error - float(error @ a))
        return 0.5 * float(error @ error), [[("∂L/∂z", value)] for value in slope.tolist()]
    sums = last.sums[0]
    loss = float(np.log(np.sum(np.exp(sums - sums.max()))) + sums.max() - sums[int(label)])
    return loss, [[("∂L/∂z", value)] for value in error.tolist()]


def _backward(layers: list[Layer], passes: list[LayerPass], start: list[Factors]) -> list[_Back]:
    """Go back through the layers, from the factors of the output units."""
    found: list[_Back] = []
    carried = skipped = np.zeros(0)  # the loss's derivatives by what a layer hands on, and their part through skips
    for layer, each in zip(reversed(layers), reversed(passes), strict=True):
        last = not found
        by_output = np.full(layer.units, np.nan) if last else carried[: layer.units]
        factors = [[unit] for unit in start] if last else _hidden_factors(layer, each, by_output)
        found.append(_Back(factors, by_output, np.zeros(layer.units) if last else skipped[: layer.units]))
        weights = layer.weights.reshape(layer.units, layer.pieces, layer.inputs)
        skipped = np.zeros(layer.inputs)
        if layer.skip:
            skipped = carried if layer.skip == "add" else carried[layer.units :]
        carried = np.einsum("up,ups->s", found[-1].by_sum, weights) + skipped
    return found[::-1]


def _hidden_factors(layer: Layer, each: LayerPass, by_output: Floats) -> list[list[Factors]]:
    """Return, for each unit and each of its pieces, the factors of the loss's derivative by its sum."""
    slopes = each.slopes[0].reshape(layer.units, layer.pieces)
    scales: Floats | None = None
    if layer.gamma is not None and layer.running_variance is not None:
        scales = (layer.gamma / np.sqrt(layer.running_variance + EPSILON)).reshape(layer.units, layer.pieces)
    found: list[list[Factors]] = []
    for unit in range(layer.units):
        found.append([])
        for piece in range(layer.pieces):
            factors = [("∂L/∂a", float(by_output[unit])), ("∂a/∂z", float(slopes[unit, piece]))]
            found[-1].append(factors if scales is None else [*factors, ("∂z/∂s", float(scales[unit, piece]))])
    return found


def _layer(layer: Layer, each: LayerPass, back: _Back) -> dict[str, Any]:
    """Return one layer's part of the trace."""
    units = []
    for unit in range(layer.units):
        pieces = [_piece(layer, each, unit, piece, part) for piece, part in enumerate(back.factors[unit])]
        slopes = np.atleast_1d(each.slopes[0, unit])
        units.append(
            {
                "output": float(each.activations[0, unit]),
                "carried": float(each.outputs[0, unit]),
                "output_gradient": _number(back.by_output[unit]),
                "skip_gradient": float(back.by_skip[unit]),
                "winner": int(slopes.argmax()) if layer.pieces == 2 else None,
                "pieces": pieces,
            }
        )
    return {
        "activation": layer.activation,
        "skip": layer.skip,
        "normalized": layer.gamma is not None,
        "units": units,
    }


def _piece(layer: Layer, each: LayerPass, unit: int, piece: int, factors: Factors) -> dict[str, Any]:
    place = (unit, piece) if layer.pieces == 2 else (unit,)
    values = each.inputs[0]
    weights, dead, frozen = layer.weights[place], layer.dead[place], layer.frozen[place]
    delta = _product(factors)
    last = "∂s/∂w" if layer.gamma is not None else "∂z/∂w"
    links = []
    for source, (weight, value, is_dead, is_frozen) in enumerate(
        zip(weights.tolist(), values.tolist(), dead.tolist(), frozen.tolist(), strict=True)
    ):
        chain = [*factors, (last, value)]
        if is_dead:  # L1 has cut the link: no gradient passes
            chain.append(("dead", 0.0))
        links.append(
            {
                "source": source,
                "weight": weight,
                "input": value,
                "product": weight * value,
                "gradient": _product(chain),
                "factors": chain,
                "dead": is_dead,
                "frozen": is_frozen,
            }
        )
    return {
        "bias": float(layer.biases[place]),
        "sum": float(each.sums[0][place]),
        "normalized": float(each.normalized[0][place]) if layer.gamma is not None else None,
        "slope": _number(each.slopes[0][place]),
        "sum_gradient": delta,
        "bias_gradient": delta,
        "factors": factors,
        "links": links,
    }


def _product(factors: Factors) -> float:
    result = 1.0
    for _, value in factors:
        result *= value
    return result


def _number(value: float) -> float | None:
    """Return ``value``, or None where it is none."""
    return float(value) if np.isfinite(value) else None
