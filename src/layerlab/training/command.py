"""The command that repeats a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from layerlab.training.config import TrainingConfig

__all__ = ["command_of"]

_WITHOUT_OPTION = frozenset({"checkpoint_minutes"})  # of no influence on the numbers
_ONLY_IN_PYTHON = frozenset({"optimizer_options", "learning_rates"})
_OPTION_OF_DATA = {"root": "--data-root", "size": "--size", "workers": "--workers", "skip_bad": "--skip-bad"}


def command_of(model: str | None, data: str, config: TrainingConfig, options: Mapping[str, Any]) -> str:
    """Return a shell command, or a call in Python where the command line has no words for the run.

    Args:
        model: what names the network on the command line; None for one that was built by hand.
        data: the name or path of the data.
        config: only what differs from the defaults is written.
        options: arguments of ``load_data`` that were given.
    """
    chosen = {
        entry.name: getattr(config, entry.name)
        for entry in fields(config)
        if entry.name not in _WITHOUT_OPTION and getattr(config, entry.name) != TrainingConfig.default(entry.name)
    }
    given = {name: value for name, value in options.items() if value not in (None, False)}
    size = given.get("size")
    if isinstance(size, (list, tuple)) and len(set(size)) == 1:
        given["size"] = size[0]
    sayable = not _ONLY_IN_PYTHON & set(chosen) and all(
        name in _OPTION_OF_DATA and not isinstance(value, (list, tuple)) for name, value in given.items()
    )
    if model is None or not sayable:
        arguments = "".join(f", {name}={value!r}" for name, value in {**chosen, **given}.items())
        return f"layerlab.fit({'model' if model is None else repr(model)}, {data!r}{arguments})"
    words = ["layerlab", "train", model, "--data", data]
    for name, value in chosen.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    for name, value in given.items():
        words += [_OPTION_OF_DATA[name]] if value is True else [_OPTION_OF_DATA[name], str(value)]
    return shlex.join(words)
