"""What is known of a module after it ran once: plain, frozen data that every renderer shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

__all__ = ["Call", "Failure", "Layer", "Operation", "Parameter", "Shape", "Totals", "as_plain"]

Shape = tuple[int, ...]
Call = tuple[str, int]
"""Path of a module, and which of its calls it is, from 0."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a module.

    Attributes:
        name: its attribute name, e.g. ``"weight"``.
        shape: its shape.
        trainable: whether it requires a gradient.
        tied_to: full name of the parameter that it is the same tensor as and that was counted earlier, if
            any.
        bytes: memory it takes.
    """

    name: str
    shape: Shape
    trainable: bool
    tied_to: str | None
    bytes: int

    @property
    def count(self) -> int:
        """How many numbers it adds to the total: 0 when it is tied to one that was already counted."""
        return 0 if self.tied_to is not None else math.prod(self.shape)


@dataclass(frozen=True)
class Layer:
    """One module of the tree; figures cover it with everything below it unless their name says ``own``.

    Attributes:
        number: outline number (``"4"``, ``"4.1"``); empty where the children's own names are numbers.
        path: name as in ``named_modules()``; empty for the root.
        kind: class name.
        bases: names of the classes that it is a kind of, nearest first, without ``Module``.
        depth: 0 for the root, 1 for its children, ...
        is_leaf: whether it has no child modules.
        inputs: shapes of the tensors given to its first call, batch included.
        outputs: shapes of the tensors that its first call returned.
        calls: how often ``forward`` ran.
        used: whether it was called, or its parameters were used by an operation of another module.
        parameters: number of its parameters, each tensor counted once in the whole tree.
        trainable: those that require a gradient.
        buffers: number of elements of its buffers.
        macs: multiply-accumulates of convolutions and matrix multiplications, over all calls.
        element_operations: operations of activations, normalisations, poolings and other element-wise work.
        activation_bytes: memory of the outputs that it newly allocates.
        own_parameters: parameters held by the module itself, one by one.
        own_macs, own_element_operations, own_activation_bytes, own_buffers: what is not its children's.
        receptive_field: input positions that one output position sees, for each axis; ``None`` where there
            are no axes.
        stride: input positions between two neighbouring output positions; ``None`` for an axis that is gone.
        incoming_field, incoming_stride: the same two for what goes in.
        shared_with: path of the same module where it was met first.
        settings: constructor facts that explanations need (kernel size, groups, eps, ...).
        notes: what a reader must know, in words.
    """

    number: str
    path: str
    kind: str
    depth: int
    is_leaf: bool
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    calls: int
    used: bool
    parameters: int
    trainable: int
    buffers: int
    macs: int
    element_operations: int
    activation_bytes: int
    own_parameters: tuple[Parameter, ...]
    own_macs: int
    own_element_operations: int
    own_activation_bytes: int
    own_buffers: int
    receptive_field: tuple[int, ...] | None
    stride: tuple[int | Fraction | None, ...] | None
    incoming_field: tuple[int, ...] | None
    incoming_stride: tuple[int | Fraction | None, ...] | None
    shared_with: str | None = None
    bases: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Last part of the path; the class name for the root."""
        return self.path.rpartition(".")[2] or self.kind

    @property
    def frozen(self) -> int:
        """Parameters that require no gradient."""
        return self.parameters - self.trainable

    @property
    def called(self) -> bool:
        """Whether ``forward`` ran at least once."""
        return self.calls > 0

    @property
    def own_parameter_count(self) -> int:
        """Number of the parameters that the module itself holds."""
        return sum(parameter.count for parameter in self.own_parameters)


@dataclass(frozen=True)
class Operation:
    """One call into torch.

    Attributes:
        number: its place in the order of the run, from 0.
        name: name of the function: ``"conv2d"``, ``"add"``, ``"scaled_dot_product_attention"``.
        within: the modules that were running, the outermost first; ``("layer1.0.conv1", 0)`` is the first call of
            that path.
        sources: for each tensor that it takes and that was made on the way, the number of the operation that made
            it; ``-1 - k`` for the k-th input of the network. Parameters are no sources.
        inputs: the shapes of these tensors.
        outputs: the shapes of what it returned.
        macs: multiply-accumulates of convolutions and matrix multiplications.
        element_operations: everything else that computes.
        moved_bytes: memory of what it takes, parameters included, and returns; of a table that it picks rows from
            only these; 0 where it is only another view of the same memory.
    """

    number: int
    name: str
    within: tuple[Call, ...]
    sources: tuple[int, ...]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    macs: int
    element_operations: int
    moved_bytes: int

    @property
    def path(self) -> str:
        """Path of the module that made the call; empty for the root."""
        return self.within[-1][0] if self.within else ""


@dataclass(frozen=True)
class Totals:
    """Sums over the whole module.

    Attributes:
        parameters: every parameter tensor once.
        trainable: those that require a gradient.
        frozen: the others.
        executed_parameters: those that took part in the forward pass.
        buffers: elements of buffers (batch-norm statistics, ...).
        macs: multiply-accumulates of convolutions and matrix multiplications without bias.
        macs_are_lower_bound: whether an operation without a rule was met.
        uncounted: names of those operations.
        element_operations: activations, normalisations, poolings and other element-wise work.
        activation_bytes: memory of all outputs, each allocated tensor once.
        parameter_bytes, buffer_bytes: memory of parameters and of buffers.
        gradient_bytes: memory of the gradients of what is trainable.
        backward_bytes: memory that one training step keeps for the backward pass, the input included; ``None``
            where it could not be seen.
        peak_bytes: the most memory that inputs and outputs take at one moment of inference, parameters and what a
            kernel takes for itself apart.
        input_shapes: what went in, batch included.
    """

    parameters: int
    trainable: int
    frozen: int
    executed_parameters: int
    buffers: int
    macs: int
    macs_are_lower_bound: bool
    uncounted: tuple[str, ...]
    element_operations: int
    activation_bytes: int
    parameter_bytes: int
    buffer_bytes: int
    gradient_bytes: int
    backward_bytes: int | None
    peak_bytes: int
    input_shapes: tuple[Shape, ...]

    @property
    def flops(self) -> int:
        """Two floating-point operations for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def optimizer_bytes(self) -> dict[str, int]:
        """Memory that optimisers keep between steps: none, a momentum, or Adam's two moments for each gradient."""
        return {"SGD": 0, "SGD with momentum": self.gradient_bytes, "Adam": 2 * self.gradient_bytes}


@dataclass(frozen=True)
class Failure:
    """The innermost module whose forward raised, with what it was given."""

    path: str
    kind: str
    inputs: tuple[Shape, ...]
    settings: Mapping[str, Any]
    error: Exception


def as_plain(record: Any) -> dict[str, Any]:
    """Return a record as a dict that JSON can hold: no tuples, no fractions."""
    return {key: _plain(value) for key, value in asdict(record).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value
