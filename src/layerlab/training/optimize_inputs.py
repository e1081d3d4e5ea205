"""What ``optimize`` is given, checked, and the inputs that it compares the classes on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["check_arguments", "inputs_to_compare"]

_FORMATS = ("auto", "contiguous", "channels_last")


def inputs_to_compare(example: Tensor, more: Tensor | None) -> Iterator[Tensor]:
    """Yield what was given, then altered copies of it without end, in batches of the example's size."""
    given = example if more is None else torch.cat([example, more.to(example)])
    size = len(example)
    yield from torch.split(given, size)
    generator = torch.Generator().manual_seed(0)
    for turn in itertools.count():
        for batch in torch.split(given, size):
            altered = batch
            if batch.dim() == 4:
                altered = altered.flip(3) if turn % 2 == 0 else altered
                step = turn % 5 - 2
                altered = altered.roll((step * batch.shape[2] // 16, -step * batch.shape[3] // 16), dims=(2, 3))
            altered = altered + (0.1 + 0.1 * (turn % 3)) * (altered.roll(1, dims=0) - altered)
            altered = altered * (0.8, 1.0, 1.2)[turn % 3]
            noise = torch.randn(batch.shape, generator=generator, device="cpu").to(batch)
            yield altered + 0.05 * batch.std(correction=0) * noise


def check_arguments(model: Any, example: Any, more: Any, precision: str, memory_format: str, agreement: float) -> None:
    """Refuse what ``optimize`` cannot work with. Raises LayerlabError."""
    if not isinstance(model, nn.Module):
        raise LayerlabError(f"optimize takes a network (nn.Module), and was given {_kind(model)}")
    for name, value in (("example", example), ("more", more)):
        if value is None and name == "more":
            continue
        if not isinstance(value, Tensor) or value.dim() < 2 or not len(value) or not value.is_floating_point():
            what = (
                f"a {value.dtype} tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else _kind(value)
            )
            raise LayerlabError(f"{name} must be a batch of prepared images (N, C, H, W) as floats, not {what}")
    if more is not None and more.shape[1:] != example.shape[1:]:
        raise LayerlabError(
            f"more holds inputs of shape {tuple(more.shape[1:])}, and the example's are {tuple(example.shape[1:])}"
        )
    for name, text, choices in (
        ("precision", precision, ("auto", "32", "bf16")),
        ("memory_format", memory_format, _FORMATS),
    ):
        if text not in choices:
            raise LayerlabError(f"{name} must be {', '.join(choices)}, not {text!r}{did_you_mean(str(text), choices)}")
    if isinstance(agreement, bool) or not isinstance(agreement, (int, float)) or not 0 <= agreement <= 1:
        raise LayerlabError(f"agreement must be a share from 0 to 1, not {agreement!r}")
    places = {str(t.device) for t in [*model.parameters(), *model.buffers()]}
    if places - {str(example.device)}:
        raise LayerlabError(
            f"the network is on {', '.join(sorted(places))} and the example on {example.device}: move one to the other"
        )
    if example.device.type == "meta":
        raise LayerlabError("a network on the device meta has no numbers: create it on a device and load its weights")


def _kind(value: Any) -> str:
    return type(value).__name__
