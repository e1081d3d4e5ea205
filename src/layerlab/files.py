"""Writing files so that none is ever half there."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from layerlab.errors import LayerlabError

__all__ = ["atomic_path", "atomic_write"]


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is synced and renamed over ``path``.

    A reader therefore sees the old file or the new one, whatever happens in between (``kill -9``, power, full disk).

    Raises:
        LayerlabError: the disk is full or the folder cannot be written; the old file is untouched.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        temporary = Path(name)
        os.close(descriptor)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise LayerlabError(f'cannot write "{path}": {_reason(error)}; what was there before is unchanged') from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def atomic_write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write ``content`` (text as UTF-8) to ``path`` in one step. Raises as :func:`atomic_path`.

    A file name in the text that is no UTF-8 itself is kept as ``json.loads`` reads it back.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


def _umask() -> int:
    """Return the process's file-creation mask (which can only be read by setting it)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    """Return why, in words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    return error.strerror or str(error)
