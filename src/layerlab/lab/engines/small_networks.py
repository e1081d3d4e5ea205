"""Small networks for experiments: dense or convolutional, every factor a knob.

Dense: [dense, norm, activation, dropout] x depth, dense to the classes. Convolutional: [convolution 3x3, norm,
activation, dropout, perhaps a pooling that halves the image] x depth, and a head. With ``skip`` a layer that keeps its
shape adds its input to its output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import init

from layerlab.layers import Flatten, GlobalAveragePool2d, SeparableConv2d, Skip, convolution
from layerlab.layers.convolution import activation_along

__all__ = ["Dropout", "build", "initialise", "macs_of"]

HALVINGS: Final = 2
"""So often does pooling halve the image, at most: 28 becomes 7, 8 becomes 2."""


class Dropout(nn.Module):
    """Dropout that draws from generators of its own, so that nothing else in the process can change what it drops.

    PyTorch's own, its neighbour, draws from the one generator of the process.

    Args:
        rate: share of the values that is dropped in training; the rest grows so that the mean stays.

    Input shape:
        (N, ...) with one generator; (lanes, N, ...) with one for each lane.

    Output shape:
        as the input.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generators: list[torch.Generator] = []

    def forward(self, x: Tensor) -> Tensor:
        """Return the values that are kept, grown; in evaluation all of them."""
        if not self.training:
            return x
        draws = torch.empty_like(x)
        for lane, generator in zip(draws if len(self.generators) > 1 else [draws], self.generators, strict=True):
            lane.uniform_(generator=generator)
        return x * (draws >= self.rate) / (1 - self.rate)


def build(settings: Mapping[str, Any], shape: Sequence[int], classes: int) -> nn.Sequential:
    """Return the network of ``settings``, its weights as they happen to be: see :func:`initialise`.

    Args:
        settings: of a trial, complete.
        shape: (channels, height, width) of the images.
        classes: how many there are.

    Input shape:
        (N, channels, height, width)

    Output shape:
        (N, classes), logits.
    """
    if settings["network"] == "mlp":
        return _dense(settings, shape, classes)
    return _convolutional(settings, shape, classes)


def _dense(settings: Mapping[str, Any], shape: Sequence[int], classes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    before = math.prod(shape)
    for units in settings["layers"]:
        activation, pieces = activation_along(-1, settings["activation"], {})
        block = [nn.Linear(before, units * pieces)]
        norm = nn.BatchNorm1d(units * pieces) if settings["norm"] == "batch" else None
        parts.append(_layer(settings, [*block, norm, activation], keeps_shape=before == units))
        before = units
    return nn.Sequential(nn.Flatten(-3), *parts, nn.Linear(before, classes))


def _convolutional(settings: Mapping[str, Any], shape: Sequence[int], classes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    before, side, layers = shape[0], min(shape[1:]), settings["layers"]
    height, width = shape[1:]
    halvings = min(HALVINGS, len(layers), int(math.log2(side))) if settings["pooling"] != "none" else 0
    halved = [math.ceil(len(layers) * (number + 1) / halvings) - 1 for number in range(halvings)]
    for number, channels in enumerate(layers):
        activation, pieces = activation_along(1, settings["activation"], {})
        norm = nn.BatchNorm2d(channels * pieces) if settings["norm"] == "batch" else None
        if settings["convolution"] == "separable":
            kernel: nn.Module = SeparableConv2d(before, channels * pieces, 3, padding=1)
        else:
            kernel = convolution(before, channels * pieces, 3, padding=1)
        parts.append(_layer(settings, [kernel, norm, activation], keeps_shape=before == channels))
        if number in halved:
            parts.append(nn.MaxPool2d(2) if settings["pooling"] == "max" else nn.AvgPool2d(2))
            height, width = height // 2, width // 2
        before = channels
    if settings["head"] == "gap":
        return nn.Sequential(*parts, GlobalAveragePool2d(), nn.Linear(before, classes))
    activation, pieces = activation_along(-1, settings["activation"], {})
    dense = nn.Linear(before * height * width, settings["head_width"] * pieces)
    head = [dense, *([activation] if activation else []), nn.Linear(settings["head_width"], classes)]
    return nn.Sequential(*parts, Flatten(), *head)


def _layer(settings: Mapping[str, Any], modules: Sequence[nn.Module | None], *, keeps_shape: bool) -> nn.Module:
    dropout = Dropout(settings["dropout"]) if settings["dropout"] else None
    layer = nn.Sequential(*[module for module in (*modules, dropout) if module is not None])
    return Skip(layer) if settings["skip"] and keeps_shape else layer


def initialise(network: nn.Module, how: str, generator: torch.Generator) -> None:
    """Draw the weights of every dense and convolutional layer, and let the norms begin anew.

    Args:
        network: of :func:`build`.
        how: ``default``, PyTorch's own (uniform, 1 / sqrt(inputs) at most, biases too); ``he``, normal with variance
            2 / inputs; ``glorot``, uniform with variance 2 / (inputs + outputs); these two with biases of zero.
        generator: to draw from, alone.

    Reference:
        He, Zhang, Ren, Sun. Delving Deep into Rectifiers. ICCV 2015.
        Glorot, Bengio. Understanding the difficulty of training deep feedforward neural networks. AISTATS 2010.
    """
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.reset_parameters()
        if not isinstance(module, (nn.Linear, nn.Conv2d)):
            continue
        bound = 1 / math.sqrt(math.prod(module.weight.shape[1:]))
        with torch.no_grad():
            if how == "default":
                module.weight.uniform_(-bound, bound, generator=generator)
            elif how == "he":
                init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            else:
                init.xavier_uniform_(module.weight, generator=generator)
            if module.bias is not None and how == "default":
                module.bias.uniform_(-bound, bound, generator=generator)
            elif module.bias is not None:
                module.bias.zero_()


def macs_of(network: nn.Module, shape: Sequence[int]) -> int:
    """Return the multiply-accumulates of dense and convolutional layers for one image of ``shape``."""
    counted: list[int] = []

    def count(module: nn.Module, _: Any, output: Tensor) -> None:
        weight = module.get_parameter("weight")
        counted.append(output.numel() * math.prod(weight.shape[1:]))

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, (nn.Linear, nn.Conv2d))
    ]
    network.eval()
    with torch.no_grad():
        network(next(network.parameters()).new_empty(1, *shape))
    for hook in hooks:
        hook.remove()
    return sum(counted)
