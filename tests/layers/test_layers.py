"""What holds for every layer: it is exported, works on images of any memory layout, and its examples are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest
import torch
from torch import nn

from layerlab import layers
from layerlab.layers import (
    Add,
    ChannelsLastFlatten,
    Concatenate,
    Crop,
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    Maxout,
    MaxoutConv2d,
    MaxoutLinear,
    PartialConv2d,
    SameAvgPool1d,
    SameAvgPool2d,
    SameMaxPool1d,
    SameMaxPool2d,
    SamePadding,
    SeparableConv2d,
    Skip,
    Subsampling2d,
    activation,
    activation_names,
    convolution,
    dense,
    transposed_convolution,
)

SIGNAL, IMAGE, ROW = (2, 4, 9), (2, 4, 9, 8), (2, 6)

CASES = {
    **{f"activation {name}": (lambda name=name: activation(name), IMAGE) for name in activation_names()},
    "Add": (Add, IMAGE),
    "ChannelsLastFlatten": (ChannelsLastFlatten, IMAGE),
    "Concatenate": (Concatenate, IMAGE),
    "Crop": (lambda: Crop([(1, 0), (0, 2)]), IMAGE),
    "GlobalAveragePool1d": (GlobalAveragePool1d, SIGNAL),
    "GlobalAveragePool2d": (GlobalAveragePool2d, IMAGE),
    "GlobalMaxPool1d": (GlobalMaxPool1d, SIGNAL),
    "GlobalMaxPool2d": (GlobalMaxPool2d, IMAGE),
    "Maxout": (Maxout, IMAGE),
    "MaxoutConv2d": (lambda: MaxoutConv2d(4, 3, 3, 2, padding=1), IMAGE),
    "MaxoutLinear": (lambda: MaxoutLinear(6, 3, 2), ROW),
    "PartialConv2d": (lambda: PartialConv2d(4, [(0, 1), (3,), (1, 2, 0)], 3), IMAGE),
    "SameAvgPool1d": (lambda: SameAvgPool1d(2), SIGNAL),
    "SameAvgPool2d": (lambda: SameAvgPool2d(2), IMAGE),
    "SameMaxPool1d": (lambda: SameMaxPool1d(2), SIGNAL),
    "SameMaxPool2d": (lambda: SameMaxPool2d(3, 2), IMAGE),
    "SamePadding": (lambda: SamePadding(3, 2), IMAGE),
    "SeparableConv2d": (lambda: SeparableConv2d(4, 3, 3, 2, "same"), IMAGE),
    "Skip": (lambda: Skip(nn.Conv2d(4, 4, 3, padding=1)), IMAGE),
    "Skip concatenate": (lambda: Skip(nn.Conv2d(4, 2, 3, padding=1), "concatenate"), IMAGE),
    "Subsampling2d": (lambda: Subsampling2d(4, 2), IMAGE),
    "convolution": (lambda: convolution(4, 3, 3, 2, "same", activation="maxout"), IMAGE),
    "dense": (lambda: dense(6, 3, "softmax"), ROW),
    "transposed_convolution": (lambda: transposed_convolution(4, 3, 3, 2, "same", activation="relu"), IMAGE),
}

cases = pytest.mark.parametrize("name", CASES)


def build(name: str) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """Return the layer and its inputs."""
    torch.manual_seed(0)
    make, shape = CASES[name]
    return make().eval(), tuple(torch.randn(shape) for _ in range(2 if name in ("Add", "Concatenate") else 1))


def test_every_public_layer_is_among_the_cases():
    public = {name for name in layers.__all__ if inspect.isclass(getattr(layers, name))}
    modules = {name for name in public if issubclass(getattr(layers, name), nn.Module)}
    assert modules - set(CASES) == {"Exponential", "Flatten"}  # an activation, and PyTorch's own


@cases
def test_the_exported_layer_gives_the_same_numbers(name):
    layer, inputs = build(name)
    exported = torch.export.export(layer, inputs).module()
    torch.testing.assert_close(exported(*inputs), layer(*inputs))


@pytest.mark.parametrize(
    "name",
    ["SamePadding", "SameAvgPool2d", "SameMaxPool2d", "SeparableConv2d", "convolution", "transposed_convolution"],
)
def test_one_export_serves_every_size(name):
    layer, (image,) = build(name)
    open_sizes = {0: torch.export.Dim.AUTO, 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    exported = torch.export.export(layer, (image,), dynamic_shapes=(open_sizes,)).module()
    for shape in (IMAGE, (3, 4, 12, 11), (1, 4, 7, 8)):
        x = torch.randn(shape)
        torch.testing.assert_close(exported(x), layer(x))


@cases
def test_shapes_are_known_without_data(name):
    layer, inputs = build(name)
    expected = layer(*inputs).shape
    assert layer.to("meta")(*(x.to("meta") for x in inputs)).shape == expected


@cases
def test_memory_layout_does_not_change_the_numbers(name):
    layer, inputs = build(name)
    if inputs[0].dim() == 4:
        strided = tuple(x.contiguous(memory_format=torch.channels_last) for x in inputs)
        torch.testing.assert_close(layer(*strided), layer(*inputs))


@cases
def test_the_state_goes_into_a_fresh_layer(name):
    layer, inputs = build(name)
    torch.manual_seed(1)
    fresh = CASES[name][0]().eval()
    fresh.load_state_dict(layer.state_dict())
    torch.testing.assert_close(fresh(*inputs), layer(*inputs))


@cases
def test_it_prints_its_arguments(name):
    layer, _ = build(name)
    assert " at 0x" not in repr(layer)
    assert repr(layer) == repr(CASES[name][0]())


@pytest.mark.slow
@cases
def test_onnx_gives_the_same_numbers(name, tmp_path):
    import onnxruntime

    layer, inputs = build(name)
    path = tmp_path / "layer.onnx"
    torch.onnx.export(layer, inputs, path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {given.name: x.numpy() for given, x in zip(session.get_inputs(), inputs, strict=True)}
    (made,) = session.run(None, feed)
    torch.testing.assert_close(torch.from_numpy(made), layer(*inputs), atol=1e-5, rtol=1e-4)


FILES = [module.name for module in pkgutil.iter_modules(layers.__path__)]


@pytest.mark.parametrize("file", FILES)
def test_examples_of_the_docstrings_are_true(file):
    module = importlib.import_module(f"layerlab.layers.{file}")
    failed, _ = doctest.testmod(module, verbose=False)
    assert failed == 0


@pytest.mark.parametrize("name", [name for name in layers.__all__ if callable(getattr(layers, name))])
def test_docstrings_have_their_sections(name):
    thing = getattr(layers, name)
    if thing.__module__.startswith("torch") or name in ("Padding", "AxisPadding", "Solution"):
        return
    text = inspect.getdoc(thing)
    assert "Example:" in text
    takes_arguments = inspect.signature(thing).parameters
    if inspect.isclass(thing) and thing.__init__ is nn.Module.__init__:
        takes_arguments = {}
    for argument in takes_arguments:
        assert re.search(rf"^ +\**{argument}: ", text, re.MULTILINE), f"{name} does not explain {argument}"
    if inspect.isclass(thing) and issubclass(thing, nn.Module):
        assert "Input shape:" in text and "Output shape:" in text
