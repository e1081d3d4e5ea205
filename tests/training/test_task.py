"""From what a network gives to logits, loss and probabilities."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.errors import LayerlabError
from layerlab.training import TrainingConfig, fit
from layerlab.training.outputs import Head, LogitReader, probabilities, read_head
from layerlab.training.task import Classification, Target, criterion_of


class Functional(nn.Module):
    """Ends in a function in place of a module."""

    def __init__(self, ending: str, width: int = 4) -> None:
        super().__init__()
        self.inner, self.ending = nn.Linear(6, width), ending

    def forward(self, x: Tensor) -> object:
        out = self.inner(x)
        return {
            "softmax": lambda: out.softmax(1),
            "log_softmax": lambda: out.log_softmax(1),
            "sigmoid": out.sigmoid,
            "dictionary": lambda: {"out": out, "aux": out},
            "tuple": lambda: (out, out * 2, torch.zeros(3)),
            "map": lambda: out[:, :, None, None],
            "flat": lambda: out[:, 0],
        }[self.ending]()


def images() -> Tensor:
    return torch.randn(5, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("ending", ["softmax", "log_softmax", "dictionary", "tuple", "map"])
def test_every_ending_gives_the_same_probabilities(ending: str) -> None:
    network = Functional(ending)
    head = read_head(network, images())
    assert (head.width, head.source, head.kind) == (4, None, "probabilities" if ending == "softmax" else "logits")
    expected = network.inner(images()).softmax(1)
    assert torch.allclose(probabilities(network, images()), expected, atol=1e-6)


@pytest.mark.parametrize("ending", ["sigmoid", "flat"])
def test_one_output_stands_for_two_classes(ending: str) -> None:
    network = Functional(ending, 1)
    head = read_head(network, images())
    assert head.binary and head.classes == 2
    second = network.inner(images()).sigmoid()
    assert torch.allclose(probabilities(network, images()), torch.cat([1 - second, second], 1), atol=1e-6)


def test_the_input_of_a_softmax_at_the_end_is_read_and_the_module_stays() -> None:
    network = nn.Sequential(nn.Linear(6, 4), nn.Sequential(nn.Softmax(dim=-1), nn.Identity()))
    head = read_head(network, images())
    assert head == Head(4, "probabilities", "1.0")
    with torch.no_grad():
        network[0].weight.mul_(1e4)  # the probabilities are now 0 and 1, and their logarithm is lost
    with LogitReader(network, head) as reader:
        logits, _ = reader.read(network(images()))
    assert torch.equal(logits, network[0](images()))
    assert not network[1][0]._forward_pre_hooks


def test_a_softmax_in_the_middle_or_over_another_axis_is_left_alone() -> None:
    middle = nn.Sequential(nn.Linear(6, 4), nn.Softmax(dim=1), nn.Linear(4, 3))
    assert read_head(middle, images()) == Head(3, "logits", None)
    over_images = nn.Sequential(nn.Linear(6, 4), nn.Softmax(dim=0))
    assert read_head(over_images, images()).source is None


def test_reading_leaves_no_trace() -> None:
    network = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Softmax(1))
    network[1].eval()
    flags = [module.training for module in network.modules()]
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    read_head(network, images())
    probabilities(network, images())
    assert torch.equal(torch.rand(2), expected)
    assert [module.training for module in network.modules()] == flags
    assert network[1].num_batches_tracked == 0


def test_label_smoothing_is_torchs_and_the_reported_loss_is_plain() -> None:
    logits, labels = torch.randn(7, 5), torch.arange(7) % 5
    task = Classification(Head(5, "logits", None), TrainingConfig(label_smoothing=0.2))
    plain, loss = task.loss(logits, [], Target(labels))
    assert torch.allclose(loss, functional.cross_entropy(logits, labels, label_smoothing=0.2))
    assert torch.equal(plain, functional.cross_entropy(logits, labels))


def test_mixup_is_the_cross_entropy_of_mixed_targets_and_a_function_of_its_place() -> None:
    task = Classification(Head(5, "logits", None), TrainingConfig(mixup=0.4, seed=3))
    pictures, labels = torch.randn(6, 1, 2, 2), torch.arange(6) % 5
    mixed, target = task.mix(pictures, labels, epoch=1, batch=2)
    share = target.share
    assert 0.5 <= share < 1
    assert torch.allclose(mixed, share * pictures + (1 - share) * pictures.flip(0), atol=1e-6)
    again = Classification(task.head, TrainingConfig(mixup=0.4, seed=3)).mix(pictures, labels, 1, 2)[0]
    assert torch.equal(mixed, again)
    assert task.mix(pictures, labels, 1, 3)[1].share != share
    logits = torch.randn(6, 5)
    soft = share * functional.one_hot(labels, 5) + (1 - share) * functional.one_hot(labels.flip(0), 5)
    assert torch.allclose(task.loss(logits, [], target)[0], functional.cross_entropy(logits, soft.float()))


def test_auxiliary_logits_weigh_three_tenths() -> None:
    task = Classification(Head(5, "logits", None), TrainingConfig())
    logits, other, labels = torch.randn(3, 5), torch.randn(3, 5), torch.arange(3)
    plain, loss = task.loss(logits, [other], Target(labels))
    assert torch.allclose(loss, plain + 0.3 * functional.cross_entropy(other, labels))


def test_binary_loss_with_smoothing_is_that_of_smoothed_targets() -> None:
    task = Classification(Head(1, "logits", None), TrainingConfig(label_smoothing=0.2))
    logits, labels = torch.randn(4, 1), torch.tensor([0, 1, 1, 0])
    smooth = labels.float() * 0.8 + 0.1
    assert torch.allclose(
        task.loss(logits, [], Target(labels))[1], functional.binary_cross_entropy_with_logits(logits[:, 0], smooth)
    )


class Squared(nn.Module):
    """A loss of a network's own, with nothing of a cross-entropy."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return (logits.gather(1, labels[:, None]) - 3).square().mean()


def test_a_networks_own_criterion_is_minimised_and_the_cross_entropy_reported() -> None:
    logits, other, labels = torch.randn(6, 5), torch.randn(6, 5), torch.arange(6) % 5
    task = Classification(Head(5, "logits", None), TrainingConfig(), Squared())
    plain, loss = task.loss(logits, [], Target(labels))
    assert torch.equal(plain, functional.cross_entropy(logits, labels))
    assert torch.equal(loss, Squared()(logits, labels))
    _, loss = task.loss(logits, [other], Target(labels))
    assert torch.allclose(loss, Squared()(logits, labels) + 0.3 * Squared()(other, labels))


def test_mixup_mixes_a_networks_own_criterion() -> None:
    logits, labels = torch.randn(6, 5), torch.arange(6) % 5
    task = Classification(Head(5, "logits", None), TrainingConfig(mixup=0.4), Squared())
    plain, loss = task.loss(logits, [], Target(labels, labels.flip(0), 0.7))
    assert torch.allclose(loss, 0.7 * Squared()(logits, labels) + 0.3 * Squared()(logits, labels.flip(0)))
    mixed = [functional.cross_entropy(logits, which) for which in (labels, labels.flip(0))]
    assert torch.allclose(plain, 0.7 * mixed[0] + 0.3 * mixed[1])


def test_label_smoothing_with_a_networks_own_criterion_is_one_sentence() -> None:
    with pytest.raises(LayerlabError, match=r"label_smoothing is 0\.1 and the network brings .* \(Squared\)") as caught:
        Classification(Head(5, "logits", None), TrainingConfig(label_smoothing=0.1), Squared())
    assert "\n" not in str(caught.value)


def test_a_criterion_that_cannot_take_the_outputs_is_one_sentence() -> None:
    logits, labels = torch.randn(6, 5), torch.arange(6) % 5
    task = Classification(Head(5, "logits", None), TrainingConfig(), nn.BCELoss())
    with pytest.raises(
        LayerlabError, match=r"criterion \(BCELoss\) cannot take outputs \(6, 5\) and labels \(6,\)"
    ) as caught:
        task.loss(logits, [], Target(labels))
    assert "\n" not in str(caught.value)
    task = Classification(task.head, TrainingConfig(), nn.CrossEntropyLoss(reduction="none"))
    with pytest.raises(LayerlabError, match=r"gives a tensor of shape \(6,\); expected one number"):
        task.loss(logits, [], Target(labels))


def test_the_criterion_is_a_module_of_the_network_or_none() -> None:
    network = nn.Sequential(nn.Linear(2, 2))
    assert criterion_of(network) is None
    network.criterion = "a word"  # type: ignore[assignment]
    assert criterion_of(network) is None
    del network.criterion
    network.criterion = Squared()
    assert criterion_of(network) is network.criterion


def test_fit_minimises_the_loss_that_the_network_brings(place: Path) -> None:
    class Towards(nn.Module):
        """Draws every output to one number, whatever the label."""

        def __init__(self) -> None:
            super().__init__()
            self.losses: list[float] = []

        def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
            loss = (logits - 9).square().mean()
            self.losses.append(loss.item())
            return loss

    class Bringing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense, self.criterion = nn.Linear(64, 10), Towards()

        def forward(self, x: Tensor) -> Tensor:
            return self.dense(x.flatten(1))

    network = Bringing()
    run = fit(network, "digits", epochs=4, batch_size=64, learning_rate=0.1, precision="32", output=place / "run")
    assert network.criterion.losses[0] > 60
    assert network.criterion.losses[-1] < 10
    reported = [record["train_loss"] for record in run.history]
    assert max(reported) < 10, "the cross-entropy"
