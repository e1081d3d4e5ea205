"""What a committed figure must name: processor, cores, torch, date."""

from __future__ import annotations

import datetime
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path


def processor() -> str:
    """Return the processor's name, with the instructions that decide the precision."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"model name\s*: (.*)", text)
    flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {flag} " in f"{text} "]
    return f"{name[1] if name else platform.machine()} ({', '.join(flags) or 'no AVX'})"


def describe() -> str:
    """Return one line for the head of a benchmark's output."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return f"{processor()}, {os.cpu_count()} cores, torch {version('torch')}, {today}"
