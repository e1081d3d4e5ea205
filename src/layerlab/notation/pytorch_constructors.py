"""What makes each of PyTorch's own modules, as source: the arguments that are not the defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

__all__ = ["constructor_of"]


def constructor_of(module: nn.Module) -> str:
    """Return the expression that makes a module like ``module``, such as ``nn.Conv2d(1, 64, 3)``."""
    for kind, write in _CONSTRUCTORS.items():
        if isinstance(module, kind):
            name, arguments = write(module)
            return f"nn.{name}({', '.join(arguments)})"
    return f"nn.{type(module).__name__}()"  # ReLU, Tanh and their like have no arguments of their own


def _options(module: nn.Module, **defaults: object) -> list[str]:
    """Return ``name=value`` for what is not the default."""
    found = []
    for name, default in defaults.items():
        value = getattr(module, name)
        if value != default:
            found.append(f"{name}={_text(value)}")
    return found


def _text(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _short(value: Any) -> Any:
    """Return one number for a tuple of equal ones: ``3`` for ``(3, 3)``."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _window(module: Any, **defaults: object) -> list[str]:
    """Return the options of a window, each as short as it can be."""
    values = {name: _short(getattr(module, name)) for name in defaults}
    return [f"{name}={_text(value)}" for name, value in values.items() if value != defaults[name]]


def _name(module: nn.Module) -> str:
    """Return PyTorch's name of a module, also for Keras's batch normalisation."""
    return type(module).__name__.removeprefix("Keras")


def _convolution(module: Any) -> tuple[str, list[str]]:
    arguments = [str(module.in_channels), str(module.out_channels), str(_short(module.kernel_size))]
    arguments += _window(module, stride=1, padding=0, output_padding=0, dilation=1)
    arguments += _options(module, groups=1)
    return _name(module), [*arguments, *([] if module.bias is not None else ["bias=False"])]


def _linear(module: Any) -> tuple[str, list[str]]:
    bias = [] if module.bias is not None else ["bias=False"]
    return "Linear", [str(module.in_features), str(module.out_features), *bias]


def _norm(*first: str) -> Callable[[Any], tuple[str, list[str]]]:
    def write(module: Any) -> tuple[str, list[str]]:
        defaults = {"eps": 1e-5, "momentum": 0.1, "affine": True, "elementwise_affine": True}
        present = {name: default for name, default in defaults.items() if hasattr(module, name)}
        return _name(module), [*(str(getattr(module, name)) for name in first), *_options(module, **present)]

    return write


def _pooling(module: Any) -> tuple[str, list[str]]:
    kernel, stride = _short(module.kernel_size), _short(module.stride)
    arguments = [str(kernel), *([] if stride == kernel else [f"stride={stride}"]), *_window(module, padding=0)]
    return _name(module), [
        *arguments,
        *(_options(module, count_include_pad=True) if hasattr(module, "count_include_pad") else []),
    ]


def _recurrent(module: Any) -> tuple[str, list[str]]:
    options = _options(module, nonlinearity="tanh") if isinstance(module, nn.RNN) else []
    return _name(module), [
        str(module.input_size),
        str(module.hidden_size),
        *options,
        *_options(module, bias=True),
        "batch_first=True",
    ]


def _given(*names: str, **defaults: object) -> Callable[[Any], tuple[str, list[str]]]:
    """Return what writes some attributes by position and others where they are not the default."""

    def write(module: Any) -> tuple[str, list[str]]:
        return _name(module), [*(_text(getattr(module, name)) for name in names), *_options(module, **defaults)]

    return write


def _upsample(module: Any) -> tuple[str, list[str]]:
    return "Upsample", [f"scale_factor={module.scale_factor}", *_options(module, mode="nearest", align_corners=None)]


_CONSTRUCTORS: dict[type[nn.Module], Callable[[Any], tuple[str, list[str]]]] = {
    nn.modules.conv._ConvNd: _convolution,
    nn.Linear: _linear,
    nn.modules.batchnorm._BatchNorm: _norm("num_features"),
    nn.LayerNorm: _norm("normalized_shape"),
    nn.GroupNorm: _norm("num_groups", "num_channels"),
    nn.modules.pooling._MaxPoolNd: _pooling,
    nn.modules.pooling._AvgPoolNd: _pooling,
    nn.modules.pooling._AdaptiveAvgPoolNd: _given("output_size"),
    nn.modules.pooling._AdaptiveMaxPoolNd: _given("output_size"),
    nn.RNNBase: _recurrent,
    nn.Embedding: _given("num_embeddings", "embedding_dim"),
    nn.modules.dropout._DropoutNd: _given("p"),
    nn.modules.padding._ConstantPadNd: lambda module: (_name(module), _padding(module)),
    nn.Upsample: _upsample,
    nn.ReLU6: _given(),
    nn.Hardtanh: _given("min_val", "max_val"),
    nn.LeakyReLU: _given("negative_slope"),
    nn.ELU: _given(alpha=1.0),
    nn.CELU: _given(alpha=1.0),
    nn.PReLU: _given("num_parameters"),
    nn.Softmax: _given("dim"),
    nn.LogSoftmax: _given("dim"),
    nn.GELU: _given(approximate="none"),
    nn.Hardshrink: _given(lambd=0.5),
    nn.Softshrink: _given(lambd=0.5),
    nn.Flatten: _given(),
}


def _padding(module: Any) -> list[str]:
    """Return the amounts; nn.ZeroPad2d has no value, nn.ConstantPad1d has."""
    amounts = _text(tuple(module.padding))
    return [amounts] if type(module).__name__.startswith("Zero") else [amounts, _text(module.value)]
