"""Reading the equations of an explanation, working them out, and finding what the record says for them."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from layerlab.anatomy import Layer
from layerlab.anatomy.explain.arithmetic import declared

EQUATION = re.compile(r"^(?P<name>[^=]+?) = (?:(?P<formula>[-+*/() .,\w]+) = )?(?P<value>\d[\d,/]*)(?: \(.*\))?$")
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: Fraction(a) / b,
}


def value_of(formula: str) -> Any:
    """Return the value of an arithmetic expression: numbers with separators, + - * / ( ) floor ceil."""

    def walk(node: ast.AST) -> Any:
        match node:
            case ast.Expression(body=body):
                return walk(body)
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -walk(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return OPERATORS[type(op)](walk(left), walk(right))
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return {"floor": math.floor, "ceil": math.ceil}[name](walk(argument))
        raise ValueError(formula)

    return walk(ast.parse(re.sub(r"(?<=\d),(?=\d{3})", "", formula), mode="eval"))


def equations(lines: Sequence[str], *, parts: bool = False) -> list[tuple[str, str | None, Fraction]]:
    """Return name, formula and value of each line that is an equation, for the layer itself or for its parts too."""
    found = []
    for line in lines:
        match = EQUATION.match(line.strip())
        if match and (parts or not line.startswith(" ")):
            found.append((match["name"], match["formula"], Fraction(match["value"].replace(",", ""))))
    return found


def recorded(layer: Layer, name: str) -> set[Fraction] | None:
    """Return what the record says for an equation's name, or ``None`` for a name that only the explanation has."""
    sizes = {Fraction(size) for size in layer.outputs[0][1:]} if layer.outputs else set()
    own = layer.parameters if layer.kind == "MultiheadAttention" else declared(layer)
    places = dict.fromkeys(("out", "height", "width", "depth", "length", "units"), sizes)
    known = {
        **places,
        "parameters": {Fraction(own)},
        "parameters together": {Fraction(layer.parameters)},
        "MACs": {Fraction(layer.macs)},
        "MACs together": {Fraction(layer.macs)},
        "buffers": {Fraction(layer.buffers)},
        "receptive field": {Fraction(field) for field in layer.receptive_field or ()},
        "stride": {Fraction(step) for step in layer.stride or () if step is not None},
    }
    return known.get(name.partition(",")[0])


def contradictions(layer: Layer, lines: Sequence[str]) -> list[str]:
    """Return the equations of a layer that are not true, or whose value is not the record's."""
    wrong = []
    for name, formula, value in equations(lines):
        known = recorded(layer, name)
        if formula is not None and value_of(formula) != value:
            wrong.append(f"{layer.path}: {name} = {formula} is not {value}")
        if known is not None and value not in known:
            wrong.append(f"{layer.path}: {name} = {value} is not {sorted(known)}")
    return wrong
