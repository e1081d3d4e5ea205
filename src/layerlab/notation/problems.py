"""What is wrong with the text, in one sentence with the line, the name and the nearest known name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.notation.catalogue import KINDS, UNREAD
from layerlab.notation.description import LibraryName, Unknown, Value, first_unknown

__all__ = ["Problems", "near"]


class Problems:
    """Makes the errors of one text.

    Args:
        filename: what errors call the text.
        names: what the text has assigned so far.
    """

    def __init__(self, filename: str, names: Mapping[str, Value]) -> None:
        self.filename = filename
        self.names = names

    def needed(self, user: str, argument: str, value: Value, line: int) -> Value:
        """Return a value that must be known."""
        unknown = first_unknown(value)
        if isinstance(unknown, LibraryName):
            nearest = near(unknown.path, self.names)
            raise self.error(line, f'{user} needs {argument}, and the text never assigns "{unknown.path}"{nearest}')
        if unknown is not None:
            if unknown.called is not None and argument in ("layer", "backward_layer"):
                raise self.unknown_layer(unknown.called, unknown.line)
            raise self.error(
                line,
                f"{user} needs {argument}, which cannot be computed from the text (line {unknown.line}:"
                f" {unknown.reason}); write its value",
            )
        return value

    def refuse_unknown_layer(self, value: Value) -> None:
        """Name the unknown layer, where a tensor is unknown because of one."""
        unknown = first_unknown(value)
        if isinstance(unknown, Unknown) and unknown.called is not None:
            raise self.unknown_layer(unknown.called, unknown.line)

    def unknown_layer(self, name: str, line: int) -> LayerlabError:
        """Return the error of a layer that is not read, with the nearest that is."""
        if name in UNREAD:
            return self.error(line, f'Keras has the layer "{name}", but it is not read here')
        nearest = near(name, KINDS) or "; expected a layer of Keras"
        return self.error(line, f'unknown layer "{name}"{nearest}')

    def error(self, line: int, message: str) -> LayerlabError:
        """Return an error that says where."""
        return LayerlabError(f"{self.filename} line {line}: {message}")


def near(word: str, known: Iterable[str]) -> str:
    """Return the nearest known words; nothing when none is near, since the whole list would be long."""
    words = list(known)
    same = [name for name in words if name.casefold() == word.casefold()]
    found = did_you_mean(word, same or words)
    return found if found.startswith("; did") else ""
