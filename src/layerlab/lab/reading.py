"""Reads tables of a TOML file entry by entry, so that a mistake is told where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["Table"]


class Table:
    """One table; every entry is taken once, and :meth:`done` refuses what nobody took.

    Args:
        content: the entries.
        where: file and place, for complaints.
    """

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._content, self.where = dict(content), where
        self._known: set[str] = set()

    def raw(self, name: str, default: Any, *, required: bool = False) -> Any:
        """Return an entry (``a.b``: of the table a) as it is."""
        first, _, rest = name.partition(".")
        self._known.add(first)
        value = self._content.get(first, None if rest else default)
        if rest:
            value = value.get(rest, default) if isinstance(value, Mapping) else default
        if required and value is None:
            raise LayerlabError(f'"{self.where}" has no "{name}"')
        return value

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        """Return a text."""
        return str(self._of(str, "a text", name, self.raw(name, None if required else default, required=required)))

    def whole(self, name: str, default: int, least: int = 0) -> int:
        """Return a whole number."""
        value = self._of(int, "a whole number", name, self.raw(name, default))
        if value < least:
            raise LayerlabError(f'"{self.where}": {name} is {value}; expected at least {least}')
        return int(value)

    def number(self, name: str) -> float | None:
        """Return a number, or None where there is none."""
        value = self.raw(name, None)
        return None if value is None else float(self._of((int, float), "a number", name, value))

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        """Return one of several words."""
        value = self.text(name, default)
        if value not in known:
            raise LayerlabError(f'"{self.where}": {name} "{value}"{did_you_mean(value, known)}')
        return value

    def texts(self, name: str, *, required: bool = False) -> list[str]:
        """Return a list of texts."""
        value = self._of(list, "a list of texts", name, self.raw(name, None if required else [], required=required))
        return [str(self._of(str, "a list of texts", name, one)) for one in value]

    def mapping(self, name: str) -> dict[str, Any]:
        """Return a table as it is."""
        return dict(self._of(dict, "a table", name, self.raw(name, {})))

    def words(self, name: str, *, required: bool = False) -> dict[str, str]:
        """Return a table of texts."""
        value = self._of(dict, "a table of texts", name, self.raw(name, None if required else {}, required=required))
        return {key: str(self._of(str, "a table of texts", name, one)) for key, one in value.items()}

    def lists(self, name: str) -> dict[str, list[Any]]:
        """Return a table of lists, none of them empty."""
        found = {}
        for key, one in self.mapping(name).items():
            if not self._of(list, "a table of lists", f"{name}.{key}", one):
                raise LayerlabError(f'"{self.where}": {name}.{key} is an empty list')
            found[key] = list(one)
        return found

    def numbers(self, name: str) -> dict[str, float]:
        """Return a table of numbers above zero."""
        found = {}
        for key, one in self.mapping(name).items():
            value = self._of((int, float), "a table of numbers", f"{name}.{key}", one)
            if not 0 < value < float("inf"):
                raise LayerlabError(f'"{self.where}": {name}.{key} is {value}; expected a number above 0')
            found[key] = float(value)
        return found

    def table(self, name: str) -> Table | None:
        """Return a table, or None where there is none."""
        value = self.raw(name, None)
        return None if value is None else Table(self._of(dict, "a table", name, value), f"{self.where}: {name}")

    def tables(self, name: str, *, required: bool = False) -> list[Table]:
        """Return the tables of a list ``[[name]]``."""
        value = self._of(list, f"[[{name}]]", name, self.raw(name, None if required else [], required=required))
        found = [
            Table(self._of(dict, f"[[{name}]]", name, one), f"{self.where}: {name} {number}")
            for number, one in enumerate(value, 1)
        ]
        if required and not found:
            raise LayerlabError(f'"{self.where}" has no "{name}"')
        return found

    def done(self) -> None:
        """Refuse entries that mean nothing."""
        for name in self._content:
            if name not in self._known:
                raise LayerlabError(f'"{self.where}" has an unknown entry "{name}"{did_you_mean(name, self._known)}')

    def _of(self, kind: type | tuple[type, ...], expected: str, name: str, value: Any) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise LayerlabError(f'"{self.where}": {name} is {value!r}; expected {expected}')
        return value
