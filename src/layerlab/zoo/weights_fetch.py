"""Fetching a file of weights so that it is there whole and unaltered or not at all, and saying why it is not."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from layerlab.errors import LayerlabError
from layerlab.files import atomic_path

__all__ = ["RemoteFile", "fetch_file", "weights_folder"]

_log = logging.getLogger("layerlab")

_PATIENCE = 30.0
"""Seconds without an answer after which a host counts as out of reach."""
_CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGITS = 16  # of the checksum in the name of a file whose server told it
_ANNOUNCED = ("X-Linked-ETag", "ETag")


@dataclass(frozen=True)
class RemoteFile:
    """A file of weights on a server."""

    url: str
    """Where it is."""
    name: str
    """What it is kept as; where ``checksum`` is None, the checksum is put before its ending."""
    checksum: str | None
    """The first digits of its SHA-256; None: the server tells the whole of it with the file."""

    @property
    def host(self) -> str:
        """Who has it."""
        return urlsplit(self.url).hostname or self.url

    def kept_as(self, checksum: str) -> str:
        """Return the name under which the file of this checksum is kept."""
        if self.checksum is not None:
            return self.name
        path = Path(self.name)
        return f"{path.stem}-{checksum[:_DIGITS]}{path.suffix}"


def weights_folder() -> Path:
    """Return where weights are kept: ``$LAYERLAB_CACHE/weights``, or the folder that torchvision uses.

    That is ``$TORCH_HOME/hub/checkpoints``, so that what torchvision has fetched before is not fetched again.
    """
    if given := os.environ.get("LAYERLAB_CACHE"):
        return Path(given).expanduser() / "weights"
    from torch import hub

    return Path(hub.get_dir()) / "checkpoints"


def fetch_file(remote: RemoteFile) -> Path:
    """Return the path of the file, which is downloaded if it is not there.

    A file that is there is read once for its checksum before it is used (0.2 s for 100 MB, less than it takes to
    load); one that is damaged is fetched again.

    Raises:
        LayerlabError: it cannot be fetched, is cut, is not what was published, or the server tells no checksum.
    """
    folder = weights_folder()
    for path, checksum in _kept(remote, folder):
        if _digest(path).startswith(checksum):
            return path
        _log.warning('"%s" is damaged (its checksum differs) and is fetched again', path)
    with _opened(remote, folder) as (response, announced):
        wanted = remote.checksum or announced
        if wanted is None:
            raise LayerlabError(
                f'"{remote.name}" was not taken: {remote.host} tells no SHA-256 of it, so that it cannot be checked;'
                " expected a model hub or a mirror of one, which tells it as X-Linked-ETag"
            )
        path = folder / remote.kept_as(wanted)
        with atomic_path(path) as temporary:
            found = _copy(response, temporary, remote, folder)
            if not found.startswith(wanted):
                raise LayerlabError(
                    f'"{remote.name}" was not taken: what came from {remote.host} is not what was published (its'
                    f" SHA-256 begins with {found[: len(wanted)][:_DIGITS]}, expected {wanted[:_DIGITS]}); try again,"
                    " or ask who is between"
                )
    return path


def _kept(remote: RemoteFile, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that are there under the name, each with the checksum that it should have."""
    if remote.checksum is not None:
        if (folder / remote.name).is_file():
            yield folder / remote.name, remote.checksum
        return
    name = Path(remote.name)
    pattern = re.compile(re.escape(name.stem) + rf"-([0-9a-f]{{{_DIGITS}}})" + re.escape(name.suffix))
    entries = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True) if folder.is_dir() else []
    for path in entries:
        if found := pattern.fullmatch(path.name):
            yield path, found[1]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LayerlabError(f'"{path}" cannot be read: {error.strerror or error}') from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections and notes the checksum that the first server tells: a hub's storage does not know it."""

    def __init__(self) -> None:
        self.announced: str | None = None

    def redirect_request(self, request: Any, file: Any, code: int, message: str, headers: Any, url: str) -> Any:
        """Return the request to follow; one that would give up encryption is refused."""
        self.announced = self.announced or _checksum_in(headers)
        if request.full_url.startswith("https:") and not url.startswith("https:"):
            raise urllib.error.URLError(f"it leads to {url[:60]}, which is not encrypted")
        return super().redirect_request(request, file, code, message, headers, url)


@contextmanager
def _opened(remote: RemoteFile, folder: Path) -> Iterator[tuple[http.client.HTTPResponse, str | None]]:
    """Yield the server's answer and the checksum that it tells."""
    if urlsplit(remote.url).scheme not in ("http", "https"):
        raise LayerlabError(f'"{remote.url}" is no address of weights; expected one that begins with https://')
    redirects = _Redirects()
    request = urllib.request.Request(remote.url, headers={"User-Agent": "layerlab"})  # noqa: S310  (checked above)
    try:
        response = urllib.request.build_opener(redirects).open(request, timeout=_PATIENCE)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(remote, folder, error) from error
    with response:
        yield response, redirects.announced or _checksum_in(response.headers)


def _checksum_in(headers: Any) -> str | None:
    """Return the SHA-256 in an answer's headers: a hub gives it as the entity tag of a large file."""
    for name in _ANNOUNCED:
        value = str(headers.get(name, "")).removeprefix("W/").strip('"').lower()
        if _SHA256.fullmatch(value):
            return value
    return None


def _copy(response: http.client.HTTPResponse, target: Path, remote: RemoteFile, folder: Path) -> str:
    """Write what comes to ``target`` and return its SHA-256."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    length = response.headers.get("Content-Length")
    total = int(length) if length is not None and length.isdigit() else None
    digest, came = hashlib.sha256(), 0
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    with target.open("wb") as file, shown:
        task = shown.add_task(remote.name, total=total)
        while True:
            try:
                chunk = response.read(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(remote, folder, error) from error
            if not chunk:
                break
            file.write(chunk)  # what the disk says is told by atomic_path
            digest.update(chunk)
            came += len(chunk)
            shown.update(task, advance=len(chunk))
    if total is not None and came != total:
        raise LayerlabError(
            f'"{remote.name}" was not taken: the download from {remote.host} was cut after {came:,} of {total:,} bytes;'
            " try again"
        )
    return digest.hexdigest()


def _unreachable(remote: RemoteFile, folder: Path, error: Exception) -> LayerlabError:
    """Say what was to be fetched, from where, why it failed, and what to do."""
    if remote.checksum is not None:
        advice = f'put the file of {remote.url} into "{folder}", or pass its path as the weights'
    else:
        advice = f"fetch {remote.url} elsewhere and pass the path of that file as the weights"
    return LayerlabError(
        f'the weights "{remote.name}" could not be fetched from {remote.host} ({_reason(error)}); {advice}'
    )


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer in {_PATIENCE:g} seconds"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return " ".join(str(cause).split())[:200] or type(cause).__name__
