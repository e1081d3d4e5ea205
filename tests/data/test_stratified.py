import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from layerlab.data.stratified import stratified_split


@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    fractions=st.lists(st.floats(0.01, 0.3), min_size=0, max_size=3),
    seed=st.integers(0, 2**40),
)
def test_parts_are_a_partition_with_the_proportions(counts: list[int], fractions: list[float], seed: int) -> None:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    parts = stratified_split(labels, fractions, seed)
    assert torch.cat(parts).sort().values.tolist() == list(range(len(labels)))
    for label, count in enumerate(counts):
        had = [int((labels[part] == label).sum()) for part in parts]
        assert had[0] >= 1  # every class can be learned
        if count > len(fractions):  # and judged, when there is one for each part
            wanted = [max(1, round(fraction * count)) for fraction in fractions]
            if sum(wanted) < count:
                assert had[1:] == wanted
            assert had[-1] >= 1
        # The last part is served first: it is empty only where there is nothing but the training image.
        assert not fractions or had[-1] >= min(1, count - 1)


def test_seed_decides() -> None:
    labels = torch.arange(100) % 2
    first, again, other = (stratified_split(labels, [0.2], seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_small_classes_still_reach_every_part() -> None:
    train, validation, test = stratified_split(torch.tensor([0, 0, 0, 1, 1, 2]), (0.1, 0.1), 0)
    assert [len(train), len(validation), len(test)] == [3, 1, 2]


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.0,), (-0.1,), (1.0,)])
def test_shares_of_no_whole_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="fractions must be in"):
        stratified_split(torch.zeros(10, dtype=torch.int64), fractions, 0)
