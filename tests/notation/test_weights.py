"""Keras's arrays into a network: order, shapes, and nothing half written."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from layerlab import LayerlabError
from layerlab.notation import KerasModel, load_keras_weights, read_keras

TEXT = "Sequential([Input((5, 5, 2)), Conv2D(3, 2), BatchNormalization(), Flatten(), Dense(4, use_bias=False)])"
SHAPES = [(2, 2, 2, 3), (3,), (3,), (3,), (3,), (3,), (48, 4)]


def arrays() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.uniform(0.1, 1, shape) for shape in SHAPES]


def network() -> KerasModel:
    return read_keras(TEXT)


def test_names_and_shapes_are_those_of_keras() -> None:
    expected = ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "kernel"]
    assert [weight.name for _, weight in network().keras_weights] == expected
    assert [weight.shape for _, weight in network().keras_weights] == SHAPES


def test_each_array_goes_to_its_place() -> None:
    model, given = network(), arrays()
    load_keras_weights(model, given)
    kernel = model.get_parameter("conv2d.weight").detach().numpy()
    np.testing.assert_allclose(kernel, given[0].transpose(3, 2, 0, 1), rtol=1e-6)
    np.testing.assert_allclose(model.get_buffer("batch_normalization.running_var").numpy(), given[5], rtol=1e-6)
    np.testing.assert_allclose(model.get_parameter("dense.weight").detach().numpy(), given[6].T, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:-1], '6 arrays are given and the network has 7: array 7 of 7, "kernel" of "dense", is missing'),
        (lambda a: [*a, a[1]], "8 arrays are given and the network has 7; the first too many is 3"),
        (lambda a: [a[1], a[0], *a[2:]], 'array 1 of 7, "kernel" of "conv2d", has the shape 3; expected 2x2x2x3'),
        (lambda a: [a[0], np.float32(1.0), *a[2:]], 'array 2 of 7, "bias" of "conv2d", has the shape (); expected 3'),
        (lambda a: [a[0], np.array(["a", "b", "c"]), *a[2:]], '"bias" of "conv2d", does not hold numbers'),
        (lambda a: [], "0 arrays are given and the network has 7"),
    ],
)
def test_arrays_that_do_not_fit_leave_the_network_as_it_was(change, message) -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(LayerlabError) as caught:
        load_keras_weights(model, change(arrays()))
    assert message in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_another_module_is_refused() -> None:
    with pytest.raises(LayerlabError, match="takes a network read from Keras source, not Linear"):
        load_keras_weights(torch.nn.Linear(1, 1), [])


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(LayerlabError, match="takes a list of arrays, not NoneType"):
        load_keras_weights(network(), None)


def test_tensors_and_lists_are_arrays_too() -> None:
    model, twin = network(), network()
    load_keras_weights(model, arrays())
    load_keras_weights(twin, [torch.from_numpy(array).requires_grad_() for array in arrays()])
    assert torch.equal(model.get_parameter("dense.weight"), twin.get_parameter("dense.weight"))
