"""A classifier made as fast as it gets for inference, without a compiler: folded, laid out and rounded by measuring."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from layerlab.errors import LayerlabError
from layerlab.training.capture import one_line
from layerlab.training.folding import Folded, fold
from layerlab.training.fused import round_to_bfloat16
from layerlab.training.optimize_inputs import check_arguments, inputs_to_compare
from layerlab.training.optimize_report import OptimizationReport, Trial
from layerlab.training.outputs import Head, LogitReader, read_head
from layerlab.training.precision import bf16_is_native
from layerlab.training.randomness import by_itself

__all__ = ["OptimizedModel", "optimize"]

_TOLERANCE = 1e-3
"""Of the largest output: what folding may change in float32. Rounding gives 1e-5 in deep networks, a mistake more."""
_IMAGES = 256
_SECONDS_OF_REFERENCE = 6.0
_SECONDS_OF_TIMING = 3.0
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 30
_HOPELESS = 1.5
_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class OptimizedModel(nn.Module):
    """A network for inference: takes and gives what the original does, in evaluation mode only.

    Args:
        program: computes the outputs.
        dtype: that it takes.
        memory_format: likewise.
        report: what was done.
        overwrites: whether the program writes to its input; then it is given a copy.

    Input shape:
        the original's, in any batch size and, where the original takes it, any resolution.

    Output shape:
        the original's, in the type of the input.

    Raises:
        LayerlabError: in ``train``: it cannot be trained; and in ``forward`` where the input is no tensor.
    """

    def __init__(
        self,
        program: nn.Module,
        dtype: torch.dtype,
        memory_format: str,
        report: OptimizationReport,
        overwrites: bool = False,
    ) -> None:
        super().__init__()
        self.program = program
        self.dtype = dtype
        self.memory_format = memory_format
        self.report = report
        self.overwrites = overwrites
        super().train(False)

    def forward(self, images: Tensor) -> Any:
        """Return what the original network gives."""
        if not isinstance(images, Tensor):
            raise LayerlabError(
                f"an optimised network takes one tensor of images, and was given {type(images).__name__}"
            )
        x = _prepared(images.detach(), self.dtype, self.memory_format, self.overwrites)
        if torch.is_autocast_enabled(images.device.type):  # its own precision was measured
            with torch.autocast(images.device.type, enabled=False):
                output = self.program(x)
        else:
            output = self.program(x)
        return tree_map(lambda one: _like(one, images.dtype), output)

    def train(self, mode: bool = True) -> OptimizedModel:
        """Stay in evaluation mode; refuse to be trained."""
        if mode:
            raise LayerlabError("an optimised network is for inference only: train the original and optimise it again")
        return super().train(False)


def optimize(
    model: nn.Module,
    example: Tensor,
    *,
    more: Tensor | None = None,
    precision: str = "auto",
    memory_format: str = "auto",
    agreement: float = 0.99,
) -> OptimizedModel:
    """Return a copy of a classifier that gives the same classes faster.

    Batch norms are folded into the convolutions before them; activations and additions become part of a convolution
    where oneDNN can do both in one pass; memory format and precision are those that are fastest here, measured on
    ``example`` in turn with the original. A way is taken only if the most probable class stays the same on at least
    ``agreement`` of the inputs. These are the examples, ``more``, and, up to 256, altered copies of them (mirrored,
    shifted, fainter, noisy, blended; the same ones every time). Real images make a better check than noise.

    Args:
        model: any classifier: the zoo's, torchvision's, your own. It is copied and left as it is.
        example: a batch as in use (N, C, H, W), on the model's device: what is fastest depends on its size.
        more: further images for the comparison of classes.
        precision: ``auto``: float32 and, where the processor has it, bfloat16; ``32``: float32 alone; ``bf16``: both,
            also where the processor has to imitate bfloat16.
        memory_format: ``auto``, ``contiguous`` or ``channels_last``.
        agreement: the share of inputs whose class must stay.

    Returns:
        A plain module; ``print(result.report)`` says what was done.

    Raises:
        LayerlabError: no classifier, an example that it cannot take, outputs that are not finite, or another device.

    Example:
        >>> import layerlab
        >>> network = layerlab.create("lecture_cnn", num_classes=10)
        >>> fast = optimize(network, torch.rand(8, 1, 28, 28))
        >>> fast(torch.rand(3, 1, 28, 28)).shape
        torch.Size([3, 10])
    """
    if isinstance(model, OptimizedModel):
        raise LayerlabError("the network is optimised already: give the original")
    check_arguments(model, example, more, precision, memory_format, agreement)
    with by_itself(example.device, gradients=False):
        return _Optimizer(model, example, more, precision, memory_format, agreement).run()


class _Optimizer:
    """One optimisation: the copy, its folded twin, the ways to compute, and the inputs for comparison."""

    def __init__(
        self,
        model: nn.Module,
        example: Tensor,
        more: Tensor | None,
        precision: str,
        memory_format: str,
        agreement: float,
    ) -> None:
        self.example, self.more, self.agreement = example.detach().clone(), more, agreement
        self.network = _frozen_copy(model)
        self.warning = ""
        try:
            self.head = Head(*_plain(read_head(self.network, self.example[:2].clone())))
            given = self.example.clone()
            written = given._version
            output = self.network(given)
            self.overwrites = given._version != written
        except LayerlabError:
            raise
        except Exception as error:
            raise LayerlabError(
                f"{type(model).__name__} cannot take the example of shape {tuple(example.shape)}: {one_line(error)}"
            ) from error
        table = self._table(output)
        if not torch.isfinite(table).all():
            raise LayerlabError(
                f"{type(model).__name__} gives NaN or infinite outputs for the example; check its weights and the"
                " preprocessing of the images"
            )
        self.folded = self._folded()
        self.ways = self._ways(precision, memory_format)

    def run(self) -> OptimizedModel:
        """Measure, compare and choose."""
        programs = self._programs()
        trials = self._timed(programs)
        chosen = None
        inputs, expected = self._reference()
        order = sorted((t for t in trials if t.milliseconds is not None), key=lambda t: t.milliseconds or 0)
        for trial in order:
            index = trials.index(trial)
            if index == 0:  # nothing that keeps the classes is faster than the original
                break
            checked = self._compared(trial, programs[index], inputs, expected)
            trials[index] = checked
            if not checked.note:
                chosen = checked
                break
        if chosen is None:  # the original agrees with itself
            chosen = trials[0] = replace(trials[0], agreement=1.0, difference=0.0)
        images = sum(map(len, inputs))
        folded = self.folded if self.folded is not None and chosen.folded else Folded(self.network)
        report = OptimizationReport(
            batch=tuple(self.example.shape),
            threads=torch.get_num_threads(),
            trials=tuple(trials),
            chosen=chosen,
            images=images,
            given=min(self._given(), images),
            folded=tuple(folded.norms),
            left=dict(folded.left),
            joined=folded.joined,
            closed=dict(folded.closed),
            warning=self.warning,
        )
        program = programs[trials.index(chosen)]
        return OptimizedModel(program, self._dtype(chosen), chosen.memory_format, report, self.overwrites)

    def _folded(self) -> Folded | None:
        """Return the folded network, if it gives what the network gives."""
        try:
            folded = fold(copy.deepcopy(self.network), self.example[:2].clone())
            for images in self._sizes():
                with_norms = self._table(self.network(images.clone()))
                without = self._table(folded.module(images.clone()))
                off = _difference(without, with_norms)
                if not off <= _TOLERANCE:
                    self.warning = f"nothing was folded: a folded copy gave other outputs (off by {off:.1e})"
                    return None
        except Exception as error:
            self.warning = f"nothing was folded: {one_line(error)}"
            return None
        return folded

    def _sizes(self) -> Iterator[Tensor]:
        """Yield inputs of several batch sizes and, where the network takes it, of another resolution."""
        yield self.example
        yield self.example[:1]
        if self.example.dim() == 4:
            height, width = self.example.shape[2:]
            larger = nn.functional.interpolate(self.example[:2].float(), (height + height // 4 + 1, width + 1))
            larger = larger.to(self.example.dtype)
            try:
                self.network(larger.clone())
            except Exception:  # a fixed size: then the original refuses it as well
                return
            yield larger

    def _ways(self, precision: str, memory_format: str) -> list[Trial]:
        """Return the ways to try; the first is the original."""
        tensors = [t for t in [*self.network.parameters(), *self.network.buffers()] if t.is_floating_point()]
        single = self.example.dtype == torch.float32 and all(t.dtype == torch.float32 for t in tensors)
        if precision == "auto":
            numbers = ["32", "bf16"] if single and bf16_is_native(self.example.device) else ["32"]
        else:
            numbers = ["32", "bf16"] if precision == "bf16" else ["32"]
        if "bf16" in numbers and not single:
            raise LayerlabError('precision "bf16" needs a float32 network and example; use precision "32"')
        formats = [memory_format]
        if memory_format == "auto":
            formats = ["contiguous", "channels_last"] if self.example.dim() == 4 else ["contiguous"]
        elif memory_format == "channels_last" and self.example.dim() != 4:
            shape = tuple(self.example.shape)
            raise LayerlabError(f'memory_format "channels_last" needs images (N, C, H, W), not an example of {shape}')
        folded = self.folded is not None
        ways = [Trial("32", "contiguous", False)]
        for number, layout in itertools.product(numbers, formats):
            way = Trial(number, layout, folded)
            if way not in ways:
                ways.append(way)
        return ways

    def _programs(self) -> list[nn.Module]:
        """Return the network of each way."""
        programs = [self.network]
        for way in self.ways[1:]:
            source = self.folded if self.folded is not None else Folded(self.network)
            twin = copy.deepcopy(source)
            if way.precision == "bf16":
                round_to_bfloat16(twin.module, twin.heads)
            programs.append(twin.module.to(memory_format=_FORMATS[way.memory_format]))
        return programs

    def _timed(self, programs: list[nn.Module]) -> list[Trial]:
        """Return the ways with their times, taken in turn so that a busy moment of the machine meets all alike."""
        trials = list(self.ways)
        times: dict[int, list[float]] = {number: [] for number in range(len(trials))}
        began = time.perf_counter()
        for round_number in range(_MOST_ROUNDS + 1):
            for number in list(times):
                start = time.perf_counter()
                try:
                    self._run(trials[number], programs[number], self.example)
                except Exception as error:
                    if number == 0:
                        raise
                    trials[number] = replace(trials[number], note=one_line(error))
                    del times[number]
                    continue
                _wait(self.example.device)
                if round_number:
                    times[number].append(time.perf_counter() - start)
            if round_number == 1:
                fastest = min(seconds[0] for seconds in times.values())
                hopeless = [n for n, seconds in times.items() if n and seconds[0] > 2 * _HOPELESS * fastest]
                for number in hopeless:
                    trials[number] = replace(trials[number], milliseconds=1000 * min(times.pop(number)))
            if round_number >= _LEAST_ROUNDS and time.perf_counter() - began > _SECONDS_OF_TIMING:
                break
        for number, seconds in times.items():
            trials[number] = replace(trials[number], milliseconds=1000 * min(seconds))
        return trials

    def _reference(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return inputs in batches and what the original gives for them."""
        inputs: list[Tensor] = []
        expected: list[Tensor] = []
        given = self._given()
        began = time.perf_counter()
        for batch in inputs_to_compare(self.example, self.more):
            table = self._table(self.network(batch.clone()))
            usable = torch.isfinite(table).all(dim=1)
            inputs.append(batch[usable])
            expected.append(table[usable])
            enough = sum(map(len, inputs)) >= _IMAGES or time.perf_counter() - began > _SECONDS_OF_REFERENCE
            if enough and sum(map(len, inputs)) >= given:
                break
        return inputs, expected

    def _given(self) -> int:
        return len(self.example) + (0 if self.more is None else len(self.more))

    def _compared(self, trial: Trial, program: nn.Module, inputs: list[Tensor], expected: list[Tensor]) -> Trial:
        """Return the trial with what it changes; its note says why it cannot be taken."""
        same, total, worst = 0, 0, 0.0
        for images, wanted in zip(inputs, expected, strict=True):
            if len(images) == 0:
                continue
            given = self._table(self._run(trial, program, images))
            same += int((self._classes(given) == self._classes(wanted)).sum())
            total += len(images)
            worst = max(worst, _difference(given, wanted))
        share = same / max(total, 1)
        trial = replace(trial, agreement=share, difference=worst)
        if not worst < float("inf"):
            return replace(trial, note="gives NaN or infinite outputs")
        return trial if share >= self.agreement else replace(trial, note="changes too many classes")

    def _run(self, trial: Trial, program: nn.Module, images: Tensor) -> Any:
        return program(_prepared(images, self._dtype(trial), trial.memory_format, self.overwrites))

    def _dtype(self, trial: Trial) -> torch.dtype:
        return torch.bfloat16 if trial.precision == "bf16" else self.example.dtype

    def _table(self, output: Any) -> Tensor:
        """Return logits (N, classes)."""
        return LogitReader(self.network, self.head).read(output)[0].float()

    def _classes(self, table: Tensor) -> Tensor:
        return self.head.predictions(table)


def _prepared(images: Tensor, dtype: torch.dtype, memory_format: str, copied: bool) -> Tensor:
    """Return the images in the type and layout that a network was made for."""
    if images.dim() != 4:
        return images.to(dtype, copy=copied)
    x = images.to(dtype, copy=copied, memory_format=_FORMATS[memory_format])
    if memory_format == "channels_last" and x.shape[1] == 1 and not torch.compiler.is_compiling():
        # One channel is the same in both layouts; the strides say which is meant.
        height, width = x.shape[2:]
        x = x.contiguous().as_strided(x.shape, (height * width, 1, width, 1))
    return x


def _like(value: Any, dtype: torch.dtype) -> Any:
    floating = isinstance(value, Tensor) and value.is_floating_point() and dtype.is_floating_point
    return value.to(dtype) if floating else value


def _frozen_copy(model: nn.Module) -> nn.Module:
    computed = [value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor)]
    known = {id(tensor): tensor.detach().clone() for tensor in computed if not tensor.is_leaf}  # as of weight_norm
    try:
        network = copy.deepcopy(model, known)
    except Exception as error:
        raise LayerlabError(f"{type(model).__name__} cannot be copied: {one_line(error)}") from error
    return network.eval().requires_grad_(False)


def _plain(head: Head) -> tuple[int, Any, None]:
    """Return the fields of a head that reads the output itself, which is all that an optimised network gives."""
    return head.width, head.kind, None


def _difference(given: Tensor, wanted: Tensor) -> float:
    """Return the largest difference relative to the largest value."""
    if given.shape != wanted.shape or not torch.isfinite(given).all():
        return float("inf")
    largest = wanted.abs().max().item() if wanted.numel() else 0.0
    return (given - wanted).abs().max().item() / max(largest, 1e-12) if wanted.numel() else 0.0


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
