"""Names, wildcards, duplicates."""

from __future__ import annotations

import pytest

from layerlab.errors import LayerlabError
from layerlab.zoo import create, list_models, model_info
from layerlab.zoo.registry import knobs_of, register


def test_lists_by_wildcard() -> None:
    assert "lecture_cnn" in list_models()
    assert list_models("lecture*") == ["lecture_cnn"]
    assert list_models("nothing*") == []


def test_unknown_name_lists_the_nearest() -> None:
    with pytest.raises(LayerlabError, match='no model "lectrue_cnn"; did you mean "lecture_cnn"'):
        create("lectrue_cnn")


def test_a_duplicate_is_an_error() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        register(model_info("lecture_cnn"))(lambda: None)  # type: ignore[arg-type, return-value]


def test_knobs_are_the_builders_arguments() -> None:
    assert knobs_of("lecture_cnn") == ["num_classes", "in_channels", "width", "activation", "norm", "dropout"]
