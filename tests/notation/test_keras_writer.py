"""The Keras source that is written is read as the same network. (That Keras runs it is tested beside Keras.)"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab import LayerlabError
from layerlab.notation import KerasModel, load_keras_weights, read_keras, write_keras

HERE = Path(__file__).parent
CASES = tomllib.loads((HERE / "layers.toml").read_text())
SHAPES = {"image": (7, 9, 4), "sequence": (9, 4), "volume": (4, 5, 6, 3), "features": (12,)}
OLD_WORDS = {"alpha": "negative_slope", "input_shape": None}


def check(text: str) -> str:
    """Write, read again, and compare names, arguments, arrays and outputs. Return what was written."""
    model = read_keras(text)
    written = write_keras(model)
    again = read_keras(written)
    assert again.layer_names == model.layer_names or "GlobalAveragePooling()" in text
    assert again.input_shapes == model.input_shapes and again.output_shapes == model.output_shapes
    assert write_keras(again) == written
    arrays = [torch.rand(weight.shape).numpy() * 0.3 for _, weight in model.keras_weights]
    load_keras_weights(model, arrays)
    load_keras_weights(again, arrays)
    inputs = [torch.rand(2, *(size or 5 for size in shape)) for shape in model.input_shapes]
    torch.testing.assert_close(again.eval()(*inputs), model.eval()(*inputs))
    return written


def arguments(model: KerasModel) -> list[Any]:
    return [(step.layer.kind, step.layer.arguments) for step in model.plan.steps]


def test_the_lecture() -> None:
    written = check((HERE.parents[1] / "examples" / "lecture.py").read_text())
    assert written == (HERE / "golden" / "lecture_keras.py").read_text()


@pytest.mark.parametrize("kind", SHAPES)
def test_each_layer(kind: str) -> None:
    for layer in CASES[kind]:
        text = f"keras.Sequential([keras.Input({SHAPES[kind]}), layers.{layer}])"
        check(text)
        if layer.startswith(("Bidirectional", "TimeDistributed", "AveragePooling")):
            continue  # their layers are compared by identity; Keras 3 has no default pool_size
        assert arguments(read_keras(write_keras(read_keras(text)))) == arguments(read_keras(text)), layer


def test_a_graph_with_all_that_graphs_have() -> None:
    written = check(
        "a = Input((6, 6, 3), name='picture')\nb = Input((10,))\nx = Conv2D(10, 3)(a)\n"
        "y = Conv2D(10, 1, name='chosen')(x)\nz = Conv2D(10, 1)(x)\nx = Add()([z, y])\n"
        "x = GlobalAveragePooling2D()(x)\nd = Dense(10)\nx = d(d(x))\n"
        "e = Sequential([Dense(10), ReLU()], name='inner')\n"
        "m = keras.Model([a, b], [e(x * b), x / 2 + 1], name='net')"
    )
    assert 'picture = keras.Input(shape=(6, 6, 3), name="picture")' in written
    assert "shared_dense = layers.Dense(10)" in written
    assert 'name="net"' in written


def test_a_layer_that_two_networks_share() -> None:
    text = (
        "d = Dense(4, activation='relu')\nx = Input((4,))\na = Sequential([Input((4,)), d], name='a')\n"
        "b = Sequential([d, Dense(4)], name='b')\nm = keras.Model(x, [a(x), b(d(x))])"
    )
    model = read_keras(text)
    assert len(model.keras_weights) == 4
    assert sum(parameter.numel() for parameter in model.parameters()) == 40
    assert sum(parameter.numel() for parameter in read_keras(check(text)).parameters()) == 40


def test_automatic_numbers_survive_another_order() -> None:
    """The branch that the text makes second is written first: its layer then needs its name."""
    check("x = Input((4,))\na = Dense(3)(x)\nb = Dense(3)(x)\nb = Dense(3)(b)\nm = keras.Model(x, Subtract()([b, a]))")


def test_what_does_not_change_the_output_is_written_too() -> None:
    written = check(
        "Sequential([Input((4,)), Dense(4, activation=tf.nn.relu, kernel_regularizer=l2(0.01), trainable=False,"
        " kernel_initializer=keras.initializers.RandomNormal(stddev=0.1), kernel_constraint=max_norm(2))])"
    )
    assert written.splitlines()[6].strip() == (
        'layers.Dense(4, activation="relu", kernel_initializer=keras.initializers.RandomNormal(stddev=0.1),'
        " kernel_regularizer=keras.regularizers.l2(0.01), kernel_constraint=keras.constraints.max_norm(2),"
        " trainable=False),"
    )


def test_old_words_are_written_in_the_new_way() -> None:
    written = check("m = Sequential([Dense(4, input_dim=8), LeakyReLU(alpha=0.1), Dense(2, input_shape=(4,))])")
    assert "LeakyReLU(negative_slope=0.1)" in written
    assert "input_dim" not in written and "input_shape" not in written


def test_strings_with_quotes() -> None:
    check("m = Sequential([Input((4,)), Dense(4, name='it\\'s \"odd\"')])")


def test_another_module_is_refused() -> None:
    with pytest.raises(LayerlabError, match="takes a network read from Keras source, not Linear"):
        write_keras(nn.Linear(1, 1))  # type: ignore[arg-type]
