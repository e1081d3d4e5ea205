"""The PyTorch source that is written: runs by itself, gives the same outputs, and is a text that people read."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab import LayerlabError
from layerlab.notation import KerasModel, read_keras, write_pytorch

HERE = Path(__file__).parent
CASES = tomllib.loads((HERE / "layers.toml").read_text())
SHAPES = {"image": (7, 9, 4), "sequence": (9, 4), "volume": (4, 5, 6, 3), "features": (12,)}


def run(source: str) -> Any:
    """Return the class ``Network`` of written source."""
    names: dict[str, Any] = {"__name__": "written"}
    exec(compile(source, "written.py", "exec"), names)
    return names["Network"]


def check(model: KerasModel) -> None:
    """The written network takes the weights of ``model`` and gives its outputs."""
    generator = torch.Generator().manual_seed(0)
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point() and (tensor.requires_grad or not isinstance(tensor, nn.Parameter)):
            tensor.data.copy_(torch.rand(tensor.shape, generator=generator) * 0.8 + 0.1)
    written = run(write_pytorch(model))()
    kept = {name for name, parameter in written.named_parameters() if not parameter.requires_grad}
    assert kept == {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    written.load_state_dict(model.state_dict())
    inputs = [torch.randn(2, *(size or 8 for size in shape), generator=generator) for shape in model.input_shapes]
    with torch.no_grad():
        torch.testing.assert_close(written.eval()(*inputs), model.eval()(*inputs))


@pytest.mark.parametrize("kind", SHAPES)
def test_each_layer(kind: str) -> None:
    for layer in CASES[kind]:
        check(read_keras(f"keras.Sequential([keras.Input({SHAPES[kind]}), layers.{layer}])"))


def test_each_activation() -> None:
    for name in CASES["activations"]:
        check(read_keras(f'keras.Sequential([keras.Input((6, 5, 3)), layers.Conv2D(4, 3, activation="{name}")])'))
        check(read_keras(f'keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Activation("{name}")])'))


@pytest.mark.parametrize(
    "layer",
    ['Conv2D(4, 3, strides=2, padding="same")', 'MaxPooling2D(2, padding="same")', "Conv2D(4, 3)", "Dense(2)",
     'AveragePooling2D(3, padding="same")', "BatchNormalization()", "Conv2D(4, 3, trainable=False)"],
)  # fmt: skip
def test_images_of_any_size(layer: str) -> None:
    check(read_keras(f"keras.Sequential([keras.Input((None, None, 3)), layers.{layer}])"))


def test_time_distributed_layers_without_weights() -> None:
    for layer in ('MaxPooling2D(2, padding="same")', 'Conv2D(4, 3, strides=2, padding="same")', "Reshape((-1, 3))"):
        check(read_keras(f"keras.Sequential([keras.Input((4, 5, 6, 3)), layers.TimeDistributed(layers.{layer})])"))


GRAPH = """
a = keras.Input((12, 12, 3), name="picture")
b = keras.Input((10,))
x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(a)
y = layers.Conv2D(4, 1)(x)
x = layers.Add()([x, y])
x = layers.SeparableConv2D(6, 3, strides=2, padding="same", activation="softmax")(x)
x = layers.Flatten()(x)
shared = layers.Dense(10, activation="tanh")
z = shared(shared(b))
inner = keras.Sequential([layers.Dense(3), layers.BatchNormalization(center=False)], name="head")
x = layers.concatenate([x, z])
model = keras.Model([a, b], [inner(x), layers.Dropout(0.5)(x) * 2 - 1])
"""


def test_graph_with_several_inputs_and_outputs() -> None:
    check(read_keras(GRAPH))


def test_names_that_the_written_source_uses_itself() -> None:
    check(
        read_keras(
            "in_ = keras.Input((9, 4), name='in')\nx = layers.LSTM(4, name='len')(in_)\n"
            "r = keras.Sequential([layers.Dense(3, name='torch'), layers.Dense(3)], name='recurrent')\n"
            "n = keras.Sequential([layers.Dense(3)], name='network')\n"
            "y = r(x)\nmodel = keras.Model(in_, [layers.Add(name='nn')([y, n(x)]), x, y])"
        )
    )


def test_it_needs_only_pytorch(tmp_path: Path) -> None:
    model = read_keras(GRAPH)
    (tmp_path / "network.py").write_text(write_pytorch(model))
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    program = (
        "import sys, torch, network\n"
        "net = network.Network(); net.load_state_dict(torch.load('weights.pt', weights_only=True))\n"
        "print([tuple(t.shape) for t in net(torch.zeros(2, 3, 12, 12), torch.zeros(2, 10))])\n"
        "sys.exit('layerlab' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[(2, 3), (2, 64)]"


def test_the_shapes_in_its_comments_are_those_of_its_tensors() -> None:
    """Run each commented line and compare."""
    model = read_keras((HERE.parents[1] / "examples" / "lecture.py").read_text())
    source = write_pytorch(model)
    network = run(source)().eval()
    x = torch.zeros(5, 1, 28, 28)
    checked = 0
    for line in source[source.index("def forward") :].splitlines()[1:]:
        code, _, comment = line.strip().partition("  # ")
        x = eval(code.removeprefix("x = ").removeprefix("return "), {"self": network, "x": x, "torch": torch, "nn": nn})  # noqa: S307
        if comment:
            assert comment == ", ".join(["N", *map(str, x.shape[1:])])
            checked += 1
    assert checked == 6


def test_the_lecture_as_pytorch() -> None:
    text = (HERE.parents[1] / "examples" / "lecture.py").read_text()
    golden = HERE / "golden" / "lecture_pytorch.py"
    assert write_pytorch(read_keras(text, "lecture.py"), "LectureNetwork") == golden.read_text()


def test_lines_are_not_long_and_stand_where_they_belong() -> None:
    recurrent = "Sequential([Input((9, 4)), Bidirectional(LSTM(5, dropout=0.25)), BatchNormalization(), Dense(2)])"
    for text in (GRAPH, recurrent):
        source = write_pytorch(read_keras(text))
        assert max(map(len, source.splitlines())) <= 120
        body = source[source.index("class Network") :]
        inside = body[body.index("super().__init__()") : body.index("    def forward")].splitlines()[1:]
        assert all(line.startswith(" " * 8) for line in inside if line)


def test_the_source_of_a_strange_file_name_stays_a_comment() -> None:
    for name in ('a"""b', "back\\slash", "two\nlines", "żółw.py", "\ud800"):
        source = write_pytorch(read_keras("keras.Sequential([keras.Input((3,)), layers.Dense(2)])", name))
        assert len(ast.parse(source).body) == 4


def test_kernels_begin_as_in_keras() -> None:
    torch.manual_seed(0)
    network = run(write_pytorch(read_keras("keras.Sequential([keras.Input((300,)), layers.Dense(300)])")))()
    assert network.dense.weight.abs().max().item() == pytest.approx((6 / 600) ** 0.5, rel=0.01)
    assert not network.dense.bias.any()


def test_another_module_is_refused() -> None:
    with pytest.raises(LayerlabError, match="takes a network read from Keras source, not Linear"):
        write_pytorch(nn.Linear(1, 1))  # type: ignore[arg-type]


def test_a_class_name_that_cannot_be_one_is_refused() -> None:
    model = read_keras("keras.Sequential([keras.Input((3,)), layers.Dense(2)])")
    for name in ("2D", "class", "a b", "", "Recurrent", "nn"):
        with pytest.raises(LayerlabError, match="cannot be the name of a class"):
            write_pytorch(model, name)
