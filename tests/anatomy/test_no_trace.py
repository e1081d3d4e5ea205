"""A module is, byte for byte, as it was before it was dissected: over a file of odd models."""

from __future__ import annotations

import gc
import pickle
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from layerlab.anatomy import Anatomy, dissect
from layerlab.anatomy.twin import meta_twin, tensors_in
from layerlab.errors import LayerlabError


class Recursive(nn.Module):
    """Calls one layer several times through a method that calls itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, depth: int = 3) -> torch.Tensor:
        return x if depth == 0 else self.forward(torch.relu(self.layer(x)), depth - 1)


class Cyclic(nn.Module):
    """A child that knows its parent as a submodule."""

    def __init__(self) -> None:
        super().__init__()
        self.child = nn.Linear(4, 4)
        self.child.parent = self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.child(x)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 4)
        self.two = self.one

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.one(x))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.out = nn.Linear(4, 7, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.embedding(x))


class Nested(nn.Module):
    """Takes and returns dicts, tuples and None."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> dict[str, Any]:
        y = self.layer(x)
        return {"y": (y, None), "more": [y + 1], "nothing": None}


class ReturnsNone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> None:
        self.layer(x)


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(4, 2)
        self.spare = nn.Sequential(nn.Linear(4, 3), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.used(x)


class Remembers(nn.Module):
    """Keeps what it saw, in an attribute, a list, a dict and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.last: torch.Tensor | None = None
        self.history: list[torch.Tensor] = []
        self.table: dict[str, int] = {"calls": 0}
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.last = self.layer(x)
        self.history.append(self.last)
        self.table["calls"] += 1
        self.count += 1
        return self.last


class RaisesHalfWay(Remembers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        super().forward(x)
        raise ValueError("half way")


class DependsOnValues(Remembers):
    """``meta`` has no values to decide on; writes to its own weights as well."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = super().forward(x)
        if y.sum().item() > 1e9:
            return y
        with torch.no_grad():
            self.layer.weight.mul_(2)
            self.layer.weight.view(-1)[0] = 7
        self.table["new"] = 1
        self.added = y
        return y * torch.rand(()) * random.random() * np.random.rand()


class ValuesThenRaises(DependsOnValues):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        super().forward(x)
        raise ValueError("half way")


class DrawsNumbers(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.rand(4) + random.random() + float(np.random.rand())


class Cannot(nn.Module):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.generator = (i for i in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class KeepsTensors(nn.Module):
    """Tensors that are neither parameters nor buffers, one of them with a history."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.mean = torch.ones(4)
        self.parts = [torch.ones(4), nn.Parameter(torch.ones(4))]
        self.derived = self.layer.weight * 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(self.layer(x - self.mean) @ self.derived * self.parts[0], self.derived)


class CatchesErrors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wrong = nn.Linear(3, 2)
        self.right = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        try:
            return self.wrong(x)
        except RuntimeError:
            return self.right(x)


class DeviceOfItsOwn(nn.Module):
    """Makes tensors on a device that it names."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x + torch.ones(4, device="cpu"))


class Captured(nn.Module):
    """A function that knows the original, which a copy therefore still reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.BatchNorm1d(4), Remembers())
        inner = self.inner
        self.apply_inner = lambda x: inner(x) * 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.apply_inner(x)


def frozen_batch_norm() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    model.train()
    model[1].eval()
    model[1].requires_grad_(False)
    model[1].running_mean.uniform_()
    return model


def weight_norm() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 4)), nn.utils.spectral_norm(nn.Linear(4, 2)))


def parametrized() -> nn.Module:
    return nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))


def with_gradients() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    model(torch.ones(2, 4)).sum().backward()
    return model


def with_hooks() -> nn.Module:
    model = nn.Linear(4, 2)
    model.seen = []
    model.register_forward_hook(lambda module, args, output: module.seen.append(output))
    model.register_forward_pre_hook(lambda module, args: module.seen.append(args))
    model.register_full_backward_hook(lambda module, into, out: None)
    return model


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3))


Image, Vector, Ids = (1, 8, 8), (4,), (5,)
ODD: list[tuple[Callable[[], nn.Module], Any]] = [
    (Recursive, Vector),
    (Cyclic, Vector),
    (Shared, Vector),
    (Tied, Ids),
    (Nested, Vector),
    (ReturnsNone, Vector),
    (Unused, Vector),
    (Remembers, Vector),
    (RaisesHalfWay, Vector),
    (DependsOnValues, Vector),
    (ValuesThenRaises, Vector),
    (DrawsNumbers, Vector),
    (Cannot, Vector),
    (KeepsTensors, Vector),
    (CatchesErrors, Vector),
    (DeviceOfItsOwn, Vector),
    (Captured, Vector),
    (frozen_batch_norm, Image),
    (weight_norm, Vector),
    (parametrized, Vector),
    (with_gradients, Vector),
    (with_hooks, Vector),
    (lazy, Image),
]
RAISE = {RaisesHalfWay, ValuesThenRaises}


def contents(value: Any) -> Any:
    """Return what a value holds, in a form that can be compared."""
    if isinstance(value, torch.Tensor):
        if isinstance(value, nn.parameter.UninitializedTensorMixin):
            return ("lazy", id(value))
        return (
            id(value), value.dtype, str(value.device), value.requires_grad, value.detach().numpy().tobytes(),
            contents(value.grad) if value.is_leaf else None,
        )  # fmt: skip
    if isinstance(value, nn.Module):
        return ("module", id(value))
    if isinstance(value, dict):
        return {key: contents(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [contents(item) for item in value]
    return repr(value)


def snapshot(model: nn.Module) -> dict[str, Any]:
    """Return everything of the module, and of the process, that a dissection could change."""
    return {
        "modules": [(id(m), type(m), contents(dict(m.__dict__))) for m in model.modules()],
        "random": (random.getstate(), torch.get_rng_state().numpy().tobytes(), pickle.dumps(np.random.get_state())),
        "flags": (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.backends.mha.get_fastpath_enabled(),
            torch._C._get_mkldnn_enabled(),
            torch.get_default_device(),
            torch.get_default_dtype(),
            torch.backends.cuda.flash_sdp_enabled(),
            torch.backends.cuda.mem_efficient_sdp_enabled(),
            torch.backends.cuda.math_sdp_enabled(),
            len(nn.modules.module._global_forward_hooks),
            torch._C._len_torch_function_stack(),
            torch._C._len_torch_dispatch_stack(),
        ),
    }


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


@pytest.mark.parametrize("build", [build for build, _ in ODD if build is not Cannot])
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
