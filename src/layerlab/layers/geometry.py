"""The arithmetic of windows along one axis: the output's size, and its inverse.

A window of ``kernel`` numbers, ``dilation`` apart, moves by ``stride`` over an input padded at both ends:

    output = floor((input + before + after - dilation*(kernel - 1) - 1) / stride) + 1

It is the same for convolution and for pooling. The transposed convolution goes the other way:

    output = (input - 1)*stride - before - after + dilation*(kernel - 1) + 1 + output_padding

Reference:
    Dumoulin, Visin. A guide to convolution arithmetic for deep learning. 2016.
"""

from __future__ import annotations

from layerlab.errors import LayerlabError, did_you_mean

__all__ = [
    "AxisPadding",
    "output_size",
    "padding_amounts",
    "same_padding",
    "transposed_crop",
    "transposed_output_size",
    "whole",
]

AxisPadding = str | int | tuple[int, int]
"""Along one axis: ``valid`` (none), ``same``, a number for both ends, or (before, after)."""


def output_size(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: AxisPadding = 0,
    dilation: int = 1,
    *,
    ceil_mode: bool = False,
) -> int:
    """Return the length of a convolution's, or pooling's, output.

    Args:
        size: length of the input.
        kernel: length of the window.
        stride: step of the window.
        padding: ``valid`` (none), ``same`` (Keras: the output is ``ceil(size / stride)``), a number, or
            (before, after).
        dilation: distance between the window's numbers.
        ceil_mode: keep a last window that is not whole, as PyTorch's pooling can (never one that starts in
            the padding).

    Raises:
        LayerlabError: a number out of its range, or a window that is larger than the padded input.

    Example:
        >>> output_size(28, kernel=3)
        26
        >>> output_size(28, kernel=3, stride=2, padding="same")
        14
    """
    whole("size", size)
    whole("stride", stride)
    before, after = padding_amounts(padding, size, kernel, stride, dilation)
    reach = _reach(kernel, dilation)
    span = size + before + after - reach
    steps = -(-span // stride) if ceil_mode else span // stride
    if steps < 0:
        smallest = reach - before - after - (stride - 1 if ceil_mode else 0)
        raise LayerlabError(
            f"a window of {_window(kernel, dilation)} does not fit an input of "
            f"{_padded(size, before, after)}: the smallest input is {max(1, smallest)}"
        )
    if ceil_mode and steps * stride >= size + before:
        steps -= 1
    return steps + 1


def same_padding(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Return Keras's ``same`` padding as (before, after): an odd remainder goes after.

    Args:
        size: length of the input.
        kernel: length of the window.
        stride: step of the window.
        dilation: distance between the window's numbers.

    Raises:
        LayerlabError: a number is not a whole number of at least 1.

    Example:
        >>> same_padding(28, kernel=3, stride=2)
        (0, 1)
    """
    whole("size", size)
    whole("stride", stride)
    outputs = -(-size // stride)
    total = max(0, (outputs - 1) * stride + _reach(kernel, dilation) - size)
    return total // 2, total - total // 2


def padding_amounts(
    padding: AxisPadding, size: int, kernel: int, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """Return any padding of a convolution as (before, after).

    Args:
        padding: ``valid``, ``same``, a number, or (before, after).
        size: length of the input; like what follows, it counts for ``same`` only.
        kernel: length of the window.
        stride: step of the window.
        dilation: distance between the window's numbers.

    Raises:
        LayerlabError: ``padding`` is none of the forms.

    Example:
        >>> padding_amounts(2, size=28, kernel=5)
        (2, 2)
    """
    if padding == "same":
        return same_padding(size, kernel, stride, dilation)
    if padding == "valid":
        return 0, 0
    return _two_amounts(padding)


def transposed_output_size(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: AxisPadding = 0,
    output_padding: int | None = None,
    dilation: int = 1,
) -> int:
    """Return the length of a transposed convolution's output.

    Args:
        size: length of the input.
        kernel: length of the window.
        stride: how far apart the windows' outputs are.
        padding: a number or (before, after): how much is taken off the ends; ``same`` (Keras: the output is
            ``size * stride``) or ``valid`` (Keras: at least ``size * stride``).
        output_padding: how much longer the output is made at its end. Unless given it is 0 with numbers, and
            with a word whatever makes the word's length.
        dilation: distance between the window's numbers.

    Raises:
        LayerlabError: a number out of its range, an output padding of max(stride, dilation) or more, or
            nothing left.

    Example:
        >>> transposed_output_size(14, kernel=3, stride=2, padding=1, output_padding=1)
        28
        >>> transposed_output_size(14, kernel=3, stride=2, padding="same")
        28
    """
    whole("size", size)
    before, after = transposed_crop(kernel, stride, padding, output_padding, dilation)
    length = (size - 1) * stride + _reach(kernel, dilation) - before - after
    if length < 1:
        raise LayerlabError(
            f"padding {padding} takes off all of the {length + before + after} numbers that a transposed "
            f"window of {_window(kernel, dilation)} makes of an input of {size}: use less padding"
        )
    return length


def transposed_crop(
    kernel: int,
    stride: int = 1,
    padding: AxisPadding = 0,
    output_padding: int | None = None,
    dilation: int = 1,
) -> tuple[int, int]:
    """Return what a transposed convolution takes off its full output, as (before, after).

    The full output has ``(size - 1)*stride + dilation*(kernel - 1) + 1`` numbers. A negative ``after``
    lengthens it. PyTorch's ``padding`` is ``before`` and its ``output_padding`` is ``before - after``.

    Args:
        kernel: length of the window.
        stride: how far apart the windows' outputs are.
        padding: as :func:`transposed_output_size` takes it.
        output_padding: as there.
        dilation: distance between the window's numbers.

    Raises:
        LayerlabError: as :func:`transposed_output_size`.

    Example:
        >>> transposed_crop(3, stride=2, padding="same")
        (0, 1)
    """
    whole("stride", stride)
    reach = _reach(kernel, dilation)
    if output_padding is not None:
        whole("output padding", output_padding, at_least=0)
        if output_padding >= max(stride, dilation):
            raise LayerlabError(
                f"output padding {output_padding} must be smaller than the stride {stride} or the dilation {dilation}"
            )
    if padding == "valid":
        return 0, -(max(0, stride - reach) if output_padding is None else output_padding)
    if padding == "same":
        total = reach - stride if output_padding is None else reach - reach % 2 - output_padding
        before = max(0, total // 2)
        return before, total - before
    before, after = _two_amounts(padding)
    return before, after - (output_padding or 0)


def whole(name: str, value: object, at_least: int = 1) -> int:
    """Return ``value`` if it is an integer of at least ``at_least``; a LayerlabError names it otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise LayerlabError(f"{name} must be a whole number of at least {at_least}, not {value!r}")
    return value


def _reach(kernel: int, dilation: int) -> int:
    """Return how many numbers lie between the window's first and last, both counted."""
    return whole("dilation", dilation) * (whole("kernel", kernel) - 1) + 1


def _two_amounts(padding: object) -> tuple[int, int]:
    """Return a number, or a pair of numbers, as (before, after)."""
    if isinstance(padding, (tuple, list)) and len(padding) == 2:
        return whole("padding", padding[0], at_least=0), whole("padding", padding[1], at_least=0)
    if isinstance(padding, str):
        raise LayerlabError(f'unknown padding "{padding}"{did_you_mean(padding, ("valid", "same"))}')
    if isinstance(padding, bool) or not isinstance(padding, int) or padding < 0:
        raise LayerlabError(
            f'padding must be "valid", "same", a whole number of at least 0 or two of them, not {padding!r}'
        )
    return padding, padding


def _window(kernel: int, dilation: int) -> str:
    """Return the window's size in words."""
    if dilation == 1:
        return str(kernel)
    return f"{_reach(kernel, dilation)} (kernel {kernel} with dilation {dilation})"


def _padded(size: int, before: int, after: int) -> str:
    """Return the input's size with its padding."""
    return f"{size} + {before} + {after}" if before or after else str(size)
