"""What the written PyTorch and Keras have in common: the words at the top, and numbers as literals.

Only numbers and words of ours go into the source: nothing that a person typed (a seed, a link) is ever part of it.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layerlab.playground.network import Layer, Network

__all__ = ["check", "description", "layer_names", "literal", "matrix", "returned"]

WIDTH: Final = 116
"""Characters of a line of literals."""


def check(network: Network) -> None:
    """Refuse a network that has diverged.

    Raises:
        LayerlabError: a weight is not finite.
    """
    if not (np.isfinite(network.parameters).all() and np.isfinite(network.running).all()):
        raise LayerlabError("the network has weights that are no longer finite; rewind it before writing it as source")


def description(network: Network, framework: str) -> str:
    """Return the docstring of the file."""
    specification = network.specification
    hidden = ", ".join(map(str, specification.hidden_layers))
    layers = f"hidden layers of {hidden} units" if hidden else "no hidden layer"
    loss = "cross-entropy" if specification.loss == "cross-entropy" else "half the squared error"
    penalty = specification.regularization
    if penalty != "none":
        loss = f"{loss}, and {penalty} with rate {specification.regularization_rate:g}"
    words = [
        f'"""A network of Layerlab\'s playground in {framework}: {layers}.',
        "",
        f"Epochs learned: {network.epoch:,} ({network.iteration:,} updates by {specification.optimizer}, learning rate"
        f" {specification.learning_rate:g}, batches of {specification.batch_size}).",
        f"Loss: {loss}.",
        f"Returns {returned(network)}.",
        '"""',
    ]
    return "\n".join(words)


def returned(network: Network) -> str:
    """Return what the network returns, as part of a sentence."""
    specification = network.specification
    if specification.problem == "regression":
        return "the value at each point"
    if specification.outputs > 1:
        return f"the probability of each of the {specification.outputs} classes"
    if specification.loss == "cross-entropy":
        return "twice the probability of the class +1, less 1: a number from -1 to 1"
    return "a number from -1 to 1, positive for the class +1"


def layer_names(network: Network) -> list[str]:
    """Return ``hidden1``, ``hidden2``, ..., ``output``."""
    return [*(f"hidden{number}" for number in range(1, len(network.layers))), "output"]


def matrix(layer: Layer) -> NDArray[np.float64]:
    """Return the weights as (units times pieces, inputs); a layer without inputs has one that is always 0."""
    if not layer.inputs:
        return np.zeros((layer.units * layer.pieces, 1))
    return layer.weights.reshape(-1, layer.inputs)


def literal(array: NDArray[Any], indent: int) -> str:
    """Return an array of one or two axes as nested lists, exact to the last bit; lines after the first are indented."""
    margin = " " * indent
    if array.ndim == 1:
        return _row(array.tolist(), indent)
    rows = "".join(f"{margin}    {_row(row, indent + 4)},\n" for row in array.tolist())
    return f"[\n{rows}{margin}]"


def _row(values: list[float], indent: int) -> str:
    text = f"[{', '.join(map(repr, values))}]"
    if len(text) + indent + 1 <= WIDTH:
        return text
    lines = textwrap.wrap(", ".join(map(repr, values)), WIDTH - indent - 4, break_on_hyphens=False)
    margin = " " * indent
    return "[\n" + "".join(f"{margin}    {line}\n" for line in lines) + f"{margin}]"
