"""What kind of thing a layer or an operation is, for its colour, and what a reader calls it."""

from __future__ import annotations

from layerlab.anatomy.chains import CONCATENATIONS
from layerlab.anatomy.record import Layer, Operation

__all__ = ["FAMILIES", "detail_of", "family_of_layer", "family_of_operation", "operation_label"]

FAMILIES = (
    "convolution", "normalization", "activation", "pooling", "dense", "attention", "recurrent", "embedding", "merge",
    "shape", "other", "block",
)  # fmt: skip

# The first word that is in a name decides.
_WORDS = (
    ("attention", "attention"), ("lstm", "recurrent"), ("gru", "recurrent"), ("rnn", "recurrent"),
    ("recurrent", "recurrent"), ("norm", "normalization"), ("unpool", "pooling"), ("pool", "pooling"),
    ("subsampling", "pooling"),
    ("conv", "convolution"), ("deform", "convolution"), ("embedding", "embedding"), ("linear", "dense"),
    ("dense", "dense"), ("matmul", "dense"), ("einsum", "dense"), ("dropout", "other"), ("relu", "activation"),
    ("elu", "activation"), ("sigmoid", "activation"), ("softmax", "activation"), ("tanh", "activation"),
    ("swish", "activation"), ("silu", "activation"), ("mish", "activation"), ("softplus", "activation"),
    ("softsign", "activation"), ("shrink", "activation"), ("threshold", "activation"), ("softmin", "activation"),
    ("activation", "activation"), ("glu", "activation"), ("maxout", "activation"), ("upsample", "pooling"),
    ("interpolate", "pooling"), ("flatten", "shape"), ("permute", "shape"), ("reshape", "shape"), ("pad", "shape"),
    ("crop", "shape"), ("shuffle", "shape"), ("concat", "merge"),
)  # fmt: skip
_OPERATIONS = {
    **dict.fromkeys(CONCATENATIONS, "merge"),
    **dict.fromkeys(("add", "sub", "mul", "div", "rsub", "stack", "maximum", "minimum", "where", "addcmul"), "merge"),
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm"), "dense"),
    **dict.fromkeys(("mean", "amax", "sum", "max"), "pooling"),
    **dict.fromkeys(("chunk", "split", "unbind", "tensor_split", "view", "roll", "getitem", "setitem", "transpose",
                     "squeeze", "unsqueeze", "expand", "select", "contiguous"), "shape"),
    **dict.fromkeys(("exp", "clamp", "softmax"), "activation"),
}  # fmt: skip
_LABELS = {
    "cat": "concatenate", "concat": "concatenate", "mul": "multiply", "sub": "subtract", "div": "divide",
    "rsub": "subtract", "truediv": "divide", "matmul": "multiply matrices", "mm": "multiply matrices",
    "bmm": "multiply matrices", "adaptive_avg_pool2d": "average pool", "avg_pool2d": "average pool",
    "max_pool2d": "max pool", "scaled_dot_product_attention": "attention", "getitem": "select", "setitem": "write",
    "multi_head_attention_forward": "multi-head attention", "relu": "ReLU", "relu6": "ReLU6", "gelu": "GELU",
    "silu": "SiLU", "elu": "ELU", "mish": "Mish", "conv2d": "convolution", "conv1d": "convolution",
    "layer_norm": "layer norm", "batch_norm": "batch norm", "group_norm": "group norm",
}  # fmt: skip


def operation_label(name: str) -> str:
    """Return ``"add"`` for ``"__iadd__"`` and ``"add_"``, ``"concatenate"`` for ``"cat"``."""
    word = _plain(name)
    return _LABELS.get(word, word.replace("_", " "))


def family_of_operation(operation: Operation) -> str:
    """Return the family of an operation."""
    word = _plain(operation.name)
    return _OPERATIONS.get(word) or _by_word(word) or "other"


def family_of_layer(layer: Layer | None, operations: list[Operation]) -> str:
    """Return the family of a layer: by its class, by what it derives from, by its one operation."""
    for name in (layer.kind, *layer.bases) if layer is not None else ():
        if family := _by_word(name.lower()):
            return family
    return family_of_operation(operations[0]) if len(operations) == 1 else "other"


def detail_of(layer: Layer) -> str:
    """Return the settings that a paper gives beside a layer's name: ``"3x3, stride 2"``."""
    settings = layer.settings
    words = []
    if (kernel := settings.get("kernel_size")) is not None:
        words.append(_size(kernel, layer))
        stride = settings.get("stride")
        if stride not in (None, (), 1) and set(_axes(stride)) != {1}:
            words.append(f"stride {_same(stride)}")
        if set(_axes(settings.get("dilation", 1))) != {1}:
            words.append(f"dilation {_same(settings['dilation'])}")
        groups = settings.get("groups", 1)
        if isinstance(groups, int) and groups > 1:
            whole = groups == settings.get("in_channels")
            words.append("depthwise" if whole else f"{groups} groups")
    elif isinstance(heads := settings.get("num_heads"), int):
        words.append(f"{heads} heads")
    if settings.get("bidirectional") is True:
        words.append("bidirectional")
    if isinstance(depth := settings.get("num_layers"), int) and depth > 1:
        words.append(f"{depth} layers")
    return ", ".join(words)


def _plain(name: str) -> str:
    word = name.strip("_")
    return word[1:] if name.startswith("__i") and word not in ("invert", "index", "int") else word


def _by_word(name: str) -> str | None:
    return next((family for word, family in _WORDS if word in name), None)


def _axes(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _same(value: object) -> str:
    axes = _axes(value)
    return str(axes[0]) if len(set(axes)) == 1 else "×".join(map(str, axes))


def _size(kernel: object, layer: Layer) -> str:
    axes = _axes(kernel)
    if len(axes) == 1:  # poolings keep one number for all axes
        dimensions = next((int(digit) for digit in "321" if f"{digit}d" in layer.kind), 1)
        axes = axes * dimensions
    return "×".join(map(str, axes))
