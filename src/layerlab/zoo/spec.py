"""A name of the zoo and its knobs as one word: ``resnet20:width=0.5,skip=false``."""

from __future__ import annotations

from typing import Any

from layerlab.errors import LayerlabError
from layerlab.values import read_value
from layerlab.zoo.registry import list_models

__all__ = ["read_spec", "zoo_name"]


def read_spec(spec: str) -> tuple[str, dict[str, Any]] | None:
    """Return the name and the knobs that ``spec`` gives, or None where it begins with no name of the zoo.

    A value is a number, ``true`` or ``false`` (also yes and no, on and off), or else a text.

    Raises:
        LayerlabError: what follows the colon are no knobs.

    Example:
        >>> read_spec("resnet20:width=0.5,skip=no")
        ('resnet20', {'width': 0.5, 'skip': False})
    """
    name, colon, rest = spec.partition(":")
    if name not in list_models() or (colon and rest and "=" not in rest):  # module:callable
        return None
    knobs: dict[str, Any] = {}
    for part in rest.split(",") if colon else ():
        knob, equals, value = (word.strip() for word in part.partition("="))
        if not (knob and equals and value):
            raise LayerlabError(f'"{spec}" has "{part}" where a knob was expected: write {name}:knob=value,knob=value')
        if knob in knobs:
            raise LayerlabError(f'"{spec}" sets the knob "{knob}" twice')
        knobs[knob] = read_value(value)
    return name, knobs


def zoo_name(spec: str) -> str | None:
    """Return the name of the zoo that ``spec`` begins with, with knobs or without, or None."""
    found = read_spec(spec)
    return None if found is None else found[0]
