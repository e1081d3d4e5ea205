"""Layerlab: a laboratory for deep-network architectures.

The names below are loaded when they are first used, so that ``import layerlab`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from layerlab.anatomy import Anatomy, dissect
    from layerlab.data import list_datasets, load_data
    from layerlab.notation import load_keras_weights, read_keras, write_keras, write_pytorch
    from layerlab.training import Run, check_architecture, export_onnx, load_classifier, load_run
    from layerlab.training.compare import compare
    from layerlab.training.export_program import export_program
    from layerlab.training.fit import fit
    from layerlab.training.optimize import optimize
    from layerlab.training.predict import predict
    from layerlab.zoo import create, list_models, model_info, transplant
    from layerlab.zoo.source import write_source

__version__ = "0.1.0"

_HOME = {
    "read_keras": "layerlab.notation",
    "write_keras": "layerlab.notation",
    "write_pytorch": "layerlab.notation",
    "load_keras_weights": "layerlab.notation",
    "create": "layerlab.zoo",
    "list_models": "layerlab.zoo",
    "model_info": "layerlab.zoo",
    "transplant": "layerlab.zoo",
    "load_data": "layerlab.data",
    "list_datasets": "layerlab.data",
    "Anatomy": "layerlab.anatomy",
    "dissect": "layerlab.anatomy",
    "Run": "layerlab.training",
    "check_architecture": "layerlab.training",
    "compare": "layerlab.training.compare",
    "fit": "layerlab.training",
    "load_classifier": "layerlab.training",
    "load_run": "layerlab.training",
    "predict": "layerlab.training",
    "export_onnx": "layerlab.training",
    "export_program": "layerlab.training.export_program",
    "write_source": "layerlab.zoo.source",
    "optimize": "layerlab.training.optimize",
}

__all__ = [
    "Anatomy",
    "LayerlabError",
    "Run",
    "check_architecture",
    "compare",
    "create",
    "dissect",
    "export_onnx",
    "export_program",
    "fit",
    "list_datasets",
    "list_models",
    "load_classifier",
    "load_data",
    "load_keras_weights",
    "load_run",
    "model_info",
    "optimize",
    "predict",
    "read_keras",
    "transplant",
    "write_keras",
    "write_pytorch",
    "write_source",
]

_PARTS = frozenset({"anatomy", "data", "lab", "layers", "notation", "playground", "studio", "training", "zoo"})


def __getattr__(name: str) -> Any:
    """Import a public name, or one of the package's folders, at its first use."""
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_PARTS})
