import torch

from layerlab.data.randomness import ORDER, SPLIT, permutation, uniform


def test_draws_are_pinned() -> None:
    """The same on every machine and with every version: a resumed run depends on it."""
    assert permutation(8, ORDER, 0, 1).tolist() == [0, 3, 7, 6, 4, 1, 2, 5]
    assert uniform(1, 2, ORDER, 7).tolist() == [[0.8186454579434634, 0.9016119252696981]]


def test_permutation_has_everything_once() -> None:
    assert permutation(100, SPLIT, 3).sort().values.tolist() == list(range(100))


def test_keys_give_different_draws() -> None:
    keys = [(SPLIT, 0), (SPLIT, 1), (ORDER, 0), (ORDER, 0, 0), (ORDER, 0, 1), (ORDER, 1, 0)]
    orders = {tuple(permutation(50, *key).tolist()) for key in keys}
    assert len(orders) == len(keys)


def test_uniform_is_uniform() -> None:
    table = uniform(10_000, 2, 5)
    assert table.dtype == torch.float64
    assert table.min() >= 0 and table.max() < 1
    assert (table.mean(0) - 0.5).abs().max() < 0.02
    assert (table.var(0) - 1 / 12).abs().max() < 0.005
