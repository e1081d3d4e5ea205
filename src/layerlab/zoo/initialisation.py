"""How weights begin, and PyTorch's own beginning put off until it is known to be needed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import init
from torch.overrides import TorchFunctionMode

__all__ = ["DeferredDefaults", "he_normal"]


class DeferredDefaults(TorchFunctionMode):
    """While it is entered, the default weights of convolutions and dense layers are drawn only if nothing else is.

    PyTorch draws weights in every layer's constructor, and most architectures draw them again as their paper says.
    Drawing sixty million numbers once takes half the time. What the architecture has left alone when the mode ends
    is drawn then.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pending: dict[int, Tensor] = {}

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Put a default off, and forget it when the tensor is written otherwise."""
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if name in _FILLING:
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, Tensor) and tensor.is_meta:  # it has no numbers, and pretending takes long
                return tensor
        if function is init.kaiming_uniform_:
            tensor = args[0] if args else kwargs["tensor"]
            if kwargs.get("a") == _DEFAULT_SLOPE:
                self._pending[id(tensor)] = tensor
                return tensor
        elif self._pending and _WRITES.fullmatch(name) and name != "requires_grad_":
            tensor = args[0] if args else kwargs.get("tensor")
            self._pending.pop(id(tensor), None)
        return function(*args, **kwargs)

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        """Draw what is still to be drawn."""
        super().__exit__(kind, value, trace)  # type: ignore[no-untyped-call]
        if kind is None:
            for tensor in self._pending.values():
                init.kaiming_uniform_(tensor, a=_DEFAULT_SLOPE)
        self._pending.clear()


_FILLING = frozenset(
    {
        *("constant_", "ones_", "zeros_", "uniform_", "normal_", "trunc_normal_"),
        *("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"),
        *("fill_", "zero_"),  # methods of a tensor; uniform_ and normal_ are too
    }
)
_WRITES = re.compile(r".*[a-z0-9]_")  # zero_ and copy_, but not __get__, by which a shape is read
_DEFAULT_SLOPE = math.sqrt(5)  # of torch.nn's convolutions and dense layers


def he_normal(model: nn.Module, *, mode: Literal["fan_out", "fan_in"] = "fan_out") -> None:
    """Draw the weights of every convolution from He's normal distribution and set their biases to zero.

    Args:
        model: in which ``nn.Conv2d`` are looked for.
        mode: ``fan_out`` keeps the variance of the gradient, ``fan_in`` that of the signal.

    Reference:
        He, Zhang, Ren, Sun. Delving Deep into Rectifiers. ICCV 2015.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
            if module.bias is not None:
                init.zeros_(module.bias)
