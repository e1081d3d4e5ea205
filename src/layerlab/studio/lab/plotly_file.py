"""plotly.js as its wheel brings it, packed for the way."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from typing import Final

from starlette.responses import Response

__all__ = ["plotly_address", "plotly_file"]

_OWN_STYLE: Final = re.compile(r'document\.getElementById\("([0-9a-f]{40,})"\)')
"""How a part of plotly.js asks whether its style sheet is there before it adds it to the markup."""
LEVEL: Final = 6


def plotly_address() -> str:
    """Return the address under which the page finds the version that is installed."""
    from importlib.metadata import version

    return f"/plotly.js?{version('plotly')}"


def plotly_file(packs: bool, seen: str | None) -> Response:
    """Return plotly.js, or that the browser has it already.

    Args:
        packs: whether the browser takes gzip.
        seen: the version that it has.
    """
    plain, packed, tag = _content()
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if seen is not None and tag in [part.strip().removeprefix("W/") for part in seen.split(",")]:
        return Response(status_code=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(packed if packs else plain, media_type="text/javascript; charset=utf-8", headers=headers)


@cache
def _content() -> tuple[bytes, bytes, str]:
    from plotly.offline import get_plotlyjs

    library = get_plotlyjs()
    # The page's policy refuses style sheets in the markup; that of the maps, which no figure has, is said to be there.
    there = "".join(
        f'document.head.append(Object.assign(document.createElement("template"),{{id:"{name}"}}));'
        for name in sorted(set(_OWN_STYLE.findall(library)))
    )
    plain = f"{there}\n{library}".encode()
    return plain, gzip.compress(plain, LEVEL, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:20]}"'
