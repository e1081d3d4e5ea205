"""A name of the zoo and its knobs as one word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layerlab import LayerlabError, create, fit, load_run
from layerlab.zoo import origin_of, read_spec, rebuild, resolve, zoo_name


@pytest.mark.parametrize(
    ("spec", "knobs"),
    [
        ("resnet20", {}),
        ("resnet20:width=0.5", {"width": 0.5}),
        ("resnet20:depth=26,skip=false", {"depth": 26, "skip": False}),
        ("resnet20: skip = No , norm = group", {"skip": False, "norm": "group"}),
        ("resnet20:width=1e-1,shortcut=B", {"width": 0.1, "shortcut": "B"}),
    ],
)
def test_is_read(spec: str, knobs: dict[str, object]) -> None:
    assert read_spec(spec) == ("resnet20", knobs)
    assert zoo_name(spec) == "resnet20"


@pytest.mark.parametrize("spec", ["resnet21", "nets:build", "resnet20:build", "examples/lecture.py", "", "a=b"])
def test_other_words_are_left_to_others(spec: str) -> None:
    assert read_spec(spec) is None


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("resnet20:", '"resnet20:" has "" where a knob was expected: write resnet20:knob=value,knob=value'),
        ("resnet20:width=", 'has "width=" where a knob was expected'),
        ("resnet20:width=1,width=2", 'sets the knob "width" twice'),
        ("resnet20:widht=1", '"resnet20" has no knob "widht"; did you mean "width"'),
        ("resnet20:width=nan", "width must be a number above 0, not 'nan'"),
        ("resnte20:width=1", 'no model "resnte20"; did you mean "resnet20"'),
    ],
)
def test_a_mistake_is_one_sentence(spec: str, sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)) as caught:
        resolve(spec)
    assert "\n" not in str(caught.value)


def test_the_origin_says_the_same_word() -> None:
    module = resolve("resnet20:width=0.5,skip=no", num_classes=3, in_channels=1)
    origin = origin_of(module)
    assert str(origin) == "resnet20:width=0.5,skip=false"
    assert origin is not None
    again = rebuild(origin)
    assert {n: p.shape for n, p in again.named_parameters()} == {n: p.shape for n, p in module.named_parameters()}
    assert str(origin_of(create("resnet20"))) == "resnet20"


def test_a_run_repeats_and_resumes_it(tmp_path: Path) -> None:
    spec = "resnet20:width=0.25,norm=group"
    run = fit(spec, "digits", epochs=1, output=tmp_path / "run", progress=False, schedule="constant")
    assert spec in str(run.config["command"])
    assert sum(p.numel() for p in load_run(run.path).model.parameters()) == sum(
        p.numel() for p in create("resnet20", width=0.25, norm="group", in_channels=1).parameters()
    )
    assert fit(spec, resume=run.path, progress=False).metrics == run.metrics
    with pytest.raises(LayerlabError, match=re.escape(f'trains "{spec}", not "resnet20"')):
        fit("resnet20", resume=run.path, progress=False)
