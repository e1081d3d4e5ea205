"""Checks of constructor arguments, and the small habits that the layers share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

__all__ = ["Axes", "chain", "per_axis", "whole_number"]

_RULE = "{name} must be {expected}, not {value!r}"

Axes = int | Sequence[int]
"""One number for every spatial axis, or one number for each."""


def whole_number(name: str, value: object, at_least: int = 1) -> int:
    """Return ``value`` if it is an integer of at least ``at_least``; a ValueError names it otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        expected = f"a whole number of at least {at_least}"
        raise ValueError(_RULE.format(name=name, expected=expected, value=value))
    return value


def per_axis(name: str, value: object, dims: int, at_least: int = 1) -> tuple[int, ...]:
    """Return one whole number for each of ``dims`` axes, from one number or from ``dims`` of them."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != dims:
            expected = f"one number or {dims}"
            raise ValueError(_RULE.format(name=name, expected=expected, value=value))
        return tuple(whole_number(name, item, at_least) for item in value)
    return (whole_number(name, value, at_least),) * dims


def chain(**modules: nn.Module | None) -> nn.Module:
    """Return the modules that are there as one ``nn.Sequential`` of these names; a single one as it is."""
    present = OrderedDict((name, module) for name, module in modules.items() if module is not None)
    if len(present) == 1:
        return next(iter(present.values()))
    return nn.Sequential(present)
