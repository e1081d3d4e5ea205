"""Each rule for ``meta`` says what torch says; what torch refuses it leaves to torch."""

from __future__ import annotations

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
    (aten.gelu.default, (meta(2, 3),)),
    (aten.add.Tensor, (meta(2, 3), meta(2, 3))),
    (aten.add.Tensor, (meta(2, 3, **HALF), 3)),
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
        (aten.add.Tensor, (meta(2, 3), meta(3))),
        (aten.add.Tensor, (meta(2, 3), meta(2, 3, dtype=torch.float64))),
        (aten.add.Tensor, (meta(2, 3, dtype=torch.int64), 1.5)),
        (aten.cat.default, ([meta(2, 3), meta(2, 3, dtype=torch.float64)], 1)),
        (aten.gelu.default, (meta(2, 3).t(),)),
        (aten.add.Tensor, (torch.ones(2), torch.ones(2))),
    ],
)
def test_other_cases_are_left_to_torch(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    assert known_result(function, args, {}) is None
    assert facts(function(*args))
