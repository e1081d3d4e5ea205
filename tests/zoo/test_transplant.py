"""Weights of one implementation in another: all or none, by name or in order."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.zoo import create, transplant
from parity import randomise


def network(classes: int = 4, names: str = "abcd") -> nn.Sequential:
    layers = (nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(6, classes))
    model = nn.Sequential(OrderedDict(zip(names, layers, strict=True)))
    randomise(model)
    return model


def state_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_by_name() -> None:
    source, model = network(), network()
    pairs = transplant(source, model)
    assert pairs == {name: name for name in source.state_dict()}
    assert same(source.state_dict(), state_of(model))
    assert transplant(source.state_dict(), network()) == pairs


def test_in_order_where_the_names_differ() -> None:
    source, model = network(names="wxyz"), network()
    pairs = transplant(source, model)
    assert pairs["a.weight"] == "w.weight"
    assert pairs["b.running_var"] == "x.running_var"
    assert "b.num_batches_tracked" not in pairs
    for mine, theirs in pairs.items():
        assert torch.equal(model.state_dict()[mine], source.state_dict()[theirs])
    assert not model.b.weight.is_leaf or model.b.weight.requires_grad


def test_a_state_without_a_module_knows_buffers_by_their_names() -> None:
    source = network(names="wxyz")
    state = {name: value for name, value in source.state_dict().items() if not name.endswith("num_batches_tracked")}
    reordered = dict(sorted(state.items(), key=lambda entry: "running" in entry[0]))  # buffers last, as some files
    assert transplant(reordered, network())["b.running_mean"] == "x.running_mean"


def test_counters_of_batches_may_be_absent() -> None:
    source = {n: v for n, v in network().state_dict().items() if not n.endswith("num_batches_tracked")}
    model = network()
    model.b.num_batches_tracked.fill_(7)
    transplant(source, model)
    assert model.b.num_batches_tracked.item() == 7


def test_a_pointwise_convolution_passes_for_a_dense_layer() -> None:
    dense, pointwise = nn.Sequential(nn.Linear(3, 4)), nn.Sequential(nn.Conv2d(3, 4, 1))
    transplant(dense, pointwise)
    assert torch.equal(pointwise[0].weight[:, :, 0, 0], dense[0].weight)
    back = nn.Sequential(nn.Linear(3, 4))
    transplant(pointwise, back)
    assert torch.equal(back[0].weight, dense[0].weight)


def lacking(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if name != "a.bias"}


def one_more(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**state, "e.weight": torch.zeros(1)}


def misshapen(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**state, "a.weight": torch.zeros(6, 3, 5, 5)}


WRONG = [
    (lacking, 'it lacks "a.bias"'),
    (one_more, 'it has, and the network has not, "e.weight"'),
    (misshapen, 'of other shapes: "a.weight" is 6x3x5x5, expected 6x3x3x3'),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_what_does_not_fit_is_named_and_none_is_loaded(change: Any, words: str) -> None:
    model = network()
    before = state_of(model)
    with pytest.raises(LayerlabError) as error:
        transplant(change(network().state_dict()), model, heads=("d",))
    assert str(error.value) == f"the weights belong to another architecture ({words}): none were loaded"
    assert same(before, state_of(model))


def test_in_order_too() -> None:
    model = network()
    before = state_of(model)
    source = {f"net.{name}": value for name, value in network().state_dict().items()}
    for change in (lambda s: {n: v for n, v in s.items() if n != "net.d.bias"}, lambda s: {**s, "z": torch.ones(1)}):
        with pytest.raises(LayerlabError, match="another architecture"):
            transplant(change(source), model)
    assert same(before, state_of(model))


def test_the_first_of_many_are_named() -> None:
    with pytest.raises(LayerlabError, match=r'\("0.weight" is|it lacks "[^"]+", "[^"]+", "[^"]+" and \d+ more'):
        transplant(create("lecture_cnn"), create("mobilenet_v1_025"))


def test_nothing_is_no_network() -> None:
    with pytest.raises(LayerlabError, match=r"no tensors to transplant; expected a module or its state_dict\(\)"):
        transplant({}, network())


@pytest.mark.parametrize("names", ["abcd", "wxyz"])
def test_a_head_of_another_number_of_outputs_stays(names: str) -> None:
    source, model = network(7, names), network(4)
    before = state_of(model)
    pairs = transplant(source, model, heads=("d",))
    assert {name for name in model.state_dict() if name not in pairs} >= {"d.weight", "d.bias"}
    after = state_of(model)
    assert torch.equal(after["d.weight"], before["d.weight"])
    assert torch.equal(after["d.bias"], before["d.bias"])
    assert torch.equal(after["a.weight"], source.state_dict()[f"{names[0]}.weight"])


def test_a_head_of_as_many_outputs_is_loaded() -> None:
    source, model = network(), network()
    assert "d.weight" in transplant(source, model, heads=("d",))
    assert torch.equal(model.d.weight, source.d.weight)


def test_a_head_of_other_inputs_is_another_architecture() -> None:
    model = network()
    model.d = nn.Linear(9, 4)
    with pytest.raises(LayerlabError, match=r'"d.weight" is 4x6, expected 4x9\)'):
        transplant(network(), model, heads=("d",))


def test_without_a_head_another_number_of_outputs_is_refused() -> None:
    with pytest.raises(LayerlabError, match=r'"d.weight" is 7x6, expected 4x6, "d.bias" is 7'):
        transplant(network(7), network(4))


@given(st.sets(st.sampled_from(sorted(network().state_dict())), min_size=1))
def test_any_lack_leaves_everything_as_it_was(lost: set[str]) -> None:
    source = {name: value for name, value in network().state_dict().items() if name not in lost}
    model = network()
    before = state_of(model)
    if all(name.endswith("num_batches_tracked") for name in lost):
        transplant(source, model)
        return
    with pytest.raises(LayerlabError, match=r"belong to another architecture|no tensors"):
        transplant(source, model, heads=("d",))
    assert same(before, state_of(model))


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        (None, nn.Linear(2, 3), "the source of the weights is NoneType; expected a module or its state_dict()"),
        (3, nn.Linear(2, 3), "the source of the weights is int"),
        (nn.Linear, nn.Linear(2, 3), "the source of the weights is type"),
        ({"weight": "much"}, nn.Linear(2, 3), '"weight" of the weights is str; expected a tensor'),
        (nn.Linear(2, 3), {"weight": 1}, "weights go into a network, and dict is none"),
        (nn.Linear(2, 3), nn.Linear(2, 3, device="meta"), "the network is on the meta device"),
        (nn.Linear(2, 3, device="meta"), nn.Linear(2, 3), "the source is on the meta device"),
    ],
)
def test_nonsense_is_one_sentence(source: Any, target: Any, sentence: str) -> None:
    with pytest.raises(LayerlabError) as caught:
        transplant(source, target)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
