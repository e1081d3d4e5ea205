"""Networks of keras.applications, on Keras's torch backend, with our weights: outputs and gradients compared.

In single precision the outputs agree, but where a sum falls within rounding of zero, ReLU passes it in one network
and not in the other, and a gradient of 60 layers shows it (by 0.5 %). In double precision nothing is so near to zero,
and the gradients are compared there.
"""

from __future__ import annotations

import contextlib
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import keras
import torch
from keras.src.backend.common import dtypes
from torch import Tensor, nn

from layerlab.zoo.initialisation import he_normal
from parity import randomise, reset_dropout

__all__ = ["agree_with_keras", "application", "leaves", "weighted"]

_KERNEL = (3, 2, 0, 1)  # from height, width, in, out
_DEPTHWISE = (2, 3, 0, 1)  # from height, width, channels, 1
_LAYOUTS: dict[str, tuple[tuple[int, ...], ...]] = {
    "Conv2D": (_KERNEL, (0,)),
    "DepthwiseConv2D": (_DEPTHWISE, (0,)),
    "SeparableConv2D": (_DEPTHWISE, _KERNEL, (0,)),
    "Dense": ((1, 0), (0,)),
    "BatchNormalization": ((0,), (0,), (0,), (0,)),
}


@contextlib.contextmanager
def _precision(kind: str) -> Iterator[None]:
    """Let Keras build, and compute, in ``float32`` or ``float64``.

    Outside TensorFlow it makes single precision of every double in the middle of its layers, by a table.
    """
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(kind)
    keras.config.set_dtype_policy(kind)
    try:
        with mock.patch.dict(dtypes.BIT64_TO_BIT32_DTYPE, float64="float64"):
            yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def application(builder: Callable[..., Any], side: int, *, double: bool = False, **options: Any) -> Any:
    """Return a network of keras.applications with ten logits and fresh weights, for images of so many pixels."""
    kind = "float64" if double else "float32"
    with _precision(kind):
        model = builder(input_shape=(side, side, 3), weights=None, classes=10, classifier_activation=None, **options)
    assert {variable.dtype for variable in model.weights} == {kind}
    return model


def leaves(module: nn.Module, *, skips: bool | None = None) -> list[nn.Module]:
    """Return what holds weights, in order; with ``skips`` only those in skip connections, or only the others."""
    return [
        part
        for name, part in module.named_modules()
        if not list(part.children())
        and list(part.parameters())
        and (skips is None or skips == any(word.startswith("skip") for word in name.split(".")))
    ]


def weighted(model: Any, *, skips: bool | None = None) -> list[Any]:
    """Return the Keras layers that hold weights, likewise: those in skip connections have names made by Keras."""
    return [
        layer
        for layer in model.layers
        if layer.weights and (skips is None or skips == layer.name.startswith(("conv2d", "batch_normalization")))
    ]


def _pairs(parts: Sequence[nn.Module], layers: Sequence[Any]) -> Iterator[tuple[str, Tensor, Any, tuple[int, ...]]]:
    """Yield name, our tensor, Keras's variable and the axes of the variable in our order."""
    ours = [
        tensor
        for part in parts
        for name, tensor in part.state_dict(keep_vars=True).items()
        if not name.endswith("tracked")
    ]
    theirs = [
        (f"{layer.name}.{variable.name}", variable, axes)
        for layer in layers
        for variable, axes in zip(layer.weights, _LAYOUTS[type(layer).__name__], strict=False)
    ]
    assert len(ours) == len(theirs), f"{len(ours)} tensors against {len(theirs)}"
    for mine, (name, variable, axes) in zip(ours, theirs, strict=True):
        yield name, mine, variable, axes


def agree_with_keras(
    ours: nn.Module, reference: Any, parts: Sequence[nn.Module], layers: Sequence[Any], x: Tensor, *, training: bool
) -> None:
    """Give ``reference`` random weights of ``ours``, compare outputs and, in double precision, all gradients.

    Args:
        ours: the network; it is changed.
        reference: the Keras model, of single or double precision.
        parts: our modules that hold weights, in the order of ``layers``.
        layers: Keras's.
        x: (N, C, H, W).
        training: whether batch normalisation takes its statistics from the batch.

    Raises:
        AssertionError: something differs by more than 1e-4 (in double precision 1e-8) of its largest number.
    """
    double = reference.weights[0].dtype == "float64"
    tolerance, dtype = (1e-8, torch.float64) if double else (1e-4, torch.float32)
    he_normal(randomise(ours), mode="fan_in")
    reset_dropout(ours)
    ours.train(training).to(dtype)
    pairs = list(_pairs(parts, layers))
    for _, mine, variable, axes in pairs:
        back = [axes.index(axis) for axis in range(len(axes))]
        value = mine.detach().reshape([variable.shape[axis] for axis in axes]).permute(back)
        variable.assign(value.contiguous())

    x = x.to(dtype)
    first, second = x.clone().requires_grad_(), x.movedim(1, -1).contiguous().requires_grad_()
    with _precision("float64" if double else "float32"):
        output, expected = ours(first), reference(second, training=training)
    _near("output", expected, output, tolerance)
    if not double:
        return
    weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    for way in (output, expected):
        (way * weight).sum().backward()
    _near("gradient of the input", second.grad.movedim(-1, 1), first.grad, tolerance)  # type: ignore[union-attr]
    compared = 0
    for name, mine, variable, axes in pairs:
        if mine.requires_grad:
            gradient = variable.value.grad.permute(axes).reshape(mine.shape)
            _near(f"gradient of {name}", gradient, mine.grad, tolerance)
            compared += 1
    assert compared == len(list(ours.parameters()))


def _near(what: str, theirs: Tensor, mine: Tensor | None, tolerance: float) -> None:
    assert mine is not None, what
    assert theirs.shape == mine.shape, f"{what}: {tuple(theirs.shape)} against {tuple(mine.shape)}"
    scale = theirs.detach().abs().max().item()
    difference = (theirs.detach() - mine.detach()).abs().max().item()
    assert scale > 0, f"{what} is zero"
    assert difference <= tolerance * scale, f"{what} differs by {difference:.3g} of {scale:.3g}"
