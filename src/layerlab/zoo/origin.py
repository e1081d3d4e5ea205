"""Where a network came from, as plain data, so that a run folder can build it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from layerlab.errors import LayerlabError
from layerlab.notation import KerasModel

__all__ = ["Origin", "mark_origin", "origin_of"]

Kind = Literal["zoo", "keras", "import"]

_ATTRIBUTE = "_layerlab_origin"


@dataclass(frozen=True)
class Origin:
    """What builds the network again."""

    kind: Kind
    """``zoo`` (a registered name), ``keras`` (Keras text) or ``import`` (``package.module:callable``)."""
    name: str
    """The zoo name, the text's file name, or ``package.module:callable``."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the builder (zoo and import)."""
    text: str = ""
    """The Keras source (keras only)."""

    def to_dict(self) -> dict[str, Any]:
        """Return the origin as JSON-able data."""
        data: dict[str, Any] = {"kind": self.kind, "name": self.name}
        if self.arguments:
            data["arguments"] = dict(self.arguments)
        if self.text:
            data["text"] = self.text
        return data

    @classmethod
    def from_dict(cls, data: Any) -> Origin:
        """Return the origin that :meth:`to_dict` wrote.

        Raises:
            LayerlabError: ``data`` is something else.
        """
        match data:
            case {"kind": "zoo" | "keras" | "import" as kind, "name": str(name)}:
                arguments, text = data.get("arguments", {}), data.get("text", "")
                if isinstance(arguments, dict) and isinstance(text, str):
                    return cls(kind, name, {str(key): value for key, value in arguments.items()}, text)
        raise LayerlabError(f"the model's origin {str(data)[:80]!r} is not one that Layerlab wrote")

    def __str__(self) -> str:
        """Return the word that names this network on the command line, where its data do not say the rest."""
        if self.kind != "zoo":
            return self.name
        knobs = [
            f"{knob}={str(value).lower() if isinstance(value, bool) else value}"
            for knob, value in self.arguments.items()
            if knob not in ("num_classes", "in_channels")
        ]
        return f"{self.name}:{','.join(knobs)}" if knobs else self.name


def mark_origin(module: nn.Module, origin: Origin) -> None:
    """Note on ``module`` what built it."""
    setattr(module, _ATTRIBUTE, origin)


def origin_of(module: nn.Module) -> Origin | None:
    """Return what built ``module``, or None when it was built by hand."""
    origin = getattr(module, _ATTRIBUTE, None)
    if origin is None and isinstance(module, KerasModel):
        origin = Origin("keras", module.filename, text=module.source_text)
    return origin
