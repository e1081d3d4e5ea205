"""From what was seen of each call to the records of the tree and its totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from layerlab.anatomy.collect import Trace, Visit, tree
from layerlab.anatomy.record import Layer, Parameter, Shape, Totals
from layerlab.anatomy.settings import settings_of

__all__ = ["layers_of", "totals_of"]


def layers_of(module: nn.Module, trace: Trace) -> tuple[Layer, ...]:
    """Return the records of the tree, the root first, each with the sums over what is below it."""
    counted: dict[int, str] = {}
    met: dict[int, str] = {}
    own = []
    numbers = _outline(module)
    for path, part in tree(module):
        own.append(_own_record(path, part, trace, counted, numbers.get(path, ""), met.get(id(part))))
        met.setdefault(id(part), path)
    return tuple(_summed(own))


def totals_of(module: nn.Module, trace: Trace, root: Layer, input_shapes: Sequence[Shape]) -> Totals:
    """Return the sums over the whole module."""
    parameters = {id(parameter): parameter for parameter in module.parameters() if not is_lazy(parameter)}
    return Totals(
        parameters=root.parameters,
        trainable=root.trainable,
        frozen=root.frozen,
        executed_parameters=sum(p.numel() for key, p in parameters.items() if key in trace.used),
        buffers=root.buffers,
        macs=root.macs,
        macs_are_lower_bound=bool(trace.uncounted),
        uncounted=tuple(sorted(trace.uncounted)),
        element_operations=root.element_operations,
        activation_bytes=root.activation_bytes,
        parameter_bytes=sum(parameter.nbytes for parameter in parameters.values()),
        buffer_bytes=sum(buffer.nbytes for buffer in module.buffers() if not is_lazy(buffer)),
        gradient_bytes=sum(parameter.nbytes for parameter in parameters.values() if parameter.requires_grad),
        backward_bytes=trace.backward_bytes,
        peak_bytes=trace.peak_bytes,
        input_shapes=tuple(input_shapes),
    )


def _outline(module: nn.Module) -> dict[str, str]:
    """Return the outline number of each path; none where the children's own names are numbers already."""
    if any(name.isdigit() for name in module._modules):
        return {}
    numbers = {"": ""}

    for path, part in tree(module):
        children = [name for name, child in part._modules.items() if child is not None]
        for index, name in enumerate(children, 1):
            child = f"{path}.{name}" if path else name
            numbers[child] = f"{numbers[path]}.{index}" if path else str(index)
    return numbers


def _own_record(
    path: str, part: nn.Module, trace: Trace, counted: dict[int, str], number: str, shared_with: str | None
) -> Layer:
    """Return the record with the module's own figures in the places of the sums; claims its parameters."""
    visit = trace.visits.get(path, Visit())
    parameters = tuple(_parameters(path, part, counted))
    trainable = sum(parameter.count for parameter in parameters if parameter.trainable)
    own_used = any(id(parameter) in trace.used for parameter in part._parameters.values())
    buffers = _own_buffers(path, part, counted)
    count = sum(parameter.count for parameter in parameters)
    return Layer(
        number=number,
        path=path,
        kind=type(part).__name__,
        depth=path.count(".") + 1 if path else 0,
        is_leaf=not any(child is not None for child in part._modules.values()),
        inputs=visit.inputs,
        outputs=visit.outputs,
        calls=visit.calls,
        used=visit.calls > 0 or (own_used and shared_with is None),
        parameters=count,
        trainable=trainable,
        buffers=buffers,
        macs=visit.macs,
        element_operations=visit.element_operations,
        activation_bytes=visit.activation_bytes,
        own_parameters=parameters,
        own_macs=visit.macs,
        own_element_operations=visit.element_operations,
        own_activation_bytes=visit.activation_bytes,
        own_buffers=buffers,
        receptive_field=visit.reach.field if visit.reach else None,
        stride=visit.reach.stride if visit.reach else None,
        incoming_field=visit.incoming.field if visit.incoming else None,
        incoming_stride=visit.incoming.stride if visit.incoming else None,
        shared_with=shared_with,
        bases=tuple(base.__name__ for base in type(part).__mro__[1:] if issubclass(base, nn.Module))[:-1],
        settings=settings_of(part),
        notes=tuple(_notes(part, visit, parameters, shared_with)),
    )


def _parameters(path: str, part: nn.Module, counted: dict[int, str]) -> list[Parameter]:
    found = []
    for name, parameter in part._parameters.items():
        if parameter is None or is_lazy(parameter):
            continue
        full_name = f"{path}.{name}" if path else name
        tied_to = counted.get(id(parameter))
        counted.setdefault(id(parameter), full_name)
        shape = tuple(parameter.shape)
        found.append(Parameter(name, shape, parameter.requires_grad, tied_to, parameter.nbytes))
    return found


def _own_buffers(path: str, part: nn.Module, counted: dict[int, str]) -> int:
    total = 0
    for name, buffer in part._buffers.items():
        if isinstance(buffer, torch.Tensor) and not is_lazy(buffer) and id(buffer) not in counted:
            counted[id(buffer)] = f"{path}.{name}" if path else name
            total += buffer.numel()
    return total


def _notes(part: nn.Module, visit: Visit, parameters: Sequence[Parameter], shared_with: str | None) -> list[str]:
    notes = []
    if any(parameter is not None and is_lazy(parameter) for parameter in part._parameters.values()):
        notes.append("not initialised yet: its parameters are not counted")
    if shared_with is not None:
        notes.append(f'the same module as "{shared_with}": its parameters are counted there')
    else:
        for parameter in parameters:
            if parameter.tied_to is not None:
                notes.append(f'its {parameter.name} is "{parameter.tied_to}", counted there')
    if parameters and not any(parameter.trainable for parameter in parameters):
        notes.append("frozen")
    elif any(not parameter.trainable for parameter in parameters):
        notes.append("partly frozen")
    if visit.calls > 1:
        notes.append(f"called {visit.calls} times" + (", with different shapes" if visit.shapes_differ else ""))
    return notes


def _summed(own: Sequence[Layer]) -> list[Layer]:
    """Return the records with sums over subtrees; a subtree is the run of deeper records that follows."""
    summed = list(own)
    children: dict[int, list[int]] = {}
    open_rows: list[int] = []
    for row, layer in enumerate(own):
        while open_rows and own[open_rows[-1]].depth >= layer.depth:
            open_rows.pop()
        if open_rows:
            children.setdefault(open_rows[-1], []).append(row)
        open_rows.append(row)
    for row in reversed(range(len(own))):
        below = [summed[child] for child in children.get(row, [])]
        layer = own[row]
        used = layer.used or any(child.used for child in below)
        summed[row] = replace(
            layer,
            used=used,
            parameters=layer.parameters + sum(child.parameters for child in below),
            trainable=layer.trainable + sum(child.trainable for child in below),
            buffers=layer.buffers + sum(child.buffers for child in below),
            macs=layer.macs + sum(child.macs for child in below),
            element_operations=layer.element_operations + sum(child.element_operations for child in below),
            activation_bytes=layer.activation_bytes + sum(child.activation_bytes for child in below),
            notes=layer.notes + _use_note(layer, used),
        )
    return summed


def _use_note(layer: Layer, used: bool) -> tuple[str, ...]:
    if layer.calls or layer.depth == 0:
        return ()
    if not used:
        return ("never called",) if layer.shared_with is None else ("not called under this name",)
    if layer.is_leaf:
        return ("its parameters are used without calling it",)
    return ()
