"""A folder for the time of one trial, which is gone afterwards, at the latest when the next trial begins."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["trial_folder"]

_PREFIX: Final = "layerlab-trial"


@contextmanager
def trial_folder() -> Iterator[Path]:
    """Yield a new folder in the system's place for temporary files; remove it in the end.

    A process that is killed leaves its folder behind; the next one on the same machine removes it.
    """
    here = f"{_PREFIX}-{platform.node()}-"
    for left in Path(tempfile.gettempdir()).glob(f"{here}*"):
        process = left.name.removeprefix(here).partition("-")[0]
        if process.isdecimal() and not _lives(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{here}{os.getpid()}-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True
