"""Which software and processor a trial ran with: what its last digits may depend on."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import layerlab

__all__ = ["this_machine"]

_PACKAGES: Final = ("torch", "torchvision", "numpy", "numba", "scikit-learn")


def this_machine() -> dict[str, str]:
    """Return versions, system and processor of this process, by name.

    A graphics card is among them where torch is loaded. It isn't loaded for this: two-dimensional tasks do without it.
    """
    return dict(_read(torch_is_loaded="torch" in sys.modules))


@cache
def _read(*, torch_is_loaded: bool) -> dict[str, str]:
    found = {"layerlab": layerlab.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    found |= {"system": platform.platform(), "processor": _processor()}
    if torch_is_loaded:
        import torch

        if torch.cuda.is_available():
            found["graphics card"] = torch.cuda.get_device_name()
    return found


def _processor() -> str:
    """Return the name of the processor, as its maker has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return name or platform.processor() or platform.machine()
