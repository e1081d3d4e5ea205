"""Each rule for ``meta`` says what torch says; what torch refuses it leaves to torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch

from layerlab.anatomy.shapes import _RULES, known_result

aten = torch.ops.aten


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def norm(training: bool, size: tuple[int, ...] = (2, 3, 4, 5), **kind: Any) -> tuple[Any, ...]:
    channels = [meta(size[1], **kind) for _ in range(4)]
    return (meta(*size, **kind), *channels, training, 0.1, 1e-5)


HALF = {"dtype": torch.bfloat16}
PAIRS = [
    (meta(2, 3), meta(2, 3)),
    (meta(2, 3, **HALF), 3),
    (meta(2, 3), meta(3)),
    (meta(3, 1, 1), meta(2, 3, 4, 5)),
    (meta(2, 3, 4), meta(2, 1, 1)),
    (meta(2, 3, 4).permute(1, 2, 0), meta(2, 3, 4).permute(1, 2, 0)),
    (meta(2, 3, 4), meta(3, 4, 2).permute(2, 0, 1)),
    (meta(3, 4, 2).permute(2, 0, 1), meta(2, 3, 4)),
    (meta(3, 4, 2).permute(2, 0, 1), meta(2, 4, 3).transpose(1, 2)),
    (meta(4, 1), meta(1, 1)),
]
UNARY = [
    aten.gelu.default, aten.relu.default, aten.silu.default, aten.sigmoid.default, aten.tanh.default,
    aten.hardsigmoid.default, aten.hardswish.default, aten.elu.default, aten.leaky_relu.default, aten.softplus.default,
    aten.mish.default, aten.exp.default, aten.neg.default,
]  # fmt: skip
IN_PLACE = [
    aten.relu_.default, aten.silu_.default, aten.sigmoid_.default, aten.tanh_.default, aten.hardsigmoid_.default,
    aten.hardswish_.default, aten.elu_.default, aten.leaky_relu_.default,
]  # fmt: skip
CASES: list[tuple[Any, tuple[Any, ...]]] = [
    (aten.native_batch_norm.default, norm(False)),
    (aten.native_batch_norm.default, norm(True)),
    (aten.native_batch_norm.default, norm(True, (7, 3))),
    (aten.native_batch_norm.default, (meta(2, 3, 4), None, None, None, None, True, 0.1, 1e-5)),
    (aten.native_batch_norm.default, (*norm(True)[:1], None, None, meta(3), meta(3), False, 0.1, 1e-5)),
    (aten.native_layer_norm.default, (meta(2, 3, 4), [4], meta(4), meta(4), 1e-5)),
    (aten.native_layer_norm.default, (meta(2, 3, 4), [3, 4], None, None, 1e-5)),
    (aten.addmm.default, (meta(5), meta(2, 4), meta(5, 4).t())),
    (aten.addmm.default, (meta(2, 5), meta(2, 4), meta(4, 5))),
    (aten.addmm.default, (meta(5, **HALF), meta(2, 4, **HALF), meta(4, 5, **HALF))),
    (aten.cat.default, ([meta(2, 3, 4), meta(2, 5, 4), meta(2, 1, 4)], 1)),
    (aten.cat.default, ([meta(2, 3), meta(2, 5)], -1)),
    (aten.cat.default, ([meta(2), meta(4)],)),
    (aten._softmax.default, (meta(2, 3, 4), -1, False)),
    (aten._safe_softmax.default, (meta(2, 3, 4), 1)),
    (aten._log_softmax.default, (meta(2, 3, 4), 2, False)),
    (aten.native_layer_norm.default, (meta(2, 4, 3, 5).permute(0, 2, 3, 1), [4], meta(4), meta(4), 1e-5)),
    (aten.native_group_norm.default, (meta(2, 6, 4, 5), meta(6), meta(6), 2, 6, 20, 3, 1e-5)),
    (aten.native_group_norm.default, (meta(2, 6), None, None, 2, 6, 1, 3, 1e-5)),
    (aten.clamp.default, (meta(2, 3), 0, 6)),
    (aten.clamp_min.default, (meta(2, 3), 1)),
    *[(function, (tensor,)) for function in UNARY for tensor in (meta(2, 3), meta(2, 3, 4).permute(2, 0, 1))],
    *[(function, (meta(2, 3),)) for function in IN_PLACE],
    *[(function, pair) for function in (aten.add.Tensor, aten.sub.Tensor, aten.div.Tensor) for pair in PAIRS],
    (aten.mul_.Tensor, (meta(2, 3), 0.5)),
    (aten.grid_sampler_2d.default, (meta(2, 3, 5, 6), meta(2, 4, 7, 2), 0, 0, False)),
    (aten.linalg_vector_norm.default, (meta(2, 3, 4), 2, [-1], True)),
    (aten.add_.Tensor, (meta(dtype=torch.int64), 1)),
    (aten.add_.Tensor, (meta(2, 3), meta(3, 2).t())),
    (aten.mul.Tensor, (meta(2, 3), meta(2, 3))),
    (aten.mul.Scalar, (meta(2, 3), 0.5)),
    (aten.roll.default, (meta(2, 3, 4), [1, -2], [1, 2])),
    (aten.mean.dim, (meta(2, 3, 4, 5), [-1, -2])),
    (aten.mean.dim, (meta(2, 3, 4, 5), [2, 3], True)),
]


def facts(value: Any) -> list[Any]:
    tensors = value if isinstance(value, tuple) else (value,)
    return [(tuple(t.shape), t.stride(), t.dtype) for t in tensors]


def real(value: Any) -> Any:
    return torch.ones_like(value, device="cpu") if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize(("function", "args"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_rule_says_what_torch_says(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    with torch.no_grad():
        result = known_result(function, args, {})
        assert result is not None
        assert {t.device.type for t in (result if isinstance(result, tuple) else (result,))} == {"meta"}
        # On meta torch keeps statistics in evaluation, which on a CPU are empty: there it is asked with numbers.
        numbers = map(real, args) if function is aten.native_batch_norm.default else args
        assert facts(result) == facts(function(*numbers))


def test_every_rule_is_compared() -> None:
    assert {function for function, _ in CASES} == set(_RULES)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (aten.native_batch_norm.default, (meta(2, 3, 4), meta(4), meta(4), meta(4), meta(4), False, 0.1, 1e-5)),
        (aten.native_layer_norm.default, (meta(2, 3, 4), [3], meta(3), meta(3), 1e-5)),
        (aten.addmm.default, (meta(5), meta(2, 4), meta(3, 5))),
        (aten.addmm.default, (meta(6), meta(2, 4), meta(4, 5))),
        (aten.cat.default, ([meta(2, 3), meta(3, 3)], 1)),
        (aten.cat.default, ([meta(2, 3), meta(2)], 1)),
        (aten.cat.default, ([meta(2, 3)], 2)),
        (aten._softmax.default, (meta(2, 3), 2, False)),
        (aten.add.Tensor, (meta(2, 3), meta(2, 4))),
        (aten.add.Tensor, (meta(2, 1, 3), meta(2, 3))),
        (aten.clamp.default, (meta(2, 3),)),
        (aten.grid_sampler_2d.default, (meta(2, 3, 5, 6), meta(1, 4, 7, 2), 0, 0, False)),
        (aten.native_group_norm.default, (meta(2, 6, 4), None, None, 2, 6, 4, 4, 1e-5)),
        (aten.add_.Tensor, (meta(2, dtype=torch.int64), 1.5)),
        (aten.add_.Tensor, (meta(2), meta(2, 3))),
        (aten.roll.default, (meta(2, 3), [1], [2])),
        (aten.mean.dim, (meta(2, 3), [2])),
        (aten.mean.dim, (meta(2, 3), [1, -1])),
    ],
)
def test_mistakes_are_left_to_torch(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    assert known_result(function, args, {}) is None


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (aten.native_batch_norm.default, norm(True, **HALF)),
        (aten.add.Tensor, (meta(4, 1), meta(1, 4))),
        (aten.add.Tensor, (meta(2, 3), meta(2, 3, dtype=torch.float64))),
        (aten.add.Tensor, (meta(2, 3, dtype=torch.int64), 1.5)),
        (aten.cat.default, ([meta(2, 3), meta(2, 3, dtype=torch.float64)], 1)),
        (aten.gelu.default, (meta(2, 3, 4)[:, 1],)),
        (aten.clamp_min.default, (meta(2, dtype=torch.int64), 1)),
        (aten.add.Tensor, (torch.ones(2), torch.ones(2))),
    ],
)
def test_other_cases_are_left_to_torch(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    assert known_result(function, args, {}) is None
    assert facts(function(*args))


def test_a_dissection_does_not_import_the_compiler() -> None:
    """It takes two seconds, of which a person at the command line would wait for every one."""
    code = """
import sys, torch
from torch import nn
from layerlab.anatomy import dissect
parts = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(2), nn.Linear(9, 8)]
dissect(nn.Sequential(*parts, nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)), (3, 9, 9))
print("torch._dynamo" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
