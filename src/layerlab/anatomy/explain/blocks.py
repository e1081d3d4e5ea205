"""What a container does itself: what it adds, what it puts side by side, which matrices it multiplies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from layerlab.anatomy.explain.arithmetic import Whole, equation, product, total
from layerlab.anatomy.explain.line import Line, Phrase
from layerlab.anatomy.record import Layer, Operation
from layerlab.anatomy.text import sizes

__all__ = ["Run", "own_work", "sums"]

_ADDITIONS = frozenset({"add", "add_", "__add__", "__iadd__", "__radd__"})
_PRODUCTS = frozenset({"matmul", "bmm", "mm", "__matmul__", "__rmatmul__", "mv"})
_CONCATENATIONS = frozenset({"cat", "concat", "concatenate"})
# What only moves numbers, or changes none in evaluation: the name of what went in stays.
_PASSING = frozenset(
    {"reshape", "view", "flatten", "permute", "transpose", "contiguous", "unsqueeze", "squeeze", "expand", "roll",
     "pad", "__getitem__", "dropout", "to", "clone", "detach", "unflatten", "swapaxes", "movedim"}
)  # fmt: skip
_PASSING_LAYERS = ("Dropout", "StochasticDepth", "DropPath", "LayerScale", "Identity")
_FAR = 30
_ATTENTION = "scaled_dot_product_attention"


class Run:
    """What a network did.

    Args:
        operations: its operations, in order.
        kinds: class of the module at each path.

    Attributes:
        constants: numbers of the operations that are made of parameters alone.
    """

    def __init__(self, operations: Sequence[Operation], kinds: Mapping[str, str]) -> None:
        self.operations, self.kinds = operations, kinds
        self.constants: set[int] = set()
        for operation in operations:
            if self.constants.issuperset(operation.sources):
                self.constants.add(operation.number)


class _Names:
    """Names of the terms of a block's sums: its parts by their own name, ``x`` for what came in.

    Args:
        layer: the block.
        own: the operations that it makes itself, in its first call.
        run: the run that it was seen in.
    """

    def __init__(self, layer: Layer, own: Sequence[Operation], run: Run) -> None:
        self._call = (layer.path, 0)
        self._operations, self._kinds, self._constants = run.operations, run.kinds, run.constants
        self._sums: dict[int, Phrase] = {}
        self._outer = list(dict.fromkeys(number for one in own for number in one.sources if self._is_outside(number)))

    def _is_outside(self, number: int) -> bool:
        """Return whether something was made before the block ran."""
        return number < 0 or self._call not in self._operations[number].within

    def call_sum(self, operation: Operation, name: Phrase) -> None:
        """Give the result of a sum its name."""
        self._sums[operation.number] = name

    def of(self, number: int, back: int = 0) -> Phrase | str | None:
        """Return the name of what an operation made; ``None`` for what the block computes from several things.

        It is looked for ``_FAR`` operations back at most.
        """
        if back > _FAR:
            return None
        if number in self._sums:
            return self._sums[number]
        if self._is_outside(number):
            known = len(self._outer) > 1 and number in self._outer
            return f"x{self._outer.index(number) + 1}" if known else "x"
        operation = self._operations[number]
        inner = operation.within[operation.within.index(self._call) + 1 :]
        varying = [source for source in operation.sources if source not in self._constants]
        single = varying[0] if len(varying) == 1 else None
        if not inner:
            return None if single is None or operation.macs else self._through(operation.name, single, back)
        path = inner[0][0]
        if single is not None and self._kinds.get(path, "").startswith(_PASSING_LAYERS):
            return self.of(single, back + 1)
        return path.removeprefix(f"{self._call[0]}." if self._call[0] else "")

    def _through(self, name: str, source: int, back: int) -> Phrase | str | None:
        """Return the name of what a function of torch makes of one thing."""
        before = self.of(source, back + 1)
        if name in _PASSING:
            return before
        return f"{name.strip('_')}({before})" if isinstance(before, str) else None


def own_work(layer: Layer, own: Sequence[Operation], run: Run) -> list[Line]:
    """Return what a container adds, concatenates and multiplies itself, in its first call.

    Args:
        layer: its record.
        own: the operations that it makes itself.
        run: the run that it was seen in.
    """
    own = [operation for operation in own if operation.within and operation.within[-1] == (layer.path, 0)]
    names = _Names(layer, own, run)
    added = [operation for operation in own if _is_sum(operation, names)]
    alike = Counter(_shapes(operation) for operation in own if operation.macs)
    lines = []
    for operation in own:
        if operation in added:
            number = added.index(operation) + 1 if len(added) > 1 else None
            lines.append(_sum(operation, names, number))
        elif operation.name in _CONCATENATIONS and len(operation.inputs) > 1:
            lines += _concatenation(operation, names)
        elif operation.macs and _shapes(operation) in alike:
            lines.append(_product(operation, alike.pop(_shapes(operation))))
    return lines


def _is_sum(operation: Operation, names: _Names) -> bool:
    """Return whether two branches of equal shape are added (a bias or a mask is not a branch)."""
    if operation.name not in _ADDITIONS or len(operation.inputs) != 2 or len(set(operation.inputs)) != 1:
        return False
    if len(operation.sources) != 2:
        return False
    if any(source >= 0 and names.of(source) is None for source in operation.sources):
        return False
    names.call_sum(operation, Phrase("sum"))  # so that a later one may use it; its number comes after
    return True


def _sum(operation: Operation, names: _Names, number: int | None) -> Line:
    terms = [names.of(source) or "?" for source in operation.sources]
    name = Phrase("sum") if number is None else Phrase("sum.numbered", {"number": number})
    names.call_sum(operation, name)
    shape = sizes(operation.outputs[0][1:] or operation.outputs[0])
    residual = number is None and terms[1] == "x" and terms[0] != "x"
    parts: list[str | Phrase] = [name, " = ", *(["F(x) + x = "] if residual else []), terms[0], " + ", terms[1], ", "]
    key = "sum.each" if "x" not in terms else "sum.each-x"
    return Line((*parts, Phrase(key, {"shape": shape})), "sum")


def _concatenation(operation: Operation, names: _Names) -> list[Line]:
    out = operation.outputs[0]
    for axis in range(len(out)):
        parts = [shape[axis] for shape in operation.inputs if len(shape) == len(out)]
        if len(parts) == len(operation.inputs) and sum(parts) == out[axis] and axis > 0:
            break
    else:
        return []
    name = "channels" if axis == 1 and len(out) > 2 + 1 else "concatenated"
    labels = [names.of(source) for source in operation.sources]
    tail = None
    few = 8
    # Names that say something: those of parts, not of everything that came in.
    told = [label for label in labels if isinstance(label, str)]
    if len(told) == len(parts) <= few and not all(label.startswith("x") for label in told):
        tail = Phrase("concatenation.of", {"names": ", ".join(told)})
    return [equation(name, total(parts), sum(parts), out[axis], tail)]


def _shapes(operation: Operation) -> tuple[object, ...]:
    """Return what makes two operations one line: name, shapes and cost."""
    return operation.name, operation.inputs, operation.outputs, operation.macs


def _product(operation: Operation, times: int) -> Line:
    """Return the multiply-accumulates of one operation that belongs to no layer below, and of those like it."""
    text, value = _product_formula(operation)
    between = " x ".join(f"({sizes(shape)})" for shape in operation.inputs)
    tail = Phrase("operation.between", {"shapes": f"{between} -> ({sizes(operation.outputs[0])})"})
    shown = f"{times * operation.macs:,}"
    factor = f"{times:,}*" if times > 1 else ""
    if not text or value != operation.macs:
        text = f"{operation.macs:,}" if factor else ""
    formula = f" = {factor}{text} = {shown}" if text and factor + text != shown else f" = {shown}"
    return Line((operation.name, ": ", Phrase("macs"), formula, " (", tail, ")"), "operation")


def _product_formula(operation: Operation) -> tuple[str, Whole]:
    """Return formula and value; the batch and the heads stand first."""
    out, inputs = operation.outputs[0], operation.inputs
    if operation.name in _PRODUCTS and len(inputs) == 2:
        inner = inputs[0][-1]
        return product(*_ones_left_out((*out, inner))), math.prod(out) * inner
    if operation.name == "linear" and inputs:
        return product(*_ones_left_out((*out, inputs[0][-1]))), math.prod(out) * inputs[0][-1]
    attended = 3
    if operation.name == _ATTENTION and len(inputs) >= attended:
        (*many, queries, width), (*_, places, _), (*_, wide) = inputs[:attended]
        count = math.prod(many)
        text = f"({product(queries, places, width)} + {product(queries, places, wide)})"
        return (f"{count:,}*{text}" if count != 1 else text), count * queries * places * (width + wide)
    each, rest = divmod(operation.macs, math.prod(out))
    return ("", 0) if rest or not each else (product(*_ones_left_out((*out, each))), operation.macs)


def _ones_left_out(factors: Sequence[int]) -> list[int]:
    return [factor for factor in factors if factor != 1] or [1]


def sums(layer: Layer, children: Sequence[Layer]) -> list[Line]:
    """Return the sums over the children, and what the container adds itself."""
    lines = []
    for name, own, attribute in (
        ("parameters-together", layer.own_parameter_count, "parameters"),
        ("macs-together", layer.own_macs, "macs"),
    ):
        parts = [getattr(child, attribute) for child in children if getattr(child, attribute)]
        parts += [own] if own else []
        tail = Phrase("its-own", {"count": own}) if own and len(parts) > 1 else None
        lines.append(equation(name, total(parts), sum(parts), getattr(layer, attribute), tail))
    return lines
