"""Dense layers and tables of vectors."""

from __future__ import annotations

import math

from layerlab.anatomy.explain.arithmetic import equation, macs_line, parameters_line, product
from layerlab.anatomy.explain.line import Line, aside, formula, say
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import sizes

__all__ = ["bilinear", "dense", "distance", "embedding", "maxout"]


def dense(layer: Layer) -> list[Line]:
    """Explain ``Linear``: every output is connected to every input."""
    into, out = layer.settings["in_features"], layer.settings["out_features"]
    places = math.prod(layer.outputs[0][1:-1])
    text, value = product(into, out), into * out
    if layer.settings.get("bias"):
        text, value = f"{text} + {out:,}", value + out
    has_bias = bool(layer.settings.get("bias"))
    lines = [formula(f"y = W x{' + b' if has_bias else ''},  W: {out}x{into}" + (f", b: {out}" if has_bias else ""))]
    lines.append(parameters_line(layer, text, value))
    macs = product(into, out) if places == 1 else product(places, into, out)
    lines.append(macs_line(layer, macs, places * into * out))
    if places > 1:
        lines.append(say("dense.positions", count=places))
    return lines


def bilinear(layer: Layer) -> list[Line]:
    """Explain ``Bilinear``: every output is a weighted sum over all pairs of inputs."""
    one, two, out = (layer.settings[name] for name in ("in1_features", "in2_features", "out_features"))
    text, value = product(one, two, out), one * two * out
    macs = macs_line(layer, text, value)
    has_bias = bool(layer.settings.get("bias"))
    if has_bias:
        text, value = f"{text} + {out:,}", value + out
    equations = formula(f"y_k = x1' W_k x2{' + b_k' if has_bias else ''},  W_k: {one}x{two}, k = 1...{out}")
    return [equations, parameters_line(layer, text, value), macs]


def embedding(layer: Layer) -> list[Line]:
    """Explain ``Embedding`` and ``EmbeddingBag``: a table of vectors."""
    words, length = layer.settings["num_embeddings"], layer.settings["embedding_dim"]
    lines = [say("embedding.table", count=words, length=length)]
    if layer.settings.get("mode") in ("sum", "mean", "max"):
        lines.append(say(f"embedding.{layer.settings['mode']}"))
    lines.append(parameters_line(layer, product(words, length), words * length))
    # What multiplying the one-hot vector would cost, and why it is not done.
    lines.append(aside("embedding.one-hot", product=product(words, length)))
    return lines


def maxout(layer: Layer) -> list[Line]:
    """Explain ``Maxout``: groups of channels compete."""
    pieces = layer.settings["pieces"]
    shape, out = layer.inputs[0], layer.outputs[0]
    axis = layer.settings["dim"] % len(shape)
    names = ", ".join(f"w{k}'x + b{k}" for k in range(1, min(pieces, 3) + 1)) + (", ..." if pieces > 3 else "")
    return [
        formula(f"y = max({names})"),
        equation("units", f"{shape[axis]:,}/{pieces}", shape[axis] // pieces, out[axis]),
    ]


def distance(layer: Layer) -> list[Line]:
    """Explain ``CosineSimilarity`` and ``PairwiseDistance``: one number from two vectors."""
    cosine = layer.kind == "CosineSimilarity"
    text = "y = sum(x1*x2)/(|x1|*|x2|)" if cosine else "y = sum(|x1 - x2|^p)^(1/p)"
    return [formula(text), say("distance.vectors", shape=sizes(layer.inputs[0][1:]))]
