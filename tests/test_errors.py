"""The nearest known words."""

from layerlab.errors import did_you_mean


def test_names_the_nearest() -> None:
    assert did_you_mean("mnsit5k", ["mnist5k", "digits"]) == '; did you mean "mnist5k"?'


def test_case_does_not_matter() -> None:
    assert did_you_mean("conv2d", ["Conv2D", "Dense"]) == '; did you mean "Conv2D"?'


def test_lists_all_when_none_is_near() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "; known: a, b"
    assert did_you_mean("zzz", []) == ""
