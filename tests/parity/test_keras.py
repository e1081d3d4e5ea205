"""Every layer, and whole networks, against Keras itself with the same random weights."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import tomllib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers

from layerlab.notation import KerasModel, load_keras_weights, read_keras, write_keras

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras's own
]

TOLERANCE = 1e-4
CASES = tomllib.loads((Path(__file__).parents[1] / "notation" / "layers.toml").read_text())


def keras_model(text: str) -> Any:
    """Return Keras's own network of ``text``: the tests may run it, the product never does."""
    names: dict[str, Any] = {"keras": keras, "layers": layers}
    exec(text, names)
    return names["model"]


def randomise(model: Any, seed: int = 0) -> list[np.ndarray]:
    """Give a Keras model random weights, batch-normalisation statistics too, and return them."""
    generator = np.random.default_rng(seed)
    weights = []
    for variable in model.weights:
        array = generator.normal(0, 0.4, variable.shape).astype("float32")
        weights.append(np.abs(array) + 0.3 if "variance" in variable.name else array)
    model.set_weights(weights)
    return weights


def to_torch(array: np.ndarray) -> torch.Tensor:
    """Return a Keras tensor, the batch included, in PyTorch's order."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.movedim(-1, 1).contiguous() if tensor.dim() >= 4 else tensor


def pair(text: str) -> tuple[KerasModel, Any]:
    """Return both networks of ``text`` with the same random weights."""
    reference = keras_model(text)
    model = read_keras(text)
    load_keras_weights(model, randomise(reference))
    return model.eval(), reference


def inputs_of(reference: Any, integers: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    shapes = [(3, *(size or 7 for size in tensor.shape[1:])) for tensor in reference.inputs]
    if integers:
        return [generator.integers(0, integers, shape) for shape in shapes]
    return [generator.normal(size=shape).astype("float32") for shape in shapes]


def compare(text: str, integers: int = 0) -> None:
    """Check that both networks of ``text`` give the same outputs."""
    model, reference = pair(text)
    arrays = inputs_of(reference, integers)
    expected = reference(arrays if len(arrays) > 1 else arrays[0], training=False)
    with torch.no_grad():
        outputs = model(*map(to_torch, arrays))
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert len(outputs) == len(expected)
    for output, reference_output, shape in zip(outputs, expected, model.output_shapes, strict=True):
        wanted = to_torch(reference_output.detach().cpu().numpy())
        assert output.shape == wanted.shape
        assert all(size in (None, actual) for size, actual in zip(shape, output.shape[1:], strict=True))
        torch.testing.assert_close(output, wanted, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize("layer", CASES["image"])
def test_layer_on_images(layer: str) -> None:
    compare(f"model = keras.Sequential([keras.Input((7, 9, 4)), layers.{layer}])")


@pytest.mark.parametrize("layer", CASES["sequence"])
def test_layer_on_sequences(layer: str) -> None:
    compare(f"model = keras.Sequential([keras.Input((9, 4)), layers.{layer}])")


@pytest.mark.parametrize("layer", CASES["volume"])
def test_layer_on_volumes(layer: str) -> None:
    compare(f"model = keras.Sequential([keras.Input((4, 5, 6, 3)), layers.{layer}])")


@pytest.mark.parametrize("layer", CASES["features"])
def test_layer_on_features(layer: str) -> None:
    compare(f"model = keras.Sequential([keras.Input((12,)), layers.{layer}])")


@pytest.mark.parametrize("name", CASES["activations"])
def test_activation(name: str) -> None:
    compare(f'model = keras.Sequential([keras.Input((5, 6, 3)), layers.Activation("{name}")])')
    compare(f'model = keras.Sequential([keras.Input((12,)), layers.Dense(5, activation="{name}")])')


@pytest.mark.parametrize("merge", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"])
def test_merging(merge: str) -> None:
    compare(
        "a = keras.Input((6, 5, 3))\nb = keras.Input((6, 5, 3))\n"
        f"model = keras.Model([a, b], layers.{merge}()([a, layers.Conv2D(3, 1)(b)]))"
    )


def test_concatenation_along_rows() -> None:
    compare("a = keras.Input((6, 5, 3))\nmodel = keras.Model(a, layers.Concatenate(axis=1)([a, a * 2.0]))")


def test_embedding() -> None:
    for rest in ("layers.Flatten()", "layers.LSTM(6)", "layers.GlobalAveragePooling1D()"):
        compare(f"model = keras.Sequential([keras.Input((8,)), layers.Embedding(20, 5), {rest}])", integers=20)
    compare("model = keras.Sequential([keras.Input((4, 3)), layers.Embedding(20, 5)])", integers=20)


NETWORKS = {
    "sequential": """
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.BatchNormalization(),
    layers.Conv2D(16, 3, strides=2, padding="same"),
    layers.LeakyReLU(),
    layers.Flatten(),
    layers.Dense(12, activation="elu"),
    layers.Dense(10, activation="softmax"),
])
""",
    "skips": """
inputs = keras.Input((16, 16, 3))
x = layers.Conv2D(16, 3, padding="same")(inputs)
x = layers.BatchNormalization()(x)
x = layers.ReLU()(x)
shortcut = layers.Conv2D(16, 1, strides=2)(x)
y = layers.SeparableConv2D(16, 3, strides=2, padding="same")(x)
y = layers.BatchNormalization()(y)
x = layers.Add()([y, shortcut])
z = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
x = layers.Concatenate()([z, inputs])
squeeze = layers.GlobalAveragePooling2D(keepdims=True)(x)
squeeze = layers.Dense(7, activation="sigmoid")(squeeze)
x = layers.Multiply()([x, squeeze])
x = layers.GlobalMaxPooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
""",
    "recurrent": """
model = keras.Sequential()
model.add(keras.Input((20, 6)))
model.add(layers.Conv1D(8, 3, padding="causal", activation="relu"))
model.add(layers.Bidirectional(layers.LSTM(7, return_sequences=True)))
model.add(layers.LayerNormalization())
model.add(layers.GRU(5, return_sequences=True, reset_after=False))
model.add(layers.TimeDistributed(layers.Dense(4, activation="tanh")))
model.add(layers.SimpleRNN(3))
model.add(layers.Dense(1))
""",
    "several inputs and outputs, a shared layer, operators": """
a = keras.Input((10,), name="first")
b = keras.Input((10,))
shared = layers.Dense(6, activation="relu")
left, right = shared(a), shared(b)
x = 3 - (left * right + 0.5 - 2) * 0.7
y = layers.concatenate([left, right])
y = layers.Dense(3)(y)
x = layers.Dense(4)(x / 2)
model = keras.Model(inputs=[a, b], outputs=[x, y])
""",
    "branches of different depth": """
inputs = keras.Input((9,))
late = layers.Dense(4)(inputs)
a = layers.Dense(4, activation="relu")(inputs)
a = layers.BatchNormalization()(a)
a = layers.Dense(4)(a)
b = layers.Dense(4)(inputs)
b = layers.Dense(4)(b)
model = keras.Model(inputs, layers.add([late, a, b]))
""",
    "a layer at two depths": """
inputs = keras.Input((6,))
shared = layers.Dense(6, activation="relu")
first = layers.Dense(6)
a = shared(first(inputs))
b = layers.Dense(6)(layers.Dense(6)(a))
model = keras.Model(inputs, layers.Add()([shared(b), layers.Dense(6)(shared(inputs))]))
""",
    "a layer first at a small depth": """
inputs = keras.Input((6,))
shared = layers.Dense(6, activation="relu")
near = shared(layers.Dense(6)(inputs))
far = layers.Dense(6)(layers.Dense(6)(shared(inputs)))
model = keras.Model(inputs, layers.Add()([near, far]))
""",
    "a layer in two networks": """
shared = layers.Dense(4, activation="relu")
inputs = keras.Input((4,))
first = keras.Sequential([keras.Input((4,)), shared], name="a")
second = keras.Sequential([keras.Input((4,)), shared, layers.Dense(4)], name="b")
model = keras.Model(inputs, layers.Add()([first(inputs), second(shared(inputs))]))
""",
    "networks inside a network": """
encoder = keras.Sequential([layers.Dense(6, activation="relu"), layers.Dense(3)], name="encoder")
code = keras.Input((3,))
decoder = keras.Model(code, layers.Dense(8)(layers.ReLU()(code)), name="decoder")
inputs = keras.Input((8,))
model = keras.Model(inputs, decoder(encoder(inputs)))
""",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str) -> None:
    compare(NETWORKS[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_written_keras_source_is_the_same_network(name: str) -> None:
    model, reference = pair(NETWORKS[name])
    again = keras_model(write_keras(model))
    again.set_weights(reference.get_weights())
    arrays = inputs_of(reference)
    expected = reference(arrays if len(arrays) > 1 else arrays[0], training=False)
    outputs = again(arrays if len(arrays) > 1 else arrays[0], training=False)
    for output, wanted in zip(_listed(outputs), _listed(expected), strict=True):
        torch.testing.assert_close(output, wanted, atol=1e-6, rtol=1e-6)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("kind", ["image", "sequence", "volume", "features"])
def test_keras_runs_what_is_written_of_each_layer(kind: str) -> None:
    shape = {"image": (7, 9, 4), "sequence": (9, 4), "volume": (4, 5, 6, 3), "features": (12,)}[kind]
    for layer in CASES[kind]:
        text = f"model = keras.Sequential([keras.Input({shape}), layers.{layer}])"
        again = keras_model(write_keras(read_keras(text)))
        assert [w.shape for w in again.weights] == [w.shape for w in keras_model(text).weights], layer


def test_training_mode_keeps_the_running_statistics_of_keras() -> None:
    text = (
        "model = keras.Sequential([keras.Input((4, 4, 3)), layers.BatchNormalization(momentum=0.8),"
        " layers.Flatten(), layers.BatchNormalization()])"
    )
    model, reference = pair(text)
    model.train()
    generator = np.random.default_rng(2)
    for _ in range(3):
        batch = generator.normal(1, 2, (5, 4, 4, 3)).astype("float32")
        expected = reference(batch, training=True).detach()
        torch.testing.assert_close(model(to_torch(batch)).detach(), expected, atol=TOLERANCE, rtol=TOLERANCE)
    read = [model.batch_normalization, model.batch_normalization_1]
    for ours, theirs in zip(read, [reference.layers[0], reference.layers[2]], strict=True):
        torch.testing.assert_close(ours.running_mean, theirs.moving_mean.value.data, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours.running_var, theirs.moving_variance.value.data, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["sequential", "skips", "recurrent"])
def test_gradients(name: str) -> None:
    """The gradient of a loss with respect to the input, and to the first and last kernels.

    No strided 1x1 convolution here has fewer than 16 channels: oneDNN overruns its memory there when channels stand
    last, as Keras has them.
    """
    model, reference = pair(NETWORKS[name])
    array = inputs_of(reference)[0]
    ours = to_torch(array).requires_grad_(True)
    theirs = torch.from_numpy(array).requires_grad_(True)
    model(ours).square().sum().backward()
    reference(theirs, training=False).square().sum().backward()
    wanted = to_torch(theirs.grad.numpy())
    torch.testing.assert_close(ours.grad, wanted, atol=TOLERANCE, rtol=1e-3)
    learned = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    trainable = [variable for variable in reference.weights if variable.trainable]
    assert len(learned) == len(trainable)
    total = sum(parameter.grad.square().sum() for parameter in model.parameters() if parameter.grad is not None)
    expected = sum(variable.value.grad.square().sum() for variable in trainable)
    torch.testing.assert_close(total, expected, rtol=1e-3, atol=1e-4)


def test_learned_parameters_are_those_of_keras() -> None:
    for text in NETWORKS.values():
        reference = keras_model(text)
        learned = sum(p.numel() for p in read_keras(text).parameters() if p.requires_grad)
        assert learned == sum(int(np.prod(v.shape)) for v in reference.trainable_weights)


@pytest.mark.parametrize(
    "layer",
    ["Dense(400)", "Conv2D(40, 5)", "DepthwiseConv2D(5, depth_multiplier=8)", "Conv2DTranspose(40, 5)", "LSTM(60)",
     "GRU(60)", "Embedding(500, 40)", 'Dense(400, kernel_initializer="he_normal")',
     'Dense(400, kernel_initializer=keras.initializers.RandomNormal(stddev=0.3), bias_initializer="ones")'],
)  # fmt: skip
def test_initial_weights_have_the_distribution_of_keras(layer: str) -> None:
    shape = {"L": (10, 50), "G": (10, 50), "C": (9, 9, 30), "D": (9, 9, 30), "E": (10,)}[layer[0]]
    text = f"model = keras.Sequential([keras.Input({shape}), layers.{layer}])"
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    reference, model = keras_model(text), read_keras(text)
    for (_, weight), array in zip(model.keras_weights, reference.get_weights(), strict=True):
        module, attribute, convert = weight.slots[0]
        ours = getattr(module, attribute).detach()
        if weight.name == "bias":  # of an LSTM too, whose forget gate begins at 1
            torch.testing.assert_close(ours, convert(torch.from_numpy(array)).reshape(ours.shape))
            continue
        assert ours.std() == pytest.approx(array.std(), rel=0.1, abs=1e-6)
        assert ours.abs().max() == pytest.approx(np.abs(array).max(), rel=0.25, abs=1e-6)
        assert ours.mean() == pytest.approx(array.mean(), abs=0.02)


def test_a_frozen_normalisation_keeps_to_its_statistics() -> None:
    text = "model = keras.Sequential([keras.Input((6,)), layers.BatchNormalization(trainable=False)])"
    model, reference = pair(text)
    batch = np.random.default_rng(4).normal(size=(5, 6)).astype("float32")
    before = model.state_dict()["batch_normalization.running_mean"].clone()
    expected = reference(batch, training=True).detach()
    torch.testing.assert_close(model.train()(torch.from_numpy(batch)), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(model.state_dict()["batch_normalization.running_mean"], before)


def test_training_on_one_row_gives_what_keras_gives() -> None:
    """PyTorch refuses to normalise one value for each channel; Keras does not."""
    text = "model = keras.Sequential([keras.Input((6,)), layers.BatchNormalization(momentum=0.9)])"
    model, reference = pair(text)
    row = np.random.default_rng(3).normal(size=(1, 6)).astype("float32")
    expected = reference(row, training=True).detach()
    torch.testing.assert_close(model.train()(torch.from_numpy(row)).detach(), expected, atol=1e-5, rtol=1e-5)
    theirs = reference.layers[0]
    torch.testing.assert_close(model.batch_normalization.running_mean, theirs.moving_mean.value.data)
    torch.testing.assert_close(model.batch_normalization.running_var, theirs.moving_variance.value.data)
