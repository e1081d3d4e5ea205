"""Memory: what training keeps for the backward pass, what optimisers keep, what lives at one moment of inference."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from layerlab.anatomy import dissect
from layerlab.anatomy.memory import Kept

FLOAT = 4


class Decides(nn.Module):
    """Runs for real, since it looks at its values."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) if x.sum().item() < 1e9 else x


def really_kept(module: nn.Module, x: torch.Tensor) -> int:
    """Return what autograd keeps of a real run, everything held: the definition of the figure."""
    apart = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    kept: dict[int, int] = {}
    held = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        held.append(tensor)
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in apart:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = module(x)
    assert result is not None
    return sum(kept.values())


def test_resnet18_keeps_22_megabytes() -> None:
    with torch.device("meta"):
        model = torchvision.models.resnet18()
    totals = dissect(model, (3, 224, 224)).totals
    assert totals.backward_bytes == 22_218_240
    assert totals.gradient_bytes == FLOAT * 11_689_512
    assert totals.optimizer_bytes == {
        "SGD": 0, "SGD with momentum": FLOAT * 11_689_512, "Adam": 2 * FLOAT * 11_689_512,
    }  # fmt: skip


def test_what_a_small_network_keeps_by_hand() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    # the input for the first weight; what ReLU gave, for itself and for the second weight
    assert dissect(model, (4,), batch=3).totals.backward_bytes == FLOAT * 3 * (4 + 8)
    assert dissect(Decides(model), (4,), batch=3).totals.backward_bytes == FLOAT * 3 * (4 + 8)


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (lambda: torchvision.models.resnet18(num_classes=5), (2, 3, 32, 32)),
        (lambda: torchvision.models.densenet121(num_classes=5), (2, 3, 32, 32)),
        (
            lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.GELU(), nn.Flatten(), nn.Softmax(1)),
            (2, 3, 9, 9),
        ),
        (lambda: nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6), nn.SiLU(), nn.Hardswish(), nn.Tanh()), (2, 5, 6)),
    ],
)
def test_as_much_as_a_real_step_keeps(build: Any, size: tuple[int, ...]) -> None:
    model = build().train()
    x = torch.ones(size)
    assert dissect(model, x).totals.backward_bytes == really_kept(model, x)


@pytest.mark.parametrize("build", [lambda: torchvision.models.resnet18(num_classes=5), lambda: nn.Linear(12, 3)])
def test_real_run_counts_what_evaluation_keeps(build: Any) -> None:
    model = Decides(build()).eval()
    x = torch.ones(2, 3, 32, 32) if isinstance(model.inner, torchvision.models.ResNet) else torch.ones(2, 12)
    anatomy = dissect(model, x)
    assert anatomy.totals.backward_bytes == really_kept(model, x)
    assert "what a backward pass needs was counted in evaluation mode: training may keep more" in anatomy.notes
    assert anatomy.totals.peak_bytes == dissect(model.inner, x).totals.peak_bytes  # nothing was kept in truth


def test_frozen_parameters_keep_less() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 4)).requires_grad_(False)
    assert dissect(model, (4,)).totals.backward_bytes == 0
    assert dissect(Decides(model), (4,)).totals.backward_bytes == 0


def test_what_fails_with_gradients_is_run_without() -> None:
    class ToNumpy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x + float(self.layer(x).numpy().sum()) + self.calls

    model = ToNumpy()
    anatomy = dissect(model, (4,))
    assert anatomy.totals.macs == 16
    assert anatomy.totals.backward_bytes is None
    assert len(anatomy.notes) == 1
    assert model.calls == 0


def test_counting_leaves_no_cycle() -> None:
    model = nn.Linear(4, 4)
    gc.disable()
    try:
        kept = Kept(model)
        with kept.counting():
            model(torch.ones(2, 4, requires_grad=True)).exp()
        assert kept.bytes > 0
        gone = weakref.ref(kept)
        del kept
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.slow
def test_mask_rcnn() -> None:
    """Weights are drawn, so that the number of proposals and with it the figures of the heads vary a little."""
    torch.manual_seed(0)
    model = torchvision.models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    anatomy = dissect(model, ([torch.rand(3, 320, 320)],))
    assert anatomy.totals.parameters == 44_454_513
    assert anatomy.totals.macs == pytest.approx(187.6e9, rel=0.06)
    assert not anatomy.totals.macs_are_lower_bound
    assert anatomy.totals.backward_bytes is not None
    assert anatomy.totals.macs == sum(operation.macs for operation in anatomy.operations)
    assert "for this input" in anatomy.notes[0]
