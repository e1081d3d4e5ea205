"""What a network of the playground is made of: its layers, their gradients, a snapshot of all that learning changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = ["Gradients", "Layer", "LayerGradients", "Snapshot"]


@dataclass(frozen=True)
class Layer:
    """The numbers of one layer, as views: writing into them changes the network."""

    weights: Floats
    """(units, inputs); for Maxout (units, 2, inputs)."""
    biases: Floats
    """(units,); for Maxout (units, 2)."""
    dead: Flags
    """Like ``weights``: links that L1 has cut for ever."""
    frozen: Flags
    """Like ``weights``: what learning leaves alone."""
    frozen_biases: Flags
    """Like ``biases``."""
    gamma: Floats | None
    """Scales of batch normalisation, like ``biases`` (for Maxout every piece is normalised); None without."""
    beta: Floats | None
    """Shifts, like ``gamma``."""
    running_mean: Floats | None
    """Running statistics, like ``gamma``."""
    running_variance: Floats | None
    activation: str
    """Name of the activation; of the output layer ``tanh``, ``linear``, ``sigmoid`` or ``softmax``."""
    skip: str
    """``""``, ``"add"`` or ``"concatenate"``: how the layer's input joins its output."""

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.weights)

    @property
    def inputs(self) -> int:
        """Number of sources of each unit."""
        return int(self.weights.shape[-1])

    @property
    def pieces(self) -> int:
        """Linear pieces of each unit: 2 for Maxout, otherwise 1."""
        return int(self.biases.shape[1]) if self.biases.ndim == 2 else 1


@dataclass(frozen=True)
class LayerGradients:
    """The loss's derivatives by the numbers of one :class:`Layer`, in the same shapes."""

    weights: Floats
    biases: Floats
    gamma: Floats | None
    beta: Floats | None


@dataclass(frozen=True)
class Gradients:
    """The loss's derivatives by all parameters of a network."""

    layers: list[LayerGradients]
    vector: Floats
    """All of them in the order of :attr:`Network.parameters`."""


@dataclass(frozen=True)
class Snapshot:
    """A copy of what learning changes: parameters, the optimiser's state, counters, waiting points."""

    epoch: int
    parameters: Floats
    running: Floats
    first: Floats
    second: Floats
    dead: Flags
    counters: NDArray[np.int64]
    queue: Floats

    @property
    def bytes(self) -> int:
        """Size in memory."""
        arrays = (self.parameters, self.running, self.first, self.second, self.dead, self.counters, self.queue)
        return sum(array.nbytes for array in arrays)
