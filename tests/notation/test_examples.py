"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import layerlab.notation

MODULES = [info.name for info in pkgutil.walk_packages(layerlab.notation.__path__, "layerlab.notation.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    names = {name: getattr(layerlab.notation, name) for name in layerlab.notation.__all__}
    assert doctest.testmod(module, extraglobs=names).failed == 0
