from __future__ import annotations

from layerlab.lab.experiment import Experiment
from layerlab.lab.words.beforehand import beforehand


def test_the_smallest_detectable_difference_is_told_beforehand() -> None:
    """Ten pairs detect 1.0 standard deviation at 5 % and 80 % (noncentral t; G*Power gives n = 10 for d = 1.0)."""
    ten = Experiment("deeper-or-wider", seeds=10).design
    assert beforehand(ten) == (
        f"networks to compare: 12; tasks: 4; trainings: {ten.trials:,}; seeds: 10; a difference of 1.0 standard"
        " deviations of the paired differences is found in four of five cases"
    )
    assert "różnica równa 1,0 odchylenia" in beforehand(ten, "pl")
    assert "standard deviation" not in beforehand(Experiment("deeper-or-wider", seeds=1).design)
