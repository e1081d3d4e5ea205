"""Skip connections: by addition, as in ResNet, and by concatenation, as in DenseNet and U-Net."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError

__all__ = ["Add", "Concatenate", "Skip"]


class Add(nn.Module):
    """The sum of its inputs, element by element.

    Unlike :class:`Concatenate`, its neighbour, it keeps the number of channels and cannot tell its inputs
    apart.

    Input shape:
        two or more tensors of one shape (an axis of length 1 is repeated).

    Output shape:
        that shape.

    Raises:
        LayerlabError: in ``forward``, no input, or shapes that differ.

    Example:
        >>> Add()(torch.ones(2), torch.ones(2))
        tensor([2., 2.])
    """

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the sum."""
        if not inputs:
            raise LayerlabError("Add was given no input")
        ranks = {x.dim() for x in inputs}
        lengths = zip(*(x.shape for x in inputs), strict=False)
        if len(ranks) > 1 or any(len(set(axis) - {1}) > 1 for axis in lengths):
            raise LayerlabError(f"Add needs inputs of one shape, and was given {_shapes(inputs)}")
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return total


class Concatenate(nn.Module):
    """Its inputs side by side along one axis.

    Unlike :class:`Add`, its neighbour, it keeps every input apart, for the price of more channels in the next
    layer.

    Args:
        dim: the axis, the channels unless given.

    Input shape:
        one or more tensors that differ along ``dim`` at most.

    Output shape:
        the same with the sum of the lengths along ``dim``.

    Raises:
        ValueError: ``dim`` is not a whole number.
        LayerlabError: in ``forward``, no input, or shapes that differ along another axis.

    Example:
        >>> Concatenate()(torch.zeros(1, 3, 8, 8), torch.zeros(1, 5, 8, 8)).shape
        torch.Size([1, 8, 8, 8])
    """

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        if isinstance(dim, bool) or not isinstance(dim, int):
            raise ValueError(f"dim must be a whole number, not {dim!r}")
        self.dim = dim

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the inputs joined."""
        if not inputs:
            raise LayerlabError("Concatenate was given no input")
        if not all(-x.dim() <= self.dim < x.dim() for x in inputs):
            raise LayerlabError(f"Concatenate has dim={self.dim}, and was given {_shapes(inputs)}")
        others = {tuple(_without(x.shape, self.dim % x.dim())) for x in inputs}
        if len(others) > 1:
            raise LayerlabError(
                f"Concatenate needs inputs that differ along axis {self.dim} at most, and was given {_shapes(inputs)}"
            )
        return torch.cat(inputs, self.dim)

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"dim={self.dim}"


class Skip(nn.Module):
    """A block with a connection past it: the block learns only what to add to its input.

    Args:
        block: what is skipped.
        mode: ``add`` gives block(x) + x, as in ResNet; ``concatenate`` gives x and block(x) side by side, x
            first, as in DenseNet.
        projection: what the input goes through on its way past the block, where the block changes the shape:
            usually a 1x1 convolution with the block's stride. Nothing unless given.

    Input shape:
        what ``block`` takes.

    Output shape:
        ``add``: what ``block`` gives; ``concatenate``: with the channels of both.

    Raises:
        ValueError: ``mode`` is neither, or the block's first layer changes its input in place.
        LayerlabError: in ``forward``, the two ways give shapes that do not fit together.

    Example:
        >>> Skip(nn.Conv2d(8, 8, 3, padding=1))(torch.zeros(1, 8, 5, 5)).shape
        torch.Size([1, 8, 5, 5])
        >>> Skip(nn.Conv2d(8, 4, 3, padding=1), mode="concatenate")(torch.zeros(1, 8, 5, 5)).shape
        torch.Size([1, 12, 5, 5])

    Reference:
        He, Zhang, Ren, Sun. Deep Residual Learning for Image Recognition. CVPR 2016.
        Huang, Liu, van der Maaten, Weinberger. Densely Connected Convolutional Networks. CVPR 2017.
    """

    def __init__(
        self,
        block: nn.Module,
        mode: Literal["add", "concatenate"] = "add",
        projection: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if mode not in ("add", "concatenate"):
            raise ValueError(f'mode must be "add" or "concatenate", not {mode!r}')
        if projection is None and getattr(_first_layer(block), "inplace", False):
            raise ValueError(
                "the block's first layer works in place and would change what goes past it: give inplace=False"
            )
        self.mode = mode
        self.block = block
        self.projection = projection

    def forward(self, x: Tensor) -> Tensor:
        """Return both ways joined."""
        shortcut: Tensor = x if self.projection is None else self.projection(x)
        output: Tensor = self.block(x)
        if self.mode == "add":
            if shortcut.shape != output.shape:
                raise LayerlabError(
                    f"Skip cannot add {_size(shortcut)}, which came past the block, to {_size(output)}, "
                    f"which came out of it: give a projection, such as a 1x1 convolution of the same stride"
                )
            return output + shortcut
        if _without(shortcut.shape, 1) != _without(output.shape, 1):
            raise LayerlabError(
                f"Skip cannot put {_size(shortcut)}, which came past the block, beside {_size(output)}, "
                f"which came out of it: they may differ in the number of channels only"
            )
        return torch.cat((shortcut, output), 1)

    def extra_repr(self) -> str:
        """Return how the two ways are joined."""
        return f'mode="{self.mode}"'


def _first_layer(block: nn.Module) -> nn.Module:
    """Return the layer of a block that meets the input, as far as sequences tell."""
    while isinstance(block, nn.Sequential) and len(block):
        block = block[0]
    return block


def _without(shape: torch.Size, axis: int) -> list[int]:
    """Return the lengths of all axes but one."""
    return [length for index, length in enumerate(shape) if index != axis]


def _size(x: Tensor) -> str:
    """Return the shape as people write it."""
    return "x".join(map(str, x.shape)) or "a single number"


def _shapes(inputs: tuple[Tensor, ...]) -> str:
    """Return the shapes of several tensors."""
    return ", ".join(map(_size, inputs))
