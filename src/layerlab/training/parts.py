"""The parts of a network: which of them learn, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.training.config import BACKBONE, HEAD, TrainingConfig
from layerlab.zoo import model_info, origin_of

__all__ = ["Parts", "head_of"]


def head_of(model: nn.Module, outputs: int) -> str:
    """Return the path of the layer that gives the classes.

    Args:
        model: of the zoo, which says so; or any other: then the last layer with as many outputs.
        outputs: how many there are.

    Raises:
        LayerlabError: no layer has as many outputs.
    """
    origin = origin_of(model)
    names = [name for name, _ in model.named_modules()]
    if origin is not None and origin.kind == "zoo" and model_info(origin.name).head in names:
        return model_info(origin.name).head
    ends = [
        name
        for name, module in model.named_modules()
        if outputs in (getattr(module, "out_features", None), getattr(module, "out_channels", None))
        and any(True for _ in module.parameters())
    ]
    if not ends:
        raise LayerlabError(
            f"no layer of {type(model).__name__} has {outputs} outputs, so that its head cannot be told from its"
            ' backbone: name the parts by their paths, e.g. freeze="layer1,layer2"'
        )
    return str(ends[-1])


class Parts:
    """The parts of a network that a configuration names.

    A part is a module's path, such as ``layer4`` or ``features.0``; ``head``, the layer that gives the classes; or
    ``backbone``, everything else.

    Args:
        model: the network.
        config: its ``freeze``, ``backbone_learning_rate`` and ``learning_rates``.
        outputs: how many outputs the network has.

    Raises:
        LayerlabError: a part that the network has not, nothing is left to learn, or a rate for what is frozen.
    """

    def __init__(self, model: nn.Module, config: TrainingConfig, outputs: int) -> None:
        self._model, self._outputs = model, outputs
        self._frozen = [(part, self._inside(part)) for part in config.frozen_parts]
        self._rates = [(part, self._inside(part), rate) for part, rate in config.rates_of_parts.items()]
        # Of two parts that hold a parameter the one inside decides, and a path before "backbone".
        self._rates.sort(key=lambda entry: (entry[0] != BACKBONE, entry[0].count("."), entry[0]), reverse=True)
        self._refuse_nonsense()

    def freeze(self) -> None:
        """Let the frozen parts learn no more, and their norms keep their statistics."""
        for name, parameter in self._model.named_parameters(remove_duplicate=False):
            if self._is_frozen(name):
                parameter.requires_grad_(False)
        self.settle()

    def settle(self) -> None:
        """Put the norms of the frozen parts into evaluation mode, which ``train()`` has taken them out of."""
        if not self._frozen:
            return
        for name, module in self._model.named_modules():
            if isinstance(module, _NormBase) and self._is_frozen(name):
                module.eval()

    @property
    def have_rates(self) -> bool:
        """Whether some part has a learning rate of its own."""
        return bool(self._rates)

    def groups(self) -> list[dict[str, Any]]:
        """Return the parameters that learn, as an optimiser takes them: first those at the run's own rate."""
        groups: dict[str | None, dict[str, Any]] = {None: {"params": []}}
        for part, _, rate in self._rates:
            groups[part] = {"params": [], "lr": rate}
        for name, parameter in self._model.named_parameters():
            if parameter.requires_grad:
                of = next((part for part, inside, _ in self._rates if inside(name)), None)
                groups[of]["params"].append(parameter)
        return [group for group in groups.values() if group["params"]]

    def _is_frozen(self, name: str) -> bool:
        return any(inside(name) for _, inside in self._frozen)

    def _inside(self, part: str) -> Callable[[str], bool]:
        """Return what tells whether a module or parameter lies in a part."""
        names = [name for name, _ in self._model.named_modules() if name]
        if part in (BACKBONE, HEAD) and part not in names:
            head = head_of(self._model, self._outputs)
            in_head = _under(head)
            return in_head if part == HEAD else lambda name: not in_head(name)
        if part not in names:
            origin = origin_of(self._model)
            called = f'"{origin.name}"' if origin is not None else type(self._model).__name__
            top = [name for name in names if "." not in name]
            near = did_you_mean(part, names)
            listed = near if near.startswith("; did") else f"; it has {', '.join(top)}"
            raise LayerlabError(f'{called} has no part "{part}"{listed} ("backbone" is all but its head)')
        return _under(part)

    def _refuse_nonsense(self) -> None:
        for part, inside, _ in self._rates:
            own = [name for name, _ in self._model.named_parameters() if inside(name)]
            if not own:
                raise LayerlabError(f'the part "{part}" has no parameters, so that a learning rate means nothing there')
            if all(map(self._is_frozen, own)):
                raise LayerlabError(f'"{part}" is frozen and is given a learning rate: leave one of the two out')
        learning = [name for name, parameter in self._model.named_parameters() if parameter.requires_grad]
        if self._frozen and all(map(self._is_frozen, learning)):
            frozen = ",".join(part for part, _ in self._frozen)
            raise LayerlabError(f'freeze="{frozen}" freezes every parameter, so that there is nothing to train')


def _under(path: str) -> Callable[[str], bool]:
    return lambda name: name == path or name.startswith(f"{path}.")
