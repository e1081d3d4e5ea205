"""A network of the zoo as one readable file that needs PyTorch alone.

The file holds the family's own classes and functions as they are written, and those of Layerlab that they use. What is
needed is found in the text: from the builder, every name is followed to where it is defined. Nothing is run.
"""

from __future__ import annotations

import re
import textwrap
from functools import partial
from typing import Any

from torch import nn

from layerlab import __version__
from layerlab.errors import LayerlabError
from layerlab.zoo.origin import Origin, origin_of
from layerlab.zoo.registry import ModelInfo, builder_of, create, model_info
from layerlab.zoo.source_parts import Collector, written

__all__ = ["write_source"]

_WIDTH = 120
_TRY = re.compile(r"\n\nWhat to try next:.*", re.DOTALL)


def write_source(module: nn.Module, spec: str = "") -> str:
    """Return a Python file whose ``build()`` gives this network, with fresh weights and nothing of Layerlab.

    The parameters have the names that they have in ``module``, so that ``build().load_state_dict(...)`` takes its
    weights.

    Args:
        module: what :func:`layerlab.create` returned, also after training.
        spec: what the person called it, for the error.

    Raises:
        LayerlabError: the network is not of the zoo, or was changed after it was built.

    Example:
        >>> print(write_source(create("lecture_cnn")).splitlines()[0])
        \"\"\"The lecture's network, as one file that needs PyTorch alone.
    """
    origin = origin_of(module)
    shown = spec or (origin.name if origin is not None else type(module).__name__)
    if origin is None or origin.kind != "zoo":
        raise LayerlabError(
            f'"{shown}" is not of the zoo: its source is where it was written; only networks of the zoo (layerlab'
            " models) and of Keras text are written as source"
        )
    _refuse_changed(module, origin, shown)
    info = model_info(origin.name)
    target, arguments = _unwrapped(builder_of(origin.name), origin.arguments)

    collector = Collector()
    call = collector.name_of(target, needed_by=origin.name)
    given = ", ".join(f"{knob}={_literal(value, collector, origin.name)}" for knob, value in arguments.items())
    imports, body = written(collector, family=f"layerlab.zoo.{info.family}")
    parts = [_header(info, origin, collector), imports, body, _build(info, call, given)]
    return "\n\n".join(parts[:3]) + f"\n\n\n{parts[3]}\n"


def _unwrapped(builder: Any, knobs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the class or function under presets of knobs, and the knobs as they are in the end."""
    presets: dict[str, Any] = {}
    while isinstance(builder, partial):
        presets = {**builder.keywords, **presets}
        builder = builder.func
    return builder, {**presets, **knobs}


def _refuse_changed(module: nn.Module, origin: Origin, shown: str) -> None:
    """Compare the tensors with those of a fresh one: a network that a person has rebuilt is not what build() gives."""
    fresh = create(origin.name, device="meta", **origin.arguments).state_dict()
    own = module.state_dict()
    for name in [*own, *fresh]:
        one, other = own.get(name), fresh.get(name)
        if one is None or other is None or one.shape != other.shape:
            raise LayerlabError(
                f'"{shown}" was changed after it was built ("{name}" is not as in a fresh "{origin.name}"), and its'
                " source would not be this network: write it before the change"
            )


def _literal(value: Any, collector: Collector, name: str) -> str:
    """Return a knob's value as source."""
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_literal(item, collector, name) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    if value is None or isinstance(value, (bool, int, float, str)):
        return f'"{value}"' if isinstance(value, str) and value.isidentifier() else repr(value)
    return collector.name_of(value, needed_by=name)


def _header(info: ModelInfo, origin: Origin, collector: Collector) -> str:
    """Return what the file says of itself: the citation, the family's own words, and how it is used."""
    first = textwrap.fill(f"{info.title}, as one file that needs PyTorch alone.", _WIDTH)
    source = textwrap.fill(f"Source: {info.source}.", _WIDTH)
    use = textwrap.fill(
        f"Written by Layerlab {__version__} from its {info.name}. build() gives the network with fresh weights; its"
        " parameters have the names that they have there, so that build().load_state_dict(...) takes its weights.",
        _WIDTH,
    )
    story = _TRY.sub("", collector.docstring(f"layerlab.zoo.{info.family}")).strip()
    knobs = ", ".join(f"{knob}={value!r}" for knob, value in origin.arguments.items())
    built = [textwrap.fill(f"Built with {knobs}.", _WIDTH)] if knobs else []
    return '"""' + "\n\n".join([first, source, use, *built, story]) + '\n"""'


def _build(info: ModelInfo, call: str, given: str) -> str:
    line = f"    return {call}({given})"
    if len(line) > _WIDTH:
        line = f"    return {call}(\n" + "".join(f"        {one},\n" for one in given.split(", ")) + "    )"
    return f'def build() -> nn.Module:\n    """Return {info.name} with fresh weights, in training mode."""\n{line}'
