"""A network as PyTorch source that needs nothing but PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.playground.source_text import check, description, layer_names, literal, matrix, returned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layerlab.playground.network import Layer, Network

__all__ = ["write_pytorch"]

FEATURES: Final[Mapping[str, str]] = {
    "x": "x",
    "y": "y",
    "xSquared": "x * x",
    "ySquared": "y * y",
    "xTimesY": "x * y",
    "sinX": "torch.sin(x)",
    "sinY": "torch.sin(y)",
    "cosX": "torch.cos(x)",
    "cosY": "torch.cos(y)",
}
ACTIVATIONS: Final[Mapping[str, str]] = {
    "tanh": "torch.tanh({})",
    "sigmoid": "torch.sigmoid({})",
    "relu": "torch.relu({})",
    "leaky_relu": "nn.functional.leaky_relu({}, negative_slope=0.1)",
    "elu": "nn.functional.elu({})",
    "linear": "{}",
}


def write_pytorch(network: Network) -> str:
    """Return a network as a Python file that needs nothing but PyTorch.

    Its ``network`` is an ``nn.Module`` in evaluation mode and double precision; called with points (n, 2) it returns
    what the playground's map shows there.

    Args:
        network: as it is, with its weights.

    Raises:
        LayerlabError: the network has diverged.
    """
    check(network)
    parts = [
        f"{description(network, 'PyTorch')}\n\nimport torch\nfrom torch import nn",
        _features(network),
        _module(network),
        _weights(network),
        _load(),
    ]
    return "\n\n\n".join(parts)


def _features(network: Network) -> str:
    names = network.specification.features
    if names:
        body = [
            "    x, y = points.unbind(dim=1)",
            f"    return torch.stack([{', '.join(FEATURES[name] for name in names)}], dim=1)",
        ]
    else:
        body = ["    return torch.zeros_like(points[:, :1])  # the network has no inputs: a constant stands in"]
    head = [
        "def features(points: torch.Tensor) -> torch.Tensor:",
        '    """Return the inputs of the network at points (n, 2)."""',
    ]
    return "\n".join([*head, *body])


def _module(network: Network) -> str:
    names, dropout = layer_names(network), network.specification.dropout
    made, lines = [], [f"h = features(points)  # (n, {max(1, network.layers[0].inputs)})"]
    for number, (name, layer) in enumerate(zip(names, network.layers, strict=True), 1):
        rows, inputs = matrix(layer).shape
        made.append(f"self.{name} = nn.Linear({inputs}, {rows})")
        value = f"self.{name}(h)"
        if layer.gamma is not None:
            made.append(f"self.norm{number} = nn.BatchNorm1d({rows})")
            value = f"self.norm{number}({value})"
        if name == "output":
            lines.append(f"return {_output(network, value)}  # (n, {rows})")
        else:
            lines.append(f"h = {_hidden(layer, value, dropout)}  # (n, {network.layers[number].inputs})")
    if dropout and len(names) > 1:
        made.append(f"self.dropout = nn.Dropout({dropout!r})")
    body = [
        "class Network(nn.Module):",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *(f"        {line}" for line in made),
        "",
        "    def forward(self, points: torch.Tensor) -> torch.Tensor:",
        f'        """Return {returned(network)}."""',
        *(f"        {line}" for line in lines),
    ]
    return "\n".join(body)


def _hidden(layer: Layer, value: str, dropout: float) -> str:
    if layer.activation == "maxout":
        value = f"{value}.unflatten(1, ({layer.units}, 2)).amax(dim=2)"
    else:
        value = ACTIVATIONS[layer.activation].format(value)
    if dropout:
        value = f"self.dropout({value})"
    if layer.skip == "add":
        return f"{value} + h"
    return f"torch.cat([{value}, h], dim=1)" if layer.skip and layer.inputs else value


def _output(network: Network, value: str) -> str:
    return {
        "softmax": f"torch.softmax({value}, dim=1)",
        "sigmoid": f"2 * torch.sigmoid({value}) - 1",
        "tanh": f"torch.tanh({value})",
        "linear": value,
    }[network.layers[-1].activation]


def _weights(network: Network) -> str:
    lines = ["WEIGHTS = {"]
    for number, (name, layer) in enumerate(zip(layer_names(network), network.layers, strict=True), 1):
        arrays = {f"{name}.weight": matrix(layer), f"{name}.bias": layer.biases}
        if layer.gamma is not None and layer.beta is not None:
            arrays |= {f"norm{number}.weight": layer.gamma, f"norm{number}.bias": layer.beta}
        if layer.running_mean is not None and layer.running_variance is not None:
            arrays[f"norm{number}.running_mean"] = layer.running_mean
            arrays[f"norm{number}.running_var"] = layer.running_variance
        for key, array in arrays.items():
            flat = array if key.endswith(".weight") and key.startswith(name) else np.ravel(array)
            lines.append(f'    "{key}": {literal(flat, 4)},')
        if layer.gamma is not None:
            lines.append(f'    "norm{number}.num_batches_tracked": {network.iteration},')
    return "\n".join([*lines, "}"])


def _load() -> str:
    return '''def load() -> Network:
    """Return the network with the weights that it has in the playground."""
    module = Network().double()
    module.load_state_dict({name: torch.tensor(values, dtype=torch.float64) for name, values in WEIGHTS.items()})
    return module.eval()


network = load()

if __name__ == "__main__":
    some_points = torch.tensor([[0.0, 0.0], [2.5, -1.0]], dtype=torch.float64)
    print(network(some_points))
'''
