"""Keras source as text to a network. Nothing of the text is executed."""

from __future__ import annotations

import ast

from layerlab.errors import LayerlabError
from layerlab.notation.builder import build
from layerlab.notation.description import Layer, LibraryName, Network, Tensor, Unknown, Value
from layerlab.notation.graph import INPUT, listed_layers
from layerlab.notation.library import Library
from layerlab.notation.model import KerasModel
from layerlab.notation.source_text import parse

__all__ = ["read_keras"]

_PASSED = (ast.Pass, ast.Global, ast.Nonlocal, ast.Delete, ast.Assert)
_WORDS = {
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
    ast.If: "if",
    ast.Try: "try",
    ast.Match: "match",
    ast.Return: "return",
}


def read_keras(text: str, filename: str = "<text>") -> KerasModel:
    """Read Keras source and return the network as a PyTorch module with fresh weights.

    Reads ``keras.Sequential``, ``.add`` and straight-line functional code, with or without imports, as people paste
    it: Markdown fences, prompts, ``compile`` and ``fit`` are passed over. Where the text makes several networks, it is
    the one called ``model``, else the last. Every layer has Keras's meaning; images go in as (N, C, H, W).

    Args:
        text: the source. It is parsed and never executed.
        filename: what errors call it.

    Returns:
        The network, with ``input_shape`` in PyTorch's order, in training mode.

    Raises:
        LayerlabError: the text is not Python, makes no network, or says something that is not read; one sentence with
            the line, the name and the nearest known name.

    Example:
        >>> model = read_keras("keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(8, 3), layers.Flatten()])")
        >>> model.input_shape, model.layer_names
        ((1, 28, 28), ['conv2d', 'flatten'])
    """
    if not isinstance(text, str):
        raise LayerlabError(f"read_keras takes the text itself, not {type(text).__name__}; read the file first")
    try:
        network = _Reader(filename).read(parse(text, filename))
        model = build(network, filename)
    except RecursionError:
        raise LayerlabError(f"{filename} is nested too deeply to be read") from None
    model._source = (filename, text)
    return model


class _Reader:
    """Walks through the statements once, in order."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.names: dict[str, Value] = {}
        self.library = Library(filename, self.names)
        self.evaluator = self.library.evaluator
        self.hidden: tuple[str, int] | None = None

    def read(self, statements: list[ast.stmt]) -> Network:
        """Return the network that the text describes."""
        self.block(statements)
        named = self.names.get("model")
        if isinstance(named, Network):
            return named
        if self.library.networks:
            return self.library.networks[-1]
        if self.hidden is not None:
            word, line = self.hidden
            raise LayerlabError(
                f"{self.filename} line {line}: what is inside the {word} is not read; paste its body as it stands"
            )
        hint = "end with keras.Model(inputs, outputs)" if self.library.count else "expected keras.Sequential([...])"
        raise LayerlabError(f"{self.filename} makes no network; {hint}")

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        """Read one statement."""
        if isinstance(node, _PASSED):
            return
        match node:
            case ast.Expr():
                self.evaluator.value(node.value)
            case ast.Assign():
                value = self.evaluator.value(node.value)
                for target in node.targets:
                    self.bind(target, value)
            case ast.AnnAssign():
                if node.value is not None:
                    self.bind(node.target, self.evaluator.value(node.value))
            case ast.AugAssign():
                self.augmented(node)
            case ast.Import() | ast.ImportFrom():
                self.imported(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.defined(node)
            case ast.With():
                self.managed(node)
            case ast.If() if _is_main(node.test):
                self.block(node.body)
            case _:
                self.passed_over(node)

    def bind(self, target: ast.expr, value: Value) -> None:
        """Assign ``value`` to a name or to several."""
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element, item in zip(target.elts, _unpacked(target, value), strict=True):
                self.bind(element, item)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value)
        elif isinstance(target, ast.Attribute):
            self.set_attribute(target, value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            self.names[target.value.id] = Unknown(f"{target.value.id}, changed", target.lineno)

    def set_attribute(self, target: ast.Attribute, value: Value) -> None:
        """``layer.trainable = False`` is read; other attributes of layers and networks are refused."""
        owner = self.evaluator.value(target.value)
        layers = _layers_in(owner)
        if layers is None:
            for part in ast.walk(target.value):
                if isinstance(part, ast.Name) and isinstance(self.names.get(part.id), (Layer, Tensor, Network)):
                    raise self.error(
                        target.lineno, f"setting .{target.attr} is not read; give it as an argument of the layer"
                    )
            return
        if target.attr != "trainable" or not isinstance(value, bool) or not layers:
            raise self.error(target.lineno, f"setting .{target.attr} is not read; give it as an argument of the layer")
        for layer in layers:
            layer.arguments["trainable"] = value

    def defined(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        """Note that a name is a function or a class, whose inside is not read."""
        word = "class" if isinstance(node, ast.ClassDef) else "function"
        self.hidden = self.hidden or (word, node.lineno)
        self.names[node.name] = Unknown(f"the {word} {node.name}", node.lineno, node.name)

    def managed(self, node: ast.With) -> None:
        """Read the body of a ``with``, which runs once."""
        for item in node.items:
            self.evaluator.value(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, Unknown("a with statement", node.lineno))
        self.block(node.body)

    def augmented(self, node: ast.AugAssign) -> None:
        """Read ``x += 1``."""
        if isinstance(node.target, ast.Name):
            left = ast.Name(node.target.id, ast.Load(), lineno=node.lineno, col_offset=0)
            sum_ = ast.BinOp(left, node.op, node.value, lineno=node.lineno, col_offset=0)
            self.names[node.target.id] = self.evaluator.value(sum_)

    def imported(self, node: ast.Import | ast.ImportFrom) -> None:
        """Note what an import binds; nothing is imported."""
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                if alias.name != "*":
                    path = f"{node.module}.{alias.name}" if node.module else alias.name
                    self.names[alias.asname or alias.name] = LibraryName(path)
            else:
                root = alias.name.partition(".")[0]
                self.names[alias.asname or root] = LibraryName(alias.name if alias.asname else root)

    def passed_over(self, node: ast.stmt) -> None:
        """Pass over a loop or condition that makes no layers; refuse one that does."""
        word = _WORDS.get(type(node), type(node).__name__.casefold())
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and self.concerns(part.id):
                raise self.error(
                    node.lineno,
                    f'what is inside "{word}" is not read and it has "{part.id}"; write it out line by line',
                )
            if isinstance(part, ast.Attribute) and self.library.makes(part.attr):
                raise self.error(
                    node.lineno,
                    f'what is inside "{word}" is not read and it has "{part.attr}"; write it out line by line',
                )
        self.hidden = self.hidden or (word, node.lineno)
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self.names[part.id] = Unknown(f'{part.id}, assigned inside "{word}"', node.lineno)

    def concerns(self, name: str) -> bool:
        """Return whether a name stands for a part of a network, or for what makes one."""
        value = self.names.get(name, LibraryName(name))
        if isinstance(value, LibraryName):
            return self.library.makes(value.last)
        return isinstance(value, (Layer, Tensor, Network))

    def error(self, line: int, message: str) -> LayerlabError:
        """Return an error that says where."""
        return LayerlabError(f"{self.filename} line {line}: {message}")


def _layers_in(owner: Value) -> list[Layer] | None:
    """Return a layer, or all layers of a network and of those inside it; None for anything else."""
    if isinstance(owner, Layer):
        return [owner] if owner.network is None else _layers_in(owner.network)
    if not isinstance(owner, Network):
        return None
    return [inner for layer in listed_layers(owner) if layer.kind != INPUT for inner in _layers_in(layer) or []]


def _unpacked(target: ast.Tuple | ast.List, value: Value) -> list[Value]:
    """Return what each part of ``a, *b = value`` gets."""
    count = len(target.elts)
    starred = [number for number, element in enumerate(target.elts) if isinstance(element, ast.Starred)]
    if isinstance(value, (tuple, list)) and not starred and len(value) == count:
        return list(value)
    if isinstance(value, (tuple, list)) and len(starred) == 1 and len(value) >= count - 1:
        first, after = starred[0], starred[0] + len(value) - count + 1
        return [*value[:first], list(value[first:after]), *value[after:]]
    return [value if isinstance(value, Unknown) else Unknown("a part of a tuple", target.lineno)] * count


def _is_main(test: ast.expr) -> bool:
    """Return whether a condition is ``__name__ == "__main__"``."""
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
    return False
