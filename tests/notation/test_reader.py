# ruff: noqa: E501 - the texts are tables, a case a line
"""What people paste is read; what cannot be read is said in one sentence with the line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from layerlab import LayerlabError
from layerlab.notation import KerasModel, keras_layer_names, read_keras

EXAMPLE = Path(__file__).parents[2] / "examples" / "lecture.py"
LECTURE = EXAMPLE.read_text()


def refused(text: str) -> str:
    """Return the sentence with which ``text`` is refused."""
    with pytest.raises(LayerlabError) as caught:
        read_keras(text, "net.py")
    message = str(caught.value)
    assert "\n" not in message and len(message) < 300
    return message


def dense(body: str) -> KerasModel:
    return read_keras(f"model = keras.Sequential([keras.Input((8,)), {body}])")


# --- the lecture's network -------------------------------------------------------------------------------------------


def test_the_lecture() -> None:
    model = read_keras(LECTURE, "lecture.py")
    assert model.input_shape == (1, 28, 28)
    assert model.input_shapes == ((1, 28, 28),)
    assert model.output_shapes == ((10,),)
    assert (model.filename, model.source_text) == ("lecture.py", LECTURE)
    assert model.layer_names == [
        "conv2d", "max_pooling2d", "batch_normalization", "conv2d_1", "global_average_pooling",
        "batch_normalization_1", "dense", "dense_1",
    ]  # fmt: skip
    sizes = [sum(parameter.numel() for parameter in child.parameters()) for child in model.children()]
    assert sizes == [640, 0, 128, 73856, 0, 256, 66048, 5130]
    buffers = [sum(b.numel() for b in child.buffers() if b.dim()) for child in model.children()]
    assert buffers == [0, 0, 128, 0, 0, 256, 0, 0]


def test_child_number_four_is_the_second_convolution_with_its_activation() -> None:
    fourth = list(read_keras(LECTURE).children())[3]
    assert [name for name, _ in fourth.named_children()] == ["convolution", "activation"]
    assert isinstance(fourth.get_submodule("convolution"), nn.Conv2d)


def test_its_output_is_a_distribution_over_ten_classes() -> None:
    output = read_keras(LECTURE)(torch.rand(3, 1, 28, 28))
    assert output.shape == (3, 10)
    torch.testing.assert_close(output.sum(1), torch.ones(3))


def test_the_same_seed_gives_the_same_weights() -> None:
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(read_keras(LECTURE).state_dict()["dense.dense.weight"])
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


def test_every_layer_that_was_promised_is_read() -> None:
    promised = (
        "Dense Conv1D Conv2D Conv3D SeparableConv2D DepthwiseConv2D Conv2DTranspose MaxPooling1D MaxPooling2D"
        " AveragePooling1D AveragePooling2D GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D"
        " GlobalMaxPooling2D GlobalAveragePooling Flatten Reshape BatchNormalization LayerNormalization Dropout"
        " SpatialDropout2D Activation ReLU LeakyReLU ELU PReLU Softmax ZeroPadding2D UpSampling2D Rescaling Embedding"
        " SimpleRNN LSTM GRU Bidirectional TimeDistributed Add Concatenate"
    )
    assert set(promised.split()) <= set(keras_layer_names())


# --- as people paste it ----------------------------------------------------------------------------------------------

SMALL = "model = keras.Sequential([keras.Input((8,)), layers.Dense(4, activation='relu'), layers.Dense(2)])"


@pytest.mark.parametrize(
    "text",
    [
        f"import keras\nfrom keras import layers\n{SMALL}",
        "from tensorflow import keras\nfrom tensorflow.keras import layers as L\n" + SMALL.replace("layers.", "L."),
        "import tensorflow as tf\n" + SMALL.replace("layers.", "tf.keras.layers.").replace("keras.S", "tf.keras.S"),
        "from keras.models import Sequential as S\nfrom keras.layers import Dense as D, Input\n"
        "net = S([Input((8,)), D(4, 'relu'), D(2)])",
        SMALL.replace("layers.", "L."),
        f"\n\n    {SMALL}\n\n",
        f"Here is my network:\n```python\n{SMALL}\n```\nIt does not (learn.",
        f"```\n{SMALL}",
        f">>> {SMALL}\n>>> model.summary()\nModel: 'sequential'\n| Layer (type) |",
        f'"""A docstring."""\n# a comment\n%matplotlib inline\n!pip install keras\n{SMALL}',
        SMALL.replace("'relu'", "“relu”"),
        SMALL.replace("'relu'", "tf.nn.relu").replace("(8,)", "shape=[8]"),
        SMALL.replace("'relu'", "keras.activations.relu"),
        "\ufeff" + SMALL.replace("; ", "\r\n"),
        f"(a, b), (c, d) = keras.datasets.mnist.load_data()\na = a.reshape(-1, 8) / 255\n{SMALL}\n"
        "model.compile(optimizer=keras.optimizers.Adam(1e-3), loss='mse')\nhistory = model.fit(a, b)\n"
        "print(model.summary())\nfor x in history:\n    print(x)\ndef plot(h):\n    return h\n",
        f"if __name__ == '__main__':\n    {SMALL}",
        f"with strategy.scope():\n    {SMALL}",
        "model = Sequential()\nmodel.add(Dense(4, input_dim=8))\nmodel.add(Activation('relu'))\nmodel.add(Dense(2))",
        "model = Sequential()\nmodel.add(keras.Input((8,)))\nmodel.add(Dense(4, activation='relu'))\nmodel.add(Dense(2))",
        "model = Sequential([Dense(4, activation='relu', input_shape=(8,)), Dense(2)])",
        "model = Sequential([InputLayer(input_shape=(8,)), Dense(4), ReLU(), Dense(2)])",
        "model = Sequential([Dense(4), ReLU(), Dense(2)])\nmodel.build((None, 8))",
        "model = Sequential(layers=[keras.Input(batch_shape=(None, 8)), Dense(4), Dense(2)], name='small')",
        "n, *rest = 4, 5\nSIZES = {'in': 8}\nkw = dict\nc = {'units': 2}\n"
        "model = Sequential([Input((SIZES['in'],)), Dense(2 * n // 2), Dense(**c)])",
        "x = Input((8,))\ny = Dense(2)(keras.activations.relu(Dense(4)(x)))\nmodel = keras.Model(x, y)",
        "x = Input((8,))\nd = Dense(4)\ny = d(inputs=x)\nz = Dense(2)(y)\nmodel = keras.models.Model(inputs=[x], outputs=[z])",
        "widths = [8, 4]\nwidths = widths + [2]\nwide: int = widths[-2]\nwide += 1\nwide -= 1\n"
        "model = Sequential([Input(tuple(widths[:1])), Dense(wide), Dense(min(widths))])",
    ],
)
def test_pasted_text_is_read(text: str) -> None:
    model = read_keras(text)
    assert model.input_shape == (8,)
    assert model.output_shapes == ((2,),)
    assert model(torch.zeros(3, 8)).shape == (3, 2)


def test_the_network_called_model_is_taken_and_else_the_last() -> None:
    two = "first = Sequential([Input((3,)), Dense(1)])\nlast = Sequential([Input((3,)), Dense(2)])"
    assert read_keras(two).output_shapes == ((2,),)
    assert read_keras(two.replace("first", "model")).output_shapes == ((1,),)


def test_images_of_any_size() -> None:
    model = read_keras("Sequential([Input((None, None, 3)), Conv2D(4, 3), GlobalAveragePooling2D(), Dense(2)])")
    assert model.input_shape == (3, None, None)
    for size in (9, 20):
        assert model(torch.zeros(1, 3, size, size)).shape == (1, 2)


def test_words_of_any_number() -> None:
    model = read_keras("Sequential([Embedding(100, 8), LSTM(4), Dense(1, activation='sigmoid')])")
    assert model.input_shape == (None,)
    assert model(torch.randint(100, (2, 7))).shape == model(torch.randint(100, (2, 9)).float()).shape == (2, 1)


def test_a_layer_that_is_called_twice_has_one_set_of_weights() -> None:
    model = read_keras("x = Input((4,))\nd = Dense(4)\nmodel = keras.Model(x, d(d(x)))")
    assert model.layer_names == ["dense"]
    assert sum(parameter.numel() for parameter in model.parameters()) == 20


def test_a_layer_and_the_ends_of_a_network_that_was_made_before() -> None:
    """The second network of the autoencoder that every tutorial has."""
    model = read_keras(
        "picture = Input((8,))\ncode = Dense(3)(picture)\nwhole = keras.Model(picture, Dense(8, name='last')(code))\n"
        "decoder_input = Input((3,))\nmodel = keras.Model(decoder_input, whole.layers[-1](decoder_input))"
    )
    assert (model.input_shape, model.layer_names) == ((3,), ["last"])
    longer = read_keras(
        "x = Input((8,))\nbase = keras.Model(x, Dense(3)(x))\nmodel = keras.Model(base.input, Dense(2)(base.output))"
    )
    assert longer.layer_names == ["dense", "dense_1"]


def test_names() -> None:
    body = "Dense(2, name='forward'), Dense(2, name='block/1.x'), Dense(2, name='1'), Dense(2, name='dense'), Dense(2)"
    assert dense(body).layer_names == ["forward_", "block_1_x", "layer_1", "dense", "dense_1"]


def test_automatic_numbers_follow_the_order_in_which_layers_are_made() -> None:
    model = read_keras("first = Dense(3)\nsecond = Dense(8)\nm = Sequential([Input((8,)), second, first])")
    assert model.layer_names == ["dense_1", "dense"]


def test_an_input_that_no_output_needs() -> None:
    model = read_keras("a = Input((3,))\nb = Input((4,))\nm = keras.Model([a, b], Dense(2)(a))")
    assert model(torch.zeros(5, 3), torch.zeros(5, 4)).shape == (5, 2)


def test_automatic_names_are_those_of_keras() -> None:
    body = "LeakyReLU(), PReLU(), ELU(), ReLU(), BatchNormalization(), Reshape((8, 1)), SimpleRNN(3), LeakyReLU()"
    assert dense(body).layer_names == [
        "leaky_re_lu", "p_re_lu", "elu", "re_lu", "batch_normalization", "reshape", "simple_rnn", "leaky_re_lu_1",
    ]  # fmt: skip


def test_a_layer_that_is_not_trainable_is_frozen() -> None:
    for text in (
        "model = Sequential([Input((4,)), Dense(4, trainable=False)])",
        "model = Sequential([Input((4,)), Dense(4)])\nmodel.layers[0].trainable = False",
        "d = Dense(4)\nd.trainable = False\nmodel = Sequential([Input((4,)), d])",
        "model = Sequential([Input((4,)), Dense(4)])\nmodel.trainable = False",
        "x = Input((4,))\ne = Sequential([Dense(3)])\nmodel = keras.Model(x, Dense(2)(e(x)))\nmodel.trainable = False",
    ):
        assert not any(parameter.requires_grad for parameter in read_keras(text).parameters())


def test_what_does_not_change_the_output_is_accepted() -> None:
    model = dense(
        "Dense(4, kernel_regularizer=keras.regularizers.l2(1e-4), bias_constraint=max_norm(2.0), dtype='float32',"
        " kernel_initializer=keras.initializers.HeNormal(seed=0), activity_regularizer='l1'), Dropout(0.5, seed=SEED)"
    )
    assert model.layer_names == ["dense", "dropout"]


def test_an_activation_may_be_a_layer() -> None:
    activation = dense("Dense(4, activation=layers.LeakyReLU(alpha=0.1))").get_submodule("dense.activation")
    assert isinstance(activation, nn.LeakyReLU) and activation.negative_slope == 0.1


@pytest.mark.parametrize(
    ("layer", "slope"), [("LeakyReLU()", 0.3), ("LeakyReLU(0.1)", 0.1), ("Activation('leaky_relu')", 0.2)]
)
def test_slopes_are_those_of_keras(layer: str, slope: float) -> None:
    assert next(dense(layer).children()).negative_slope == slope


def test_batch_normalisation_has_the_momentum_and_epsilon_of_keras() -> None:
    norm = next(dense("BatchNormalization()").children())
    assert isinstance(norm, nn.BatchNorm1d)
    assert (norm.momentum, norm.eps) == (0.01, 0.001)


def test_an_even_kernel_pads_more_at_the_end() -> None:
    model = read_keras("Sequential([Input((4, 4, 1)), Conv2D(1, 2, padding='same', use_bias=False)])")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
    assert model(torch.ones(1, 1, 4, 4))[0, 0, -1].tolist() == [2.0, 2.0, 2.0, 1.0]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Conv2D(64", "Conv2d(64", 'net.py line 6: unknown layer "Conv2d"; did you mean "Conv2D"?'),
        ("kernel_size=(3, 3), activation=\"relu\"),\n        layers.Max",
         "kernal_size=(3, 3), activation=\"relu\"),\n        layers.Max",
         'net.py line 6: Conv2D has no argument "kernal_size"; did you mean "kernel_size" or'),
        ('"relu"', '"rleu"', 'net.py line 6: Conv2D "conv2d" has the unknown activation "rleu"; did you mean "relu"'),
        ("NUM_CLASSES = 10", "NUM_CLASES = 10",
         'net.py line 13: Dense needs units, and the text never assigns "NUM_CLASSES"; did you mean "NUM_CLASES"?'),
        ("NUM_CLASSES = 10", "NUM_CLASSES = len(set(y))",
         "net.py line 13: Dense needs units, which cannot be computed from the text (line 2: len(set(y)))"),
        ("28, 28, 1", "3, 3, 1", 'net.py line 7: MaxPooling2D "max_pooling2d" has a window of 2x2 and gets only 1x1'),
        ("28, 28, 1", "28, 28", 'net.py line 6: Conv2D "conv2d" takes (height, width, channels) and gets 28x28'),
        ("28, 28, 1", "28, 0, 1", "net.py line 5: the Input has shape=(28, 0, 1); expected whole numbers of at least 1"),
        ("(2, 2)", "(2, 2, 2)",
         'net.py line 7: MaxPooling2D "max_pooling2d" has pool_size=(2, 2, 2); expected a whole number of at least 1'),
        ("512", "-3", 'net.py line 12: Dense "dense" has units=-3; expected a whole number of at least 1'),
        ("512", "10**12", 'net.py line 12: Dense "dense" has units=1000000000000; expected'),
        ("512", "10**8", 'net.py line 12: Dense "dense" brings the network to 12,800,075,264 parameters'),
        ("512", "10**10**10", "net.py line 12: Dense needs units, which cannot be computed from the text"),
        ("        keras.Input(shape=input_shape),\n", "", "net.py line 3: the network has no Input; begin it with"),
        ('"softmax"),\n    ]', '"softmax")\n    ', "net.py line 15: this is not Python: "),
    ],
)  # fmt: skip
def test_a_mistake_in_the_lecture(old: str, new: str, message: str) -> None:
    assert old in LECTURE
    assert refused(LECTURE.replace(old, new)).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "net.py makes no network; expected keras.Sequential([...])"),
        ("x = Input((3,))\ny = Dense(2)(x)", "net.py makes no network; end with keras.Model(inputs, outputs)"),
        ("def build():\n    return Sequential([])", "net.py line 1: what is inside the function is not read"),
        (
            "m = Sequential()\nfor i in range(3):\n    m.add(Dense(3))",
            'net.py line 2: what is inside "for" is not read',
        ),
        (
            "if big:\n    n = 9\nm = Sequential([Input((3,)), Dense(n)])",
            "net.py line 3: Dense needs units, which cannot",
        ),
        ("m = Sequential([Input((3,)), foo(3)])", 'net.py line 1: unknown layer "foo"; expected a layer of Keras'),
        (
            "x = Input((3,))\ny = Dens(3)(x)\nz = Dense(3)(y)",
            'net.py line 2: unknown layer "Dens"; did you mean "Dense"?',
        ),
        ("m = Sequential([Input((3,)), nn.Linear(3, 4)])", 'net.py line 1: unknown layer "Linear"'),
        (
            "m = Sequential([Input((3,)), Lambda(abs)])",
            'net.py line 1: Keras has the layer "Lambda", but it is not read',
        ),
        ("m = Sequential([Input((3,)), Dense])", "net.py line 1: Dense is not called; write Dense(...)"),
        ("m = Sequential(Input((3,)), Dense(4))", "net.py line 1: Sequential takes a list of layers"),
        ("m = Sequential([Input((3,)), Dense()])", 'net.py line 1: Dense "dense" needs the argument "units"'),
        ("m = Sequential([Input((3,)), Dense(True)])", 'net.py line 1: Dense "dense" has units=True; expected'),
        ("m = Sequential([Input((3,)), Dense(2, units=3)])", 'net.py line 1: Dense is given "units" twice'),
        ("m = Sequential([Input((3,)), Dropout(1.5)])", "has rate=1.5; expected a number from 0 to 1"),
        ("m = Sequential([Input((3,)), Dense(4), LSTM(3)])", 'LSTM "lstm" takes (steps, features) and gets 4'),
        ("m = Sequential([Embedding(9, 4, mask_zero=True)])", "has mask_zero=True, which is not supported here"),
        ("m = Sequential([Input((9, 4)), GRU(4, return_state=True)])", "has return_state=True, which is not supported"),
        ("m = Sequential([Input((9, 4)), GRU(4, recurrent_dropout=0.2)])", "has recurrent_dropout=0.2, which is not"),
        (
            "m = Sequential([Input((9, 4)), Bidirectional(Dense(4))])",
            "expected a recurrent layer: SimpleRNN, LSTM, GRU",
        ),
        ("m = Sequential([Input((9, 4)), Bidirectional(LSTN(4))])", 'unknown layer "LSTN"; did you mean "LSTM"?'),
        ("m = Sequential([Input((None, None, 3)), Flatten()])", "needs to know its full size, and its input is ?x?x3"),
        ("m = Sequential([Input((5, 5, 3)), Conv2D(4, 3, padding='smae')])", '"valid" or "same"; did you mean "same"?'),
        (
            "m = Sequential([Input((5, 5, 3)), Conv2D(4, 3, groups=2)])",
            "has groups=2, which must divide its 3 channels",
        ),
        ("m = Sequential([Input((5, 5, 3)), Conv2D(4, 3, data_format='channels_first')])", 'expected "channels_last"'),
        (
            "m = Sequential([Input((5, 5, 3)), Conv2D(4, 3, 2, dilation_rate=2)])",
            "both greater than 1, which Keras refuses",
        ),
        ("m = Sequential([Input((5, 5, 3)), Reshape((7, 11))])", "cannot make 7x11 of 5x5x3, which has 75 values"),
        ("m = Sequential([Input((5, 5, 3)), LayerNormalization(axis=1)])", "has axis=1; expected the last axes"),
        (
            "m = Sequential([Input((3,)), Dense(4, kernel_initializer='he_norml')])",
            'unknown initializer "he_norml"; did',
        ),
        ("m = Sequential([Input((3,)), Dense(4, lora_rank=2)])", "has lora_rank=2, which is not supported here"),
        (
            "a = Input((3,))\nb = Input((4,))\nm = keras.Model([a, b], Add()([a, b]))",
            "gets 3 and 4; expected one shape",
        ),
        ("a = Input((3,))\nb = Input((4,))\nm = keras.Model(a, Concatenate()([a, b]))", "an Input that is not among"),
        ("a = Input((3,))\nm = keras.Model(a, Add()(a))", "takes a list of at least two tensors"),
        ("a = Input((3,))\nm = keras.Model(a, Dense(2)([a, a]))", "takes one tensor and gets 2"),
        ("a = Input((3,))\nm = keras.Model(a, a ** 2)", "this arithmetic on tensors is not read"),
        ("a = Input((3,))\nm = keras.Model(a, Dropout(0.5)(a, training=True))", "with training= is not read"),
        ("d = Dense(3)\nm = Sequential([Input((3,)), d, d])", "the same Dense is added twice; make a second layer"),
        ("d = Dense(4)\na = Input((3,))\nm = keras.Model(a, d(d(a)))", 'Dense "dense" is used again for 4, but its'),
        ("m = Sequential([Input((3,)), Dense(2, name='a'), Dense(2, name='a')])", 'a second layer with name="a"'),
        (
            "a = Input((3,))\nm = keras.Model(a, a)\nm.add(Dense(2))",
            ".add() takes one layer, and belongs to a Sequential",
        ),
        ("m = Sequential([Input((3,)), Dense(2)])\nm.pop()", ".pop() is not read; write the layers in the order"),
        ("m = Sequential([Input((3,)), Dense(2)])\nm.layers[0].activation = None", "setting .activation is not read"),
        ("m = Sequential([Input((3,)), Dense(2)])\nm.optimizer.rate = 1", "setting .rate is not read"),
        (
            "m = Sequential([Input((3,)), Dense(2)])\nm.add(Input((3,)))",
            "an Input is the first of a Sequential's layers",
        ),
        ("m = Sequential([Input((3,)), Dense(2)], nam='x')", 'Sequential has no argument "nam"; did you mean "name"?'),
        ("m = Sequential([Input(shap=(3,)), Dense(2)])", 'Input has no argument "shap"; did you mean "shape"?'),
        ("m = Sequential([Input((3,)), Dense(2)], trainable=False)", "Sequential with trainable= is not read"),
        ("l = [Dense(2)]\nl.append(Dense(3))\nm = Sequential(l)", "cannot be computed from the text"),
        ("m = Sequential([Input((3, 3, 3)), UpSampling2D(10**9)])", "expected axes of 1 to 2,147,483,647"),
        ("x\0y", "net.py line 1: a null character"),
        ("x = 1\n\ud800", "net.py cannot be read as Python"),
        ("x = " + "9" * 5000, "a number has thousands of digits"),
        ("(" * 5000, "this is not Python: too many nested parentheses"),
        ("x = " + "+".join("1" * 20000), "net.py is nested too deeply to be read"),
        ("x" * 1_000_001, "net.py has 1,000,001 characters; expected at most 1,000,000"),
        ("a = [1]\n" + "a = [a, a]\n" * 60 + "m = Sequential([Input(a)])", "cannot be computed from the text"),
        ("m = Sequential([Input((3,)), Dense(2)])\n" + "m = Sequential([Input((3,)), m])\n" * 50, "more than 30 deep"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, message: str) -> None:
    began = time.monotonic()
    assert message in refused(text)
    assert time.monotonic() - began < 5


def test_a_path_is_not_a_text() -> None:
    with pytest.raises(LayerlabError, match="takes the text itself, not PosixPath; read the file first"):
        read_keras(EXAMPLE)


def test_doubling_graphs_take_no_doubling_time() -> None:
    graph = read_keras("a = Input((3,))\nx = a\n" + "x = x + x\n" * 100 + "m = keras.Model(a, x)")
    assert len(graph.layer_names) == 100


def test_long_networks_are_read() -> None:
    model = read_keras("a = Input((3,))\nx = a\n" + "x = Dense(3)(x)\n" * 1500 + "m = keras.Model(a, x)")
    assert len(model.layer_names) == 1500


def test_parameters_are_those_that_keras_has() -> None:
    model = read_keras(
        "m = keras.Sequential([keras.Input((5, 16)), layers.LSTM(8), layers.BatchNormalization(scale=False)])"
    )
    assert sum(parameter.numel() for parameter in model.parameters()) == 4 * (16 * 8 + 8 * 8 + 8) + 8
