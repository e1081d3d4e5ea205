"""The reader raises nothing but its own error on any text, quickly and without taking memory."""

from __future__ import annotations

import ast
import random
import tomllib
from pathlib import Path

import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from layerlab import LayerlabError
from layerlab.notation import read_keras, write_keras, write_pytorch

HERE = Path(__file__).parent
LECTURE = (HERE.parents[1] / "examples" / "lecture.py").read_text()
CASES = tomllib.loads((HERE / "layers.toml").read_text())
GRAPH = """
a = keras.Input((12, 12, 3), name="picture")
b = keras.Input(shape=(10,))
x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(a)
x = layers.Add()([x, layers.Conv2D(4, 1)(x)]) * 2 + x
x = layers.Flatten()(x)
x = layers.concatenate([x, layers.Dense(10)(b)], axis=-1)
inner = keras.Sequential([layers.Dense(3), layers.BatchNormalization(axis=-1)], name="head")
model = keras.Model([a, b], [inner(x), layers.Dropout(0.5)(x)])
model.compile(optimizer="adam")
"""
WORDS = [
    "0", "1", "-1", "2", "3", "64", "2**31", "10**9", "10**18", "1e400", "-0.5", "None", "True", "'same'", "''",
    "'relu'",
    "(3, 3)", "(2,)", "()", "[]", "{}", "keras", "layers", "x", "model", "lambda: 0", "*a", "**a", "...", "b'x'", "1j",
    "keras.Input((4,))", "layers.Dense(2)", "layers.LSTM(3)", "layers.Flatten()", "keras.Sequential()", "model",
]  # fmt: skip
relaxed = settings(max_examples=200, deadline=2000, suppress_health_check=list(HealthCheck))


def survives(text: str) -> None:
    """Read ``text``, and write what was read as source of both kinds.

    On PyTorch's meta device, so that large but allowed networks take no memory here.
    """
    with torch.device("meta"):
        try:
            model = read_keras(text, "net.py")
        except LayerlabError as error:
            assert "\n" not in str(error)
            assert str(error).startswith("net.py")
            return
        again = read_keras(write_keras(model))
    assert [(s.sources, s.result, s.shape) for s in again.plan.steps] == [
        (s.sources, s.result, s.shape) for s in model.plan.steps
    ]
    ast.parse(write_pytorch(model))


@relaxed
@example("\ud800")
@example("\0")
@example("x" * 10)
@given(st.text())
def test_any_characters(text: str) -> None:
    survives(text)


@relaxed
@given(st.data())
def test_a_network_with_characters_changed(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([LECTURE, GRAPH]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 12))
        text = text[:place] + data.draw(st.text(max_size=5) | st.sampled_from(WORDS)) + text[place + cut :]
    survives(text)


class _Mutation(ast.NodeTransformer):
    """Replaces some expressions by others, so that the text stays Python."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def visit(self, node: ast.AST) -> ast.AST:
        node = super().visit(node)
        if isinstance(node, ast.expr) and self.random.random() < 0.06:
            try:
                return ast.parse(self.random.choice(WORDS), mode="eval").body
            except SyntaxError:
                return node
        if isinstance(node, ast.Attribute) and self.random.random() < 0.1:
            node.attr = self.random.choice([*CASES["activations"], "Dense", "Conv1D", "GRU", "Add", "Model", "add"])
        if isinstance(node, ast.keyword) and self.random.random() < 0.1:
            node.arg = self.random.choice(["units", "axis", "padding", "strides", "layer", "name", "trainable"])
        return node


@relaxed
@given(st.sampled_from([LECTURE, GRAPH]), st.integers(0, 2**32))
def test_a_network_with_expressions_changed(text: str, seed: int) -> None:
    survives(ast.unparse(ast.fix_missing_locations(_Mutation(seed).visit(ast.parse(text)))))


SHAPES = ["(7, 9, 4)", "(9, 4)", "(4, 5, 6, 3)", "(12,)", "(None, None, 2)", "(None,)", "(1, 1, 1)", "(2,) * 5", "()"]
LAYERS = [layer for kind in ("image", "sequence", "volume", "features") for layer in CASES[kind]]


@relaxed
@given(
    st.lists(st.sampled_from(LAYERS), max_size=4),
    st.sampled_from(SHAPES),
    st.integers(0, 2**32),
)
def test_any_layers_with_any_arguments_on_any_shape(names: list[str], shape: str, seed: int) -> None:
    text = f"model = keras.Sequential([keras.Input({shape}), {', '.join(f'layers.{name}' for name in names)}])"
    survives(text)
    survives(ast.unparse(ast.fix_missing_locations(_Mutation(seed).visit(ast.parse(text)))))
