"""The playground's networks once more, in PyTorch: what the compiled kernels are compared with."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from layerlab.playground.data_sets import generate, inputs
from layerlab.playground.network import Network
from layerlab.playground.random_numbers import Random
from layerlab.playground.specification import Specification

__all__ = ["KINKED", "Oracle", "network_of"]

KINKED = ("relu", "leaky_relu", "maxout")


def network_of(specification: Specification) -> Network:
    """Return the network as a fresh page would create it."""
    random = Random(specification.seed)
    return Network(specification, generate(specification, random), random)


class Oracle:
    """A copy of a network's parameters as PyTorch tensors, and its forward pass.

    Args:
        network: of which the present parameters are copied.
    """

    def __init__(self, network: Network) -> None:
        self.specification = network.specification
        self.layers: list[dict[str, Any]] = []
        for layer in network.layers:
            tensors = {
                name: None if array is None else torch.tensor(array, requires_grad=name[:7] != "running")
                for name, array in (
                    ("weights", layer.weights),
                    ("biases", layer.biases),
                    ("gamma", layer.gamma),
                    ("beta", layer.beta),
                    ("running_mean", layer.running_mean),
                    ("running_variance", layer.running_variance),
                )
            }
            self.layers.append({**tensors, "activation": layer.activation, "skip": layer.skip})
        self.nearest_kink = float("inf")
        """The smallest distance of a sum to a place where its activation has no derivative."""

    def parameters(self) -> list[tuple[int, str, torch.Tensor]]:
        """Return (layer, name, tensor) of all that learns."""
        names = ("weights", "biases", "gamma", "beta")
        return [
            (index, name, layer[name])
            for index, layer in enumerate(self.layers)
            for name in names
            if layer[name] is not None
        ]

    def loss(self, batch: Any, factors: Any = None, *, training: bool = True) -> torch.Tensor:
        """Return the mean loss of points (n, 3); ``factors`` (n, units) are dropout's, for each hidden layer."""
        labels = torch.tensor(batch[:, 2])
        sums = self.sums(batch, factors, training=training)
        specification = self.specification
        if specification.problem == "regression":
            return 0.5 * (sums[:, 0] - labels).square().mean()
        if specification.classes == 2 and specification.loss == "mse":
            return 0.5 * (torch.tanh(sums[:, 0]) - labels).square().mean()
        if specification.classes == 2:
            return functional.binary_cross_entropy_with_logits(sums[:, 0], (labels > 0).double())
        classes = labels.long()
        if specification.loss == "cross-entropy":
            return functional.cross_entropy(sums, classes)
        wanted = functional.one_hot(classes, specification.classes)
        return 0.5 * (torch.softmax(sums, 1) - wanted).square().sum(1).mean()

    def sums(self, batch: Any, factors: Any = None, *, training: bool = True) -> torch.Tensor:
        """Return the output layer's sums (n, outputs)."""
        values = torch.tensor(inputs(batch[:, :2], self.specification.features))
        for index, layer in enumerate(self.layers):
            out = torch.tensordot(values, layer["weights"], ([1], [layer["weights"].ndim - 1])) + layer["biases"]
            if layer["gamma"] is not None:
                out = self._normalize(out, layer, training=training)
            if index == len(self.layers) - 1:
                return out
            out = self._activate(layer["activation"], out)
            if factors is not None:
                out = out * torch.tensor(factors[index])
            if layer["skip"]:
                out = out + values if layer["skip"] == "add" else torch.cat([out, values], 1)
            values = out
        raise AssertionError("a network ends in its output layer")

    @staticmethod
    def _normalize(sums: torch.Tensor, layer: dict[str, Any], *, training: bool) -> torch.Tensor:
        flat = sums.flatten(1)
        mean, variance = layer["running_mean"].flatten(), layer["running_variance"].flatten()
        gamma, beta = layer["gamma"].flatten(), layer["beta"].flatten()
        if training and len(flat) == 1:  # which PyTorch refuses: the one point is its own mean
            return (flat * 0 + beta).reshape(sums.shape)
        done = functional.batch_norm(flat, mean, variance, gamma, beta, training, 0.1, 1e-5)
        return done.reshape(sums.shape)

    def _activate(self, name: str, sums: torch.Tensor) -> torch.Tensor:
        if name in KINKED and sums.numel():
            distance = sums[..., 0] - sums[..., 1] if name == "maxout" else sums
            self.nearest_kink = min(self.nearest_kink, float(distance.detach().abs().min()))
        if name == "maxout":
            return torch.where(sums[..., 1] > sums[..., 0], sums[..., 1], sums[..., 0])
        return {
            "tanh": torch.tanh,
            "sigmoid": torch.sigmoid,
            "relu": torch.relu,
            "leaky_relu": lambda x: functional.leaky_relu(x, 0.1),
            "elu": functional.elu,
            "linear": lambda x: x,
        }[name](sums)
