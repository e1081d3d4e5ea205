"""Weights of one implementation put into another: by name where the names agree, else in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError

__all__ = ["transplant"]

_NAMED = 3
_COUNTER = "num_batches_tracked"


def transplant(source: nn.Module | Mapping[str, Any], model: nn.Module, *, heads: Sequence[str] = ()) -> dict[str, str]:
    """Copy every weight and buffer of ``source`` into ``model``, all or none.

    Where both have the same names, they decide. Otherwise the tensors are matched in order, the trained ones and the
    buffers apart, and each must have the shape of its partner; a 1x1 convolution and a dense layer of as many weights
    pass for each other. Counters of batches may be absent, as they are in old files.

    Args:
        source: a module, or its ``state_dict()``.
        model: of the same architecture; it is changed in place.
        heads: paths of modules in ``model`` that may have another number of outputs: where one has, all of them stay
            as they are.

    Returns:
        The name in ``source`` of each name in ``model`` that was copied.

    Raises:
        LayerlabError: tensors are missing, left over or of another shape (the first are named); nothing is copied.

    Example:
        >>> first, second = nn.Linear(2, 3), nn.Sequential(nn.Linear(2, 3))
        >>> transplant(first, second)
        {'0.weight': 'weight', '0.bias': 'bias'}
    """
    if not isinstance(model, nn.Module):
        raise LayerlabError(
            f"weights go into a network, and {type(model).__name__} is none; expected a torch.nn.Module"
        )
    theirs = _tensors(source.state_dict() if isinstance(source, nn.Module) else source)
    _check_places(theirs, model)
    ours = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    pairs = _by_name(theirs, ours)
    if pairs is None:
        pairs = _in_order(theirs, ours, _trained(source, theirs), _trained(model, ours))
    pairs = _fitting(pairs, theirs, ours, heads)
    with torch.no_grad():
        for mine, other in pairs.items():
            ours[mine].copy_(theirs[other].reshape(ours[mine].shape))
    return pairs


def _tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    if not isinstance(state, Mapping):
        raise LayerlabError(
            f"the source of the weights is {type(state).__name__}; expected a module or its state_dict()"
        )
    found = {}
    for name, value in state.items():
        if value is None:
            continue
        try:
            found[str(name)] = torch.as_tensor(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise LayerlabError(f'"{name}" of the weights is {type(value).__name__}; expected a tensor') from error
    if not found:
        raise LayerlabError("there are no tensors to transplant; expected a module or its state_dict()")
    return found


def _check_places(theirs: Mapping[str, Tensor], model: nn.Module) -> None:
    """Refuse numbers that would go nowhere or come from nowhere; on ``meta`` alone, only the shapes are compared."""
    source, target = (
        any(isinstance(tensor, Tensor) and tensor.is_meta for tensor in tensors)
        for tensors in (theirs.values(), model.state_dict().values())
    )
    if source != target:
        whose = "the source" if source else "the network"
        raise LayerlabError(f"{whose} is on the meta device, where tensors have no numbers: build it on another")


def _by_name(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, str] | None:
    """Return the pairs of equal names, or None where most names differ."""
    wanted = [name for name in ours if name in theirs or not name.endswith(_COUNTER)]
    missing = [name for name in wanted if name not in theirs]
    extra = [name for name in theirs if name not in ours and not name.endswith(_COUNTER)]
    if 2 * len(missing) > len(wanted):
        return None
    if missing or extra:
        raise LayerlabError(_unlike(missing, extra, []))
    return {name: name for name in wanted}


def _in_order(
    theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], trained: set[str] | None, own: set[str] | None
) -> dict[str, str]:
    """Return the pairs by position among the trained tensors, and among the buffers."""
    pairs: dict[str, str] = {}
    own = own or set()
    is_trained = _looks_trained if trained is None else trained.__contains__
    for kind in (True, False):
        left = [name for name in ours if not name.endswith(_COUNTER) and (name in own) == kind]
        right = [name for name in theirs if not name.endswith(_COUNTER) and is_trained(name) == kind]
        if len(left) != len(right):
            raise LayerlabError(_unlike(left[len(right) :], right[len(left) :], []))
        pairs.update(zip(left, right, strict=True))
    return pairs


def _trained(holder: object, tensors: Mapping[str, Tensor]) -> set[str] | None:
    """Return the names of the trained tensors, where the holder can say so."""
    if not isinstance(holder, nn.Module):
        return None
    return {name for name, _ in holder.named_parameters(remove_duplicate=False)} & set(tensors)


def _looks_trained(name: str) -> bool:
    return not name.rpartition(".")[2].startswith(("running_", "moving_"))


def _fitting(
    pairs: Mapping[str, str], theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], heads: Sequence[str]
) -> dict[str, str]:
    """Return the pairs to copy: without the heads where one has another number of outputs; refuse other shapes."""
    unlike = [mine for mine, other in pairs.items() if _squeezed(theirs[other]) != _squeezed(ours[mine])]
    wrong = [
        mine for mine in unlike if not (_in_any(mine, heads) and _is_other_number(theirs[pairs[mine]], ours[mine]))
    ]
    if wrong:
        named = [
            f'"{pairs[mine]}" is {_size(theirs[pairs[mine]])}, expected {_size(ours[mine])}'
            + (f' as "{mine}" is' if mine != pairs[mine] else "")
            for mine in wrong
        ]
        raise LayerlabError(_unlike([], [], named))
    return {mine: other for mine, other in pairs.items() if not (unlike and _in_any(mine, heads))}


def _in_any(name: str, modules: Sequence[str]) -> bool:
    return any(name.startswith(f"{module}.") for module in modules)


def _is_other_number(theirs: Tensor, ours: Tensor) -> bool:
    """Tell whether two tensors of a head differ in the number of outputs only."""
    return theirs.dim() > 0 and ours.dim() > 0 and _squeezed(theirs)[1:] == _squeezed(ours)[1:]


def _squeezed(tensor: Tensor) -> list[int]:
    """Return the shape without the trailing places of a 1x1 kernel."""
    shape = list(tensor.shape)
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    return shape


def _unlike(missing: list[str], extra: list[str], wrong: list[str]) -> str:
    """Return one sentence that names the first tensors that do not fit."""
    parts = [
        f"{what} {_listed(names)}"
        for what, names in (
            ("it lacks", [f'"{name}"' for name in missing]),
            ("it has, and the network has not,", [f'"{name}"' for name in extra]),
            ("of other shapes:", wrong),
        )
        if names
    ]
    return f"the weights belong to another architecture ({'; '.join(parts)}): none were loaded"


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"
