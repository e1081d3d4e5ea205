"""Flattening in Keras's order."""

from __future__ import annotations

import pytest
import torch

from layerlab import LayerlabError
from layerlab.layers import ChannelsLastFlatten, Flatten


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6)])
def test_the_channels_are_the_fastest_index(shape):
    x = torch.arange(torch.Size(shape).numel()).reshape(shape)
    as_keras_has_it = x.movedim(1, -1).contiguous()
    assert torch.equal(ChannelsLastFlatten()(x), as_keras_has_it.reshape(shape[0], -1))


def test_torchs_flatten_has_the_same_numbers_in_another_order():
    x = torch.arange(24).reshape(1, 2, 3, 4)
    assert not torch.equal(ChannelsLastFlatten()(x), Flatten()(x))
    assert torch.equal(ChannelsLastFlatten()(x).sort().values, Flatten()(x))


def test_channels_last_memory_is_not_copied():
    x = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert ChannelsLastFlatten()(x).data_ptr() == x.data_ptr()


def test_an_input_without_channels_is_refused():
    with pytest.raises(
        LayerlabError, match=r"^ChannelsLastFlatten takes \(N, C, \.\.\.\), and its input has shape \(3,\)$"
    ):
        ChannelsLastFlatten()(torch.zeros(3))
