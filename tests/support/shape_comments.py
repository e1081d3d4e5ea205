"""The shape comments of a file, executed.

A line ``name = ...  # 64, H/2, W/2`` says that afterwards ``name`` is a tensor (N, 64, H/2, W/2). A number is meant
as it stands. A single letter or word is an attribute of ``self`` if there is one (a whole number), else a size that is
bound at its first appearance in the call and must be the same from then on. ``2*H``, ``H/2``, ``C+4*k`` are worked out
(``/`` rounds down, ``ceil(H/2)`` up). Text behind the shape, after two spaces or a colon, is free.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch

_OPERATORS: dict[type, Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a // b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Pow: lambda a, b: a**b,
}


def shape_comments(file: Path) -> dict[int, tuple[str, list[str]]]:
    """Return, for each line of ``forward`` methods that carries a shape, the variable and the sizes as written."""
    text = file.read_text()
    lines = text.splitlines()
    found: dict[int, tuple[str, list[str]]] = {}
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.FunctionDef) and node.name.startswith(("forward", "_forward"))):
            continue
        for statement in ast.walk(node):
            if not isinstance(statement, ast.Assign) or statement.end_lineno is None:
                continue
            target = statement.targets[0]
            comment = re.search(r"#\s*(.+)$", lines[statement.end_lineno - 1])
            if not isinstance(target, ast.Name) or comment is None:
                continue
            shape = re.split(r"\s{2,}|:", comment[1])[0].strip()
            sizes = [part.strip() for part in _split(shape)]
            if sizes and all(re.fullmatch(r"[\w+\-*/() ]+", size) and _parses(size) for size in sizes):
                found[statement.end_lineno] = (target.id, sizes)
    return found


def _split(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _parses(size: str) -> bool:
    try:
        ast.parse(size, mode="eval")
    except SyntaxError:
        return False
    return True


class ShapeWitness:
    """Compares the comments of one file with what happens while it is entered.

    Attributes:
        seen: the lines that were executed and are true.
        wrong: one sentence for each that is not.
    """

    def __init__(self, file: Path) -> None:
        self.file = str(file)
        self.comments = shape_comments(file)
        self.seen: set[int] = set()
        self.wrong: list[str] = []
        self._names: dict[int, dict[str, int]] = {}
        self._before: Any = None

    def __enter__(self) -> ShapeWitness:
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        code: CodeType = frame.f_code
        if code.co_filename != self.file or not code.co_name.startswith(("forward", "_forward")):
            return None
        names: dict[str, int] = {}
        pending: list[int] = []
        starts = _statement_ends(self.file)

        def line(inner: FrameType, kind: str, _argument: object) -> Any:
            for number in pending:
                self._compare(inner, number, names)
            pending.clear()
            end = starts.get(inner.f_lineno)
            if kind == "line" and end in self.comments:
                pending.append(end)
            return line

        return line

    def _compare(self, frame: FrameType, number: int, names: dict[str, int]) -> None:
        variable, sizes = self.comments[number]
        value = frame.f_locals.get(variable)
        if not isinstance(value, torch.Tensor):
            self.wrong.append(f"line {number}: {variable} is {type(value).__name__}")
            return
        real = list(value.shape[1:])
        if len(real) != len(sizes):
            self.wrong.append(f"line {number}: written {', '.join(sizes)}; is {real}")
            return
        owner = frame.f_locals.get("self")
        for size, length in zip(sizes, real, strict=True):
            try:
                said = _value(ast.parse(size, mode="eval").body, names, owner, length)
            except (KeyError, TypeError) as error:
                self.wrong.append(f"line {number}: {size}: {error}")
                return
            if said != length:
                self.wrong.append(f"line {number}: written {', '.join(sizes)} ({size} = {said}); is {real}")
                return
        self.seen.add(number)


_ENDS: dict[str, dict[int, int]] = {}


def _statement_ends(file: str) -> dict[int, int]:
    """Return, for each line of each assignment, the last line of it."""
    if file not in _ENDS:
        ends: dict[int, int] = {}
        for node in ast.walk(ast.parse(Path(file).read_text())):
            if isinstance(node, ast.Assign) and node.end_lineno is not None:
                ends.update(dict.fromkeys(range(node.lineno, node.end_lineno + 1), node.end_lineno))
        _ENDS[file] = ends
    return _ENDS[file]


def _value(node: ast.expr, names: dict[str, int], owner: object, length: int) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.Name(id=name):
            own = getattr(owner, name, None)
            if isinstance(own, int) and not isinstance(own, bool):
                return own
            return names.setdefault(name, length)
        case ast.BinOp(left=left, op=operator, right=right):
            return _OPERATORS[type(operator)](_known(left, names, owner), _known(right, names, owner))
        case ast.Call(func=ast.Name(id="ceil"), args=[ast.BinOp(left=left, op=ast.Div(), right=right)]):
            return math.ceil(_known(left, names, owner) / _known(right, names, owner))
    raise TypeError(f"{ast.unparse(node)} is no size")


def _known(node: ast.expr, names: dict[str, int], owner: object) -> int:
    """Return the value of a part of an expression, every name of which must be known already."""
    if isinstance(node, ast.Name) and node.id not in names and not isinstance(getattr(owner, node.id, None), int):
        raise KeyError(f"{node.id} is not known before this line")
    return _value(node, names, owner, 0)
