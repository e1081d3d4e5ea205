"""The report's numbers, checked against plain counting and against scikit-learn."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support  # type: ignore[import-untyped]

from layerlab.training.report_payload import (
    accuracy_of,
    best_epoch,
    class_rows,
    confusion_counts,
    flat_facts,
    frequent_confusions,
    image_uri,
    wilson_interval,
    worst_mistakes,
)


def test_wilson_interval_of_a_known_case() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, Wilson without continuity correction.
    low, high = wilson_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_solves_its_equation(case: tuple[int, int]) -> None:
    correct, total = case
    low, high = wilson_interval(correct, total)
    assert 0 <= low <= correct / total <= high <= 1
    for bound in {low, high} - {0.0, 1.0}:
        z = abs(correct / total - bound) / math.sqrt(bound * (1 - bound) / total)
        assert z == pytest.approx(1.959963984540054, rel=1e-5)


@pytest.mark.parametrize(("correct", "total"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_what_is_no_share(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"not {correct} and {total}"):
        wilson_interval(correct, total)


def test_accuracy() -> None:
    accuracy = accuracy_of(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 2, 0]))
    assert (accuracy.correct, accuracy.total, accuracy.share) == (3, 4, 0.75)
    assert accuracy.low < 0.75 < accuracy.high


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_class_rows_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = map(torch.tensor, zip(*pairs, strict=True))
    counts = confusion_counts(labels, predicted, 5)
    assert counts.tolist() == confusion_matrix(labels, predicted, labels=range(5)).tolist()

    rows = class_rows(counts, list("abcde"))
    expected = precision_recall_fscore_support(labels, predicted, labels=range(5), zero_division=np.nan)
    for row, *theirs in zip(rows, *expected[:3], strict=True):
        for ours, their in zip((row.precision, row.recall, row.f1), theirs, strict=True):
            assert ours is None if math.isnan(their) else ours == pytest.approx(their)
    assert [row.images for row in rows] == list(expected[3])
    assert sum(row.predicted for row in rows) == len(pairs)


def test_frequent_confusions_are_the_largest_off_the_diagonal() -> None:
    counts = torch.tensor([[5, 2, 0], [3, 9, 2], [0, 0, 4]])
    found = frequent_confusions(counts, ["a", "b", "c"])
    assert [(one.true, one.predicted, one.images) for one in found] == [("b", "a", 3), ("a", "b", 2), ("b", "c", 2)]
    assert found[0].share == pytest.approx(3 / 14)
    assert frequent_confusions(counts, ["a", "b", "c"], limit=1) == found[:1]
    assert frequent_confusions(torch.eye(3, dtype=torch.long), ["a", "b", "c"]) == []


def test_worst_mistakes_are_the_wrong_ones_by_loss() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.99, 0.01], [0.0, 1.0]])
    labels = torch.tensor([0, 0, 1, 1, 0])
    mistakes = worst_mistakes(probabilities, labels)
    assert [mistake.index for mistake in mistakes] == [4, 3, 1, 2]
    assert math.isfinite(mistakes[0].loss)
    assert mistakes[1].loss == pytest.approx(-math.log(0.01), rel=1e-5)
    assert (mistakes[2].true, mistakes[2].predicted) == (0, 1)
    assert mistakes[2].probability == pytest.approx(0.8)
    assert [mistake.index for mistake in worst_mistakes(probabilities, labels, limit=2)] == [4, 3]


def test_no_mistakes() -> None:
    assert worst_mistakes(torch.eye(3), torch.arange(3)) == []


def test_best_epoch_is_the_first_with_the_lowest_loss() -> None:
    history = [{"epoch": 1, "val_loss": 2.0}, {"epoch": 2, "val_loss": 1.0}, {"epoch": 3, "val_loss": 1.0}]
    assert best_epoch(history) == 2
    assert best_epoch([]) is None
    assert best_epoch([{"epoch": 1, "val_loss": None}]) is None


def test_flat_facts_keep_their_order() -> None:
    facts = flat_facts({"seed": 0, "data": {"name": "x", "size": None}, "stop": {}, "classes": ["a", "b"], "none": []})
    assert facts == [
        ("seed", "0"),
        ("data.name", "x"),
        ("data.size", "none"),
        ("stop", "none"),
        ("classes", "a, b"),
        ("none", "none"),
    ]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_image_uri_holds_the_pixels(channels: int, mode: str) -> None:
    image = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8)
    head, _, body = image_uri(image).partition(",")
    assert head == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(body)))
    assert picture.mode == mode
    assert np.array_equal(np.asarray(picture).reshape(5, 7, channels), image.movedim(0, -1).numpy())


def test_large_images_are_shrunk() -> None:
    body = image_uri(torch.zeros(3, 600, 300, dtype=torch.uint8)).partition(",")[2]
    assert Image.open(io.BytesIO(base64.b64decode(body))).size == (128, 256)
