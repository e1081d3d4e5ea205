"""Compiles the kernels before someone waits for them."""

from __future__ import annotations

from layerlab.playground.data_sets import generate
from layerlab.playground.many import train
from layerlab.playground.network import Network
from layerlab.playground.random_numbers import Random
from layerlab.playground.specification import Specification

__all__ = ["warm_up"]


def warm_up() -> None:
    """Compile every kernel, or load it from the cache: seconds after an installation, then a moment.

    The classic networks' come first. The interpreter's lock is held while a kernel is compiled, so a server calls this
    in a thread when it has nothing else to do.
    """
    plain = Specification(batch_size=100)
    for specification in (plain, plain.replace(optimizer="adam", dropout=0.1)):
        random = Random(specification.seed)
        network = Network(specification, generate(specification, random), random)
        network.run(1)
        network.painted_maps(2)
        network.gradients(network.points.train[:1])
    train(plain, seeds=[0], epochs=1, precision="single")
