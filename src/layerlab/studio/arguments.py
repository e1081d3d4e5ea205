"""Reading what a page sent: every value is checked before it is used."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from layerlab.studio.command_error import CommandError
from layerlab.studio.limits import Limits

__all__ = ["Arguments", "identity_of", "read_message", "refuse"]

CARRIES_POINTS: Final = frozenset({"open", "change", "points", "open_seed"})
LONGEST_ID: Final = 100


def read_message(text: str, limits: Limits) -> tuple[str | int | None, str, Arguments]:
    """Return a message's id (None where it has no proper one), its command and its arguments.

    Raises:
        CommandError: it is no command.
    """
    if len(text) > limits.message_bytes:
        raise CommandError(
            "error.too-long", f"a message has at most {limits.message_bytes:,} characters", limit=limits.message_bytes
        )
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # a number of too many digits is a ValueError too
        raise CommandError("error.no-json", "the message is no JSON") from None
    if not isinstance(message, dict):
        raise CommandError("error.no-command", 'the message is no command; expected {"id": 1, "do": "open", ...}')
    return _identity(message.get("id")), _command(message, text, limits), Arguments(message)


def identity_of(text: str, limits: Limits) -> str | int | None:
    """Return the id of a message that was refused, where one can be found."""
    try:
        message = json.loads(text) if len(text) <= limits.message_bytes else None
    except (ValueError, RecursionError):
        return None
    return _identity(message.get("id")) if isinstance(message, dict) else None


def _command(message: dict[str, Any], text: str, limits: Limits) -> str:
    name = message.get("do")
    if not isinstance(name, str):
        raise CommandError("error.no-command", 'the message is no command; expected {"id": 1, "do": "open", ...}')
    if len(text) > limits.command_bytes and name not in CARRIES_POINTS:
        raise CommandError(
            "error.too-long",
            f"this command has at most {limits.command_bytes:,} characters",
            limit=limits.command_bytes,
        )
    return name


def _identity(value: object) -> str | int | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return value if len(str(value)) <= LONGEST_ID else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


class Arguments:
    """The arguments of one command.

    Each method raises a :class:`~layerlab.studio.command_error.CommandError` that names the argument, its value and
    what was expected.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def raw(self, name: str) -> Any:
        """Return the value as it came; None where it is missing."""
        return self._values.get(name)

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """Return a whole number of [least, most]."""
        value = self._values.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            refuse(name, value, f"a whole number from {least:,} to {most:,}")
        return value

    def optional_whole(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number of [least, most], or None where it is missing or null."""
        return None if self._values.get(name) is None else self.whole(name, least, most)

    def number(
        self, name: str, least: float = -math.inf, most: float = math.inf, default: float | None = None
    ) -> float:
        """Return a finite number of [least, most]."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1e300 < value < 1e300:
            refuse(name, value, "a number")
        if not least <= value <= most:
            refuse(name, value, f"a number from {least:g} to {most:g}")
        return float(value)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return true or false."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            refuse(name, value, "true or false")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            refuse(name, value, "a text")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """Return an object; an empty one where it is missing or null."""
        value = self._values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            refuse(name, value, "an object")
        return value


def refuse(name: str, value: object, expected: str) -> NoReturn:
    """Refuse the value of an argument."""
    try:
        shown = json.dumps(value)
    except (ValueError, RecursionError):
        shown = "..."
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    raise CommandError(
        "error.argument", f"{name} is {shown}; expected {expected}", name=name, value=shown, expected=expected
    )
