"""The curve of every activation of one number, with its derivative by autograd."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from layerlab.studio.command_error import CommandError
from layerlab.studio.layer_pages.numbers import Number, Request

__all__ = ["LECTURE", "Curve", "Curves", "Range", "activations"]

LECTURE = ("sigmoid", "tanh", "relu", "leaky_relu", "maxout", "elu", "linear")
_OF_VECTORS = {"softmax", "log_softmax"}
"""Their curve is of the first number of three; the others are 0."""
_ALIASES = {"swish"}

Slope = Annotated[Number, Field(ge=-10, le=10)]
Reach = Annotated[Number, Field(ge=-50, le=50)]
Line = Annotated[list[Slope], Field(min_length=2, max_length=2)]


class Range(Request):
    """Where the curves are wanted, and the two lines of Maxout."""

    low: Reach = -5.0
    high: Reach = 5.0
    points: Annotated[int, Field(ge=2, le=501)] = 201
    negative_slope: Slope = 0.1
    alpha: Annotated[Number, Field(gt=0, le=10)] = 1.0
    first: Line = Field(default=[-1.0, 0.0])
    """Weight and bias of Maxout's first line."""
    second: Line = Field(default=[1.0, 0.0])


class Curve(BaseModel):
    """One activation: its values and its derivatives at the points; whether the lecture names it."""

    name: str
    lecture: bool
    values: list[float]
    derivatives: list[float]


class Curves(BaseModel):
    """The points and the curves, the lecture's first."""

    x: list[float]
    curves: list[Curve]


def activations(request: Range) -> Curves:
    """Return every activation over the range."""
    import torch

    from layerlab.layers import Maxout, activation, activation_names

    if request.low >= request.high:
        raise CommandError(
            "layers.error.range",
            f"the range from {request.low:g} to {request.high:g} is empty: put the smaller number first",
            low=request.low,
            high=request.high,
        )
    x = torch.linspace(request.low, request.high, request.points, dtype=torch.float64)
    others = sorted(set(activation_names()) - set(LECTURE) - _ALIASES)
    options = {"leaky_relu": {"negative_slope": request.negative_slope}, "elu": {"alpha": request.alpha}}
    curves = []
    for name in (*LECTURE, *others):
        place = x.clone().requires_grad_()
        if name == "maxout":
            lines = [weight * place + bias for weight, bias in (request.first, request.second)]
            values = Maxout()(torch.stack(lines, dim=1))[:, 0]
        elif name in _OF_VECTORS:
            rest = torch.zeros_like(place)
            values = activation(name)(torch.stack([place, rest, rest], dim=1))[:, 0]
        else:
            values = activation(name, **options.get(name, {})).double()(place)
        (derivatives,) = torch.autograd.grad(values.sum(), place)
        curves.append(
            Curve(name=name, lecture=name in LECTURE, values=values.tolist(), derivatives=derivatives.tolist())
        )
    return Curves(x=x.tolist(), curves=curves)
