"""From the word that a person gives to a network: a zoo name, Keras text, or a callable of their own."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.notation import KerasModel, read_keras
from layerlab.zoo.elsewhere import TIMM, timm_builder
from layerlab.zoo.origin import Origin, mark_origin, origin_of
from layerlab.zoo.registry import create, list_models, model_info
from layerlab.zoo.spec import read_spec

__all__ = ["input_shape_of", "rebuild", "resolve"]

_CALLABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_IMPORTS_TORCH = re.compile(r"^\s*(import|from)\s+torch\b", re.MULTILINE)
_DEFINITION = re.compile(r"^(?:def|class)\s+([A-Za-z]\w*)", re.MULTILINE)
_LARGEST_TEXT = 1_000_000
_BACKBONE = "weights_backbone"


def resolve(spec: str, *, num_classes: int | None = None, in_channels: int | None = None) -> nn.Module:
    """Build the network that ``spec`` names.

    Args:
        spec: a zoo name, with knobs or without (``resnet20``, ``resnet20:width=0.5,skip=false``), a file of Keras
            text (``nets/lecture.py``; ``-`` reads it from standard input), ``timm:NAME``, or
            ``package.module:callable``, any importable callable that returns an ``nn.Module``.
        num_classes: given to the zoo, and to a callable that takes an argument of this name.
        in_channels: likewise.

    Raises:
        LayerlabError: nothing is named so, the text cannot be read, or the callable fails.
    """
    wanted: dict[str, Any] = {"num_classes": num_classes, "in_channels": in_channels}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if spec == "-":
        return read_keras(sys.stdin.read(_LARGEST_TEXT), "<stdin>")
    if not spec.strip():
        raise LayerlabError("no network is named; expected a zoo name, a file of Keras text or package.module:callable")
    if spec.startswith(TIMM) or _CALLABLE.fullmatch(spec):
        return _call(spec, wanted)
    if (named := read_spec(spec)) is not None:
        name, knobs = named
        return create(name, **(wanted | knobs))
    path = Path(spec)
    if path.is_file():
        return _read(path, spec)
    raise LayerlabError(_nothing(spec, path))


def rebuild(origin: Origin) -> nn.Module:
    """Build again what ``origin`` describes, with fresh weights.

    A callable of the standard library is refused: a run folder that came from elsewhere may name a user's own
    network, never ``os:abort``.

    Raises:
        LayerlabError: the zoo, the text or the module has changed so that it cannot be built.
    """
    if origin.kind == "zoo":
        return create(origin.name, **origin.arguments)
    if origin.kind == "keras":
        return read_keras(origin.text, origin.name)
    return _call(origin.name, origin.arguments, exactly=True)


def input_shape_of(module: nn.Module) -> tuple[int | None, ...] | None:
    """Return the input that ``module`` was made for, without the batch, or None when nothing says so.

    A dimension that may vary is None. Known for Keras text (its Input) and for the zoo.
    """
    if isinstance(module, KerasModel):
        return tuple(module.input_shape)
    origin = origin_of(module)
    if origin is None or origin.kind != "zoo":
        return None
    channels, height, width = model_info(origin.name).input_shape
    return origin.arguments.get("in_channels", channels), height, width


def _call(spec: str, arguments: dict[str, Any], *, exactly: bool = False) -> nn.Module:
    """Import and call ``package.module:callable``, or build ``timm:NAME``."""
    module_name, _, attribute = spec.partition(":")
    builder = timm_builder(spec) if spec.startswith(TIMM) else _import(module_name, attribute)
    given = arguments if exactly else _accepted(builder, arguments)
    try:
        with warnings.catch_warnings():
            # torchvision announces what it will change in networks that are built as it recommends.
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"torchvision\.")
            built = builder(**given)
    except (Exception, SystemExit) as error:  # whatever the user's code raises is theirs; it is named, not hidden
        shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise LayerlabError(
            f'"{spec}" raised {type(error).__name__} when it was called with ({shown}): {_one_line(error)}'
        ) from error
    if not isinstance(built, nn.Module):
        raise LayerlabError(f'"{spec}" returned {type(built).__name__}; expected a torch.nn.Module')
    if isinstance(built, KerasModel) or origin_of(built) is None:
        mark_origin(built, Origin("import", spec, given))
    return built


def _import(module_name: str, attribute: str) -> Callable[..., Any]:
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        raise LayerlabError(f'"{module_name}" belongs to Python itself and builds no network')
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if missing == module_name and missing.endswith(".py"):
            named = f"{missing.removesuffix('.py')}:{attribute}"
            raise LayerlabError(
                f'"{module_name}:{attribute}" names a file; a module has no ".py": write "{named}"'
            ) from error
        where = "here or in this environment" if module_name.startswith(missing) else f'("{module_name}" imports it)'
        raise LayerlabError(
            f'no module "{missing}" {where}: run from the folder that holds it, or install it'
        ) from error
    except (Exception, SystemExit) as error:  # a mistake in the user's module
        raise LayerlabError(
            f'"{module_name}" cannot be imported: {type(error).__name__}: {_one_line(error)}'
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name in dir(found) if not name.startswith("_")]
            near = did_you_mean(part, names)
            raise LayerlabError(f'"{module_name}" has no "{part}"' + (near if near.startswith("; did") else ""))
        found = getattr(found, part)
    if not callable(found):
        raise LayerlabError(f'"{module_name}:{attribute}" is {type(found).__name__}; expected a callable')
    return found  # type: ignore[no-any-return]


def _accepted(builder: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Keep the arguments that ``builder`` names; ``**kwargs`` gets ``num_classes`` alone, as in torchvision.

    A backbone is fresh like the rest: torchvision would load weights for it, from elsewhere and unasked.
    """
    try:
        parameters = inspect.signature(builder).parameters
    except (TypeError, ValueError):
        return {}
    named = {name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD}
    if len(named) < len(parameters):
        named.add("num_classes")
    fresh = {_BACKBONE: None} if _BACKBONE in named else {}
    return fresh | {name: value for name, value in arguments.items() if name in named}


def _read(path: Path, spec: str) -> KerasModel:
    """Read a file of Keras text; of PyTorch source say how such a network is named instead."""
    text = _text(path)
    try:
        return read_keras(text, spec)
    except LayerlabError as error:
        if not _IMPORTS_TORCH.search(text):
            raise
        names = _DEFINITION.findall(text)
        named = f"{path.stem}:{names[-1] if names else 'build'}"
        raise LayerlabError(
            f'"{spec}" is PyTorch source, which is imported rather than read: name the callable that builds the network'
            f' as module:callable, e.g. "{named}" from the folder that holds it'
        ) from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise LayerlabError(f'"{path}" is larger than {_LARGEST_TEXT:,} bytes; expected Keras text')
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LayerlabError(f'"{path}" is not text (byte {error.start} is not UTF-8); expected Keras source') from error
    except OSError as error:
        raise LayerlabError(f'"{path}" cannot be read: {error.strerror or error}') from error


def _nothing(spec: str, path: Path) -> str:
    """Say that nothing is named ``spec``, and what is near."""
    if path.is_dir():
        return f'"{spec}" is a folder; expected a zoo name, a file of Keras text or package.module:callable'
    if ":" in spec:
        module, _, attribute = spec.rpartition(":")
        if "=" in attribute:
            return f'no model "{module}"{did_you_mean(module, list_models())}'
        dotted = module.removesuffix(".py").replace(os.sep, ".").strip(".")
        return f'"{spec}" is not package.module:callable; write "{dotted}:{attribute or "build"}"'
    if path.suffix or os.sep in spec:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        near = did_you_mean(path.name, siblings)
        return f'no file "{spec}"' + (near if near.startswith("; did") else "")
    return (
        f'no model "{spec}"{did_you_mean(spec, list_models())} (a file of Keras text or package.module:callable may'
        " be named too)"
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
