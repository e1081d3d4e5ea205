from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerlab.playground.specification import Specification
from layerlab.studio.command_error import CommandError
from layerlab.studio.point_table import read_points, write_points


def read(text: str, *, regression: bool = False, scale: bool = False, most: int = 2000):
    return read_points(text, regression=regression, scale=scale, most=most)


@pytest.mark.parametrize(
    "text",
    [
        "1,2,1\n-1,0.5,-1\n",
        "x,y,label\n1,2,1\n-1,0.5,-1",
        "\ufeffx;y;klasa\r\n1;2;1\r\n-1;0,5;-1\r\n",
        "1\t2\t1\n\n-1\t0,5\t-1\n",
        "1 2 1\n  -1   0.5  -1 ",
        '"1","2","1"\n"\u22121","0.5","\u22121"',
        "1,2,1,train\n-1,0.5,-1,test",
    ],
)
def test_the_tables_of_spreadsheets_are_read(text: str) -> None:
    table = read(text)
    assert table.points == ((1, 2, 1), (-1, 0.5, -1))
    assert (table.classes, table.names) == (2, ("-1", "1"))


@pytest.mark.parametrize(
    ("labels", "names", "values"),
    [
        (["0", "1", "0"], ("0", "1"), [-1, 1, -1]),
        (["1", "2", "1.0"], ("1", "2"), [-1, 1, -1]),
        (["10", "9", "8"], ("8", "9", "10"), [2, 1, 0]),
        (["dog", "cat", "emu"], ("cat", "dog", "emu"), [1, 0, 2]),
        (["a", "a", "a"], ("a", ""), [-1, -1, -1]),
        (["1", "1", "1"], ("-1", "1"), [1, 1, 1]),
    ],
)
def test_labels_become_classes(labels: list[str], names: tuple[str, ...], values: list[float]) -> None:
    table = read("\n".join(f"{i},0,{label}" for i, label in enumerate(labels)))
    assert table.names == names
    assert [point[2] for point in table.points] == values
    Specification(dataset="points", classes=table.classes, points=table.points)


def test_labels_of_regression_stay_numbers() -> None:
    table = read("0,0,0.5\n1,1,-7", regression=True)
    assert [point[2] for point in table.points] == [0.5, -7]
    assert table.names == ()


def test_points_are_scaled_on_request_each_axis_by_itself() -> None:
    table = read("100,7,1\n300,7,-1\n200,7,1", scale=True)
    assert [point[:2] for point in table.points] == [(-5, 0), (5, 0), (0, 0)]


MISTAKES = {
    "": "there is no point in that; expected lines of x, y and a label",
    "\n\n": "there is no point in that; expected lines of x, y and a label",
    "x,y,label": "there is no point in that; expected lines of x, y and a label",
    "1,2,1\n1,two,1": 'line 2, "1, two, 1", is not x, y and a label',
    "1,2": 'line 1, "1, 2", is not x, y and a label',
    "1,2,1\nnan,0,1": 'line 2, "nan, 0, 1", is not x, y and a label',
    "1,2,1\n\n7,0,1": "line 3: (7, 0) is outside -6 to 6; scale the points, or move this one",
    "\n".join(f"0,0,{i}" for i in range(7)): "7 different labels; at most 6 classes (for numbers choose regression)",
    "0,0,1\n" * 11: "11 points; at most 10",
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: repr(text[:20]))
def test_each_mistake_has_its_sentence(text: str) -> None:
    with pytest.raises(CommandError) as mistake:
        read(text, most=10)
    assert str(mistake.value) == MISTAKES[text]


def test_a_label_of_regression_that_is_no_number() -> None:
    with pytest.raises(CommandError, match='line 2: the label "red" is no number'):
        read("0,0,1\n0,0,red", regression=True)


@given(
    st.text(st.characters(), max_size=60) | st.text('0123456789.,;-e\t\n" x', max_size=60), st.booleans(), st.booleans()
)
def test_any_text_gives_points_or_one_sentence(text: str, regression: bool, scale: bool) -> None:
    try:
        table = read(text, regression=regression, scale=scale)
    except CommandError as mistake:
        assert "\n" not in str(mistake)
    else:
        problem = {"problem": "regression", "regression_dataset": "points"} if regression else {"dataset": "points"}
        Specification(points=table.points, classes=table.classes, **problem)


def test_what_is_written_is_read_again() -> None:
    text = write_points({"train": [[1.5, -2, 1], [0.1, 1e-7, -1]], "test": [[3, 4, 1]]})
    assert text.splitlines()[0] == "x,y,label,part"
    assert read(text).points == ((1.5, -2, 1), (0.1, 1e-7, -1), (3, 4, 1))
