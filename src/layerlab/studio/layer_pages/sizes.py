"""The geometry of convolutions: the output's size, and every window that gives a wanted one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from layerlab.studio.layer_pages.numbers import Request
from layerlab.studio.layer_pages.refusal import Problem

if TYPE_CHECKING:
    from layerlab.layers import Solution

__all__ = ["Geometry", "Sizes", "Window", "geometry"]

MAX_SIZE = 256
MAX_LISTED = 300
SEARCHED = {"kernel": range(1, 17), "stride": range(1, 17), "dilation": range(1, 4)}
"""What networks use; beside these only the lecture's own window is looked at, whatever its size."""
Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Amount = Annotated[int, Field(ge=0, le=MAX_SIZE)]


class Geometry(Request):
    """An axis, the window that runs along it, and the output that is wanted."""

    size: Size
    kernel: Size
    stride: Size = 1
    padding: Amount = 0
    dilation: Size = 1
    output_padding: Amount = 0
    transposed: bool = False
    wanted: Size


class Window(BaseModel):
    """One way to come from ``size`` to ``wanted``."""

    kernel: int
    stride: int
    padding: int
    dilation: int
    output_padding: int


class Sizes(BaseModel):
    """The output's size, or why there is none; the windows that give the wanted size, the lecture's first."""

    output: int | None
    why_no_output: Problem | None
    windows: list[Window]
    total: int
    """Of the windows; the list holds the first 300."""
    why_none: Problem | None


def geometry(request: Geometry) -> Sizes:
    """Return the size that a window makes, and the windows that make a size."""
    from layerlab.errors import LayerlabError
    from layerlab.layers import output_size, transposed_output_size

    output: int | None = None
    problem: Problem | None = None
    try:
        output = (
            transposed_output_size(
                request.size, request.kernel, request.stride, request.padding, request.output_padding, request.dilation
            )
            if request.transposed
            else output_size(request.size, request.kernel, request.stride, request.padding, request.dilation)
        )
    except LayerlabError as error:
        problem = _why_no_output(request, str(error))
    found = _windows(request)
    return Sizes(
        output=output,
        why_no_output=problem,
        windows=[
            Window(
                kernel=window.kernel,
                stride=window.stride,
                padding=window.padding if isinstance(window.padding, int) else 0,
                dilation=window.dilation,
                output_padding=window.output_padding or 0,
            )
            for window in found[:MAX_LISTED]
        ],
        total=len(found),
        why_none=None if found else _why_none(request),
    )


def _windows(request: Geometry) -> list[Solution]:
    """Return the usual windows, after the lecture's: stride = input // output, and the kernel that uses all of it."""
    from layerlab.layers import solve

    small, large = sorted((request.size, request.wanted))
    found = solve(request.size, request.wanted, transposed=request.transposed, **SEARCHED)
    stride = large // small
    kernel = large - (small - 1) * stride
    if kernel in SEARCHED["kernel"] and stride in SEARCHED["stride"]:
        return found
    lecture = solve(
        request.size, request.wanted, kernel=kernel, stride=stride, padding=0, transposed=request.transposed
    )
    return lecture[:1] + found


def _why_no_output(request: Geometry, sentence: str) -> Problem:
    """Return the layer's own sentence, with a key where the page can say the same."""
    values: dict[str, str | float]
    if request.transposed and request.output_padding >= max(request.stride, request.dilation):
        key = "layers.error.output-padding"
        values = {"given": request.output_padding, "limit": max(request.stride, request.dilation)}
    elif request.transposed:
        key, full = "layers.error.crop", (request.size - 1) * request.stride + _reach(request) + request.output_padding
        values = {"padding": request.padding, "full": full}
    else:
        key, values = "layers.error.window", {"reach": _reach(request), "size": request.size + 2 * request.padding}
    return Problem(key=key, values=values, text=sentence)


def _reach(request: Geometry) -> int:
    return request.dilation * (request.kernel - 1) + 1


def _why_none(request: Geometry) -> Problem:
    """Return that no window makes the size, with the nearest sizes that can be made."""
    from layerlab.layers import solve, why_none

    def is_made(wanted: int) -> bool:
        return wanted > 0 and bool(solve(request.size, wanted, transposed=request.transposed, **SEARCHED))

    near: list[int] = []
    for distance in range(1, MAX_SIZE):
        near = [wanted for wanted in (request.wanted - distance, request.wanted + distance) if is_made(wanted)]
        if near:
            break
    sentence = why_none(request.size, request.wanted, transposed=request.transposed, **SEARCHED)
    return Problem(
        key="layers.error.no-window",
        values={"size": request.size, "wanted": request.wanted, "near": ", ".join(map(str, near))},
        text=sentence or "",
    )
