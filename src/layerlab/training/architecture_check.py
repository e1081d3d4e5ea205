"""The tests that every architecture of the zoo takes, for anyone's network."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.training.config import TrainingConfig
from layerlab.training.outputs import Head, LogitReader, inspected, read_head
from layerlab.training.randomness import by_itself
from layerlab.training.task import Classification, Target, criterion_of

__all__ = ["CHECKS", "ArchitectureReport", "Check", "check_architecture"]

_TOLERANCE = 1e-4
_IMAGES = 4
_STEPS = 200
_RATES = (1e-3, 1e-4, 1e-2)
_ENOUGH = 0.2
"""One batch counts as learned when its loss has fallen to this share and every image is classified right."""


@dataclass(frozen=True)
class Check:
    """One question to a network, and the answer."""

    name: str
    """One of ``CHECKS``."""
    passed: bool
    detail: str
    """What was found, in a few words."""


class ArchitectureReport(list[Check]):
    """The answers in order; as text one line each."""

    @property
    def passed(self) -> bool:
        """Whether all are well."""
        return all(check.passed for check in self)

    def __str__(self) -> str:
        """Return one line a check."""
        width = max((len(check.name) for check in self), default=0)
        return "\n".join(f"{'ok' if one.passed else 'FAILS':6}{one.name:{width}}  {one.detail}" for one in self)


class _FailedCheckError(Exception):
    """What a check found wrong."""


@dataclass
class _Subject:
    """The network under test: a copy, with an input."""

    model: nn.Module
    images: Tensor
    head: Head
    classes: int | None

    def evaluated(self, images: Tensor | None = None) -> Tensor:
        """Return the logits in evaluation mode."""
        with inspected(self.model), LogitReader(self.model, self.head) as reader:
            return reader.read(self.model(self.images if images is None else images))[0]


def check_architecture(
    model: nn.Module,
    input_size: tuple[int, int, int],
    *,
    num_classes: int | None = None,
    without: Collection[str] = (),
    on_failure: Literal["raise", "report"] = "raise",
) -> ArchitectureReport:
    """Put a classifier through the tests of the zoo. It works on copies: the network stays as it is.

    Args:
        model: any classifier of images, on the CPU.
        input_size: (channels, height, width) of one image.
        num_classes: how many outputs it must have, where that is known.
        without: names of checks (``CHECKS``) to leave out.
        on_failure: ``raise`` ends with the first failure; ``report`` goes on, and the report says which failed.

    Returns:
        One :class:`Check` for each of ``CHECKS``, in order.

    Raises:
        LayerlabError: the network cannot take the input, or a check failed.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
        >>> check_architecture(net, (3, 2, 2), num_classes=3).passed
        True
    """
    if not isinstance(model, nn.Module):
        raise LayerlabError(f"check_architecture takes a network (nn.Module), and was given {model!r}")
    if not isinstance(input_size, (tuple, list)) or not all(isinstance(side, int) for side in input_size):
        raise LayerlabError(f"the input is {input_size!r}; expected (channels, height, width), such as (3, 32, 32)")
    for name in without:
        if name not in CHECKS:
            raise LayerlabError(f'there is no check "{name}"{did_you_mean(name, CHECKS)}')
    with by_itself(torch.device("cpu"), gradients=True), _unharmed(model):
        torch.manual_seed(0)
        subject = _subject(model, input_size, num_classes)
        report = ArchitectureReport()
        for name, check in CHECKS.items():
            if name in without:
                continue
            torch.manual_seed(0)
            try:
                report.append(Check(name, True, check(subject)))
            except Exception as error:  # whatever a network raises is what the report is for
                detail = str(error) if isinstance(error, _FailedCheckError) else f"{type(error).__name__}: {error}"
                report.append(Check(name, False, " ".join(detail.split())[:300]))
                if on_failure == "raise":
                    raise LayerlabError(
                        f"{type(model).__name__} fails the check {report[-1].name!r}: {report[-1].detail}"
                    ) from error
    return report


@contextmanager
def _unharmed(model: nn.Module) -> Iterator[None]:
    """Leave the network as it was even if its deep copies share memory with it, which is a finding."""
    tensors = [(tensor, tensor.requires_grad, tensor.grad) for tensor in (*model.parameters(), *model.buffers())]
    contents = [tensor.detach().clone() for tensor, *_ in tensors]
    modes = [(part, part.training) for part in model.modules()]
    try:
        yield
    finally:
        with torch.no_grad():
            for (tensor, flag, gradient), content in zip(tensors, contents, strict=True):
                tensor.copy_(content)
                tensor.requires_grad_(flag)
                tensor.grad = gradient
        for part, mode in modes:
            part.training = mode


def _subject(model: nn.Module, input_size: tuple[int, int, int], classes: int | None) -> _Subject:
    """Return the network's copy with images that it takes."""
    kind = next((value.dtype for value in model.parameters() if value.is_floating_point()), torch.float32)
    images = torch.randn(_IMAGES, *input_size, dtype=kind, device="cpu")
    try:
        own = copy.deepcopy(model)
    except Exception as error:
        raise LayerlabError(f"{type(model).__name__} cannot be copied: {' '.join(str(error).split())[:200]}") from error
    own.requires_grad_(requires_grad=True)
    try:
        head = read_head(own, images)
    except LayerlabError as error:
        raise LayerlabError(f"{type(model).__name__}: {error}") from error
    except Exception as error:
        from layerlab.anatomy import diagnose_input

        sentence = diagnose_input(model, tuple(input_size))
        raise LayerlabError(sentence or f"{type(model).__name__} cannot take {input_size}: {error}") from error
    return _Subject(own, images, head, classes)


# ---- the checks: each returns what it found or raises _FailedCheckError


def _finite(subject: _Subject) -> str:
    """Outputs are numbers in both modes."""
    probe = copy.deepcopy(subject.model).train()
    with torch.no_grad(), LogitReader(probe, subject.head) as reader:
        logits, auxiliary = reader.read(probe(subject.images))
    for what, output in (
        ("in evaluation", subject.evaluated()),
        ("in training", logits),
        *(("in an auxiliary head", other) for other in auxiliary),
    ):
        if not bool(output.isfinite().all()):
            raise _FailedCheckError(f"the output {what} has NaN or infinity")
    return "numbers in evaluation and in training" + (f", {len(auxiliary)} auxiliary heads" if auxiliary else "")


def _shape(subject: _Subject) -> str:
    """One row an image, one column a class."""
    shape = tuple(subject.evaluated().shape)
    columns = subject.classes if subject.classes is not None else subject.head.width
    if shape != (_IMAGES, columns):
        raise _FailedCheckError(f"{_IMAGES} images give {shape}; expected {(_IMAGES, columns)}")
    return f"(N, {columns})"


def _repeatable(subject: _Subject) -> str:
    """Evaluation draws nothing and changes nothing."""
    before = {name: value.clone() for name, value in subject.model.state_dict().items()}
    first = subject.evaluated()
    torch.manual_seed(1)  # each evaluation begins where the generator stands
    second = subject.evaluated()
    if not torch.equal(first, second):
        raise _FailedCheckError("two evaluations of the same images differ")
    for name, value in subject.model.state_dict().items():
        if not torch.equal(value, before[name]):
            raise _FailedCheckError(f'evaluation changes "{name}"')
    return "evaluation twice, the same"


def _one_image(subject: _Subject) -> str:
    """An image alone gets the answer that it gets in company."""
    together = subject.evaluated()
    alone = torch.cat([subject.evaluated(subject.images[i : i + 1]) for i in range(_IMAGES)])
    return f"differs by {_near('a batch of one', together, alone):.0e}"


def _gradient(subject: _Subject) -> str:
    """Every parameter learns."""
    probe = copy.deepcopy(subject.model).train()
    _loss(probe, subject, _labels(subject))[0].backward()  # type: ignore[no-untyped-call]
    names = [name for name, parameter in probe.named_parameters() if not _learns(parameter)]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise _FailedCheckError(f'no gradient reaches "{names[0]}"{more}')
    return f"to all {len(list(probe.parameters()))} tensors"


def _learns(parameter: nn.Parameter) -> bool:
    return parameter.grad is not None and bool(parameter.grad.isfinite().all()) and bool(parameter.grad.any())


def _overfits(subject: _Subject) -> str:
    """A few images are learned by heart."""
    labels = _labels(subject)
    for rate in _RATES:
        probe = copy.deepcopy(subject.model).train()
        for part in probe.modules():
            if isinstance(part, nn.modules.dropout._DropoutNd):
                part.p = 0.0
        optimizer = torch.optim.Adam(probe.parameters(), lr=rate)
        first = None
        for step in range(1, _STEPS + 1):
            loss, logits = _loss(probe, subject, labels)
            right = bool((subject.head.predictions(logits) == labels).all())
            first = loss.item() if first is None else first
            if right and loss.item() < _ENOUGH * first:
                return f"{_IMAGES} images in {step} steps of Adam at {rate:g}"
            if not bool(loss.isfinite()):
                break
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    raise _FailedCheckError(f"{_IMAGES} images are not learned in {_STEPS} steps of Adam at any of {_RATES}")


def _deepcopy(subject: _Subject) -> str:
    """A copy answers the same and shares nothing."""
    twin = _Subject(copy.deepcopy(subject.model), subject.images, subject.head, subject.classes)
    before = subject.evaluated()
    if not torch.equal(before, twin.evaluated()):
        raise _FailedCheckError("a deep copy gives another output")
    with torch.no_grad():
        for parameter in twin.model.parameters():
            parameter.zero_()
    if not torch.equal(before, subject.evaluated()):
        raise _FailedCheckError("a deep copy shares its weights with the network")
    return "the same, and shares nothing"


def _state_dict(subject: _Subject) -> str:
    """Saved and loaded, the network is the same."""
    buffer = io.BytesIO()
    torch.save(subject.model.state_dict(), buffer)
    buffer.seek(0)
    state = torch.load(buffer, weights_only=True)
    twin = _Subject(copy.deepcopy(subject.model), subject.images, subject.head, subject.classes)
    with torch.no_grad():
        for tensor in twin.model.state_dict().values():
            tensor.zero_()
    twin.model.load_state_dict(state)
    if not torch.equal(subject.evaluated(), twin.evaluated()):
        raise _FailedCheckError("after state_dict and load_state_dict the output is another")
    return f"{len(state)} tensors, there and back"


def _export(subject: _Subject) -> str:
    """``torch.export`` takes it, with a batch of any size."""
    model = copy.deepcopy(subject.model).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        program = torch.export.export(model, (subject.images,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    module = program.module()
    worst = 0.0
    for count in (1, _IMAGES):
        images = subject.images[:count]
        with torch.no_grad():
            ours, theirs = model(images), module(images)
        worst = max(worst, _near(f"the exported program, for {count} images,", ours, theirs))
    return f"any batch, differs by {worst:.0e}"


def _channels_last(subject: _Subject) -> str:
    """With the channels last in memory it answers the same."""
    model = copy.deepcopy(subject.model).to(memory_format=torch.channels_last)
    twin = _Subject(model, subject.images.contiguous(memory_format=torch.channels_last), subject.head, subject.classes)
    return f"differs by {_near('channels_last', subject.evaluated(), twin.evaluated()):.0e}"


CHECKS: dict[str, Callable[[_Subject], str]] = {
    "finite": _finite,
    "shape": _shape,
    "repeatable": _repeatable,
    "batch of one": _one_image,
    "gradient": _gradient,
    "overfits one batch": _overfits,
    "deepcopy": _deepcopy,
    "state_dict": _state_dict,
    "torch.export": _export,
    "channels_last": _channels_last,
}
"""The checks by name, in the order in which they are made."""


# ---- what they share


def _labels(subject: _Subject) -> Tensor:
    """Return a label for each image, all different where there are enough classes."""
    spread = max(1, subject.head.classes // len(subject.images))
    return torch.arange(len(subject.images), device="cpu") * spread % subject.head.classes


def _loss(model: nn.Module, subject: _Subject, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss that training would minimise, and the logits."""
    task = Classification(subject.head, TrainingConfig(), criterion_of(model))
    with LogitReader(model, subject.head) as reader:
        logits, auxiliary = reader.read(model(subject.images))
    return task.loss(logits, auxiliary, Target(labels))[1], logits


def _near(what: str, expected: Tensor, found: Tensor) -> float:
    """Return the largest difference relative to the largest number. Raises where it is more than rounding."""
    scale = expected.abs().max().clamp_min(torch.finfo(expected.dtype).tiny)
    difference = float((expected - found).abs().max() / scale)
    if not difference <= _TOLERANCE:
        raise _FailedCheckError(f"{what} differs by {difference:.1e} of the largest output, more than {_TOLERANCE:.0e}")
    return difference
