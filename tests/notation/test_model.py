"""A network that was read is a PyTorch module like any other."""

from __future__ import annotations

import copy
import io
import pickle
import weakref
from pathlib import Path

import pytest
import torch

from layerlab import LayerlabError
from layerlab.notation import KerasModel, load_keras_weights, read_keras

TEXTS = {
    "lecture": (Path(__file__).parents[2] / "examples" / "lecture.py").read_text(),
    "skip": (
        "x = Input((8, 8, 3))\ny = Conv2D(4, 3, strides=2, padding='same')(x)\ny = BatchNormalization()(y)\n"
        "z = Conv2D(4, 1, activation='relu')(y)\ny = Add()([y, z])\n"
        "y = Flatten()(AveragePooling2D(3, padding='same')(y))\n"
        "head = Sequential([Dense(5), LeakyReLU()])\nmodel = keras.Model(x, [head(y), y])"
    ),
    "recurrent": (
        "model = Sequential([Input((9, 4)), Conv1D(6, 3, padding='causal'),"
        " Bidirectional(LSTM(5, return_sequences=True)),"
        " GRU(4, reset_after=False, dropout=0.2), Dense(2, activation='softmax')])"
    ),
}  # fmt: skip


@pytest.fixture(params=TEXTS)
def model(request: pytest.FixtureRequest) -> KerasModel:
    return read_keras(TEXTS[request.param]).eval()


def example(model: KerasModel) -> torch.Tensor:
    return torch.randn(2, *model.input_shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")  # PyTorch's own, for its nn.LSTM
def test_it_exports(model: KerasModel) -> None:
    x = example(model)
    exported = torch.export.export(model, (x,))
    torch.testing.assert_close(exported.module()(x), model(x))


def test_a_copy_has_its_own_weights(model: KerasModel) -> None:
    twin = copy.deepcopy(model)
    x = example(model)
    before = model(x)
    torch.testing.assert_close(twin(x), before)
    load_keras_weights(twin, [torch.rand(weight.shape).numpy() for _, weight in twin.keras_weights])
    torch.testing.assert_close(model(x), before)
    assert not torch.equal(next(twin.parameters()), next(model.parameters()))


def test_it_is_pickled(model: KerasModel) -> None:
    x = example(model)
    torch.testing.assert_close(pickle.loads(pickle.dumps(model))(x), model(x))  # noqa: S301 - our own bytes


def test_its_weights_are_saved_and_loaded(model: KerasModel) -> None:
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    again = read_keras(model.source_text).eval()
    again.load_state_dict(torch.load(buffer, weights_only=True))
    torch.testing.assert_close(again(example(model)), model(example(model)))


def test_it_is_built_on_the_meta_device(model: KerasModel) -> None:
    with torch.device("meta"):
        empty = read_keras(model.source_text).eval()
        assert all(parameter.is_meta for parameter in empty.parameters())
        output = empty(torch.empty(2, *model.input_shape))
    shapes = [output.shape] if isinstance(output, torch.Tensor) else [part.shape for part in output]
    assert [tuple(shape[1:]) for shape in shapes] == list(model.output_shapes)


def test_its_random_numbers_are_pytorchs(model: KerasModel) -> None:
    """Reading draws from the global generator and leaves the default device and dtype alone."""
    device, dtype = torch.get_default_device(), torch.get_default_dtype()
    read_keras(model.source_text)
    assert (torch.get_default_device(), torch.get_default_dtype()) == (device, dtype)


def test_every_parameter_that_learns_gets_a_gradient(model: KerasModel) -> None:
    model.train()
    output = model(example(model))
    parts = [output] if isinstance(output, torch.Tensor) else list(output)
    sum((part.square() * torch.rand(part.shape)).sum() for part in parts).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None if parameter.requires_grad else parameter.grad is None, name


def test_the_wrong_number_of_inputs_is_said() -> None:
    with pytest.raises(LayerlabError, match="the network takes 1 inputs, not 2"):
        read_keras(TEXTS["lecture"])(torch.zeros(1), torch.zeros(1))


def test_an_image_goes_where_the_text_takes_its_pixels() -> None:
    """``Flatten(input_shape=(28, 28))`` and ``Input((784,))`` are how first networks for digits are written."""
    image = torch.rand(2, 1, 6, 5)
    row = read_keras("m = Sequential([Input((30,)), Dense(4)])")
    matrix = read_keras("m = Sequential([Flatten(input_shape=(6, 5)), Dense(4)])")
    matrix.load_state_dict(row.state_dict())
    torch.testing.assert_close(row(image), row(image.flatten(1)))
    torch.testing.assert_close(matrix(image), row(image))
    colours = torch.rand(2, 3, 2, 5)
    torch.testing.assert_close(row(colours), row(colours.permute(0, 2, 3, 1).flatten(1)))


def test_tensors_are_forgotten_once_nobody_needs_them() -> None:
    plan = read_keras(TEXTS["skip"]).plan
    forgotten = [number for step in plan.steps for number in step.last_uses]
    assert sorted(forgotten) == sorted({source for step in plan.steps for source in step.sources} - set(plan.outputs))
    assert len(forgotten) == len(set(forgotten))


def test_a_forgotten_tensor_takes_no_memory() -> None:
    model = read_keras("m = Sequential([Input((4,)), Dense(4), Dense(4), Dense(4)])")
    first: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []
    model.get_submodule("dense").register_forward_hook(lambda module, given, output: first.append(weakref.ref(output)))
    model.get_submodule("dense_2").register_forward_pre_hook(lambda module, given: alive.append(first[0]() is not None))
    with torch.no_grad():
        model(torch.zeros(2, 4))
    assert alive == [False]


def test_dropout_in_a_recurrent_layer_leaves_out_the_same_features_at_all_steps() -> None:
    from layerlab.notation.modules.recurrent import StepDropout

    torch.manual_seed(0)
    kept = StepDropout(0.5).train()(torch.ones(4, 6, 8))
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert set(kept.unique().tolist()) == {0.0, 2.0}
