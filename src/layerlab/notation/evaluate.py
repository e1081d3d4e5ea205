"""Expressions of the text to values, without executing anything.

Only what a straight-line description of a network needs: constants, tuples, arithmetic, indexing, and calls of Keras's
names. Everything else becomes :class:`~layerlab.notation.description.Unknown`, which is an error only where a layer
needs it.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Protocol, cast

from layerlab.notation.description import LibraryName, Network, Tensor, Unknown, Value
from layerlab.notation.graph import listed_layers

__all__ = ["Caller", "Evaluator"]

_LARGEST_NUMBER = 2**63
_LONGEST_SEQUENCE = 10_000

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "len": len,
    "abs": abs,
    "min": min,
    "max": max,
    "tuple": tuple,
    "list": list,
}


class Caller(Protocol):
    """What gives calls, and operators on tensors, their meaning: the reader."""

    def call(self, function: Value, positional: list[Value], named: dict[str, Value], node: ast.Call) -> Value:
        """Return what calling ``function`` gives."""

    def combine(self, sign: str, left: Value, right: Value, line: int) -> Value:
        """Return what an operator gives when an operand is a tensor."""

    def method(self, owner: Value, name: str, node: ast.Call) -> Value | None:
        """Return what calling a method of ``owner`` gives, or None when it has no meaning here."""


class Evaluator:
    """Computes expressions.

    Args:
        names: what the text has assigned so far.
        caller: gives calls their meaning.
    """

    def __init__(self, names: dict[str, Value], caller: Caller) -> None:
        self.names = names
        self.caller = caller

    def value(self, node: ast.expr) -> Value:
        """Return the value of ``node``."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        return self._unknown(node) if method is None else method(node)

    def _unknown(self, node: ast.expr) -> Unknown:
        return Unknown(node, node.lineno)

    def _constant(self, node: ast.Constant) -> Value:
        value = node.value
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, (int, float)) and abs(value) < _LARGEST_NUMBER:
            return value
        return self._unknown(node)

    def _name(self, node: ast.Name) -> Value:
        return self.names[node.id] if node.id in self.names else LibraryName(node.id)

    def _attribute(self, node: ast.Attribute) -> Value:
        owner = self.value(node.value)
        if isinstance(owner, LibraryName):
            return LibraryName(f"{owner.path}.{node.attr}")
        if isinstance(owner, Network):
            found = self._of_network(owner, node.attr)
            return self._unknown(node) if found is None else found
        return self._unknown(node)

    def _of_network(self, network: Network, attribute: str) -> Value:
        """Return ``model.layers``, ``model.input`` or ``model.output``; None for what is not read."""
        if attribute == "layers":
            return list(listed_layers(network))
        ends = {"input": network.inputs, "output": network.outputs}.get(attribute, [])
        return ends[0] if len(ends) == 1 else None

    def _tuple(self, node: ast.Tuple) -> Value:
        return tuple(self._items(node.elts))

    def _list(self, node: ast.List) -> Value:
        return self._items(node.elts)

    def _items(self, nodes: list[ast.expr]) -> list[Value]:
        items: list[Value] = []
        for node in nodes:
            value = self.value(node.value if isinstance(node, ast.Starred) else node)
            if isinstance(node, ast.Starred) and isinstance(value, (tuple, list)):
                items.extend(value)
            else:
                items.append(self._unknown(node) if isinstance(node, ast.Starred) else value)
        if sum(map(_size, items)) > _LONGEST_SEQUENCE:  # [a, a] of [b, b] of ... doubles with every line
            return [self._unknown(node)]
        return items

    def _dict(self, node: ast.Dict) -> Value:
        found: dict[str, Value] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.value(item)
            if key is None and isinstance(value, dict):
                found.update(value)
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                found[key.value] = value
            else:
                return self._unknown(node)
        return found

    def _subscript(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._slice(owner, node, node.slice)
        index = self.value(node.slice)
        if isinstance(owner, (tuple, list, str)) and type(index) is int and -len(owner) <= index < len(owner):
            return owner[index]
        if isinstance(owner, dict) and isinstance(index, str) and index in owner:
            return owner[index]
        return self._unknown(node)

    def _slice(self, owner: Value, node: ast.Subscript, limits: ast.Slice) -> Value:
        """Return ``owner[lower:upper:step]``."""
        ends: list[Any] = [
            None if end is None else self.value(end) for end in (limits.lower, limits.upper, limits.step)
        ]
        plain = all(end is None or type(end) is int for end in ends)
        if isinstance(owner, (tuple, list, str)) and plain and ends[2] != 0:
            return owner[slice(*ends)]
        return self._unknown(node)

    def _unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub) and _is_number(value):
            return -value  # type: ignore[operator]
        if isinstance(node.op, ast.UAdd) and _is_number(value):
            return value
        if isinstance(node.op, ast.Not) and isinstance(value, bool):
            return not value
        return self._unknown(node)

    def _binop(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.caller.combine(type(node.op).__name__, left, right, node.lineno)
        result = _arithmetic(node.op, left, right)
        return self._unknown(node) if result is None else result

    def _call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            result = self.caller.method(owner, node.func.attr, node)
            if result is not None:
                return result
        function = self.value(node.func)
        positional = self._items(node.args)
        named: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif isinstance(value, dict):
                named.update(value)
            else:
                positional.append(self._unknown(keyword.value))
        if isinstance(function, LibraryName) and function.path in _FUNCTIONS and not named:
            return self._builtin(function.path, positional, node)
        return self.caller.call(function, positional, named, node)

    def _builtin(self, name: str, arguments: list[Value], node: ast.Call) -> Value:
        """Return a few of Python's own functions on plain values."""
        try:
            result = _FUNCTIONS[name](*arguments)
        except (TypeError, ValueError, OverflowError):
            return self._unknown(node)
        plain = _is_number(result) or isinstance(result, (tuple, list))
        return result if plain and not isinstance(arguments[0], str) else self._unknown(node)


def _size(value: Value) -> int:
    """Return how many values there are in ``value``, itself among them."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, (tuple, list)) else 1


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _arithmetic(sign: ast.operator, left: Value, right: Value) -> Value:
    """Return ``left sign right`` for numbers and sequences of bounded size; None when there is no such value."""
    try:
        if _is_number(left) and _is_number(right):
            function = _power if isinstance(sign, ast.Pow) else _OPERATORS[type(sign)]
            return _bounded(function(left, right))
        if isinstance(sign, ast.Add) and type(left) is type(right) and isinstance(left, (str, tuple, list)):
            joined = left + right  # type: ignore[operator]
            longest = len(joined) <= _LONGEST_SEQUENCE and _size(joined) <= _LONGEST_SEQUENCE
            return cast("Value", joined) if longest else None
        if isinstance(sign, ast.Mult):
            sequence, times = (left, right) if isinstance(left, (tuple, list)) else (right, left)
            if (
                isinstance(sequence, (tuple, list))
                and type(times) is int
                and _size(sequence) * times <= _LONGEST_SEQUENCE
            ):
                return sequence * times
    except (ArithmeticError, KeyError, ValueError):
        pass
    return None


def _power(base: Any, exponent: Any) -> Any:
    """Return ``base ** exponent``, refusing results that would take long to compute."""
    if base and abs(exponent) * abs(math.log2(abs(base))) > 64:
        raise OverflowError
    return base**exponent


def _bounded(number: Any) -> int | float | None:
    """Return ``number`` if it is real and not beyond what a size can be."""
    if isinstance(number, complex) or not abs(number) < _LARGEST_NUMBER:
        return None
    return number if isinstance(number, (int, float)) else None
