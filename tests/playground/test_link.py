from hypothesis import given
from playground_strategies import specifications
from layerlab.playground.link import read_link, write_link


@given(specifications())
def test_a_link_restores_any_specification(s) -> None:
    assert read_link(write_link(s)).specification == s
