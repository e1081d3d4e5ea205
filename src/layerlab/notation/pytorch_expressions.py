"""How each module looks in written PyTorch source: what makes it, and what calling it is.

What has no parameters and is one expression of PyTorch is written where it is used (``x.mean((2, 3))``); PyTorch's own
modules are made in ``__init__``; the few classes that PyTorch has not are copied into the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from layerlab.layers import (
    Add,
    ChannelsLastFlatten,
    Concatenate,
    Crop,
    Exponential,
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    SameAvgPool1d,
    SameAvgPool2d,
    SameMaxPool1d,
    SameMaxPool2d,
    SamePadding,
    SeparableConv2d,
    same_padding,
)
from layerlab.notation.description import Shape
from layerlab.notation.modules.axes import Permute, RepeatVector, Reshape, TimeDistributed
from layerlab.notation.modules.elementwise import (
    ElementwisePReLU,
    GaussianDropout,
    GaussianNoise,
    KerasReLU,
    Rescaling,
)
from layerlab.notation.modules.embedding import Embedding
from layerlab.notation.modules.merging import Average, Maximum, Minimum, Multiply, Subtract
from layerlab.notation.modules.recurrent import Bidirectional, LoopGRU, LoopLSTM, LoopRNN, Recurrent, StepDropout
from layerlab.notation.pytorch_constructors import constructor_of

__all__ = ["RESERVED", "Expressions"]

_LINE = 100

# fmt: off
RESERVED = frozenset((
    "torch", "nn", "OrderedDict", "Apply", "pad_same", "Recurrent", "Bidirectional", "TimeDistributed", "LoopRNN",
    "LoopLSTM", "LoopGRU", "KerasReLU", "ElementwisePReLU", "StepDropout", "GaussianDropout", "GaussianNoise",
))
# fmt: on
"""Names that written source may use for itself."""

_PAD_SAME = '''\
def pad_same(x, kernel, stride, dilation, value=0.0):
    """Pad so that ceil(size / stride) windows fit, an odd remainder at the end: Keras's "same"."""
    amounts = []
    for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation):
        total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        amounts = [total // 2, total - total // 2, *amounts]
    return nn.functional.pad(x, amounts, value=value)'''


_APPLY = '''\
class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)'''


@dataclass
class Expressions:
    """Writes modules, and keeps the source of the classes and functions that they need."""

    helpers: dict[str, str] = field(default_factory=dict)

    def of(self, module: nn.Module, path: str, sources: list[str], shapes: list[Shape]) -> tuple[str | None, str]:
        """Return what makes a module, or None where nothing must be made, and what calling it is.

        Args:
            module: the child.
            path: how the written source calls it, such as ``self.conv2d``.
            sources: the variables that it is called with.
            shapes: their shapes, in PyTorch's order without the batch.
        """
        inline = self.inline(module, sources, shapes)
        if inline is not None:
            return None, inline
        if isinstance(module, Embedding):
            return constructor_of(module), f"{path}({sources[0]}.long())"
        if isinstance(module, nn.Sequential):
            return self.sequential(module, path, sources[0], shapes[0])
        return self.constructor(module), f"{path}({', '.join(sources)})"

    def sequential(self, module: nn.Sequential, path: str, source: str, shape: Shape) -> tuple[str | None, str]:
        """Return a chain: what is written in place, before and behind, stays out of the ``nn.Sequential``."""
        members = list(module.named_children())
        kept = [number for number, (_, member) in enumerate(members) if not _is_inline(member)]
        expression = source
        for number, (_, member) in enumerate(members):
            text = self.inline(member, [expression], [shape])
            if text is not None:
                expression = text
                shape = _shape_after(member, shape)
            elif number == kept[0]:
                index = ".long()" if isinstance(member, Embedding) else ""
                expression = f"{path}({expression}{index})"
        if not kept:
            return None, expression
        return _ordered(
            [(name, self.constructor(member)) for name, member in members if not _is_inline(member)]
        ), expression

    # --- what is made --------------------------------------------------------------------------------------------

    def constructor(self, module: nn.Module) -> str:
        """Return what makes a module."""
        if isinstance(module, SeparableConv2d):
            return _ordered([(name, constructor_of(getattr(module, name))) for name in ("depthwise", "pointwise")])
        if isinstance(module, nn.Sequential):
            return _ordered([(name, self.constructor(member)) for name, member in module.named_children()])
        if _is_inline(module) and not isinstance(module, (nn.Identity, nn.Flatten)):
            self.helpers.setdefault("Apply", _APPLY)
            return f"Apply(lambda x: {self.inline(module, ['x'], [(None, None, None, None)[: 1 + _dims(module)]])})"
        special = self.special(module)
        return constructor_of(module) if special is None else special

    def special(self, module: nn.Module) -> str | None:
        """Return what makes one of the classes that PyTorch has not, whose source then goes into the file."""
        arguments = self.arguments(module)
        if arguments is None:
            return None
        self.need(type(module))
        return _wrapped(type(module).__name__, arguments)

    def arguments(self, module: nn.Module) -> list[str] | None:
        """Return the arguments that make one of our classes; None for PyTorch's own."""
        match module:
            case Recurrent():
                rate = 0.0 if module.dropout is None else module.dropout.rate
                if rate:
                    self.need(StepDropout)
                flags = {"return_sequences": module.return_sequences, "backwards": module.backwards}
                found = [self.constructor(module.recurrent), *_given(flags, False), *_given({"dropout": rate}, 0.0)]
            case Bidirectional():
                ways = [self.constructor(way) for way in (module.forward_layer, module.backward_layer)]
                found = [*ways, f'merge_mode="{module.merge_mode}"']
            case TimeDistributed():
                orders = {"before": module.before, "after": module.after}
                found = [self.constructor(module.layer), *_given(orders, None)]
            case LoopRNN() | LoopLSTM() | LoopGRU():
                found = self.loop(module)
            case KerasReLU():
                numbers = {"slope": module.slope, "threshold": module.threshold}
                found = [*_given({"ceiling": module.ceiling}, None), *_given(numbers, 0.0)]
            case ElementwisePReLU():
                found = [str(size) for size in module.weight.shape]
            case StepDropout() | GaussianDropout():
                found = [repr(module.rate)]
            case GaussianNoise():
                found = [repr(module.stddev)]
            case _:
                return None
        return found

    def loop(self, module: LoopRNN | LoopLSTM | LoopGRU) -> list[str]:
        """Return the arguments of a recurrent layer that runs step by step."""
        units, inputs = module.weight_hh.shape[1], module.weight_ih.shape[1]
        arguments = [str(inputs), str(units), self.constructor(module.activation)]
        if not isinstance(module, LoopRNN):
            arguments.append(self.constructor(module.recurrent_activation))
        bias = module.bias_ih if isinstance(module, LoopGRU) else module.bias
        options = {"bias": bias is not None}
        if isinstance(module, LoopGRU):
            options["reset_after"] = module.reset_after
        return [*arguments, *_given(options, True)]

    def need(self, kind: type[nn.Module]) -> None:
        """Copy the source of a class into the file."""
        self.helpers.setdefault(kind.__name__, inspect.getsource(kind).rstrip())

    # --- what is written in place --------------------------------------------------------------------------------

    def inline(self, module: nn.Module, sources: list[str], shapes: list[Shape]) -> str | None:
        """Return one expression for a module without parameters, or None where it must be made."""
        write = _INLINE.get(type(module))
        if write is None:
            return None
        if isinstance(module, (SamePadding, SameMaxPool1d, SameMaxPool2d, SameAvgPool1d, SameAvgPool2d)):
            sizes = shapes[0][1:]
            if None in sizes:
                self.helpers.setdefault("pad_same", _PAD_SAME)
            return str(write(module, sources[0], sizes))
        return str(write(module, *sources))


def _given(options: Mapping[str, object], default: object) -> list[str]:
    """Return ``name=value`` for what is not the default."""
    return [f"{name}={value!r}" for name, value in options.items() if value != default]


def _dims(module: nn.Module) -> int:
    """Return the number of spatial axes of a window."""
    kernel = getattr(module, "kernel_size", ())
    return len(kernel)


def _is_inline(module: nn.Module) -> bool:
    return type(module) in _INLINE


def _ordered(members: list[tuple[str, str]]) -> str:
    """Return an ``nn.Sequential`` whose members have names."""
    inner = _wrapped("OrderedDict", [f"{name}={text}" for name, text in members], _LINE - len("nn.Sequential()"))
    return f"nn.Sequential({inner})"


def _wrapped(function: str, arguments: list[str], width: int = _LINE) -> str:
    """Return a call, on one line where it fits."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= width and "\n" not in line:
        return line
    indented = "".join("    " + text.replace("\n", "\n    ") + ",\n" for text in arguments)
    return f"{function}(\n{indented})"


def _shape_after(module: nn.Module, shape: Shape) -> Shape:
    """Return the shape behind a change of axes; only what is padded afterwards needs it."""
    if isinstance(module, Permute) and len(module.axes) == len(shape) + 1:
        return tuple(shape[axis - 1] for axis in module.axes[1:])
    return shape


def _joined(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def _permute(module: Permute, x: str) -> str:
    if module.axes == (0, 2, 1):
        return f"{x}.transpose(1, 2)"
    return f"{x}.permute({', '.join(map(str, module.axes))})"


def _pad(module: SamePadding, x: str, sizes: Shape) -> str:
    """Return the padding of a known size as numbers, and that of an unknown one as a function's work."""
    value = "" if module.value == 0 else f", value={_number(module.value)}"
    if None in sizes:
        return f"pad_same({x}, {module.kernel_size}, {module.stride}, {module.dilation}{value})"
    windows = zip(sizes, module.kernel_size, module.stride, module.dilation, strict=True)
    pairs = [
        same_padding(size, kernel, stride, dilation) for size, kernel, stride, dilation in windows if size is not None
    ]
    flat = tuple(amount for pair in reversed(pairs) for amount in pair)
    return f"nn.functional.pad({x}, {flat}{value})" if any(flat) else x


def _number(value: float) -> str:
    return f'float("{value}")' if value in (float("inf"), float("-inf")) else repr(value)


def _same_max(module: SameMaxPool1d | SameMaxPool2d, x: str, sizes: Shape) -> str:
    return f"nn.functional.max_pool{module.dims}d({_pad(module.pad, x, sizes)}, {module.kernel_size}, {module.stride})"


def _same_average(module: SameAvgPool1d | SameAvgPool2d, x: str, sizes: Shape) -> str:
    """Return the mean over what is there: the sum's mean over the mean of ones."""
    pool, window = f"nn.functional.avg_pool{module.dims}d", f"{module.kernel_size}, {module.stride}"
    padded = _pad(module.pad, x, sizes)
    if padded == x:
        return f"{pool}({x}, {window})"
    there = _pad(module.pad, f"torch.ones_like({x})", sizes)
    return f"({pool}({padded}, {window}) / {pool}({there}, {window}))"


def _global(name: str) -> Callable[[Any, str], str]:
    def write(module: Any, x: str) -> str:
        axes = tuple(range(2, module.dims + 2))
        keep = ", keepdim=True" if module.keepdim else ""
        return f"{x}.{name}({axes if len(axes) > 1 else axes[0]}{keep})"

    return write


def _folded(function: str) -> Callable[..., str]:
    """Return what folds a function of two over any number of inputs."""

    def write(_: nn.Module, *inputs: str) -> str:
        text = inputs[0]
        for x in inputs[1:]:
            text = f"{function}({text}, {x})"
        return text

    return write


def _crop(module: Crop, x: str) -> str:
    flat = tuple(-amount for pair in reversed(module.amounts) for amount in pair)
    return f"nn.functional.pad({x}, {flat})"


def _rescale(module: Rescaling, x: str) -> str:
    text = x if module.scale == 1 else f"{x} * {module.scale!r}"
    return text if module.offset == 0 else f"{text} + {module.offset!r}"


_INLINE: dict[type[nn.Module], Callable[..., str]] = {
    nn.Identity: lambda _, x: x,
    Permute: _permute,
    Reshape: lambda module, x: f"{x}.reshape({f'len({x})' if -1 in module.shape else -1}, {_joined(module.shape)})",
    RepeatVector: lambda module, x: f"{x}.unsqueeze(1).expand(-1, {module.times}, -1)",
    Rescaling: _rescale,
    nn.Flatten: lambda _, x: f"{x}.flatten(1)",
    ChannelsLastFlatten: lambda _, x: f"{x}.movedim(1, -1).flatten(1)",
    Exponential: lambda _, x: f"{x}.exp()",
    GlobalAveragePool1d: _global("mean"),
    GlobalAveragePool2d: _global("mean"),
    GlobalMaxPool1d: _global("amax"),
    GlobalMaxPool2d: _global("amax"),
    SamePadding: _pad,
    SameMaxPool1d: _same_max,
    SameMaxPool2d: _same_max,
    SameAvgPool1d: _same_average,
    SameAvgPool2d: _same_average,
    Crop: _crop,
    Add: lambda _, *inputs: " + ".join(inputs),
    Subtract: lambda _, first, second: f"{first} - {second}",
    Multiply: lambda _, *inputs: " * ".join(inputs),
    Average: lambda _, *inputs: f"({' + '.join(inputs)}) / {len(inputs)}",
    Maximum: _folded("torch.maximum"),
    Minimum: _folded("torch.minimum"),
    Concatenate: lambda module, *inputs: f"torch.cat(({', '.join(inputs)}), {module.dim})",
}
