"""How each knob of the zoo is turned on a page: its kind, its choices, its range.

The zoo itself judges every value; this only says what a control offers. A test builds every network with every choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel

__all__ = ["Control", "controls_of"]

Value = bool | int | float | str | None


class Control(BaseModel):
    """One knob on the page; ``None`` among the choices is what the paper has, which differs from layer to layer."""

    name: str
    kind: Literal["switch", "choice", "whole", "real"]
    default: Value
    choices: list[Value] = []
    least: float | None = None
    most: float | None = None
    step: float | None = None


_RANGES: dict[str, tuple[float, float, float]] = {
    "num_classes": (1, 1_000, 1),
    "in_channels": (1, 16, 1),
    "width": (0.0625, 2, 0.0625),
    "growth_rate": (4, 64, 4),
    "compression": (0.1, 1, 0.1),
    "dropout": (0, 0.9, 0.1),
    "epsilon": (0.00001, 0.01, 0.00001),
}
"""Least, most and step of the control; the zoo takes more than these."""
_DEPTHS: dict[str, tuple[float, float, float]] = {
    "resnet_cifar": (8, 110, 6),
    "preact_resnet": (8, 110, 6),
    "densenet": (10, 130, 6),
    "mobilenet_v1": (0, 12, 1),
    "xception": (1, 16, 1),
}
_BOTTLENECK_DEPTHS = (11, 164, 9)
_CHOICES: dict[str, tuple[Value, ...]] = {
    "norm": ("batch", "group", "layer", "none"),
    "stem": ("imagenet", "cifar"),
    "padding": ("symmetric", "same"),
    "shortcut": ("A", "B"),
    "size": ("large", "small"),
    "connections": ("table", "full"),
    "pooling": ("max", "average"),
}
_TABLE_DEPTHS: dict[str, tuple[int, ...]] = {
    "resnet": (18, 34, 50, 101, 152),
    "preact_resnet": (18, 34, 50, 101, 152),
    "vgg": (11, 13, 16, 19),
    "densenet": (121, 161, 169, 201),
}
"""Of the networks for large images, whose stages stand in a table of the paper."""


def controls_of(name: str) -> list[Control]:
    """Return the controls of the zoo's network ``name``, in the builder's order."""
    import inspect

    from layerlab.zoo.registry import builder_of, model_info

    family = model_info(name).family
    parameters = inspect.signature(builder_of(name)).parameters
    defaults = {knob: parameter.default for knob, parameter in parameters.items()}
    return [_control(knob, default, family, defaults) for knob, default in defaults.items()]


def _control(knob: str, default: Any, family: str, defaults: dict[str, Any]) -> Control:
    if isinstance(default, bool):
        return Control(name=knob, kind="switch", default=default)
    choices = _choices(knob, default, family)
    if choices:
        return Control(name=knob, kind="choice", default=default, choices=list(choices))
    least, most, step = _range(knob, family, defaults)
    kind: Literal["whole", "real"] = "whole" if isinstance(default, int) else "real"
    return Control(name=knob, kind=kind, default=default, least=least, most=max(most, default), step=step)


def _choices(knob: str, default: Any, family: str) -> Sequence[Value]:
    if knob == "activation":
        from layerlab.layers import activation_names

        names = [*activation_names()]
        return names if default in names else [default, *names]
    if knob == "norm":
        return ("lrn", *_CHOICES["norm"]) if family == "alexnet" else _CHOICES["norm"]
    if knob == "depth":
        table = _TABLE_DEPTHS.get(family, ())
        return table if default in table else ()
    return _CHOICES.get(knob, ())


def _range(knob: str, family: str, defaults: dict[str, Any]) -> tuple[float, float, float]:
    if knob != "depth":
        return _RANGES[knob]
    return _BOTTLENECK_DEPTHS if defaults.get("bottleneck") is True else _DEPTHS[family]
