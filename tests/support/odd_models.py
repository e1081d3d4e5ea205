"""Modules that do what modules seldom do, and a snapshot of everything that looking at one could change."""

from __future__ import annotations

import gc
import pickle
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import prune


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


class HidesState(nn.Module):
    """Keeps what it saw where neither parameters, buffers nor plain attributes are; decides on values."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.seen = torch.zeros(())
        self.counts = np.zeros(2)
        self.nested: dict[str, Any] = {"history": [], "parts": {"last": None}, "sums": [torch.zeros(2)]}
        self.generator = torch.Generator().manual_seed(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += 1
        self.counts[1] += 1
        self.nested["history"].append(1)
        self.nested["parts"]["last"] = 2
        self.nested["sums"][0] += 1
        y = self.layer(x) + torch.rand(2, generator=self.generator)
        return y if y.sum().item() < 1e9 else x


class SetsItself(nn.Module):
    """Changes its mode, its parameters and the seed as it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.layer.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.eval()
        self.norm.train()
        torch.manual_seed(7)
        self.layer.requires_grad_(False)
        self.layer.bias = nn.Parameter(torch.zeros(4))
        self.norm.register_buffer("extra", torch.zeros(1))
        y = self.norm(self.layer(x).expand(2, 4))
        return y if float(y.sum()) < 1e9 else x


class _Raises:
    """A hook that is no plain function, as those of pruning; it runs in a dissection and fails."""

    def __call__(self, *_: Any) -> None:
        raise ValueError("half way")


def hook_raises_before() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    model[1].register_forward_pre_hook(_Raises())
    return model


def hook_raises_after() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    model[0].register_forward_hook(_Raises())
    return model


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


def spectral() -> nn.Module:
    parametrizations = nn.utils.parametrizations
    return nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 4)), parametrizations.orthogonal(nn.Linear(4, 4)))


def pruned() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    prune.l1_unstructured(model[0], "weight", amount=0.5)
    return model


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
    (HidesState, Vector),
    (SetsItself, Vector),
    (hook_raises_before, Vector),
    (hook_raises_after, Vector),
    (DrawsNumbers, Vector),
    (Cannot, Vector),
    (KeepsTensors, Vector),
    (CatchesErrors, Vector),
    (DeviceOfItsOwn, Vector),
    (Captured, Vector),
    (frozen_batch_norm, Image),
    (weight_norm, Vector),
    (spectral, Vector),
    (pruned, Vector),
    (parametrized, Vector),
    (with_gradients, Vector),
    (with_hooks, Vector),
    (lazy, Image),
]
RAISE = {RaisesHalfWay, ValuesThenRaises, hook_raises_before, hook_raises_after}


def contents(value: Any) -> Any:
    """Return what a value holds, in a form that can be compared."""
    match value:
        case torch.Tensor() if not isinstance(value, nn.parameter.UninitializedTensorMixin):
            return (
                id(value), value.dtype, str(value.device), value.requires_grad, value.detach().numpy().tobytes(),
                contents(value.grad) if value.is_leaf else None,
            )  # fmt: skip
        case nn.Module() | torch.Tensor():
            return (type(value), id(value))
        case np.ndarray() | torch.Generator():
            numbers = value if isinstance(value, np.ndarray) else value.get_state().numpy()
            return (id(value), numbers.tobytes())
        case dict():
            return {key: contents(item) for key, item in value.items()}
        case list() | tuple():
            return [contents(item) for item in value]
        case _:
            return repr(value)


def snapshot(model: nn.Module) -> dict[str, Any]:
    """Return everything of the module, and of the process, that a dissection could change."""
    return {
        "modules": [(id(m), type(m), contents(dict(m.__dict__))) for m in model.modules()],
        "random": (random.getstate(), torch.get_rng_state().numpy().tobytes(), pickle.dumps(np.random.get_state())),
        "process": process(),
    }


_PLACES = (torch, nn.functional, torch.Tensor, nn.Module, nn.init, torch.linalg, torch.fft, torch.special)
# torch's compiler, which a rare operation imports, wraps manual_seed for good.
_FUNCTIONS = [
    (place, name)
    for place in _PLACES
    for name, value in vars(place).items()
    if callable(value) and name != "manual_seed"
]


def process() -> dict[str, Any]:
    """Return what torch keeps for the whole process: its flags, its modes and its functions."""
    hooks = nn.modules.module
    return {
        "modes": (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_anomaly_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_autocast_dtype("cpu"),
            torch.is_autocast_cache_enabled(),
            torch.get_default_device(),
            torch.get_default_dtype(),
            torch.get_num_threads(),
            gc.isenabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_float32_matmul_precision(),
            torch._C._len_torch_function_stack(),
            torch._C._len_torch_dispatch_stack(),
            torch._C._autograd._saved_tensors_hooks_is_enabled(),
            torch._C._autograd._top_saved_tensors_default_hooks(True),
        ),
        "backends": (
            torch.backends.mha.get_fastpath_enabled(),
            torch._C._get_mkldnn_enabled(),
            torch._C._get_nnpack_enabled(),
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.allow_tf32,
            torch.backends.cuda.matmul.allow_tf32,
            torch.backends.cuda.flash_sdp_enabled(),
            torch.backends.cuda.mem_efficient_sdp_enabled(),
            torch.backends.cuda.math_sdp_enabled(),
            torch.backends.cuda.cudnn_sdp_enabled(),
        ),
        "hooks": [len(value) for name, value in vars(hooks).items() if name.startswith("_global_") and "hooks" in name
                  and isinstance(value, dict)],
        "functions": {f"{place.__name__}.{name}": id(vars(place)[name]) for place, name in _FUNCTIONS},
    }  # fmt: skip
