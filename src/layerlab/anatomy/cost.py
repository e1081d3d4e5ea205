"""What one operation costs: multiply-accumulates, element operations, new memory.

Multiply-accumulates come from the table of formulas that torch keeps (``torch.utils.flop_counter``), with
the few matrix products that it lacks. Everything that multiplies no matrices counts as element operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

__all__ = ["allocates", "element_operations", "is_composite", "is_ruleless", "is_view", "macs", "packet_name"]

_aten = torch.ops.aten

# What the table lacks, from arguments and result.
_PRODUCTS: Mapping[str, Callable[[Sequence[Any], Any], int]] = {
    "mv": lambda args, _: args[0].numel(),
    "addmv": lambda args, _: args[1].numel(),
    "dot": lambda args, _: args[0].numel(),
    "vdot": lambda args, _: args[0].numel(),
    "addbmm": lambda args, _: args[1].numel() * args[2].shape[-1],
    "_trilinear": lambda args, _: args[0].shape[0] * args[1].numel(),  # of Bilinear: batch, weight
    "deform_conv2d": lambda args, result: result.numel() * math.prod(args[1].shape[1:]),
}

# Operations of torch itself that multiply matrices or transform the whole tensor, for which there is no
# formula.
_RULELESS = ("linalg_", "_linalg_", "_fft_", "fft_", "cholesky", "_cdist", "_pdist", "triangular_solve",
             "_weight_int4pack", "_weight_int8pack", "_int_mm", "mkldnn_rnn", "_cudnn_rnn", "quantized_")  # fmt: skip
_HARMLESS = frozenset(
    {"linalg_vector_norm", "linalg_cross", "nms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"}
)
_POOLINGS = ("avg_pool", "max_pool")
_NORMALISATIONS = ("native_batch_norm", "_native_batch_norm", "_batch_norm", "cudnn_batch_norm",
                   "native_layer_norm", "native_group_norm", "_fused_rms_norm")  # fmt: skip
_REDUCTIONS = frozenset(
    {"mean", "sum", "amax", "amin", "max", "min", "var", "std", "prod", "logsumexp", "argmax", "argmin",
     "cumsum", "linalg_vector_norm", "_softmax", "_log_softmax", "_safe_softmax", "_adaptive_avg_pool2d",
     "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d"}
)  # fmt: skip


@cache
def packet_name(function: Any) -> str:
    """Return the operation's name without namespace and overload: ``aten.add.Tensor`` is ``"add"``."""
    return str(function.overloadpacket.__name__)


@cache
def allocates(function: Any) -> bool:
    """Return whether every output is new memory, not a view of an argument or the argument itself."""
    return all(value.alias_info is None for value in function._schema.returns)


@cache
def is_view(function: Any) -> bool:
    """Return whether it only looks at the memory of an argument: nothing is computed and nothing moves."""
    aliases = [value.alias_info for value in function._schema.returns]
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)


@cache
def is_composite(function: Any) -> bool:
    """Return whether the operation is only a composition of others, which should be counted instead."""
    return function.overloadpacket not in flop_registry and torch._C._dispatch_has_kernel_for_dispatch_key(
        function.name(), "CompositeImplicitAutograd"
    )


@cache
def is_ruleless(function: Any) -> bool:
    """Return whether the operation may multiply matrices without our knowing how many products it takes."""
    name = packet_name(function)
    if function.overloadpacket in flop_registry or name in _PRODUCTS or name in _HARMLESS:
        return False
    return function.namespace not in ("aten", "prim", "prims", "profiler") or name.startswith(_RULELESS)


def macs(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int:
    """Return the multiply-accumulates of one call (half of the floating-point operations)."""
    formula = flop_registry.get(function.overloadpacket)
    if formula is not None:
        return int(formula(*args, **kwargs, out_val=result)) // 2
    product = _PRODUCTS.get(packet_name(function))
    return int(product(args, result)) if product is not None else 0


@cache
def _kind(function: Any) -> str:
    name = packet_name(function)
    if torch.Tag.pointwise in function.tags or name.startswith(_NORMALISATIONS):
        return "pointwise"
    if name.startswith(_POOLINGS):
        return "pooling"
    return "reduction" if name in _REDUCTIONS else "none"


def element_operations(function: Any, args: Sequence[Any], outputs: Sequence[torch.Tensor]) -> int:
    """Return the element operations of one call: one for each element that it reads or makes, no products."""
    kind = _kind(function)
    if kind == "none" or not outputs:
        return 0
    if kind == "pooling":
        kernel = args[1] if isinstance(args[1], (list, tuple)) else [args[1]]
        return outputs[0].numel() * math.prod(kernel)
    return max(outputs[0].numel(), args[0].numel() if isinstance(args[0], torch.Tensor) else 0)
