"""Names, wildcards, duplicates."""

from __future__ import annotations

from typing import Any

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


@pytest.mark.parametrize("name", [None, 3, ["lenet5"], b"lenet5"])
def test_a_name_is_text(name: Any) -> None:
    for call in (create, model_info):
        with pytest.raises(LayerlabError) as error:
            call(name)
        assert str(error.value) == f'a model is chosen by its name, such as "resnet20", not by {name!r}'
    with pytest.raises(
        LayerlabError, match=r'models are listed by a pattern of their names, such as "resnet[*]", not by'
    ):
        list_models(name)


@pytest.mark.parametrize("width", [1e9, 1e17, 1e300])
def test_what_no_memory_holds_is_said(width: float) -> None:
    with pytest.raises(LayerlabError) as error:
        create("resnet20", width=width)
    assert str(error.value) == f'"resnet20" cannot be built with width={width!r}: it is larger than the memory'


def test_a_duplicate_is_an_error() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        register(model_info("lecture_cnn"))(lambda: None)  # type: ignore[arg-type, return-value]


def test_knobs_are_the_builders_arguments() -> None:
    assert knobs_of("lecture_cnn") == ["num_classes", "in_channels", "width", "activation", "norm", "dropout"]
