"""Every network of torchvision, and one of each family of timm: right figures, no trace."""

from __future__ import annotations

from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "anatomy-coverage.md"
KINDS = ("classification", "quantization", "segmentation", "detection", "video", "optical_flow", "timm")


@pytest.mark.parametrize(("name", "kind"), [("shufflenet_v2_x0_5", "classification"), ("lcnet_035", "timm")])
def test_one_of_a_kind(name: str, kind: str) -> None:
    from every_network import examine

    outcome = examine(name, kind)
    assert outcome.problem == ""
    assert outcome.macs > 1e7
    assert outcome.ran == "on shapes"


def test_what_is_wrong_is_seen() -> None:
    """The checks above can fail: a network that counts wrong, and one that is changed, are told."""
    from dataclasses import replace

    import torch
    from every_network import check, state

    from layerlab.anatomy import dissect

    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
    anatomy = dissect(model, (4,))
    assert check(model, anatomy) == ""
    wrong = replace(anatomy, totals=replace(anatomy.totals, macs=17, parameters=1, uncounted=("x",)))
    assert "MACs of operations" in check(model, wrong)
    assert "parameters are not" in check(model, wrong)

    before = state(model)
    assert state(model) == before
    model(torch.ones(2, 4))  # writes the statistics
    assert state(model)[0] != before[0]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_every_network(kind: str) -> None:
    """What fails is what the guide lists, with its reason."""
    from every_network import examine, names

    outcomes = [examine(name, found) for name, found in names() if found == kind]
    assert outcomes
    listed = GUIDE.read_text()
    problems = [f"- `{o.name}` ({o.kind}): {o.problem}" for o in outcomes if o.problem]
    assert [line for line in problems if line not in listed] == []
