"""From what a network gives to logits and probabilities, whatever its last layer is.

Cross-entropy is computed from logits, because the logarithm of a probability that was rounded to 0 is lost. Many
networks end in a softmax all the same (the lecture's does). Where its input can be seen, it is read; the network
itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError

__all__ = ["Head", "LogitReader", "inspected", "probabilities", "read_head"]

_AMONG_KEYS = ("logits", "out")
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Head:
    """How the output of a network is to be read."""

    width: int
    """Columns of the output."""
    kind: Literal["logits", "probabilities"]
    """What the output holds where ``source`` is None; ``probabilities``: a softmax or sigmoid without a module."""
    source: str | None
    """The module that turns logits into the output: its input is read instead."""

    @property
    def binary(self) -> bool:
        """Whether one column stands for two classes."""
        return self.width == 1

    @property
    def classes(self) -> int:
        """How many classes the output tells apart."""
        return 2 if self.binary else self.width

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the probability of each class (N, classes) for what :class:`LogitReader` read (N, width)."""
        if self.binary:
            second = logits.double().sigmoid()
            return torch.cat([1 - second, second], dim=1).float()
        return logits.softmax(dim=1)

    def predictions(self, logits: Tensor) -> Tensor:
        """Return the number of the most probable class (N,)."""
        return (logits[:, 0] > 0).long() if self.binary else logits.argmax(dim=1)


class LogitReader:
    """Reads logits out of forward passes, between ``with`` and its end.

    Args:
        model: the network (not its wrapper for several devices).
        head: how to read it.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
        >>> with LogitReader(model, read_head(model, torch.zeros(2, 4))) as reader:
        ...     logits, auxiliary = reader.read(model(torch.zeros(2, 4)))
    """

    def __init__(self, model: nn.Module, head: Head) -> None:
        self.head = head
        self._module = None if head.source is None else model.get_submodule(head.source)
        self._seen: Tensor | None = None
        self._hook: Any = None

    def __enter__(self) -> LogitReader:
        if self._module is not None:
            self._hook = self._module.register_forward_pre_hook(self._keep)
        return self

    def __exit__(self, *_: object) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._seen = None

    def read(self, output: Any) -> tuple[Tensor, list[Tensor]]:
        """Return the logits (N, width) in float32 or wider, and those of auxiliary classifiers.

        Args:
            output: what the forward pass that has just ended returned.
        """
        main, auxiliary = _parts(output)
        seen, self._seen = self._seen, None
        logits = _as_table(main if seen is None else seen)
        if self.head.kind == "probabilities" and seen is None:
            tiny = torch.finfo(logits.dtype).tiny
            logits = torch.logit(logits, eps=1e-7) if self.head.binary else logits.clamp_min(tiny).log()
        return logits, [_as_table(other) for other in auxiliary]

    def _keep(self, _module: nn.Module, arguments: tuple[Any, ...]) -> None:
        self._seen = arguments[0] if arguments else None


def read_head(model: nn.Module, images: Tensor) -> Head:
    """Run ``images`` once, in evaluation mode and without a trace, and say how the output is to be read.

    Args:
        model: any classifier.
        images: a few images (N, C, H, W) on the model's device.

    Raises:
        LayerlabError: the output is no tensor of one row an image.
    """
    last: dict[str, Any] = {}
    gates = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (nn.Softmax, nn.Softmax2d, nn.Sigmoid))
    }

    def keep(name: str) -> Any:
        return lambda _module, _arguments, result: last.__setitem__(name, result)

    hooks = [module.register_forward_hook(keep(name)) for name, module in gates.items()]
    try:
        with inspected(model):
            output, _ = _parts(model(images))
    finally:
        for hook in hooks:
            hook.remove()
    table = _as_table(output)
    if len(table) != len(images):
        raise LayerlabError(
            f"the network gives {_shape(output)} for {len(images)} images; expected one row an image (N, classes)"
        )
    source = next((name for name, result in last.items() if _same(result, output)), None)
    if source is not None and not _over_classes(gates[source], output, table.shape[1]):
        source = None
    found = source is not None or _are_probabilities(model, images, table)
    return Head(table.shape[1], "probabilities" if found else "logits", source)


def probabilities(model: nn.Module, images: Tensor, head: Head | None = None) -> Tensor:
    """Return the probability of each class (N, classes), float32 on the CPU.

    The model's flags, buffers and the state of the random generators are afterwards as before.

    Args:
        model: any classifier, whether it ends in logits, a softmax or a sigmoid.
        images: (N, C, H, W) as :meth:`layerlab.data.Dataset.preprocess` gives them.
        head: how to read it, where it is known already.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
        >>> probabilities(model, torch.zeros(2, 1, 2, 2)).sum(dim=1)
        tensor([1., 1.])
    """
    where = next(model.parameters(), torch.empty(0))
    images = images.to(where.device, where.dtype if where.is_floating_point() else None)
    head = head or read_head(model, images)
    with inspected(model), LogitReader(model, head) as reader:
        logits, _ = reader.read(model(images))
        return head.probabilities(logits).float().cpu()


@contextmanager
def inspected(model: nn.Module) -> Iterator[None]:
    """Hold ``model`` in evaluation mode without gradients; leave flags and random generators as they were."""
    flags = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng():
            yield
    finally:
        for module, training in flags.items():
            module.training = training


def _parts(output: Any) -> tuple[Tensor, list[Tensor]]:
    """Split an output into the main tensor and auxiliary ones (GoogLeNet and Inception give both in training)."""
    if isinstance(output, Tensor):
        return output, []
    if isinstance(output, Mapping):
        key = next((key for key in _AMONG_KEYS if isinstance(output.get(key), Tensor)), None)
        if key is not None:
            return output[key], []
        raise LayerlabError(
            f"the network gives a dictionary with {', '.join(map(repr, output)) or 'nothing'}; expected a tensor"
            ' (N, classes), or one under "logits" or "out"'
        )
    if isinstance(output, (tuple, list)) and output and isinstance(output[0], Tensor):
        main = output[0]
        return main, [other for other in output[1:] if isinstance(other, Tensor) and other.shape == main.shape]
    raise LayerlabError(f"the network gives {type(output).__name__}; expected a tensor (N, classes)")


def _as_table(output: Tensor) -> Tensor:
    """Return (N, width) in float32 or wider; (N,) and (N, width, 1, 1) are taken for what they mean."""
    if output.dim() == 1:
        output = output.unsqueeze(1)
    if output.dim() > 2 and output[0, 0].numel() == 1:
        output = output.flatten(1)
    if output.dim() != 2:
        raise LayerlabError(f"the network gives {_shape(output)}; expected a tensor (N, classes)")
    return output.float() if output.dtype in (torch.float16, torch.bfloat16) else output


def _same(result: Any, output: Tensor) -> bool:
    return result is output or (
        isinstance(result, Tensor) and result.data_ptr() == output.data_ptr() and result.shape == output.shape
    )


def _over_classes(gate: nn.Module, output: Tensor, width: int) -> bool:
    """Tell whether a softmax runs along the classes; a sigmoid always does, one class at a time."""
    if isinstance(gate, nn.Sigmoid):
        return True
    if isinstance(gate, nn.Softmax2d):
        return width > 1
    dim = gate.dim if gate.dim is not None else 1
    return width > 1 and dim in (1, 1 - output.dim())


def _are_probabilities(model: nn.Module, images: Tensor, table: Tensor) -> bool:
    """Tell whether a softmax or sigmoid was applied without a module."""
    if not bool(((table >= 0) & (table <= 1)).all()):
        return False
    if table.shape[1] > 1:
        return bool((table.double().sum(dim=1) - 1).abs().max() < _SUM_TOLERANCE)
    # A logit may lie between 0 and 1 by chance, but not for inputs a thousand times as large.
    with inspected(model):
        far = _as_table(_parts(model(images * 1000))[0])
    return bool(((far >= 0) & (far <= 1)).all())


def _shape(output: Tensor) -> str:
    return "a tensor of shape (" + ", ".join(map(str, output.shape)) + ")"
