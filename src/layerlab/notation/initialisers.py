"""Keras's initial weights, by name: the array of a shape in Keras's order."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.notation.description import KerasObject, LibraryName, Value

__all__ = ["initialiser"]

Maker = Callable[[tuple[int, ...]], Tensor]

# The standard deviation of a normal distribution cut off at two standard deviations.
_TRUNCATED = 0.87962566103423978


def initialiser(value: Value) -> Maker:
    """Return what makes the array that Keras's initializer ``value`` makes.

    Args:
        value: a name (``"he_normal"``), a class or function (``keras.initializers.HeNormal``), or a call of one.

    Raises:
        LayerlabError: an unknown name or argument; the sentence is to follow the layer's name.
    """
    options: dict[str, Any] = {}
    if isinstance(value, str):
        name = value
    elif isinstance(value, LibraryName):
        name = value.last
    elif isinstance(value, KerasObject):
        name, options = value.path.rpartition(".")[2], _options(value)
    else:
        raise LayerlabError('has an initializer that is not read; expected its name, such as "glorot_uniform"')
    plain = name.casefold().replace("_", "")
    if plain not in _MAKERS:
        raise LayerlabError(f'has the unknown initializer "{name}"{did_you_mean(name, _NAMES)}')
    maker, known = _MAKERS[plain]
    for option, given in options.items():
        if option not in known:
            raise LayerlabError(
                f'has the initializer "{name}" with the unknown argument "{option}"{did_you_mean(option, known)}'
            )
        if option not in ("seed", "mode", "distribution") and type(given) not in (int, float):
            raise LayerlabError(f'has the initializer "{name}" whose {option} is not a number')
    return partial(maker, **{option: given for option, given in options.items() if option != "seed"})


def _options(call: KerasObject) -> dict[str, Any]:
    """Return the arguments of a call by name."""
    name = call.path.rpartition(".")[2].casefold().replace("_", "")
    known = _MAKERS[name][1] if name in _MAKERS else ()
    if len(call.positional) > len(known):
        raise LayerlabError(f'has the initializer "{name}" with {len(call.positional)} arguments; it has {len(known)}')
    return {**dict(zip(known, call.positional, strict=False)), **dict(call.named)}


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return how many numbers go into and come out of each unit, as Keras counts them."""
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    places = math.prod(shape[:-2])
    return float(shape[-2] * places), float(shape[-1] * places)


def _scaled(
    shape: tuple[int, ...], scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
) -> Tensor:
    """Return variance scaling, of which Glorot's, He's and LeCun's are cases."""
    fan_in, fan_out = _fans(shape)
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in fans:
        raise LayerlabError(f'has an initializer with mode="{mode}"{did_you_mean(mode, fans)}')
    variance = scale / max(1.0, fans[mode])
    if distribution == "uniform":
        return _uniform(shape, -math.sqrt(3 * variance), math.sqrt(3 * variance))
    if distribution in ("truncated_normal", "normal"):
        return _truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED)
    if distribution == "untruncated_normal":
        return _normal(shape, 0.0, math.sqrt(variance))
    raise LayerlabError(f'has an initializer with the unknown distribution "{distribution}"')


def _constant(shape: tuple[int, ...], value: float = 0.0) -> Tensor:
    return torch.full(shape, float(value))


def _uniform(shape: tuple[int, ...], minval: float = -0.05, maxval: float = 0.05) -> Tensor:
    return torch.empty(shape).uniform_(min(minval, maxval), maxval)


def _normal(shape: tuple[int, ...], mean: float = 0.0, stddev: float = 0.05) -> Tensor:
    return torch.empty(shape).normal_(mean, abs(stddev))


def _truncated_normal(shape: tuple[int, ...], mean: float = 0.0, stddev: float = 0.05) -> Tensor:
    if stddev <= 0:
        return torch.full(shape, float(mean))
    return nn.init.trunc_normal_(torch.empty(shape), mean, stddev, mean - 2 * stddev, mean + 2 * stddev)


def _orthogonal(shape: tuple[int, ...], gain: float = 1.0) -> Tensor:
    if len(shape) < 2:
        raise LayerlabError('has the initializer "orthogonal" for an array that is not a matrix')
    return nn.init.orthogonal_(torch.empty(math.prod(shape[:-1]), shape[-1]), gain).reshape(shape)


def _identity(shape: tuple[int, ...], gain: float = 1.0) -> Tensor:
    if len(shape) != 2:
        raise LayerlabError('has the initializer "identity" for an array that is not a matrix')
    return gain * torch.eye(*shape)


_SEED = ("seed",)
_BY_NAME: dict[str, tuple[Callable[..., Tensor], tuple[str, ...]]] = {
    "zeros": (partial(_constant, value=0.0), ()),
    "ones": (partial(_constant, value=1.0), ()),
    "constant": (_constant, ("value",)),
    "random_uniform": (_uniform, ("minval", "maxval", "seed")),
    "random_normal": (_normal, ("mean", "stddev", "seed")),
    "truncated_normal": (_truncated_normal, ("mean", "stddev", "seed")),
    "variance_scaling": (_scaled, ("scale", "mode", "distribution", "seed")),
    "glorot_uniform": (partial(_scaled, mode="fan_avg", distribution="uniform"), _SEED),
    "glorot_normal": (partial(_scaled, mode="fan_avg"), _SEED),
    "he_uniform": (partial(_scaled, scale=2.0, distribution="uniform"), _SEED),
    "he_normal": (partial(_scaled, scale=2.0), _SEED),
    "lecun_uniform": (partial(_scaled, distribution="uniform"), _SEED),
    "lecun_normal": (_scaled, _SEED),
    "orthogonal": (_orthogonal, ("gain", "seed")),
    "identity": (_identity, ("gain",)),
}
_NAMES = list(_BY_NAME)
_MAKERS = {name.replace("_", ""): entry for name, entry in _BY_NAME.items()}
_OTHER_NAMES = {
    "uniform": "randomuniform",
    "normal": "randomnormal",
    "zero": "zeros",
    "one": "ones",
    "xavieruniform": "glorotuniform",
    "xaviernormal": "glorotnormal",
    "orthogonalinitializer": "orthogonal",
    "identityinitializer": "identity",
}
_MAKERS.update({other: _MAKERS[name] for other, name in _OTHER_NAMES.items()})
