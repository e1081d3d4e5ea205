"""The facts of a module's construction that an explanation needs, by their usual names."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, cast

import torch
from torch import nn

__all__ = ["settings_of"]

_NAMES = (
    "in_channels", "out_channels", "in_features", "out_features", "in1_features", "in2_features",
    "kernel_size", "stride", "padding", "dilation", "groups", "output_padding", "padding_mode",
    "ceil_mode", "count_include_pad", "output_size", "num_features", "normalized_shape", "num_groups",
    "num_channels", "eps", "momentum", "affine", "track_running_stats", "p", "inplace",
    "negative_slope", "alpha", "beta", "threshold", "dim", "start_dim", "end_dim", "input_size",
    "hidden_size", "num_layers", "bias", "batch_first", "bidirectional", "proj_size", "num_embeddings",
    "embedding_dim", "padding_idx", "embed_dim", "num_heads", "head_dim", "kdim", "vdim",
    "scale_factor", "size", "mode", "pieces", "slope", "value", "keepdim", "keepdims", "lambd",
    "min_val", "max_val", "num_parameters", "upscale_factor", "nonlinearity", "approximate",
    "data_format", "amounts", "depth_multiplier", "k", "lower", "upper", "rate", "drop_prob", "stddev", "scale",
    "offset", "ceiling", "dims", "axes", "reset_after",
)  # fmt: skip


@cache
def _names_of_class(kind: Hashable) -> frozenset[str]:
    return frozenset(name for name in _NAMES if hasattr(kind, name))


def settings_of(module: nn.Module) -> dict[str, Any]:
    """Return the plain attributes among the names that torch and we use; ``bias`` says whether there is one."""
    found: dict[str, Any] = {}
    # To ask a module for what it does not have is slow, and most names it does not have.
    of_class = _names_of_class(cast(Hashable, type(module)))
    names = of_class.union(module.__dict__, module._parameters, module._buffers, module._modules)
    for name in _NAMES:
        if name not in names:
            continue
        value = getattr(module, name, None)
        if name == "bias":
            found[name] = value if isinstance(value, bool) else value is not None
        elif _is_plain(value):
            found[name] = tuple(value) if isinstance(value, (list, tuple, torch.Size)) else value
    reversed_padding = getattr(module, "_reversed_padding_repeated_twice", None)
    if isinstance(found.get("padding"), str) and reversed_padding is not None:
        pairs = [tuple(reversed_padding[i : i + 2]) for i in range(0, len(reversed_padding), 2)]
        found["padding_pairs"] = tuple(reversed(pairs))
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, (int, float, str, tuple)) for item in value)
    return isinstance(value, (bool, int, float, str))
