"""Activations by name: the only way in which the product chooses one.

The meanings are those of Keras where PyTorch and Keras differ, but for the slope of the leaky ReLU, which is
the lecture's 0.1 (PyTorch has 0.01; Keras has 0.2 for the name and 0.3 for its layer): pass
``negative_slope``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.layers.maxout import Maxout

__all__ = ["ACTIVATIONS", "Exponential", "activation", "activation_names", "canonical_name"]


class Exponential(nn.Module):
    """The exponential function e^x, element by element.

    Unlike :class:`torch.nn.Softmax`, its neighbour, it does not divide by the sum over the classes.

    Input shape:
        any.

    Output shape:
        as the input.

    Example:
        >>> Exponential()(torch.zeros(2))
        tensor([1., 1.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return e^x."""
        return torch.exp(x)


ACTIVATIONS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "celu": nn.CELU,
        "elu": nn.ELU,
        "exponential": Exponential,
        "gelu": nn.GELU,
        "hard_shrink": nn.Hardshrink,
        "hard_sigmoid": nn.Hardsigmoid,
        "hard_swish": nn.Hardswish,
        "hard_tanh": nn.Hardtanh,
        "leaky_relu": partial(nn.LeakyReLU, negative_slope=0.1),
        "linear": nn.Identity,
        "log_sigmoid": nn.LogSigmoid,
        "log_softmax": partial(nn.LogSoftmax, dim=-1),
        "maxout": Maxout,
        "mish": nn.Mish,
        "prelu": nn.PReLU,
        "relu": nn.ReLU,
        "relu6": nn.ReLU6,
        "selu": nn.SELU,
        "sigmoid": nn.Sigmoid,
        "silu": nn.SiLU,
        "soft_shrink": nn.Softshrink,
        "softmax": partial(nn.Softmax, dim=-1),
        "softplus": nn.Softplus,
        "softsign": nn.Softsign,
        "swish": nn.SiLU,
        "tanh": nn.Tanh,
        "tanh_shrink": nn.Tanhshrink,
    }
)
"""What makes the module of each name. ``swish`` is another name of ``silu``."""

_PLAIN_NAMES = {name.replace("_", ""): name for name in ACTIVATIONS}


def activation_names() -> list[str]:
    """Return the names that :func:`activation` knows, sorted.

    Example:
        >>> activation_names()[:3]
        ['celu', 'elu', 'exponential']
    """
    return sorted(ACTIVATIONS)


def activation(name: str, **options: Any) -> nn.Module:
    """Return a new module for the activation called ``name``.

    Case, ``_``, ``-`` and spaces in the name do not matter: ``"LeakyReLU"`` is ``"leaky_relu"``.
    ``maxout`` divides the number of channels by its ``pieces``; :func:`~layerlab.layers.dense` and
    :func:`~layerlab.layers.convolution` make their layer as much wider, so that every name works alike there.

    Args:
        name: one of :func:`activation_names`.
        **options: of the module made, such as ``negative_slope`` (leaky_relu, 0.1 unless given), ``alpha``
            (elu, 1), ``dim`` (softmax, the last one; maxout, 1: the channels), ``pieces`` (maxout, 2).

    Raises:
        LayerlabError: an unknown name or option, or an option whose value is not of its kind.

    Example:
        >>> activation("leaky_relu")
        LeakyReLU(negative_slope=0.1)
        >>> activation("softmax", dim=1)
        Softmax(dim=1)
    """
    maker = ACTIVATIONS[canonical_name(name)]
    for option, value in options.items():
        _check_option(name, maker, option, value)
    try:
        return maker(**options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise LayerlabError(f'activation "{name}": {error}') from error


def canonical_name(name: object) -> str:
    """Return the name as it stands in the table."""
    if not isinstance(name, str):
        raise LayerlabError(f'an activation is chosen by its name, such as "relu", not by {name!r}')
    plain = name.casefold().replace("_", "").replace("-", "").replace(" ", "")
    if plain not in _PLAIN_NAMES:
        raise LayerlabError(f'unknown activation "{name}"{did_you_mean(name, ACTIVATIONS)}')
    return _PLAIN_NAMES[plain]


def _check_option(name: str, maker: Callable[..., nn.Module], option: str, value: object) -> None:
    """Refuse an option that the module does not have, or a value of another kind than its default.

    PyTorch's modules take any value and fail only when data arrives, far from the mistake.
    """
    parameters = inspect.signature(maker).parameters
    # Modules without options take *args and **kwargs, and ignore them.
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    known = {key: item for key, item in parameters.items() if item.kind not in variadic}
    if option not in known:
        raise LayerlabError(f'activation "{name}" has no option "{option}"{did_you_mean(option, known)}')
    default = known[option].default
    if isinstance(default, bool):
        fits, expected = isinstance(value, bool), "True or False"
    elif isinstance(default, int):
        fits, expected = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif isinstance(default, float):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        expected = "a finite number"
    elif isinstance(default, str):
        fits, expected = value in ("none", "tanh"), '"none" or "tanh"'  # the one word: gelu's approximation
    else:
        return
    # PyTorch writes some real defaults as whole numbers (softplus: beta=1).
    if not fits and not (type(default) is int and isinstance(value, float) and option in ("beta", "threshold")):
        raise LayerlabError(f'activation "{name}": {option} must be {expected}, not {value!r}')
