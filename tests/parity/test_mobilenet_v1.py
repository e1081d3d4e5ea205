"""MobileNet v1 against timm's and Keras's with the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from keras_zoo import agree_with_keras, application, keras, leaves, weighted

from layerlab.zoo import create, transplant
from layerlab.zoo.initialisation import he_normal
from parity import agree, randomise

pytestmark = pytest.mark.parity

KERAS = {"padding": "same", "epsilon": 1e-3}


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_outputs_and_gradients_are_timms(training: bool) -> None:
    torch.manual_seed(0)
    reference = randomise(timm.create_model("mobilenetv1_100", num_classes=10))
    he_normal(reference, mode="fan_in")
    agree(reference, create("mobilenet_v1", num_classes=10), torch.randn(4, 3, 64, 64), training=training)


def test_the_weights_of_timm_fit_in_order() -> None:
    with torch.device("meta"):
        reference = timm.create_model("mobilenetv1_100")
    pairs = transplant(reference, create("mobilenet_v1", device="meta"))
    assert pairs["stage4.3.depthwise.weight"] == "blocks.3.3.conv_dw.weight"
    assert pairs["stage5.1.norm2.running_var"] == "blocks.4.1.bn2.running_var"


# 75 is odd in the first halving, 19 in a later one, where Keras pads unlike TensorFlow's "same".
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("side", [64, 75])
@pytest.mark.parametrize("double", [False, True], ids=["single", "double"])
def test_outputs_and_gradients_are_kerass(side: int, training: bool, double: bool) -> None:
    torch.manual_seed(0)
    ours = create("mobilenet_v1_025", num_classes=10, **KERAS)
    reference = application(keras.applications.MobileNet, side, double=double, alpha=0.25, dropout=0.0)
    agree_with_keras(
        ours, reference, leaves(ours), weighted(reference), torch.randn(4, 3, side, side), training=training
    )


@pytest.mark.slow
@pytest.mark.parametrize("double", [False, True], ids=["single", "double"])
def test_the_full_width_is_kerass(double: bool) -> None:
    torch.manual_seed(0)
    ours = create("mobilenet_v1", num_classes=10, **KERAS)
    reference = application(keras.applications.MobileNet, 96, double=double)
    agree_with_keras(ours, reference, leaves(ours), weighted(reference), torch.randn(2, 3, 96, 96), training=False)


@pytest.mark.parametrize("knobs", [{"padding": "same"}, {"epsilon": 1e-3}], ids=["padding", "epsilon"])
def test_padding_and_epsilon_make_the_difference(knobs: dict[str, Any]) -> None:
    """With one of them alone Keras's weights give other numbers, or the two knobs would be for nothing."""
    torch.manual_seed(0)
    ours = create("mobilenet_v1_025", num_classes=10, **knobs)
    reference = application(keras.applications.MobileNet, 64, alpha=0.25)
    with pytest.raises(AssertionError, match="output differs"):
        agree_with_keras(ours, reference, leaves(ours), weighted(reference), torch.randn(2, 3, 64, 64), training=False)
