"""The best constant: no other constant has a lower training loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from layerlab.lab.engines.constant import best_constant
from layerlab.playground.data_sets import Points
from layerlab.playground.specification import Specification


def points(labels: list[float]) -> Points:
    column = np.zeros((len(labels), 3))
    column[:, 2] = labels
    return Points(column[: len(labels) // 2], column[len(labels) // 2 :])


TWO = points([1, 1, 1, -1, 1, -1, -1, -1])
THREE = points([0, 0, 1, 2, 0, 0, 2, 2, 0, 1, 1, 1])


def test_of_squared_errors() -> None:
    rows = points([0.5, 0.25, -1.0, 2.0, 0.0, 1.0, 1.0, 0.5])
    found = best_constant(Specification(problem="regression"), rows)
    assert found.train_loss == pytest.approx(np.var(rows.train[:, 2]) / 2)
    assert found.loss == pytest.approx(((rows.test[:, 2] - rows.train[:, 2].mean()) ** 2).mean() / 2)
    assert found.accuracy is None


def test_of_two_classes() -> None:
    found = best_constant(Specification(), TWO)
    assert found.train_loss == pytest.approx((3 * 0.5**2 + 1.5**2) / 4 / 2)
    assert found.accuracy == 0.25


@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
@pytest.mark.parametrize("classes", [2, 3])
def test_no_other_constant_fits_better(loss: str, classes: int) -> None:
    specification = Specification(loss=loss, classes=classes, dataset="gauss")
    rows = TWO if classes == 2 else THREE
    # The network's own output layer, with a bias and nothing else, as far as gradient descent brings it.
    logits = torch.zeros(1 if classes == 2 else classes, dtype=torch.float64, requires_grad=True)

    def losses(labels: np.ndarray) -> torch.Tensor:
        true = torch.tensor(labels)
        if classes == 2 and loss == "mse":
            return 0.5 * ((torch.tanh(logits) - true) ** 2).mean()
        if classes == 2:
            return functional.binary_cross_entropy_with_logits(logits.expand(len(true)), (true > 0).double())
        rows = logits.expand(len(true), classes)
        if loss == "cross-entropy":
            return functional.cross_entropy(rows, true.long())
        return 0.5 * ((rows.softmax(1) - functional.one_hot(true.long(), classes)) ** 2).sum(1).mean()

    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-15)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = losses(rows.train[:, 2])
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    found = best_constant(specification, rows)
    assert found.train_loss == pytest.approx(losses(rows.train[:, 2]).item(), rel=1e-6)
    assert found.loss == pytest.approx(losses(rows.test[:, 2]).item(), rel=1e-4)


def test_a_class_that_training_has_not_costs_much_but_not_all() -> None:
    found = best_constant(Specification(loss="cross-entropy"), points([1, 1, 1, 1, 1, 1, -1, -1]))
    assert found.train_loss == 0
    assert 1 < found.loss < 10
