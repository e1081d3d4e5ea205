"""The inverse of the window arithmetic: which windows turn this input size into that output size.

The lecture's answer is ``stride = input / output``, ``kernel = input - (output - 1)*stride``, ``padding =
0``. It is one of many; :func:`solve` lists them all, the lecture's first, and :func:`why_none` says why there
is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from layerlab.errors import LayerlabError
from layerlab.layers.geometry import AxisPadding, output_size, padding_amounts, transposed_output_size, whole

__all__ = ["Solution", "solve", "why_none"]

_MOST = 1_000_000
"""More windows than this are neither tried nor listed: nobody reads them, and they fill the memory."""

_REACH_OF_SEARCH = 64
"""How far around the wanted size :func:`why_none` looks for one that can be had."""


class Solution(NamedTuple):
    """A window that turns the one size into the other; ``output_padding`` is the transposed convolution's."""

    kernel: int
    stride: int
    padding: AxisPadding
    dilation: int = 1
    output_padding: int | None = 0


@dataclass(frozen=True)
class _Search:
    """The two sizes, and what may be used to get from the one to the other."""

    size: int
    wanted: int
    kernels: range
    strides: range
    paddings: range | AxisPadding | None
    dilations: range
    output_paddings: range | None
    transposed: bool

    def is_lecture(self, window: Solution) -> bool:
        """Return whether this is the lecture's solution."""
        smaller, larger = (self.size, self.wanted) if self.transposed else (self.wanted, self.size)
        stride = larger // smaller
        plain = window.padding in (0, "valid") and window.dilation == 1 and not window.output_padding
        return plain and window.stride == stride and window.kernel == larger - (smaller - 1) * stride

    def windows(self) -> Iterator[tuple[int, int, int]]:
        """Yield (kernel, dilation, reach). A kernel of 1 has no gaps: its dilations are one and the same."""
        for dilation in self.dilations:
            for kernel in self.kernels:
                if kernel > 1 or dilation == self.dilations[0]:
                    yield kernel, dilation, dilation * (kernel - 1) + 1

    def amounts(self, reach: int) -> range:
        """Return the paddings to try on each side of a window."""
        return self.paddings if isinstance(self.paddings, range) else range(reach // 2 + 1)


def solve(
    input_size: int,
    output_size: int,
    *,
    kernel: int | range | None = None,
    stride: int | range | None = None,
    padding: AxisPadding | range | None = None,
    dilation: int | range = 1,
    output_padding: int | range | None = None,
    transposed: bool = False,
) -> list[Solution]:
    """Return every window that turns an axis of ``input_size`` into one of ``output_size``.

    The lecture's comes first when it is among them: ``stride = input // output`` and the kernel that then
    uses the whole input. The others follow by dilation, padding, stride and kernel, so that the plain ones
    come early. An empty list means that there is none; :func:`why_none` says why.

    Args:
        input_size: length of the input.
        output_size: length of the output.
        kernel: a known kernel, or a range to search; from 1 to the larger of the two sizes unless given.
        stride: a known stride, or a range to search; from 1 to the larger of the two sizes unless given.
        padding: a known padding in any form that :func:`~layerlab.layers.output_size` takes, or a range to
            search, alike on both sides; from 0 to half of the window unless given.
        dilation: a known dilation, or a range to search.
        output_padding: a known output padding of the transposed convolution, or a range to search (those
            below max(stride, dilation) count); what :func:`~layerlab.layers.transposed_output_size` takes
            unless given.
        transposed: search transposed convolutions. The lecture's then has ``stride = output // input``.

    Raises:
        LayerlabError: a number out of its range, or more than a million windows to try or to list.

    Example:
        >>> solve(4, 2)[0]  # the lecture's example
        Solution(kernel=2, stride=2, padding=0, dilation=1, output_padding=0)
        >>> [(window.kernel, window.stride) for window in solve(28, 14, padding="same", kernel=range(1, 4))]
        [(1, 2), (2, 2), (3, 2)]
        >>> solve(28, 27, kernel=3, stride=2)
        []

    Reference:
        Dumoulin, Visin. A guide to convolution arithmetic for deep learning. 2016.
    """
    search = _search(input_size, output_size, kernel, stride, padding, dilation, output_padding, transposed=transposed)
    found: list[Solution] = []
    for solution in _solutions(search):
        if len(found) == _MOST:
            raise LayerlabError(
                f"{input_size} to {output_size} has more than {_MOST:,} solutions: fix the kernel, the "
                f"stride or the padding, or give a shorter range of them"
            )
        found.append(solution)
    return sorted(found, key=lambda window: (not search.is_lecture(window), _plainness(window)))


def why_none(
    input_size: int,
    output_size: int,
    *,
    kernel: int | range | None = None,
    stride: int | range | None = None,
    padding: AxisPadding | range | None = None,
    dilation: int | range = 1,
    output_padding: int | range | None = None,
    transposed: bool = False,
) -> str | None:
    """Return one sentence on why :func:`solve` finds nothing, or ``None`` when it finds some.

    Args:
        input_size: length of the input.
        output_size: length of the output.
        kernel: this argument and the others are :func:`solve`'s.
        stride: see there.
        padding: see there.
        dilation: see there.
        output_padding: see there.
        transposed: see there.

    Raises:
        LayerlabError: a number out of its range.

    Example:
        >>> why_none(28, 14, kernel=3, stride=2, padding=0)
        'no convolution with kernel 3, stride 2 and padding 0 makes 14 of 28: the nearest size it can make is 13'
    """
    search = _search(input_size, output_size, kernel, stride, padding, dilation, output_padding, transposed=transposed)
    if next(_solutions(search), None) is not None:
        return None
    arguments = {"kernel": kernel, "stride": stride, "padding": padding, "output padding": output_padding}
    if dilation != 1:
        arguments["dilation"] = dilation
    known = [f"{name} {_words(value)}" for name, value in arguments.items() if value is not None]
    kind = "transposed convolution" if transposed else "convolution"
    what = f"no {kind}{' with ' if known else ''}{_listed(known)} makes {output_size} of {input_size}"

    near = _nearest(search)
    if not near:
        return f"{what}, nor any size near {output_size}"
    noun = "size it can make is" if len(near) == 1 else "sizes it can make are"
    return f"{what}: the nearest {noun} {_listed([str(size) for size in near])}"


def _search(
    size: int,
    wanted: int,
    kernel: int | range | None,
    stride: int | range | None,
    padding: AxisPadding | range | None,
    dilation: int | range,
    output_padding: int | range | None,
    *,
    transposed: bool,
) -> _Search:
    """Check the arguments of :func:`solve` and fill in what was not given."""
    whole("input size", size)
    whole("output size", wanted)
    everything = range(1, max(size, wanted) + 1)
    if isinstance(padding, range):
        padding = _range("padding", padding, at_least=0)
    elif padding is not None:
        before, after = padding_amounts(padding, size=1, kernel=1)
        if padding == "valid" and not transposed:
            padding = 0
        if not isinstance(padding, str) and before == after:
            padding = range(before, before + 1)
    if output_padding is not None and not transposed:
        raise LayerlabError("output padding belongs to the transposed convolution: give transposed=True with it")
    search = _Search(
        size=size,
        wanted=wanted,
        kernels=everything if kernel is None else _range("kernel", kernel),
        strides=everything if stride is None else _range("stride", stride),
        paddings=padding,
        dilations=_range("dilation", dilation),
        output_paddings=None if output_padding is None else _range("output padding", output_padding, at_least=0),
        transposed=transposed,
    )
    tries = len(search.kernels) * len(search.dilations) * len(search.output_paddings or (0,))
    if transposed and size == 1:  # a single number is not moved: the stride is then not computed but tried
        tries *= len(search.strides)
    if tries > _MOST:
        raise LayerlabError(
            f"{size} to {wanted} means trying {tries:,} windows, and {_MOST:,} is the most: give the kernel, or "
            f"shorter ranges"
        )
    return search


def _range(name: str, value: object, at_least: int = 1) -> range:
    """Return a known number as a range of one, and a range as it is."""
    if not isinstance(value, range):
        number = whole(name, value, at_least)
        return range(number, number + 1)
    if not value or _ends(value)[0] < at_least:
        raise LayerlabError(f"{name} must be searched in a range of numbers from {at_least} up, not in {value!r}")
    return value


def _solutions(search: _Search) -> Iterator[Solution]:
    """Yield every solution, in no special order, without trying those that cannot be one."""
    if isinstance(search.paddings, (str, tuple, list)):
        return _with_known_padding(search, search.paddings)
    return _transposed(search) if search.transposed else _convolutions(search)


def _convolutions(search: _Search) -> Iterator[Solution]:
    """Solve (wanted - 1)*stride <= size + 2*padding - reach < wanted*stride for the padding."""
    size, wanted = search.size, search.wanted
    for kernel, dilation, reach in search.windows():
        amounts = search.amounts(reach)
        least, most = (size + 2 * amount - reach for amount in _ends(amounts))
        for stride in _within(search.strides, least // wanted + 1, most // (wanted - 1) if wanted > 1 else None):
            low = -((size - reach - (wanted - 1) * stride) // 2)
            high = (wanted * stride - 1 - size + reach) // 2
            for amount in _within(amounts, low, high):
                yield Solution(kernel, stride, amount, dilation)


def _transposed(search: _Search) -> Iterator[Solution]:
    """Solve wanted = (size - 1)*stride - 2*padding + reach + output_padding for the padding."""
    size, wanted = search.size, search.wanted
    for kernel, dilation, reach in search.windows():
        amounts = search.amounts(reach)
        for longer in search.output_paddings or (0,):
            least, most = (wanted - reach - longer + 2 * amount for amount in _ends(amounts))
            bounds = (-(-least // (size - 1)), most // (size - 1)) if size > 1 else (1, None)
            for stride in _within(search.strides, *bounds):
                twice = (size - 1) * stride + reach + longer - wanted
                if twice % 2 == 0 and twice // 2 in amounts and longer < max(stride, dilation):
                    yield Solution(kernel, stride, twice // 2, dilation, longer)


def _with_known_padding(search: _Search, padding: AxisPadding) -> Iterator[Solution]:
    """Try every stride that may do with a padding that is a word or two numbers."""
    for kernel, dilation, reach in search.windows():
        for longer in search.output_paddings or (None,):
            for stride in _within(search.strides, *_stride_bounds(search, padding, reach, longer or 0)):
                solution = Solution(kernel, stride, padding, dilation, longer if search.transposed else 0)
                if _makes(search, solution) == search.wanted:
                    yield solution


def _stride_bounds(search: _Search, padding: AxisPadding, reach: int, longer: int) -> tuple[int, int | None]:
    """Return bounds outside of which no stride gives the wanted size."""
    size, wanted = search.size, search.wanted
    if search.transposed:
        taken = 0 if isinstance(padding, (str, int)) else sum(padding)
        if size == 1:
            return 1, None
        # The full output has (size - 1)*stride + reach numbers, or size*stride where the words make it so.
        return min((wanted - reach - longer) // (size - 1), wanted // size), (wanted + taken) // (size - 1)
    if padding == "same":
        return -(-size // wanted), (size - 1) // (wanted - 1) if wanted > 1 else None
    span = size + sum(padding_amounts(padding, size, kernel=1)) - reach
    return span // wanted + 1, span // (wanted - 1) if wanted > 1 else None


def _makes(search: _Search, window: Solution) -> int | None:
    """Return the size that the window makes; ``None`` where it does not fit."""
    kernel, stride, padding, dilation, longer = window
    try:
        if search.transposed:
            return transposed_output_size(search.size, kernel, stride, padding, longer, dilation)
        return output_size(search.size, kernel, stride, padding, dilation)
    except LayerlabError:
        return None


def _within(numbers: range, low: int, high: int | None) -> Iterator[int]:
    """Yield the numbers of a range that lie between two bounds, both counted."""
    first, last = _ends(numbers)
    for number in range(max(first, low), (last if high is None else min(last, high)) + 1):
        if number in numbers:
            yield number


def _words(value: object) -> str:
    """Return a known number as it is, and a range by its ends."""
    return "from {} to {}".format(*_ends(value)) if isinstance(value, range) else str(value)


def _listed(words: list[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _ends(numbers: range) -> tuple[int, int]:
    """Return the smallest and the largest number of a range, without going through it."""
    return min(numbers[0], numbers[-1]), max(numbers[0], numbers[-1])


def _plainness(window: Solution) -> tuple[int, int, int, int, int]:
    """Return the key by which solutions are sorted."""
    amount = window.padding if isinstance(window.padding, int) else 0
    return window.dilation, amount, window.stride, window.kernel, window.output_padding or 0


def _nearest(search: _Search) -> list[int]:
    """Return the one or two sizes nearest to the wanted one that can be made."""
    for distance in range(1, _REACH_OF_SEARCH + 1):
        sizes = [size for size in (search.wanted - distance, search.wanted + distance) if size > 0]
        near = [size for size in sizes if next(_solutions(replace(search, wanted=size)), None) is not None]
        if near:
            return near
    return []
