"""check_architecture: a sound network passes, and each kind of unsound one fails its check."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from layerlab import LayerlabError, check_architecture, create
from layerlab.training.architecture_check import CHECKS, _labels, _Subject
from layerlab.training.outputs import Head

SIZE = (3, 8, 8)


class Net(nn.Module):
    """A sound network, from which the unsound ones differ in one thing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.dense = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        return self.dense(self.norm(self.conv(x)).relu().mean((2, 3)))


class Infinite(Net):
    def forward(self, x: Tensor) -> Any:
        out = super().forward(x)
        return out / 0 if self.training else out


class Drawing(Net):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x + torch.rand_like(x))


class Counting(Net):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: Tensor) -> Any:
        self.count += 1
        return super().forward(x)


class InCompany(Net):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x - x.mean(0))


class Unused(Net):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(3, 3)


class Blind(Net):
    def forward(self, x: Tensor) -> Any:
        return super().forward(torch.zeros_like(x) + 0 * x)


class SharedCopy(Net):
    def __deepcopy__(self, memo: dict[int, object]) -> SharedCopy:
        twin = SharedCopy()
        twin.train(self.training)
        twin.norm = copy.deepcopy(self.norm)
        twin.conv, twin.dense = self.conv, copy.deepcopy(self.dense)
        return twin


class Forgetful(Net):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * self.scale

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        state = super().state_dict(*args, **kwargs)
        state["scale"] = torch.ones(1)
        return state


class ByValue(Net):
    def forward(self, x: Tensor) -> Any:
        out = super().forward(x)
        return out * 2 if float(x.sum().detach()) > 0 else out


class ByMemory(Net):
    def forward(self, x: Tensor) -> Any:
        out = super().forward(x)
        return out if x.is_contiguous() else -out


class Auxiliary(Net):
    def __init__(self) -> None:
        super().__init__()
        self.helper = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        seen = self.norm(self.conv(x)).relu().mean((2, 3))
        return (self.dense(seen), self.helper(seen)) if self.training else self.dense(seen)


@pytest.mark.parametrize(
    "model",
    [Net(), Auxiliary(), create("lecture_cnn", in_channels=3, num_classes=5)],
    ids=lambda model: type(model).__name__,
)
def test_a_sound_network_passes_everything(model: nn.Module) -> None:
    report = check_architecture(model, SIZE, num_classes=5)
    assert [check.name for check in report] == list(CHECKS)
    assert report.passed
    assert str(report).count("\n") == len(CHECKS) - 1
    assert str(report).startswith("ok")


@pytest.mark.parametrize(
    ("kind", "check", "sentence"),
    [
        (Infinite, "finite", "the output in training has NaN or infinity"),
        (Drawing, "repeatable", "two evaluations of the same images differ"),
        (Counting, "repeatable", 'evaluation changes "count"'),
        (InCompany, "batch of one", "a batch of one differs by"),
        (Unused, "gradient", 'no gradient reaches "forgotten.weight" and 1 more'),
        (Blind, "overfits one batch", "4 images are not learned in"),
        (SharedCopy, "deepcopy", "a deep copy shares its weights"),
        (Forgetful, "state_dict", "after state_dict and load_state_dict the output is another"),
        (ByValue, "torch.export", ""),
        (ByMemory, "channels_last", "channels_last differs by"),
    ],
)
def test_each_fault_is_found(kind: type[Net], check: str, sentence: str) -> None:
    torch.manual_seed(0)
    model = kind()
    without = [name for name in CHECKS if name != check]
    report = check_architecture(model, SIZE, without=without, on_failure="report")
    failed = {one.name: one.detail for one in report if not one.passed}
    assert check in failed
    assert sentence in failed[check]
    assert not report.passed
    assert "FAILS" in str(report)
    with pytest.raises(LayerlabError, match=f"{kind.__name__} fails the check") as caught:
        check_architecture(model, SIZE, without=without)
    assert "\n" not in str(caught.value)


def test_the_number_of_classes_is_checked() -> None:
    with pytest.raises(LayerlabError, match=r"4 images give \(4, 5\); expected \(4, 6\)"):
        check_architecture(Net(), SIZE, num_classes=6)


@pytest.mark.parametrize("kind", [Net, SharedCopy])
def test_the_network_stays_as_it_is(kind: type[Net]) -> None:
    model = kind().train()
    model.conv.eval()
    model.conv.weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    check_architecture(model, SIZE, on_failure="report")
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert (model.training, model.conv.training, model.conv.weight.requires_grad) == (True, False, False)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.fixture(scope="module", name="details")
def _details() -> list[str]:
    torch.manual_seed(0)
    return [one.detail for one in check_architecture(Net(), SIZE)]


@pytest.mark.parametrize(
    "around",
    [torch.no_grad(), torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)],
    ids=lambda o: type(o).__name__,
)
def test_what_is_set_around_it_does_not_matter(around: Any, details: list[str]) -> None:
    torch.manual_seed(0)
    model = Net()
    with around:
        report = check_architecture(model, SIZE)
    assert [one.detail for one in report] == details


def test_a_network_in_double_precision() -> None:
    assert check_architecture(Net().double(), SIZE).passed


def test_the_generators_are_as_they_were_after_a_failure() -> None:
    models = Infinite(), Net()
    before = torch.get_rng_state()
    with pytest.raises(LayerlabError):
        check_architecture(models[0], SIZE)
    with pytest.raises(LayerlabError):
        check_architecture(models[1], (4, 8, 8))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("classes", [1, 2, 4, 7, 14, 1000])
def test_labels_are_different_where_there_are_enough(classes: int) -> None:
    subject = _Subject(Net(), torch.zeros(4, *SIZE), Head(classes, "logits", None), None)
    expected = min(4, max(classes, 2))
    assert len(set(_labels(subject).tolist())) == expected


@pytest.mark.parametrize(
    ("size", "sentence"),
    [((4, 8, 8), 'Conv2d "conv" expects 3 channels and gets 4'), ((3, 8), "the size of an image has its channels")],
)
def test_an_input_that_it_cannot_take_is_one_sentence(size: Any, sentence: str) -> None:
    with pytest.raises(LayerlabError, match=sentence):
        check_architecture(Net(), size)


@pytest.mark.parametrize("size", [None, 3, "3x8x8", (1.5, 8, 8), ("3", 8, 8)])
def test_an_input_is_three_whole_numbers(size: Any) -> None:
    with pytest.raises(LayerlabError) as error:
        check_architecture(Net(), size)
    assert str(error.value) == f"the input is {size!r}; expected (channels, height, width), such as (3, 32, 32)"


@pytest.mark.parametrize("model", [None, "resnet20", nn.Linear])
def test_only_a_network_is_checked(model: Any) -> None:
    with pytest.raises(LayerlabError) as error:
        check_architecture(model, SIZE)
    assert str(error.value) == f"check_architecture takes a network (nn.Module), and was given {model!r}"


def test_an_unknown_check_names_the_nearest() -> None:
    with pytest.raises(LayerlabError, match='there is no check "deepcpoy"; did you mean "deepcopy"'):
        check_architecture(Net(), SIZE, without=["deepcpoy"])
