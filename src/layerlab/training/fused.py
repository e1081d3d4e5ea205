"""The layers of an optimised network: a convolution with its norm, its addition and its activation in one pass.

Between the layers of a plain network every intermediate image is written to memory and read again. oneDNN, the library
that computes PyTorch's convolutions on a processor, can apply what follows a convolution while the numbers are still in
registers, and it can keep the weights in the order in which it reads them. PyTorch's compiler uses these operators;
here they are called directly, so that no C++ compiler is needed. Where they are missing or do not fit, the same
numbers come from PyTorch's ordinary functions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "FusedActivation",
    "FusedAffine",
    "FusedConvolution",
    "FusedLinear",
    "activation_of",
    "affine_of",
    "fold_batch_norm",
    "padding_of",
    "round_to_bfloat16",
]


class FusedActivation:
    """An activation that oneDNN can apply while it computes, and its ordinary function.

    Args:
        name: oneDNN's name of it; ``none`` for no activation.
        scalars: its numbers, such as the slope of a leaky ReLU.
        algorithm: of GELU: ``none`` or ``tanh``.
    """

    def __init__(self, name: str = "none", scalars: Sequence[float] = (), algorithm: str = "") -> None:
        self.name = name
        self.scalars = list(scalars)
        self.algorithm = algorithm

    def __call__(self, x: Tensor) -> Tensor:
        """Apply it, in place where PyTorch can. ``x`` belongs to the caller."""
        function = _FUNCTIONS.get(self.name)
        return x if function is None else function(x, self)


_FUNCTIONS: dict[str, Callable[[Tensor, FusedActivation], Tensor]] = {
    "relu": lambda x, _: F.relu_(x),
    "leaky_relu": lambda x, own: F.leaky_relu_(x, *own.scalars),
    "hardtanh": lambda x, own: F.hardtanh_(x, *own.scalars),
    "hardswish": lambda x, _: F.hardswish(x, inplace=True),
    "swish": lambda x, _: F.silu(x, inplace=True),
    "gelu": lambda x, own: F.gelu(x, approximate=own.algorithm),
    "sigmoid": lambda x, _: x.sigmoid_(),
    "tanh": lambda x, _: x.tanh_(),
}


def activation_of(module: nn.Module) -> FusedActivation | None:
    """Return the activation that a layer is, or None where oneDNN has it not."""
    if type(module) is nn.ReLU:
        return FusedActivation("relu")
    if isinstance(module, nn.Hardtanh) and type(module) in (nn.ReLU6, nn.Hardtanh):
        return FusedActivation("hardtanh", [float(module.min_val), float(module.max_val)])
    if type(module) is nn.LeakyReLU:
        return FusedActivation("leaky_relu", [module.negative_slope])
    if type(module) is nn.GELU:
        return FusedActivation("gelu", algorithm=module.approximate)
    plain = {nn.SiLU: "swish", nn.Hardswish: "hardswish", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh"}
    return FusedActivation(plain[type(module)]) if type(module) in plain else None


def fold_batch_norm(layer: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the layer that does what ``layer`` and then ``norm`` do in evaluation mode.

    Args:
        layer: a convolution, transposed convolution or dense layer.
        norm: a batch norm with running statistics over its output channels.
    """
    scale, shift = affine_of(norm)
    weight = layer.weight.detach().double()
    if isinstance(layer, nn.modules.conv._ConvTransposeNd):  # (in, out / groups, ...), a block of rows to a group
        inner = (layer.in_channels // layer.groups, layer.out_channels // layer.groups)
        blocks = weight.reshape(layer.groups, *inner, -1) * scale.reshape(layer.groups, 1, inner[1], 1)
        folded = blocks.reshape(weight.shape)
    else:
        folded = weight * scale.reshape(-1, *(1 for _ in weight.shape[1:]))
    bias = shift if layer.bias is None else shift + layer.bias.detach().double() * scale
    return folded.to(layer.weight.dtype), bias.to(layer.weight.dtype)


def affine_of(norm: Any) -> tuple[Tensor, Tensor]:
    """Return scale and shift (float64) of each channel that a batch norm applies in evaluation mode."""
    scale = (norm.running_var.detach().double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach().double()
    shift = -norm.running_mean.detach().double() * scale
    return scale, shift if norm.bias is None else shift + norm.bias.detach().double()


class _Packed(nn.Module):
    """A layer whose weight oneDNN reorders once, at the first call; copies and checkpoints hold the plain one."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: FusedActivation) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach())
        self.register_buffer("bias", None if bias is None else bias.detach())
        self.activation = activation
        self._packed: Tensor | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_packed": None}

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self._packed = None
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._packed = None
        super()._load_from_state_dict(*args, **kwargs)

    def _fits(self, x: Tensor) -> bool:
        """Tell whether oneDNN's operators can be called."""
        return bool(x.device.type == "cpu" and x.numel() > 0 and _can_fuse(x.dtype))

    def extra_repr(self) -> str:
        """Return the weight's shape and the activation."""
        return f"{tuple(self.weight.shape)}, {str(self.weight.dtype)[6:]}, activation={self.activation.name}"


def _can_fuse(dtype: torch.dtype) -> bool:
    """Tell whether oneDNN's operators are there; in an exported program the ordinary ones shall stand."""
    return dtype in _supported() and bool(torch.backends.mkldnn.enabled) and not torch.compiler.is_compiling()


@functools.cache
def _supported() -> tuple[torch.dtype, ...]:
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not available or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return ()
    reduced = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return (torch.float32, torch.bfloat16) if reduced else (torch.float32,)


class FusedConvolution(_Packed):
    """A 2-D convolution, what is added to it, and an activation, in one pass.

    Args:
        layer: its hyperparameters; padding by zeros.
        weight: in place of its own.
        bias: likewise.
        activation: after the addition.
        adds: ``""``, ``add`` (a second input is added), or ``into`` (it is overwritten with the result).
    """

    def __init__(
        self, layer: nn.Conv2d, weight: Tensor, bias: Tensor | None, activation: FusedActivation, adds: str = ""
    ) -> None:
        super().__init__(weight, bias, activation)
        self.stride, self.dilation, self.groups = list(layer.stride), list(layer.dilation), layer.groups
        self.padding = list(padding_of(layer) or ())
        self.adds = adds

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """Return activation(convolution(x) + other)."""
        if x.dtype != self.weight.dtype:
            x = x.to(self.weight.dtype)
        if not self._fits(x) or x.dim() != 4 or (other is not None and not self._can_take(x, other)):
            plain = F.conv2d(x, self.weight, self._bias(x), self.stride, self.padding, self.dilation, self.groups)
            return self.activation(plain if other is None else plain + other)
        weight = self._packed
        if weight is None:
            weight = self._packed = _reordered(self.weight, x, *self._where())
        where = self._where()
        act = self.activation
        after = None if act.name == "none" else act.name
        operators = torch.ops.mkldnn
        y: Tensor
        if other is None:
            y = operators._convolution_pointwise(x, weight, self.bias, *where, act.name, act.scalars, act.algorithm)
        elif self.adds == "into":
            y = operators._convolution_pointwise_.binary(
                other, x, weight, self._bias(x), *where, "add", 1.0, after, [], None
            )
        else:
            y = operators._convolution_pointwise.binary(
                x, other, weight, self._bias(x), *where, "add", 1.0, after, [], None
            )
        return y

    def _bias(self, x: Tensor) -> Tensor | None:
        return None if self.bias is None else self.bias.to(x.dtype)

    def _where(self) -> tuple[list[int], list[int], list[int], int]:
        return self.padding, self.stride, self.dilation, self.groups

    def _can_take(self, x: Tensor, other: Tensor) -> bool:
        """Tell whether ``other`` has the result's shape, type and layout."""
        sides = [
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                x.shape[2:], self.padding, self.dilation, self.weight.shape[2:], self.stride, strict=True
            )
        ]
        layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        return (
            list(other.shape) == [x.shape[0], self.weight.shape[0], *sides]
            and other.dtype == x.dtype
            and other.is_contiguous(memory_format=layout)
        )


def _reordered(weight: Tensor, x: Tensor, *where: Any) -> Tensor:
    """Return the weight of a convolution in the order in which oneDNN reads it for images like ``x``."""
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    packed: Tensor = reorder(weight.to_mkldnn(), *where, list(x.shape))
    return packed


def padding_of(layer: nn.Conv2d) -> tuple[int, ...] | None:
    """Return the zeros on each side, or None where they are no zeros or not the same on both sides."""
    if layer.padding_mode != "zeros":
        return None
    if layer.padding == "valid":
        return (0, 0)
    if isinstance(layer.padding, str):  # "same"
        totals = [dilation * (kernel - 1) for dilation, kernel in zip(layer.dilation, layer.kernel_size, strict=True)]
        return None if any(total % 2 for total in totals) else tuple(total // 2 for total in totals)
    return tuple(layer.padding)


class FusedLinear(_Packed):
    """A dense layer and its activation in one pass; its weight's type is the type that it computes in.

    Args:
        weight: (out, in).
        bias: (out,) or None.
        activation: after it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return activation(x weight' + bias)."""
        if x.dtype != self.weight.dtype:
            x = x.to(self.weight.dtype)
        if not self._fits(x) or x.dim() != 2 or self.weight.dtype == torch.float32:
            bias = None if self.bias is None else self.bias.to(x.dtype)
            return self.activation(F.linear(x, self.weight, bias))
        weight = self._packed
        if weight is None:
            weight = self._packed = torch.ops.mkldnn._reorder_linear_weight(self.weight, x.shape[0])
        act = self.activation
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, self.bias, act.name, act.scalars, act.algorithm)
        return y


class FusedAffine(_Packed):
    """A batch norm in evaluation mode that could not be folded, and its activation, in one pass.

    To oneDNN a scale and a shift of each channel are a convolution that looks at one pixel of one channel.

    Args:
        scale: (C,).
        shift: (C,).
        activation: after it.
    """

    def __init__(self, scale: Tensor, shift: Tensor, activation: FusedActivation) -> None:
        super().__init__(scale.reshape(-1, 1, 1, 1), shift, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Return activation(x scale + shift)."""
        channels = len(self.weight)
        reduced = x.dtype == torch.bfloat16 and self.weight.dtype == torch.bfloat16
        if not reduced or not self._fits(x) or x.dim() != 4:
            shape = (1, channels, *(1 for _ in x.shape[2:]))
            scale, shift = self.weight.to(x.dtype).reshape(shape), self._shift().to(x.dtype).reshape(shape)
            return self.activation(torch.addcmul(shift, x, scale))
        weight = self._packed
        if weight is None:
            weight = self._packed = _reordered(self.weight, x, [0, 0], [1, 1], [1, 1], channels)
        act = self.activation
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, weight, self.bias, [0, 0], [1, 1], [1, 1], channels, act.name, act.scalars, act.algorithm
        )
        return y

    def _shift(self) -> Tensor:
        return self.weight.new_zeros(len(self.weight)) if self.bias is None else self.bias


def round_to_bfloat16(module: nn.Module, keep: Sequence[nn.Module]) -> None:
    """Round the weights of a network, except those of ``keep`` and of norms, whose statistics need their digits."""
    exempt = {id(part) for one in keep for part in one.modules()}
    for part in module.modules():
        if id(part) in exempt or isinstance(part, _NORMS):
            continue
        for name, parameter in part._parameters.items():
            if parameter is not None and parameter.dtype == torch.float32:
                part._parameters[name] = nn.Parameter(parameter.detach().to(torch.bfloat16), requires_grad=False)
        for name, buffer in part._buffers.items():
            exact = isinstance(part, _Packed) and name == "bias"  # added before the result is rounded
            if buffer is not None and buffer.dtype == torch.float32 and not exact:
                part._buffers[name] = buffer.to(torch.bfloat16)
        if isinstance(part, _Packed):
            part._packed = None


_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
