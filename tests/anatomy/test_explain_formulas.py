"""The formulas of an explanation, worked out as they are written, give what torch gives."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from layerlab import layers
from layerlab.anatomy import dissect

FUNCTIONS = {
    "max": torch.maximum, "min": torch.minimum, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
    "ln": torch.log, "sign": torch.sign, "abs": torch.abs, "sqrt": torch.sqrt, "Phi": torch.special.ndtr,
    "sum": lambda x: x.sum(-1, keepdim=True), "softmax": lambda x: x.softmax(-1),
}  # fmt: skip
OPERATORS = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b, ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b, ast.MatMult: lambda a, b: a @ b,
}  # fmt: skip
COMPARISONS = {ast.Gt: torch.gt, ast.GtE: torch.ge, ast.Lt: torch.lt, ast.LtE: torch.le}


def value_of(text: str, names: Mapping[str, Tensor]) -> Tensor:
    """Return the value of a formula: numbers, names, functions, products written side by side."""
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text.replace("^-x", "^(-x)").replace("^", "**"))
    text = re.sub(r"\d+e-\d+", lambda number: f"{float(number[0]):.12f}", text)
    text = re.sub(r"\b(W_\w+) (?=[\w(])", r"\1@", text)  # a matrix by a vector
    text = re.sub(r"(?<![\w.])(\d[\d.]*) ?(?=[a-z(])", r"\1*", text)  # 0.1x, 2(x + 1)

    def walk(node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=value):
                return torch.tensor(float(value))  # type: ignore[arg-type]
            case ast.Name(id=name):
                return names[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -walk(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return OPERATORS[type(op)](walk(left), walk(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return COMPARISONS[type(op)](walk(left), walk(right))  # type: ignore[index]
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return FUNCTIONS[name](*(walk(argument) for argument in arguments))  # type: ignore[operator]
        raise ValueError(ast.dump(node))

    return torch.as_tensor(walk(ast.parse(text, mode="eval").body))


def bare(line: str) -> str:
    """Return a line without its comment."""
    return re.sub(r"  \([^()]*\)$", "", line)


X = torch.linspace(-4, 4, 33, dtype=torch.float64)
SHAPED = {"maxout", "softmax", "log_softmax"}
ACTIVATIONS = [
    *(layers.activation(name) for name in layers.activation_names() if name not in SHAPED),
    nn.Threshold(1, 2), nn.CELU(1.5), nn.ELU(0.5), nn.Softplus(2.0), nn.Hardshrink(0.7), nn.LeakyReLU(0.3),
]  # fmt: skip


@pytest.mark.parametrize("module", ACTIVATIONS, ids=lambda module: type(module).__name__)
def test_the_formula_of_an_activation_is_its_function(module: nn.Module) -> None:
    line = bare(dissect(module, (33,)).explain("").lines[1]).removeprefix("y = ")
    if isinstance(module, nn.Tanh):
        line = line.partition(" = ")[2]
    line = line.split(" = ")[-1] if isinstance(module, nn.SiLU) else line
    names = {"x": X, "e": torch.tensor(math.e, dtype=torch.float64)}
    slope = getattr(module, "weight", None)
    if slope is not None:
        names["a"] = slope.detach().double()
    pieces = [piece.rsplit(", ", 1) for piece in line.split(";  y = ")] if ";" in line else [[line]]
    value = torch.full_like(X, math.nan)
    for expression, *condition in pieces:
        where = value_of(condition[0], names) if condition else torch.ones_like(X, dtype=torch.bool)
        value = torch.where(where.bool(), value_of(expression, names).to(torch.float64), value)
    with torch.no_grad():
        torch.testing.assert_close(value, module.double()(X), rtol=2e-4, atol=2e-4)


RECURRENT = [
    nn.LSTM(5, 4, batch_first=True),
    nn.LSTM(5, 4, batch_first=True, proj_size=3),
    nn.GRU(5, 4, batch_first=True),
    nn.RNN(5, 4, batch_first=True),
    nn.RNN(5, 4, batch_first=True, nonlinearity="relu", bias=False),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@pytest.mark.parametrize("module", RECURRENT, ids=lambda module: type(module).__name__)
def test_the_equations_of_a_recurrent_layer_compute_it(module: nn.RNNBase) -> None:
    """With the matrices where the lines about them say that torch keeps them."""
    lines = dissect(module, (6, 5)).explain("").lines
    names = _matrices(module, lines)
    steps = [re.split(r" = | <- ", bare(line), maxsplit=1) for line in lines if re.match(r"\w (=|<-) ", line)]
    given = module.proj_size or module.hidden_size
    names |= {"h": torch.zeros(given), "c": torch.zeros(module.hidden_size)}
    x = torch.randn(1, 6, 5, generator=torch.Generator().manual_seed(0))
    outputs = []
    for step in x[0]:
        names["x"] = step
        for name, formula in steps:
            names[name] = value_of(formula, names)
        outputs.append(names["h"])
    with torch.no_grad():
        torch.testing.assert_close(torch.stack(outputs), module(x)[0][0])


def _matrices(module: nn.RNNBase, lines: Sequence[str]) -> dict[str, Tensor]:
    """Return the matrices by the names and sizes of the lines, and the biases in the same order."""
    found: dict[str, Tensor] = {}
    sides = r"(?P<names>W_.*): (?P<rows>\d+)x(?P<columns>\d+)\b"
    for line in lines:
        match = re.match(rf"{sides}(?: each; .* (?P<kept>\w+), |.* (?P<one>\w+)$|$)", line)
        if match:
            kept = getattr(module, match["kept"] or match["one"] or "weight_hr_l0").detach()
            names, rows = match["names"].split(", "), int(match["rows"])
            for name, part in zip(names, kept.split(rows), strict=True):
                assert part.shape == (rows, int(match["columns"]))
                found[name] = part
            if module.bias and kept is not getattr(module, "weight_hr_l0", None) and not line.startswith("W_hr:"):
                biases = getattr(module, (match["kept"] or match["one"]).replace("weight", "bias")).detach()
                found |= {name.replace("W", "b"): part for name, part in zip(names, biases.split(rows), strict=True)}
    return found


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.attention(x, y, y)[0]  # type: ignore[no-any-return]


def test_attention_between_two_sequences() -> None:
    lines = dissect(Attends(), [(7, 12), (9, 12)]).explain("attention").lines
    assert lines[1:9] == (
        "Q = W_q x + b_q,  K = W_k x + b_k,  V = W_v x + b_v;  W_q: 12x12, W_k: 12x12, W_v: 12x12",
        "d = 12/3 = 4 (heads: 3)",
        "head_k = softmax(Q_k K_k' / sqrt(4)) V_k  (the sum of each row of the softmax is 1)",
        "y = W_o [head_1, ..., head_3] + b_o,  W_o: 12x12",
        "parameters = 4*12*12 + 4*12 = 624 (W_q, W_k, W_v and W_o)",
        "scores Q K' = 7*9 = 63 (in each head, heads: 3)",
        "MACs = 2*7*12*12 + 9*12*12 + 9*12*12 + 2*7*9*12 = 6,120",
        "twice as many positions: four times as many scores",
    )


@pytest.mark.parametrize("module", [nn.BatchNorm1d(4), nn.BatchNorm1d(4, affine=False)])
def test_batch_normalisation_in_evaluation(module: nn.BatchNorm1d) -> None:
    generator = torch.Generator().manual_seed(0)
    assert module.running_mean is not None
    assert module.running_var is not None
    module.running_mean.copy_(torch.randn(4, generator=generator))
    module.running_var.copy_(torch.rand(4, generator=generator) + 0.5)
    line = next(line for line in dissect(module, (4,)).explain("").lines if line.startswith("in evaluation: "))
    names = {"running_mean": module.running_mean, "running_var": module.running_var, "x": torch.randn(3, 4)}
    if module.affine:
        names |= {"gamma": module.weight.detach(), "beta": module.bias.detach()}
    result, *factors = line.removeprefix("in evaluation: ").split(", ")
    for name, formula in (factor.split(" = ") for factor in factors):
        names[name] = value_of(formula, names)
    with torch.no_grad():
        torch.testing.assert_close(value_of(result.removeprefix("y = "), names), module.eval()(names["x"]))


def test_local_response_normalisation() -> None:
    module = nn.LocalResponseNorm(3, alpha=0.5, beta=0.75, k=2.0)
    line = dissect(module, (5, 1, 1)).explain("").lines[2]
    x = torch.randn(1, 5, 1, 1, generator=torch.Generator().manual_seed(0))
    names = {"x": x[0, 1, 0, 0], "x_j": x[0, :3, 0, 0]}  # the second channel and its neighbours
    torch.testing.assert_close(value_of(line.removeprefix("y = "), names)[0], module(x)[0, 1, 0, 0])
