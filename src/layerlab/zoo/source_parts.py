"""Which definitions a network needs, found in the text of Layerlab's modules, and those definitions as one file."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from layerlab.errors import LayerlabError

__all__ = ["Collector", "written"]

_OURS = "layerlab"
_ERROR = "LayerlabError"
_WIDTH = 120

Key = tuple[str, str]
"""A definition: its module and its name there."""


@dataclass(frozen=True)
class _Module:
    """A module's text, with what stands at its outermost level."""

    name: str
    lines: tuple[str, ...]
    docstring: str
    definitions: dict[str, ast.stmt]
    """Classes, functions and constants by name, in their order."""
    documentation: dict[str, ast.stmt]
    """The string behind a constant."""
    imports: dict[str, tuple[str, str]]
    """Local name -> (module, name there); the name is empty for ``import module``."""


@cache
def _module(name: str) -> _Module:
    """Read a module of Layerlab, without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise LayerlabError(f'the source of "{name}" is not installed, so that no network can be written from it')
    text = Path(found.origin).read_text(encoding="utf-8")
    tree = ast.parse(text)
    definitions: dict[str, ast.stmt] = {}
    documentation: dict[str, ast.stmt] = {}
    imports: dict[str, tuple[str, str]] = {}
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                definitions[node.name] = node
            case ast.Assign(targets=[ast.Name(id=target)]) | ast.AnnAssign(target=ast.Name(id=target)):
                definitions[target] = node
                if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                    documentation[target] = following
            case ast.Import():
                imports |= {alias.asname or alias.name: (alias.name, "") for alias in node.names}
            case ast.ImportFrom(module=str(module)):
                imports |= {alias.asname or alias.name: (module, alias.name) for alias in node.names}
    docstring = ast.get_docstring(tree, clean=True) or ""
    return _Module(name, tuple(text.splitlines()), docstring, definitions, documentation, imports)


@dataclass
class Collector:
    """Follows names from a builder to everything that it needs."""

    needed: dict[Key, None] = field(default_factory=dict)
    """In the order in which they were met."""
    foreign: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Imports of PyTorch and of Python itself: (module, name there) -> the names under which they are used."""
    uses: dict[Key, set[str]] = field(default_factory=dict)
    """The names under which each definition is used."""

    def name_of(self, thing: Any, *, needed_by: str) -> str:
        """Take a class or function of Layerlab with all that it needs, and return its name.

        Raises:
            LayerlabError: it is something else.
        """
        module, name = getattr(thing, "__module__", ""), getattr(thing, "__qualname__", "")
        if module.partition(".")[0] != _OURS or name not in _module(module).definitions:
            raise LayerlabError(f'"{needed_by}" is built with {thing!r}, which cannot be written as source')
        self.uses.setdefault((module, name), set()).add(name)
        self._take((module, name))
        return name

    def docstring(self, module: str) -> str:
        """Return what a module says of itself."""
        return _module(module).docstring

    def _take(self, key: Key) -> None:
        if key in self.needed:
            return
        self.needed[key] = None
        module = _module(key[0])
        for name in dict.fromkeys(reference.id for reference in _references(_stripped(module.definitions[key[1]]))):
            found = self.resolve(key[0], name)
            if found is not None and found[1] != _ERROR:
                self.uses.setdefault(found, set()).add(name)
                self._take(found)
            elif found is None and name in module.imports and module.imports[name][0].partition(".")[0] != _OURS:
                self.foreign.setdefault(module.imports[name], set()).add(name)

    @property
    def modules(self) -> list[str]:
        """The modules that hold what is needed, each behind those that it takes from."""
        order: dict[str, None] = {}

        def follow(module: str) -> None:
            if module in order:
                return
            inside = [_stripped(_module(module).definitions[name]) for where, name in self.needed if where == module]
            for name in dict.fromkeys(reference.id for node in inside for reference in _references(node)):
                found = self.resolve(module, name)
                if found is not None and found[0] != module and found in self.needed:
                    follow(found[0])
            order[module] = None

        for module, _ in self.needed:
            follow(module)
        return list(order)

    def resolve(self, module: str, name: str) -> Key | None:
        """Return where ``name``, as it is used in ``module``, is defined; None: not by Layerlab."""
        known = _module(module)
        if name in known.definitions:
            return module, name
        where, there = known.imports.get(name, ("", ""))
        if where.partition(".")[0] != _OURS:
            return None
        if not there:
            raise LayerlabError(f'"{module}" uses the module "{where}" as a whole, which cannot be written as source')
        return self.resolve(where, there)


def written(collector: Collector, *, family: str) -> tuple[str, str]:
    """Return the imports, and the definitions: Layerlab's common ones first, the family's own last."""
    names = _names(collector, family)
    sections = []
    for name in collector.modules:
        keys = [key for key in ((name, one) for one in _module(name).definitions) if key in collector.needed]
        pieces: list[tuple[bool, str]] = [
            (isinstance(_module(name).definitions[key[1]], (ast.Assign, ast.AnnAssign)), _text(key, collector, names))
            for key in keys
        ]
        sections.append(f"# ---- from {name.replace('.', '/')}.py\n\n\n{_joined(pieces)}")
    return _imports(collector), "\n\n\n".join(sections)


def _names(collector: Collector, family: str) -> dict[Key, str]:
    """Return the name of each definition in the file: its own, or another where two modules have the same."""
    names: dict[Key, str] = {}
    taken = {one for used in collector.foreign.values() for one in used}
    for key in sorted(collector.needed, key=lambda key: key[0] != family):
        used = collector.uses.get(key, {key[1]})
        name = next(iter(used)) if len(used) == 1 else key[1]
        if name in taken:
            name = f"{name}_of_{key[0].rpartition('.')[2].strip('_')}"
        taken.add(name)
        names[key] = name
    return names


def _joined(pieces: list[tuple[bool, str]]) -> str:
    """Put two empty lines around classes and functions, and one between constants."""
    text = pieces[0][1]
    for (before, _), (constant, piece) in itertools.pairwise(pieces):
        text += ("\n\n" if before and constant else "\n\n\n") + piece
    return text


def _text(key: Key, collector: Collector, names: dict[Key, str]) -> str:
    """Return a definition as it is written, under the names of the file."""
    module, name = key
    known = _module(module)
    node = _stripped(known.definitions[name])
    edits = [(node.lineno, node.col_offset, name, names[key])] if isinstance(node, (ast.Assign, ast.AnnAssign)) else []
    for reference in _references(node):
        found = collector.resolve(module, reference.id)
        if found is not None and found[1] != _ERROR and names[found] != reference.id:
            edits.append((reference.lineno, reference.col_offset, reference.id, names[found]))

    first, last = _extent(key)
    lines = {number: known.lines[number - 1].encode() for number in range(first, last + 1)}
    for number, column, old, new in sorted(set(edits), reverse=True):
        line = lines[number]
        lines[number] = line[:column] + new.encode() + line[column + len(old.encode()) :]
    kept = [line.decode() for number, line in lines.items() if number not in _decorators(known.definitions[name])]
    text = "\n".join(kept)
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        text = re.sub(rf"^(def|class) {name}\b", rf"\1 {names[key]}", text, count=1, flags=re.MULTILINE)
    # In one file that needs PyTorch alone, what was wrong is a plain ValueError.
    return text.replace(_ERROR, "ValueError")


def _extent(key: Key) -> tuple[int, int]:
    """Return the first and last line of a definition, with the comment above it and the string behind it."""
    known = _module(key[0])
    node = known.definitions[key[1]]
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    while first > 1 and known.lines[first - 2].startswith("#"):
        first -= 1
    behind = known.documentation.get(key[1], node)
    return first, behind.end_lineno or first


def _is_registration(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "register"


def _decorators(node: ast.stmt) -> set[int]:
    """Return the lines of the decorators that belong to the registry."""
    return {
        number
        for decorator in getattr(node, "decorator_list", [])
        if _is_registration(decorator)
        for number in range(decorator.lineno, (decorator.end_lineno or decorator.lineno) + 1)
    }


def _stripped(node: ast.stmt) -> ast.stmt:
    """Return the definition without the registry's decorators."""
    if isinstance(node, ast.FunctionDef) and any(map(_is_registration, node.decorator_list)):
        kept = [decorator for decorator in node.decorator_list if not _is_registration(decorator)]
        fields = dict(ast.iter_fields(node)) | {"decorator_list": kept}
        return ast.copy_location(ast.FunctionDef(**fields), node)
    return node


def _references(node: ast.AST, bound: frozenset[str] = frozenset()) -> Iterator[ast.Name]:
    """Yield the names in ``node`` that are neither its own nor those of functions around them."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            if name not in bound:
                yield node
        case ast.FunctionDef() | ast.Lambda():
            arguments = node.args
            outside: list[ast.AST] = [*arguments.defaults, *filter(None, arguments.kw_defaults)]
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            every += filter(None, (arguments.vararg, arguments.kwarg))
            outside += [one.annotation for one in every if one.annotation is not None]
            body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
            if isinstance(node, ast.FunctionDef):
                outside += [*node.decorator_list, *filter(None, (node.returns,))]
            for part in outside:
                yield from _references(part, bound)
            inside = bound | {one.arg for one in every} | {name for part in body for name in _stored(part)}
            for part in body:
                yield from _references(part, inside)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            inside = bound | {name for one in node.generators for name in _stored(one.target)}
            for part in ast.iter_child_nodes(node):
                yield from _references(part, inside)
        case _:
            for part in ast.iter_child_nodes(node):
                yield from _references(part, bound)


def _stored(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in its function, not in functions and comprehensions inside."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            pass
        case ast.Import() | ast.ImportFrom():
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        case _:
            if isinstance(node, ast.ExceptHandler) and node.name:
                yield node.name
            for part in ast.iter_child_nodes(node):
                yield from _stored(part)


def _imports(collector: Collector) -> str:
    """Return the imports as their habit is: Python's own, then PyTorch's, each sorted."""
    plain: set[str] = set()
    from_modules: dict[str, set[str]] = {}
    for (module, name), used in {**collector.foreign, ("torch", "nn"): {"nn"}}.items():
        for local in used:
            if not name:
                plain.add(f"import {module}" if local == module else f"import {module} as {local}")
            else:
                from_modules.setdefault(module, set()).add(name if local == name else f"{name} as {local}")
    lines = {line: line.split()[1] for line in sorted(plain)}
    for module in sorted(from_modules):
        renamed = {name for name in from_modules[module] if " as " in name}
        groups = [[name] for name in sorted(renamed)]
        if rest := sorted(from_modules[module] - renamed, key=_import_order):
            groups.append(rest)
        for names in sorted(groups, key=lambda group: _import_order(group[0])):
            lines[_from(module, names)] = module
    own = [line for line, module in lines.items() if module.partition(".")[0] != "torch"]
    torch = [line for line, module in lines.items() if module.partition(".")[0] == "torch"]
    return "\n\n".join("\n".join(group) for group in (["from __future__ import annotations"], own, torch) if group)


def _import_order(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


def _from(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    return line if len(line) <= _WIDTH else f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"
