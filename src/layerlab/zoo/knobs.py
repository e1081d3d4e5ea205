"""What the families' knobs mean: activation, norm and width, the same for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from layerlab.layers import MaxoutConv2d, MaxoutLinear
from layerlab.layers import activation as make_activation
from layerlab.layers.activations import canonical_name

__all__ = ["NORMS", "STEMS", "activate", "check_choice", "check_counts", "check_fraction", "normalize", "scaled"]

NORMS = ("batch", "group", "layer", "none")
STEMS = ("imagenet", "cifar")

_GROUPS = 32  # Wu, He. Group Normalization. ECCV 2018
_IN_PLACE = frozenset({"relu", "relu6", "leaky_relu", "elu", "hard_swish", "silu", "swish", "hard_sigmoid"})


def activate(name: str, channels: int, *, inplace: bool = False, dims: int = 2) -> nn.Module:
    """Return the activation ``name`` for a tensor of so many channels, which it keeps.

    ``maxout`` takes the largest of two learned combinations of the channels (a 1x1 convolution or a dense layer of
    two pieces); ``softmax`` runs along the channels.

    Args:
        name: any of :func:`layerlab.layers.activation_names`.
        channels: of its input and output.
        inplace: whether it may overwrite its input, where it can.
        dims: 2 for (N, C, H, W), 0 for (N, C).

    Raises:
        LayerlabError: an unknown name.
    """
    plain = canonical_name(name)
    if plain == "maxout":
        return MaxoutConv2d(channels, channels, 1) if dims else MaxoutLinear(channels, channels)
    if plain in ("softmax", "log_softmax"):
        return make_activation(plain, dim=1)
    return make_activation(plain, inplace=True) if inplace and plain in _IN_PLACE else make_activation(plain)


def normalize(name: str, channels: int, *, epsilon: float = 1e-5, momentum: float = 0.1) -> nn.Module:
    """Return the normalisation ``name`` for (N, channels, H, W); ``none`` is the identity.

    Args:
        name: one of ``NORMS``. ``group`` has 32 groups, or as many as divide the channels; ``layer`` is one group:
            each image by itself, over all channels and places.
        channels: of its input and output.
        epsilon: added to the variance.
        momentum: of batch normalisation: the new batch's share in the running statistics.

    Raises:
        ValueError: an unknown name.
    """
    check_choice("norm", name, NORMS)
    if name == "batch":
        return nn.BatchNorm2d(channels, eps=epsilon, momentum=momentum)
    if name == "none":
        return nn.Identity()
    groups = 1 if name == "layer" else math.gcd(_GROUPS, channels)
    return nn.GroupNorm(groups, channels, eps=epsilon)


def scaled(channels: int, width: float, divisor: int = 1) -> int:
    """Return ``width`` times so many channels, rounded to a multiple of ``divisor`` and never none.

    Raises:
        ValueError: ``width`` is no number above 0.
    """
    if isinstance(width, bool) or not isinstance(width, (int, float)) or not 0 < width < math.inf:
        raise ValueError(f"width must be a number above 0, not {width!r}")
    return max(divisor, round(width * channels / divisor) * divisor)


def check_counts(**counts: Any) -> None:
    """Refuse a count that is no whole number from 1, by its name."""
    for knob, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{knob} must be a whole number of at least 1, not {value!r}")


def check_fraction(knob: str, value: Any) -> None:
    """Refuse a share, such as a dropout rate, outside 0 <= share < 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(f"{knob} must be from 0 up to, not including, 1, not {value!r}")


def check_choice(knob: str, value: Any, choices: Sequence[Any]) -> None:
    """Refuse a value that is none of ``choices``."""
    if value not in choices or isinstance(value, bool) != isinstance(choices[0], bool):
        listed = ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices)
        raise ValueError(f"{knob} must be one of {listed}, not {value!r}")
