"""Any optimiser of ``torch.optim``, by name."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.training.config import TrainingConfig

__all__ = ["default_learning_rate", "make_optimizer", "optimizer_names"]

_REFUSED = {
    "lbfgs": "it evaluates the whole loss several times a step, and here a step is one batch",
    "sparseadam": "it takes sparse gradients only, and networks for images give dense ones",
}
# The peaks of a one-cycle schedule; where none is given, torch's own default is kept.
_LEARNING_RATES = {"adam": 5e-3, "adamw": 5e-3, "nadam": 5e-3, "radam": 5e-3, "adamax": 1e-2, "sgd": 0.1}
_OPTIONS: dict[str, dict[str, Any]] = {"sgd": {"momentum": 0.9, "nesterov": True}}


def optimizer_names() -> list[str]:
    """Return the names that :func:`make_optimizer` understands, as torch spells them."""
    return sorted(name for name in _classes() if name.casefold() not in _REFUSED)


def default_learning_rate(name: str) -> float:
    """Return the learning rate that is used for the optimiser ``name`` when none is given."""
    chosen = _find(name)
    own = inspect.signature(chosen).parameters["lr"].default
    return _LEARNING_RATES.get(chosen.__name__.casefold(), float(own))


def make_optimizer(
    config: TrainingConfig, parameters: Iterable[nn.Parameter] | Sequence[Mapping[str, Any]]
) -> Optimizer:
    """Return the optimiser that ``config`` names, for those ``parameters`` that learn.

    Args:
        config: optimiser, learning rate, and what else it takes.
        parameters: or groups of them as torch has it, ``{"params": ..., "lr": ...}``.

    Raises:
        LayerlabError: no such optimiser, one that cannot train on batches, or an option that it has not.
    """
    chosen = _find(config.optimizer)
    groups = [dict(entry) if isinstance(entry, Mapping) else {"params": [entry]} for entry in parameters]
    learning = [parameter for group in groups for parameter in group["params"] if parameter.requires_grad]
    options = _options(config, chosen)
    known = inspect.signature(chosen).parameters
    if "fused" in known and "fused" not in options and all(_can_fuse(p) for p in learning):
        options["fused"] = True  # one kernel a step in place of a dozen; the same arithmetic
    try:
        return chosen(_learning_groups(groups) if any("lr" in group for group in groups) else learning, **options)
    except (TypeError, ValueError) as error:
        raise LayerlabError(f'optimizer "{config.optimizer}": {" ".join(str(error).split())}') from error


def _learning_groups(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups with the parameters that learn; a group without any is left out."""
    kept = [{**group, "params": [p for p in group["params"] if p.requires_grad]} for group in groups]
    return [group for group in kept if group["params"]]


def _options(config: TrainingConfig, chosen: type[Optimizer]) -> dict[str, Any]:
    """Return the keyword arguments of the optimiser: ours, overridden by the person's."""
    known = inspect.signature(chosen).parameters
    options = dict(_OPTIONS.get(chosen.__name__.casefold(), {}))
    options["lr"] = config.learning_rate or default_learning_rate(config.optimizer)
    given = {"weight_decay": config.weight_decay, "momentum": config.momentum}
    for name, value in {**config.optimizer_options, **{k: v for k, v in given.items() if v is not None}}.items():
        if name not in known or name == "params":
            takes = [key for key in known if key != "params"]
            raise LayerlabError(f'optimizer "{chosen.__name__}" takes no {name}{did_you_mean(name, takes)}')
        options[name] = tuple(value) if isinstance(value, list) else value
    if options.get("momentum") == 0 and "nesterov" not in config.optimizer_options:
        options.pop("nesterov", None)
    return options


def _can_fuse(parameter: nn.Parameter) -> bool:
    return parameter.device.type in ("cpu", "cuda") and parameter.dtype in (torch.float32, torch.float64)


def _classes() -> dict[str, type[Optimizer]]:
    return {
        name: value
        for name, value in vars(torch.optim).items()
        if inspect.isclass(value) and issubclass(value, Optimizer) and value is not Optimizer
    }


def _find(name: str) -> type[Optimizer]:
    folded = {known.casefold(): value for known, value in _classes().items()}
    key = name.casefold().replace("-", "").replace("_", "")
    if key in _REFUSED:
        raise LayerlabError(f'optimizer "{name}" cannot be used: {_REFUSED[key]}; use "adam" or "sgd"')
    if key not in folded:
        raise LayerlabError(f'no optimizer "{name}" in torch.optim{did_you_mean(name, optimizer_names())}')
    return folded[key]
