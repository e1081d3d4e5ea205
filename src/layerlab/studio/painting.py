"""What a page sees of a session: its state as JSON, its frames as bytes. Pure: nothing here changes a session."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from layerlab.studio.frames import pack

if TYPE_CHECKING:
    from layerlab.playground.network import Network
    from layerlab.playground.session import Session

__all__ = ["LARGE", "SMALL", "Selection", "data_frame", "frame", "large_map", "state"]

SMALL: Final = 50
"""Points along a side of the maps of all units."""
LARGE: Final = 100
"""Points along a side of the map that was selected."""
Selection = tuple[int, int] | None
"""Layer (-1: the inputs) and unit; None: the output."""


def state(session: Session, page: dict[str, str]) -> dict[str, Any]:
    """Return everything of a session that changes only by a command.

    Args:
        session: of the tab.
        page: the display keys of its link.
    """
    from layerlab.playground.link import write_link

    network, specification = session.network, session.specification
    layers = [
        {
            "units": layer.weights.shape[0],
            "inputs": layer.weights.shape[-1],
            "pieces": 2 if layer.weights.ndim == 3 else 1,
            "activation": layer.activation,
            "normalized": layer.gamma is not None,
            "skip": layer.skip,
        }
        for layer in network.layers
    ]
    return {
        "specification": specification.to_dict(),
        "page": page,
        "link": write_link(specification, page),
        "network": {"layers": layers, "features": list(specification.features)},
        "parameters": sum(layer.weights.size + layer.biases.size for layer in network.layers),
        "history": session.history,
        "epoch": session.epoch,
        "iteration": session.iteration,
        "points": {"train": len(session.points.train), "test": len(session.points.test)},
    }


def data_frame(session: Session) -> bytes:
    """Return the points, as the page draws them."""
    return pack(
        {"kind": "data"},
        {
            "train": session.points.train.astype(np.float32),
            "test": session.points.test.astype(np.float32),
        },
    )


def frame(
    network: Network, header: dict[str, Any], selected: Selection, losses: NDArray[np.float64], *, full: bool = True
) -> bytes:
    """Return one picture of a network.

    Args:
        network: in evaluation mode, as it is now.
        header: further scalars.
        selected: what comes at full resolution.
        losses: new points of the curve, (k, 3).
        full: with the maps of all units.
    """
    layers = network.layers
    arrays: dict[str, NDArray[Any]] = {
        "weights": _flat([layer.weights for layer in layers], np.float32),
        "biases": _flat([layer.biases for layer in layers], np.float32),
        "dead": _flat([layer.dead for layer in layers], np.uint8),
        "frozen": _flat([layer.frozen for layer in layers], np.uint8),
        "frozen_biases": _flat([layer.frozen_biases for layer in layers], np.uint8),
        "losses": losses,
    }
    if any(layer.gamma is not None for layer in layers):
        arrays["gamma"] = _flat([layer.gamma for layer in layers if layer.gamma is not None], np.float32)
        arrays["beta"] = _flat([layer.beta for layer in layers if layer.beta is not None], np.float32)
    if full:
        arrays["maps"] = network.painted_maps(SMALL)
    arrays |= large_map(network, selected)
    return pack({"kind": "frame", "epoch": network.epoch, "iteration": network.iteration, **header}, arrays)


def large_map(network: Network, selected: Selection) -> dict[str, NDArray[np.uint8]]:
    """Return ``map``: the selected unit, or the output; of several classes the likeliest, with ``confidence``."""
    last = len(network.layers) - 1
    if selected is not None:
        layer, unit = selected
        return {"map": network.painted_maps(LARGE, layer)[unit]}
    if network.layers[last].units == 1:
        return {"map": network.painted_maps(LARGE, last)[0]}
    outputs = network.outputs(_grid(LARGE))
    square = (LARGE, LARGE)
    confidence = np.rint(255 * np.nan_to_num(outputs.max(axis=1)))
    return {
        "map": outputs.argmax(axis=1).astype(np.uint8).reshape(square),
        "confidence": confidence.astype(np.uint8).reshape(square),
    }


def small_map(network: Network) -> NDArray[np.uint8]:
    """Return the output as a small map; of several classes the likeliest."""
    last = len(network.layers) - 1
    if network.layers[last].units == 1:
        painted: NDArray[np.uint8] = network.painted_maps(SMALL, last)[0]
        return painted
    likeliest: NDArray[np.uint8] = network.outputs(_grid(SMALL)).argmax(axis=1).astype(np.uint8).reshape(SMALL, SMALL)
    return likeliest


@lru_cache
def _grid(side: int) -> NDArray[np.float64]:
    """Return the points of a map: both ends of [-6, 6], the top row at y = +6."""
    x = np.linspace(-6, 6, side)
    points = np.stack([np.tile(x, side), np.repeat(-x, side)], axis=1)
    points.setflags(write=False)
    return points


def _flat(parts: Sequence[NDArray[Any]], kind: type) -> NDArray[Any]:
    """Return the parts one after another; a number too large for float32 becomes infinite without a word."""
    with np.errstate(over="ignore"):
        return np.concatenate([part.ravel() for part in parts]).astype(kind)
