"""Attention: torch's module, and the blocks that libraries build of dense layers and matrix products."""

from __future__ import annotations

import math

from layerlab.anatomy.explain.arithmetic import equation, product
from layerlab.anatomy.explain.line import Line, Phrase, aside, formula, say
from layerlab.anatomy.record import Layer

__all__ = ["attention", "attention_block"]


def attention(layer: Layer) -> list[Line]:
    """Explain ``MultiheadAttention``, the projection of its output included."""
    settings = layer.settings
    width, heads = settings["embed_dim"], settings["num_heads"]
    keys, values = settings.get("kdim") or width, settings.get("vdim") or width
    own = {parameter.name: parameter for parameter in layer.own_parameters}
    bias = "in_proj_bias" in own
    end = [f" + b_{name}" if bias else "" for name in "qkvo"]
    each = width // heads
    lines = [
        formula(
            f"Q = W_q x{end[0]},  K = W_k x{end[1]},  V = W_v x{end[2]};  "
            f"W_q: {width}x{width}, W_k: {width}x{keys}, W_v: {width}x{values}"
        ),
        _heads(width, heads),
        *_softmax_lines(each),
        formula(f"y = W_o [head_1, ..., head_{heads}]{end[3]},  W_o: {width}x{width}"),
    ]
    text, count = _parameters(layer, width, keys, values, bias)
    lines.append(equation("parameters", text, count, layer.parameters, Phrase("attention.projections")))
    return lines + _cost(layer, width, keys, values)


def _heads(width: int, heads: int) -> Line:
    return equation("d", f"{width:,}/{heads}", width // heads, width // heads, Phrase("attention.heads", {"n": heads}))


def _softmax_lines(each: int) -> list[Line]:
    return [formula(f"head_k = softmax(Q_k K_k' / sqrt({each})) V_k", "attention.by-row")]


def _parameters(layer: Layer, width: int, keys: int, values: int, bias: bool) -> tuple[str, int]:
    if keys == values == width:
        text, count = f"4*{product(width, width)}", 4 * width * width
    else:
        text = f"2*{product(width, width)} + {product(width, keys)} + {product(width, values)}"
        count = width * (2 * width + keys + values)
    if bias:
        text, count = f"{text} + 4*{width:,}", count + 4 * width
    if any(own.name == "bias_k" for own in layer.own_parameters):
        text, count = f"{text} + 2*{width:,}", count + 2 * width
    return text, count


def _cost(layer: Layer, width: int, keys: int, values: int) -> list[Line]:
    """Return the multiply-accumulates of the projections and of the two products of each head."""
    asked, given = layer.inputs[0], layer.inputs[1] if len(layer.inputs) > 1 else layer.inputs[0]
    batched = 3
    if len(asked) == batched:
        axis = 1 if layer.settings.get("batch_first") else 0
        batch, queries, places = asked[1 - axis], asked[axis], given[axis]
    else:
        batch, queries, places = 1, asked[0], given[0]
    heads = layer.settings["num_heads"]
    projected = queries * 2 * width * width + places * width * (keys + values)
    texts = [f"2*{product(queries, width, width)}", product(places, width, keys), product(places, width, values)]
    if queries == places and keys == values == width:
        texts = [f"4*{product(queries, width, width)}"]
    both = f"2*{product(queries, places, width)}"
    one = projected + 2 * queries * places * width
    times = "".join(f"{count:,}*" for count in (layer.calls, batch) if count != 1)
    scores, total = queries * places, " + ".join([*texts, both])
    return [
        equation(
            "attention.scores", product(queries, places), scores, scores, Phrase("attention.each-head", {"n": heads})
        ),
        equation("macs", f"{times}({total})" if times else total, layer.calls * batch * one, layer.macs),
        aside("attention.quadratic"),
    ]


def attention_block(layer: Layer) -> list[Line]:
    """Explain an attention block by its heads; its matrix products and dense layers are explained after it."""
    heads = layer.settings["num_heads"]
    width = layer.inputs[0][-1]
    each = layer.settings.get("head_dim") or width // heads
    if not isinstance(each, int) or math.prod((heads, each)) <= 0:
        raise ValueError("not a number of heads")
    first = _heads(width, heads) if heads * each == width else equation("d", "", each, each)
    lines = [say("attention.qkv"), first, *_softmax_lines(each)]
    if any("relative_position" in own.name for own in layer.own_parameters):
        lines.append(say("attention.relative"))
    return lines
