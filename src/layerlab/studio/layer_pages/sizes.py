"""The geometry of convolutions: the output's size, and every window that gives a wanted one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from layerlab.studio.layer_pages.numbers import Request

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
    why_no_output: str | None
    windows: list[Window]
    total: int
    """Of the windows; the list holds the first 300."""
    why_none: str | None


def geometry(request: Geometry) -> Sizes:
    """Return the size that a window makes, and the windows that make a size."""
    from layerlab.errors import LayerlabError
    from layerlab.layers import output_size, transposed_output_size, why_none

    output, problem = None, None
    try:
        output = (
            transposed_output_size(
                request.size, request.kernel, request.stride, request.padding, request.output_padding, request.dilation
            )
            if request.transposed
            else output_size(request.size, request.kernel, request.stride, request.padding, request.dilation)
        )
    except LayerlabError as error:
        problem = str(error)
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
        why_none=None if found else why_none(request.size, request.wanted, transposed=request.transposed, **SEARCHED),
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
