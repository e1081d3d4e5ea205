"""Factors as people write them on a command line: ``width=0.5,1,2``, ``lr``, ``noise=10``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from layerlab.errors import LayerlabError
from layerlab.values import read_value

__all__ = ["read_fixed", "read_grids", "read_levels"]

_SHORT: Final = {"lr": "learning_rate", "wd": "weight_decay"}


def read_levels(given: Iterable[str], option: str) -> dict[str, list[Any]]:
    """Return the levels of each factor.

    Args:
        given: texts such as ``depth=1,2,4``; of lists, items are joined by a plus: ``layers=8+8,16``.
        option: the option that gave them, for complaints.

    Raises:
        LayerlabError: one is no factor with levels, or a factor comes twice.
    """
    found: dict[str, list[Any]] = {}
    for text in given:
        name, values = _divided(text, option, "1,2,4")
        if name in found:
            raise LayerlabError(f'{option} gives "{name}" twice; write all its values behind one: {name}=A,B')
        found[name] = [_value(part) for part in values.split(",")]
        if twice := [level for level in found[name] if found[name].count(level) > 1]:
            raise LayerlabError(f'{option} {text}: the value "{twice[0]}" comes twice')
    return found


def read_grids(given: Iterable[str], option: str) -> dict[str, list[float]]:
    """Return the grid of each factor; an empty list where only the factor is named (``lr``)."""
    named: dict[str, list[float]] = {_SHORT.get(text, text): [] for text in given if "=" not in text}
    levels = read_levels([text for text in given if "=" in text], option)
    for name, values in levels.items():
        for value in values:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise LayerlabError(f'{option} {name}: "{value}" is no number; only numbers are tuned')
    return {**named, **levels}


def read_fixed(given: Iterable[str], option: str) -> dict[str, Any]:
    """Return factors with one value each, such as ``noise=10``."""
    found: dict[str, Any] = {}
    for text in given:
        name, value = _divided(text, option, "10")
        if name in found:
            raise LayerlabError(f'{option} gives "{name}" twice')
        found[name] = _value(value)
    return found


def written(levels: Mapping[str, Iterable[Any]]) -> list[str]:
    """Return what :func:`read_levels` reads."""
    return [f"{name}={','.join(map(_text, values))}" if values else name for name, values in levels.items()]


def _divided(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, values = (part.strip() for part in text.partition("="))
    if not (name and equals and values):
        raise LayerlabError(f'{option} "{text}" is no factor with a value; write {option} {name or "width"}={example}')
    return _SHORT.get(name, name), values


def _value(text: str) -> Any:
    text = text.strip()
    if "+" in text.strip("+") and not _is_number(text):
        return [read_value(part) for part in text.split("+")]
    return read_value(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "+".join(map(_text, value)) if isinstance(value, (list, tuple)) else str(value)
