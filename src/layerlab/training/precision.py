"""Which number format and memory format train fastest here, found by trying."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.files import atomic_write
from layerlab.training.config import TrainingConfig
from layerlab.training.environment import processor_name
from layerlab.training.evaluation import cross_entropy
from layerlab.training.outputs import Head, LogitReader
from layerlab.training.randomness import seed_everything, untouched_generators

__all__ = ["Setting", "bf16_is_native", "choose_setting", "measure", "to_layout"]

_CACHE_FORMAT = 1
_CHANNEL_BLOCK = 16
_MARGIN = 0.9
"""Another setting must take at most this share of float32's time: what is hardly faster is not worth a change."""
_LOSS_TOLERANCE = 0.02
_LEAST_COSINE = 0.95
_SECONDS = 1.0
_MOST_SECONDS = 4.0
"""On a busy machine, where one step takes a multiple of the next, it is worth to look longer."""
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 40
_BUSY = 1.5
_HOPELESS = 2.0


@dataclass(frozen=True)
class Setting:
    """A way to compute."""

    precision: str = "32"
    """``32``, ``bf16`` or ``16``."""
    memory_format: str = "contiguous"
    """``contiguous`` or ``channels_last``."""

    @property
    def layout(self) -> torch.memory_format:
        """The memory format, as torch has it."""
        return torch.channels_last if self.memory_format == "channels_last" else torch.contiguous_format

    def autocast(self, device: torch.device) -> torch.autocast:
        """Return the context of the forward pass."""
        dtype = {"bf16": torch.bfloat16, "16": torch.float16}.get(self.precision)
        return torch.autocast(device.type, dtype or torch.bfloat16, enabled=dtype is not None)


def choose_setting(
    config: TrainingConfig,
    model: nn.Module,
    head: Head,
    images: Tensor,
    labels: Tensor,
    device: torch.device,
) -> Setting:
    """Return the setting that ``config`` asks for; what it leaves to ``auto`` is measured once and remembered.

    The same network, batch, machine and torch get the same answer again from the user's cache folder
    (``LAYERLAB_CACHE`` names another), so that a run is repeated exactly.

    Args:
        config: its ``precision`` and ``memory_format``.
        model: left without a trace.
        head: how its output is read.
        images: a batch as in training.
        labels: theirs.
        device: where training runs.
    """
    candidates = _candidates(config, model, device)
    if len(candidates) == 1:
        return candidates[0]
    if config.nodes > 1:
        return candidates[-1]  # machines that measured apart could come to different answers
    path = _cache_path(candidates, model, images, device)
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(path.read_text())["setting"]
        setting = Setting(kept["precision"], kept["memory_format"])
        if setting in candidates:
            return setting
    try:
        times = measure(candidates, model, head, images, labels, device)
    except Exception:  # no copy can be made, or the network fails in training: training itself will say so
        return candidates[0]
    chosen = _best(times, candidates[0])
    record = {f"{one.precision}, {one.memory_format}": 1000 * seconds for one, seconds in times.items()}
    with suppress(LayerlabError):  # a cache that cannot be written costs a second, not the run
        atomic_write(path, json.dumps({"setting": asdict(chosen), "milliseconds": record}))
    return chosen


def measure(
    candidates: list[Setting],
    model: nn.Module,
    head: Head,
    images: Tensor,
    labels: Tensor,
    device: torch.device,
) -> dict[Setting, float]:
    """Return the seconds of a training step under each setting that keeps the loss and the gradient's direction.

    The first candidate is the reference of both. The others are measured in turn with it, so that a busy moment of
    the machine meets all alike; the shortest time of each counts.
    """
    with untouched_generators():
        trials = {setting: _Trial(setting, model, head, images, labels, device) for setting in candidates}
        reference = trials[candidates[0]]
        began = time.perf_counter()
        for setting, trial in list(trials.items()):
            try:
                trial.step()
            except RuntimeError:  # an operator without this format, or no memory for it
                if trial is reference:
                    raise
                del trials[setting]
                continue
            if not trial.agrees_with(reference):
                del trials[setting]
        for number in range(1, _MOST_ROUNDS + 1):
            for trial in trials.values():
                trial.step()
            elapsed = time.perf_counter() - began
            patience = _MOST_SECONDS if reference.is_busy() else _SECONDS
            if elapsed > _MOST_SECONDS or (number >= _LEAST_ROUNDS and elapsed > patience):
                break
            if number == _LEAST_ROUNDS - 1 and not reference.is_busy():
                fastest = min(trial.best for trial in trials.values())
                trials = {s: t for s, t in trials.items() if t.best <= _HOPELESS * fastest or t is reference}
    return {setting: trial.best for setting, trial in trials.items()}


class _Trial:
    """A copy of the network under one setting."""

    def __init__(
        self, setting: Setting, model: nn.Module, head: Head, images: Tensor, labels: Tensor, device: torch.device
    ) -> None:
        self.setting, self.head, self.device = setting, head, device
        self.model = copy.deepcopy(model).to(device)
        to_layout(self.model, setting)
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.eval()  # other masks would give other losses
        floating = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
        self.images = images.to(device, floating).contiguous(memory_format=setting.layout)
        self.labels = labels.to(device)
        self.loss = 0.0
        self.gradient = torch.empty(0)
        self.times: list[float] = []

    @property
    def best(self) -> float:
        """The shortest step."""
        return min(self.times)

    def is_busy(self) -> bool:
        """Tell whether something else keeps the machine from giving the same time twice."""
        return sorted(self.times)[len(self.times) // 2] > _BUSY * self.best

    def step(self) -> None:
        """Run forward and backward; the first time for the loss and gradient, then for the time."""
        self.model.zero_grad(set_to_none=True)
        seed_everything(0)
        _synchronise(self.device)
        began = time.perf_counter()
        with LogitReader(self.model, self.head) as reader:
            with self.setting.autocast(self.device):
                output = self.model(self.images)
            logits, _ = reader.read(output)
            loss = cross_entropy(self.head, logits, self.labels, "mean")
            loss.backward()  # type: ignore[no-untyped-call]
        _synchronise(self.device)
        seconds = time.perf_counter() - began
        if not self.gradient.numel():
            self.loss = loss.item()
            parts = [p.grad.float().flatten() for p in self.model.parameters() if p.grad is not None]
            self.gradient = torch.cat(parts).cpu() if parts else torch.zeros(1)
        else:
            self.times.append(seconds)

    def agrees_with(self, reference: _Trial) -> bool:
        """Tell whether loss and gradient are, within rounding, those of ``reference``."""
        if reference is self:
            return True
        near = abs(self.loss - reference.loss) <= _LOSS_TOLERANCE * (1 + abs(reference.loss))
        cosine = torch.cosine_similarity(self.gradient, reference.gradient, dim=0).item()
        return near and (cosine >= _LEAST_COSINE or reference.gradient.norm().item() == 0)


def to_layout(model: nn.Module, setting: Setting) -> None:
    """Lay the parameters of 2-D convolutions out as ``setting`` says."""
    model.to(memory_format=setting.layout)


def bf16_is_native(device: torch.device) -> bool:
    """Tell whether the device computes in bfloat16 itself; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    flags = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    return any(bool(getattr(torch.cpu, flag)()) for flag in flags if hasattr(torch.cpu, flag))


def _candidates(config: TrainingConfig, model: nn.Module, device: torch.device) -> list[Setting]:
    """Return the settings that are possible, the plainest first."""
    precisions = [config.precision]
    if config.precision == "auto":
        single = all(p.dtype == torch.float32 for p in model.parameters())
        precisions = ["32", "bf16"] if single and bf16_is_native(device) else ["32"]
    layouts = [config.memory_format]
    if config.memory_format == "auto":
        flat = any(isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) for module in model.modules())
        safe = flat and _overruns_channels_last(model, device) is None
        layouts = ["contiguous", "channels_last"] if safe else ["contiguous"]
    elif config.memory_format == "channels_last" and (where := _overruns_channels_last(model, device)) is not None:
        raise LayerlabError(
            f'memory_format "channels_last" is not safe for Conv2d "{where}" (kernel 1 with a stride, and fewer than'
            f" {_CHANNEL_BLOCK} channels) on a processor: oneDNN writes past its memory there; use contiguous"
        )
    return [Setting(*pair) for pair in itertools.product(precisions, layouts)]


def _overruns_channels_last(model: nn.Module, device: torch.device) -> str | None:
    """Return the name of a convolution whose weight gradient oneDNN computes into memory that is not its own.

    Its 1x1 convolution with a stride gathers the pixels into a workspace that is too small where the channels are
    fewer than a block and stand last ("1x1 convolution backward_weights writes past the rtus workspace"): the process
    dies, or the gradients are wrong.
    """
    if device.type != "cpu":
        return None
    for name, module in model.named_modules():
        if (
            isinstance(module, nn.Conv2d)
            and set(module.kernel_size) == {1}
            and max(module.stride) > 1
            and module.in_channels // module.groups < _CHANNEL_BLOCK
        ):
            return str(name)
    return None


def _best(times: dict[Setting, float], plainest: Setting) -> Setting:
    fastest = min(times, key=times.__getitem__)
    return fastest if times[fastest] <= _MARGIN * times[plainest] else plainest


def _cache_path(candidates: list[Setting], model: nn.Module, images: Tensor, device: torch.device) -> Path:
    """Return the file that holds the answer for this network on this machine."""
    facts: dict[str, Any] = {
        "format": _CACHE_FORMAT,
        "machine": processor_name(device),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "candidates": [asdict(one) for one in candidates],
        "batch": list(images.shape),
        "network": str(model),
        "weights": [[name, list(p.shape), str(p.dtype)] for name, p in model.named_parameters()],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    return _cache_folder() / "precision" / f"{digest}.json"


def _cache_folder() -> Path:
    given = os.environ.get("LAYERLAB_CACHE")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("layerlab", appauthor=False)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
