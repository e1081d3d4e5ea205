"""Keras's weights into a network that was read from Keras source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from layerlab.errors import LayerlabError
from layerlab.notation.layout import shown
from layerlab.notation.model import KerasModel

__all__ = ["load_keras_weights"]


def load_keras_weights(model: KerasModel, arrays: Iterable[Any]) -> None:
    """Write Keras's weights into a network of the same text. Nothing is written unless everything fits.

    Args:
        model: what :func:`~layerlab.notation.read_keras` returned.
        arrays: what Keras's ``get_weights()`` returned, in its order.

    Raises:
        LayerlabError: too few or too many arrays, or one of another shape; the sentence names the layer.

    Example:
        >>> load_keras_weights(model, keras_model.get_weights())  # doctest: +SKIP
    """
    if not isinstance(model, KerasModel):
        raise LayerlabError(f"load_keras_weights takes a network read from Keras source, not {type(model).__name__}")
    expected = model.keras_weights
    try:
        given = [_plain(array) for array in arrays]
    except TypeError:
        raise LayerlabError(f"load_keras_weights takes a list of arrays, not {type(arrays).__name__}") from None
    for number, (child, weight) in enumerate(expected):
        where = f'array {number + 1} of {len(expected)}, "{weight.name}" of "{child}"'
        if number >= len(given):
            raise LayerlabError(
                f"{len(given)} arrays are given and the network has {len(expected)}: {where}, is missing"
            )
        shape = given[number].shape
        if shape != weight.shape:
            raise LayerlabError(f"{where}, has the shape {_shape(shape)}; expected {_shape(weight.shape)}")
        if given[number].dtype.kind not in "fiub":
            raise LayerlabError(f"{where}, does not hold numbers")
    if len(given) > len(expected):
        extra = _shape(given[len(expected)].shape)
        raise LayerlabError(
            f"{len(given)} arrays are given and the network has {len(expected)}; the first too many is {extra}"
        )
    for (_, weight), array in zip(expected, given, strict=True):
        weight.store(torch.from_numpy(array.astype(np.float64)))


def _plain(array: Any) -> np.ndarray[Any, Any]:
    """Return an array of NumPy, from one of any library."""
    return np.asarray(array.detach().cpu() if isinstance(array, torch.Tensor) else array)


def _shape(sizes: Sequence[int]) -> str:
    return shown(tuple(sizes)) if sizes else "()"
