"""Where Keras's axes are in PyTorch's tensors.

One rule: whatever has two or more spatial axes (images, volumes, sequences of images) has its channels first, as
PyTorch's layers want it; rows of numbers (N, features) and sequences (N, steps, features) stay in Keras's order, which
is also that of PyTorch's recurrent layers with ``batch_first``.

A *rank* counts the axes without the batch: 1 for features, 2 for a sequence, 3 for an image.
"""

from __future__ import annotations

from layerlab.notation.description import Shape

__all__ = ["channels_are_first", "keras_order", "shown", "torch_axis", "torch_order", "torch_shape"]


def channels_are_first(rank: int) -> bool:
    """Return whether a tensor of this rank has another order in PyTorch than in Keras."""
    return rank >= 3


def torch_order(rank: int) -> tuple[int, ...]:
    """Return the permutation that brings a Keras tensor into PyTorch's order, the batch included."""
    return (0, rank, *range(1, rank)) if channels_are_first(rank) else tuple(range(rank + 1))


def keras_order(rank: int) -> tuple[int, ...]:
    """Return the permutation that brings a PyTorch tensor into Keras's order, the batch included."""
    return (0, *range(2, rank + 1), 1) if channels_are_first(rank) else tuple(range(rank + 1))


def torch_axis(axis: int, rank: int) -> int:
    """Return where Keras's ``axis`` (the batch is 0, the channels are ``rank`` or -1) is in PyTorch's tensor."""
    return torch_order(rank).index(axis % (rank + 1))


def torch_shape(shape: Shape) -> Shape:
    """Return a Keras shape without the batch in PyTorch's order.

    Example:
        >>> torch_shape((28, 28, 1)), torch_shape((None, 64))
        ((1, 28, 28), (None, 64))
    """
    return (shape[-1], *shape[:-1]) if channels_are_first(len(shape)) else shape


def shown(shape: Shape) -> str:
    """Return a shape as people write it; a free axis is ``?``."""
    return "x".join("?" if size is None else str(size) for size in shape) or "a single number"
