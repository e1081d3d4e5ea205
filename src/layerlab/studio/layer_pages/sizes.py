"""The geometry of convolutions: the output's size, and every window that gives a wanted one."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from layerlab.studio.layer_pages.numbers import Request

__all__ = ["Geometry", "Sizes", "Window", "geometry"]

MAX_SIZE = 512
MAX_LISTED = 300
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
    from layerlab.layers import output_size, solve, transposed_output_size, why_none

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
    dilations = range(1, 4)
    found = solve(request.size, request.wanted, dilation=dilations, transposed=request.transposed)
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
        why_none=None
        if found
        else why_none(request.size, request.wanted, dilation=dilations, transposed=request.transposed),
    )
