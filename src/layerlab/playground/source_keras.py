"""A network as Keras source that needs nothing but Keras 3, whatever its backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerlab.playground.source_text import check, description, layer_names, literal, matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layerlab.playground.network import Layer, Network

__all__ = ["write_keras"]

FEATURES: Final[Mapping[str, str]] = {
    "x": "x",
    "y": "y",
    "xSquared": "x * x",
    "ySquared": "y * y",
    "xTimesY": "x * y",
    "sinX": "ops.sin(x)",
    "sinY": "ops.sin(y)",
    "cosX": "ops.cos(x)",
    "cosY": "ops.cos(y)",
}
ACTIVATIONS: Final[Mapping[str, str]] = {
    "tanh": 'layers.Activation("tanh")',
    "sigmoid": 'layers.Activation("sigmoid")',
    "relu": 'layers.Activation("relu")',
    "leaky_relu": "layers.LeakyReLU(negative_slope=0.1)",
    "elu": 'layers.Activation("elu")',
}


def write_keras(network: Network) -> str:
    """Return a network as a Python file that needs nothing but Keras 3.

    Its ``network`` is a ``keras.Model``; called with points (n, 2) it returns what the playground's map shows there. It
    asks for double precision; the PyTorch backend of Keras multiplies matrices in single precision all the same.

    Args:
        network: as it is, with its weights.

    Raises:
        LayerlabError: the network has diverged.
    """
    check(network)
    head = f"{description(network, 'Keras')}\n\nimport keras\nimport numpy as np\nfrom keras import layers, ops"
    precision = 'keras.config.set_dtype_policy("float64")  # as the playground'
    return f"{head}\n\n{precision}\n\n\n" + "\n\n\n".join([_build(network), _weights(network), _load()])


def _build(network: Network) -> str:
    lines = ['points = keras.Input((2,), dtype="float64", name="points")', *_features(network)]
    for number, (name, layer) in enumerate(zip(layer_names(network), network.layers, strict=True), 1):
        if name == "output":
            lines += _output(layer)
        else:
            lines += _hidden(network, layer, name, number)
    body = "\n".join(f"    {line}" for line in [*lines, "return keras.Model(points, h)"])
    return f'def build() -> keras.Model:\n    """Return the network with weights by chance."""\n{body}'


def _features(network: Network) -> list[str]:
    names = network.specification.features
    if not names:
        return ["h = 0 * points[:, :1]  # the network has no inputs: a constant stands in"]
    parts = [FEATURES[name] for name in names]
    joined = parts[0] if len(parts) == 1 else f"ops.concatenate([{', '.join(parts)}], axis=1)"
    return ["x, y = points[:, :1], points[:, 1:]", f"h = {joined}  # (n, {len(parts)})"]


def _hidden(network: Network, layer: Layer, name: str, number: int) -> list[str]:
    units = len(matrix(layer))
    plain = layer.activation in ("tanh", "sigmoid", "relu", "elu") and layer.gamma is None
    activation = f', activation="{layer.activation}"' if plain else ""
    new = "new" if layer.skip and layer.inputs else "h"
    lines = [f'{new} = layers.Dense({units}{activation}, name="{name}")(h)']
    if layer.gamma is not None:
        lines.append(f'{new} = layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name="norm{number}")({new})')
    if layer.activation == "maxout":
        lines.append(f"{new} = ops.max(layers.Reshape(({layer.units}, 2))({new}), axis=2)")
    elif not plain and layer.activation in ACTIVATIONS:
        lines.append(f"{new} = {ACTIVATIONS[layer.activation]}({new})")
    if network.specification.dropout:
        lines.append(f"{new} = layers.Dropout({network.specification.dropout!r})({new})")
    if layer.skip and layer.inputs:
        lines.append(f"h = layers.{'Add' if layer.skip == 'add' else 'Concatenate'}()([new, h])")
    lines[-1] += f"  # (n, {network.layers[number].inputs})"
    return lines


def _output(layer: Layer) -> list[str]:
    activation = "" if layer.activation == "linear" else f', activation="{layer.activation}"'
    lines = [f'h = layers.Dense({layer.units}{activation}, name="output")(h)  # (n, {layer.units})']
    if layer.activation == "sigmoid":
        lines.append("h = 2 * h - 1")
    return lines


def _weights(network: Network) -> str:
    lines = ["WEIGHTS = {"]
    for number, (name, layer) in enumerate(zip(layer_names(network), network.layers, strict=True), 1):
        entries = {name: [matrix(layer).T, layer.biases.ravel()]}
        norm = [layer.gamma, layer.beta, layer.running_mean, layer.running_variance]
        if layer.gamma is not None:
            entries[f"norm{number}"] = [array.ravel() for array in norm if array is not None]
        for key, arrays in entries.items():
            lines += [f'    "{key}": [', *(f"        {literal(array, 8)}," for array in arrays), "    ],"]
    return "\n".join([*lines, "}"])


def _load() -> str:
    return '''def load() -> keras.Model:
    """Return the network with the weights that it has in the playground."""
    model = build()
    for name, arrays in WEIGHTS.items():
        model.get_layer(name).set_weights([np.array(values) for values in arrays])
    return model


network = load()

if __name__ == "__main__":
    print(network(np.array([[0.0, 0.0], [2.5, -1.0]])))
'''
