"""A module is, byte for byte, as it was before it was dissected: over a file of odd models."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from odd_models import (
    ODD,
    RAISE,
    Cannot,
    DependsOnValues,
    DrawsNumbers,
    HidesState,
    Image,
    Remembers,
    Vector,
    frozen_batch_norm,
    lazy,
    snapshot,
    with_hooks,
)  # fmt: skip
from torch import nn

from layerlab.anatomy import Anatomy, dissect
from layerlab.anatomy.twin import meta_twin, tensors_in
from layerlab.errors import LayerlabError


@pytest.mark.parametrize(("build", "size"), ODD, ids=[build.__name__ for build, _ in ODD])
@pytest.mark.parametrize("training", [True, False])
def test_dissect_leaves_no_trace(build: Callable[[], nn.Module], size: Any, training: bool) -> None:
    torch.manual_seed(0)
    model = build()
    if build is not frozen_batch_norm:
        for part in model.modules():
            part.training = training
    before = snapshot(model)

    if build in RAISE:
        with pytest.raises(LayerlabError, match="half way"):
            dissect(model, size)
    else:
        assert isinstance(dissect(model, size), Anatomy)

    assert snapshot(model) == before


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (Remembers, Vector),
        (DependsOnValues, Vector),
        (DrawsNumbers, Vector),
        (HidesState, Vector),
        (frozen_batch_norm, Image),
        (with_hooks, Vector),
        (lazy, Image),
    ],
)
def test_snapshot_sees_what_a_plain_run_would_change(build: Callable[[], nn.Module], size: Any) -> None:
    """The test above can fail: running the odd ones plainly changes them."""
    model = build()
    before = snapshot(model)
    model.train()(torch.ones(2, *size))
    assert snapshot(model) != before


def test_given_tensor_is_not_written_to() -> None:
    class Writes(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.add_(1) if x.sum().item() >= 0 else x

    tensor = torch.ones(1, 3)
    dissect(Writes(), tensor)
    assert tensor.tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("build", [Remembers, DependsOnValues])
def test_hooks_of_the_owner_collect_nothing(build: Callable[[], nn.Module]) -> None:
    model, seen = build(), []
    model.layer.register_forward_hook(lambda module, args, output: seen.append(output))
    model.layer.register_forward_pre_hook(lambda module, args: seen.append(args))
    dissect(model, Vector)
    assert seen == []
    model(torch.ones(1, 4))
    assert len(seen) == 2


def count_meta_tensors() -> int:
    gc.collect()
    kinds = (torch.Tensor, nn.Parameter)
    return sum(type(thing) in kinds and thing.device.type == "meta" for thing in gc.get_objects())


def test_no_tensor_stays_behind() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    before = count_meta_tensors()
    anatomy = dissect(model, Image)
    assert anatomy.layers
    assert count_meta_tensors() == before


@pytest.mark.parametrize("build", [build for build, _ in ODD if build not in (Cannot, HidesState)])
def test_twin_has_no_memory_of_its_own(build: Callable[[], nn.Module]) -> None:
    twin = meta_twin(build())
    tensors = [
        *twin.parameters(),
        *twin.buffers(),
        *(x for m in twin.modules() for x in tensors_in(list(vars(m).values()))),
    ]
    assert {tensor.device.type for tensor in tensors} <= {"meta"}


def test_weights_are_not_allocated_again() -> None:
    """A model whose weights would be 4 TB is dissected: nothing but shapes is made."""
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(1_000_000, 1_000_000))
    assert dissect(model, (1_000_000,)).totals.parameters == 1_000_000 * 1_000_001
