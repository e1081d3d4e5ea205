"""What a run was made with: versions, machine and date."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

import layerlab

__all__ = ["processor_name", "versions"]

_PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "numpy")


def processor_name(device: torch.device) -> str:
    """Return the name of the device, as its maker has it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{name or platform.machine()} ({torch.backends.cpu.get_cpu_capability()})"


def versions(device: torch.device) -> dict[str, str]:
    """Return what the numbers of a run may depend on."""
    found = {"layerlab": layerlab.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    found["system"] = platform.platform()
    found["processor"] = processor_name(device)
    found["threads"] = str(torch.get_num_threads())
    return found
