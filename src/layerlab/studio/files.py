"""The page's own files and its texts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from starlette.responses import PlainTextResponse, Response

__all__ = ["LANGUAGES", "locale_file", "static_file"]

HERE: Final = Path(__file__).parent
LANGUAGES: Final = ("en", "pl")
MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
"""What is served at all, and as what: a machine's own table of types calls modules plain text now and then."""


def static_file(path: str, seen: str | None = None, root: Path = HERE / "static") -> Response:
    """Return the answer to a request for a file of the page.

    Args:
        path: below ``root``, as in the address; empty: ``index.html``.
        seen: the version that the browser has (``If-None-Match``).
        root: the folder that nothing leaves.
    """
    try:
        file = (root / (path or "index.html")).resolve()
        found = file.is_relative_to(root.resolve()) and file.suffix in MEDIA_TYPES and file.is_file()
    except (OSError, ValueError):  # a null byte, or a name that is too long
        found = False
    if not found:
        return PlainTextResponse("There is no such file.\n", 404)
    return _versioned(file.read_bytes(), MEDIA_TYPES[file.suffix], seen)


def locale_file(language: str, seen: str | None = None, root: Path = HERE / "locale") -> Response:
    """Return all texts of one language: every file of its folder, merged."""
    if language not in LANGUAGES:
        return PlainTextResponse(f"There are the languages {', '.join(LANGUAGES)}.\n", 404)
    texts: dict[str, str] = {}
    for file in sorted((root / language).glob("*.json")):
        texts |= json.loads(file.read_text("utf-8"))
    return _versioned(json.dumps(texts, ensure_ascii=False).encode(), MEDIA_TYPES[".json"], seen)


def _versioned(content: bytes, media_type: str, seen: str | None) -> Response:
    """Return ``content``, or that the browser has it already: it asks each time, so that no old module stays."""
    version = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": version, "Cache-Control": "no-cache"}
    if seen is not None and version in [part.strip().removeprefix("W/") for part in seen.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
