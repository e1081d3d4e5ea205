"""Xception against timm's and Keras's with the same weights."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import timm
import torch
from keras_zoo import agree_with_keras, application, keras, leaves, weighted
from torch import nn

from layerlab.zoo import create
from layerlab.zoo.initialisation import he_normal
from parity import agree, randomise

pytestmark = pytest.mark.parity

KERAS = {"padding": "same", "epsilon": 1e-3}


def in_order(ours: nn.Module, reference: Any) -> tuple[list[nn.Module], list[Any]]:
    """Return the holders of weights of both, pair by pair: the named ones, then those of the skip connections."""
    return (
        leaves(ours, skips=False) + leaves(ours, skips=True),
        weighted(reference, skips=False) + weighted(reference, skips=True),
    )


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("side", [64, pytest.param(75, marks=pytest.mark.slow)])
def test_outputs_and_gradients_are_timms(side: int, training: bool) -> None:
    torch.manual_seed(0)
    reference = randomise(timm.create_model("legacy_xception", num_classes=10))
    he_normal(reference, mode="fan_in")
    agree(reference, create("xception", num_classes=10), torch.randn(2, 3, side, side), training=training)


def test_the_weights_of_timm_fit_by_name() -> None:
    with torch.device("meta"):
        reference = timm.create_model("legacy_xception").state_dict()
    ours = create("xception", device="meta").state_dict()
    assert {name: value.shape for name, value in reference.items()} == {n: v.shape for n, v in ours.items()}


# 71 is Keras's smallest, and its poolings see odd sides only; those of 96 see 45, 23, 12 (padded on one side) and 6.
@pytest.mark.parametrize(
    ("side", "double", "training"),
    [
        (96, True, False),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in itertools.product((71, 96), (False, True), (False, True))
            if case != (96, True, False)
        ),
    ],
)
def test_outputs_and_gradients_are_kerass(side: int, double: bool, training: bool) -> None:
    torch.manual_seed(0)
    ours = create("xception", num_classes=10, **KERAS)
    reference = application(keras.applications.Xception, side, double=double)
    agree_with_keras(ours, reference, *in_order(ours, reference), torch.randn(2, 3, side, side), training=training)


@pytest.mark.slow
@pytest.mark.parametrize("knobs", [{"padding": "same"}, {"epsilon": 1e-3}], ids=["padding", "epsilon"])
def test_padding_and_epsilon_make_the_difference(knobs: dict[str, Any]) -> None:
    """With one of them alone Keras's weights give other numbers, or the two knobs would be for nothing."""
    torch.manual_seed(0)
    ours = create("xception", num_classes=10, **knobs)
    reference = application(keras.applications.Xception, 96)
    with pytest.raises(AssertionError, match="output differs"):
        agree_with_keras(ours, reference, *in_order(ours, reference), torch.randn(2, 3, 96, 96), training=False)
