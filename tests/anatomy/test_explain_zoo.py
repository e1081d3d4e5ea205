"""Every layer of every network of the zoo is explained, and what is said of it is what the table says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
import torch
from explained import contradictions, equations
from torch import nn

from layerlab import layers
from layerlab.anatomy import Anatomy, Layer, dissect
from layerlab.anatomy.explain.arithmetic import declared
from layerlab.anatomy.explain.ideas import IDEAS
from layerlab.anatomy.explain.kinds import EXPLAINERS, WHOLE, kind_of
from layerlab.notation.modules import axes, batch_norm, elementwise, embedding, merging, recurrent
from layerlab.zoo import create, list_models, model_info


def _one_of_each_family() -> set[str]:
    """Return the member of each family with the fewest operations."""
    smallest: dict[str, str] = {}
    for name in list_models():
        family = model_info(name).family
        if family not in smallest or model_info(name).macs < model_info(smallest[family]).macs:
            smallest[family] = name
    return set(smallest.values())


EVERYDAY = _one_of_each_family()
MEMBERS = [pytest.param(name, marks=() if name in EVERYDAY else pytest.mark.slow) for name in list_models()]


@cache
def anatomy_of(name: str) -> Anatomy:
    """Return the anatomy of a member for its own input."""
    with torch.device("meta"):
        model = create(name)
    return dissect(model, model_info(name).input_shape)


def called(anatomy: Anatomy) -> Iterator[Layer]:
    """Yield the layers that ran."""
    return (layer for layer in (anatomy.root, *anatomy.layers) if layer.called)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_layer_has_its_own_explanation(name: str) -> None:
    """None falls to the plain form, because its class is not known or because its function gave up."""
    for layer in called(anatomy_of(name)):
        kind, explainer = kind_of(layer)
        assert explainer is not None or not layer.is_leaf, layer.kind
        if explainer is not None:
            assert explainer(replace(layer, kind=kind)), layer.path


@pytest.mark.parametrize("name", MEMBERS)
def test_every_equation_is_true_and_agrees_with_the_table(name: str) -> None:
    anatomy = anatomy_of(name)
    for layer in (anatomy.root, *anatomy.layers):
        assert contradictions(layer, anatomy.explain(layer.path).lines) == []


@pytest.mark.parametrize("name", MEMBERS)
def test_what_costs_something_is_worked_out(name: str) -> None:
    """There is a formula, not the bare number."""
    anatomy = anatomy_of(name)
    for layer in called(anatomy):
        found = {what: formula for what, formula, _ in equations(anatomy.explain(layer.path).lines)}
        if layer.is_leaf and declared(layer) > 1:
            assert found["parameters"], layer.path
        if layer.is_leaf and layer.macs > 1:
            assert found["MACs"], layer.path
        grows = layer.receptive_field is not None and layer.receptive_field != layer.incoming_field
        if grows and "kernel_size" in layer.settings and layer.is_leaf:
            assert any(found[what] for what in found if what.startswith("receptive field")), layer.path


@pytest.mark.parametrize("name", MEMBERS)
def test_what_a_block_adds_and_joins_is_said(name: str) -> None:
    anatomy = anatomy_of(name)
    for layer in called(anatomy):
        if layer.is_leaf or kind_of(layer)[0] in WHOLE:
            continue
        own = [operation for operation in anatomy.operations if operation.within[-1:] == ((layer.path, 0),)]
        lines = anatomy.explain(layer.path).lines
        added = [work for work in own if work.name in ("add", "add_") and len(work.inputs) > 1]
        assert sum(line.startswith("sum") for line in lines) == len(added), layer.path
        joined = [work for work in own if work.name == "cat"]
        channels = [value for what, _, value in equations(lines) if what == "channels"]
        assert channels == [work.outputs[0][1] for work in joined], layer.path


@pytest.mark.parametrize("change", ["parameters", "macs", "receptive_field"])
def test_a_formula_that_gives_another_number_is_not_shown(change: str) -> None:
    """Were a record to change, its explanation would give the new number, and no arithmetic for it."""
    anatomy = anatomy_of("lecture_cnn")
    layer = next(layer for layer in anatomy.layers if layer.kind == "Conv2d")
    value = layer.own_parameters[0].shape
    changes = {
        "parameters": {"own_parameters": (replace(layer.own_parameters[0], shape=(*value, 2)),)},
        "macs": {"macs": layer.macs + 1},
        "receptive_field": {"receptive_field": (5, 5)},
    }
    wrong = replace(layer, **changes[change])  # type: ignore[arg-type]
    changed = replace(anatomy, layers=tuple(wrong if one is layer else one for one in anatomy.layers))
    lines = changed.explain(layer.path).lines
    assert contradictions(wrong, lines) == []
    name = {"macs": "MACs", "receptive_field": "receptive field"}.get(change, change)
    assert {what: formula for what, formula, _ in equations(lines)}[name] is None
    assert {what: formula for what, formula, _ in equations(anatomy.explain(layer.path).lines)}[name]


def test_a_residual_block_says_what_it_adds() -> None:
    anatomy = anatomy_of("resnet20")
    blocks = [layer for layer in anatomy.layers if layer.kind == "BasicBlock"]
    lines = anatomy.explain(blocks[0].path).lines
    assert "residual block: it learns only what to add to its input" in lines
    assert "sum = F(x) + x = bn2 + x, each 16x32x32; x is what came in" in lines
    narrowing = next(block for block in blocks if block.inputs[0] != block.outputs[0])
    assert "sum = bn2 + downsample, each 32x16x16" in anatomy.explain(narrowing.path).lines


def test_a_block_without_its_shortcut_is_not_called_residual() -> None:
    anatomy = anatomy_of("plain20")
    block = next(layer for layer in anatomy.layers if layer.kind == "BasicBlock")
    assert not [line for line in anatomy.explain(block.path).lines if "residual" in line or line.startswith("sum")]


def test_an_inception_module_says_its_channels() -> None:
    line = "channels = 64 + 128 + 32 + 32 = 256 (branch1, branch2, branch3, branch4)"
    assert line in anatomy_of("googlenet").explain("inception3a").lines


def test_a_dense_block_says_its_channels() -> None:
    anatomy = anatomy_of("densenet_bc_40_12")
    block = next(layer for layer in anatomy.layers if layer.kind == "DenseBlock")
    line = "channels = 24 + 6*12 = 96 (x, denselayer1, denselayer2, "
    assert any(told.startswith(line) for told in anatomy.explain(block.path).lines)


def test_a_large_network_tells_its_blocks_in_one_line_each() -> None:
    anatomy = anatomy_of("resnet20")
    lines = anatomy.explain("").lines
    told = [line for line in lines if "layer1: Sequential: 16x32x32 -> 16x32x32, 14,016 parameters, " in line]
    assert len(told) == 1
    assert len(lines) < 60


def test_depthwise_and_pointwise_together_are_compared_with_a_full_convolution() -> None:
    anatomy = anatomy_of("mobilenet_v1_025")
    pair = next(layer for layer in anatomy.layers if layer.kind == "DepthwiseSeparable")
    line = "a full convolution, weights = 3*3*8*16 = 1,152 (against 200: 5.8 times as many)"
    assert line in anatomy.explain(pair.path).lines


# What an anatomy does not meet inside a network, or what holds layers and has nothing of its own to explain.
NOT_LAYERS = {
    "Module", "Container", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "DataParallel",
    "RNNBase", "RNNCellBase",
    # blocks of layers that are explained one by one, with their sums
    "Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer",
    "AdaptiveLogSoftmaxWithLoss",
}  # fmt: skip


TOLD_BY_WHAT_THEY_DO = {layers.Skip, batch_norm.KerasBatchNorm}  # what a skip adds or joins; a base


def _modules_of(namespace: object) -> list[type[nn.Module]]:
    found = [getattr(namespace, name) for name in dir(namespace)]
    return [value for value in found if isinstance(value, type) and issubclass(value, nn.Module)]


def test_every_layer_of_torch_has_an_explanation() -> None:
    """Losses apart, which belong to training."""
    names = {cls.__name__ for cls in _modules_of(nn) if "Loss" not in cls.__name__}
    assert names - set(EXPLAINERS) - NOT_LAYERS == set()


@pytest.mark.parametrize("namespace", [layers, axes, batch_norm, elementwise, embedding, merging, recurrent])
def test_every_layer_of_ours_has_an_explanation(namespace: object) -> None:
    classes = _modules_of(namespace)
    assert classes
    for cls in classes:
        known = any(base.__name__ in EXPLAINERS or base.__name__ in IDEAS for base in cls.__mro__)
        assert known or cls in TOLD_BY_WHAT_THEY_DO, cls.__name__


def test_no_class_is_told_twice() -> None:
    """As a layer and as a block."""
    assert set(EXPLAINERS) & set(IDEAS) == set()
