"""Arms of equal cost: by their width, and by their depth where the width is what is studied."""

from __future__ import annotations

import pytest

from layerlab.errors import LayerlabError
from layerlab.lab.compose import rule_of
from layerlab.lab.equal import TOLERANCE
from layerlab.lab.question import Equal
from layerlab.lab.sweep import sweep


def test_where_the_width_varies_the_depth_is_solved_for() -> None:
    """Depths of this family are 6n + 2: the budget is one that all widths come near."""
    experiment = sweep("mnist5k", {"width": [0.5, 1, 2]}, model="resnet20", equal="params")
    (plan,) = experiment.design.plans
    depths = {arm.factors["width"]: arm.factors["depth"] for arm in plan.arms}
    assert depths[0.5] > depths[1] > depths[2]
    assert all(depth % 6 == 2 for depth in depths.values())
    parameters = [arm.parameters for arm in plan.arms]
    assert max(parameters) / min(parameters) <= (1 + TOLERANCE) / (1 - TOLERANCE)


def test_equal_parameters_of_small_networks_by_width() -> None:
    experiment = sweep("digits", {"depth": [1, 2, 4]}, model="mlp", fixed={"epochs": 2}, equal="macs")
    (plan,) = experiment.design.plans
    macs = [arm.macs for arm in plan.arms]
    assert max(macs) / min(macs) <= (1 + TOLERANCE) / (1 - TOLERANCE)


@pytest.mark.parametrize(
    ("equal", "varied", "rule"),
    [
        ("parameters", [], Equal("parameters", "width")),
        ("params", ["activation"], Equal("parameters", "width")),
        ("flops", ["width"], Equal("macs", "depth")),
        ("time", ["width", "depth"], Equal("seconds", "epochs")),
    ],
)
def test_what_is_solved_for(equal: str, varied: list[str], rule: Equal) -> None:
    assert rule_of(equal, varied) == rule


def test_nothing_is_left_to_solve_for() -> None:
    with pytest.raises(LayerlabError, match="both vary"):
        rule_of("parameters", ["width", "depth"])
    with pytest.raises(LayerlabError, match='equal "energy"; known: macs, parameters, seconds'):
        rule_of("energy", [])
