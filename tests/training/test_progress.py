"""What a person sees while a network trains, and what they do not."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import pytest
from torch import nn

from layerlab.training import fit

pytestmark = pytest.mark.usefixtures("place")


def test_nothing_is_said_where_nobody_looks(
    make_net: Callable[..., nn.Module], capfd: pytest.CaptureFixture[str]
) -> None:
    level = logging.getLogger("lightning.fabric").level
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(make_net(), "digits", epochs=1, batch_size=256, schedule="step", precision="bf16")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("lightning.fabric").level == level


def test_a_line_an_epoch_and_a_bar_on_standard_error(
    make_net: Callable[..., nn.Module], capfd: pytest.CaptureFixture[str]
) -> None:
    run = fit(make_net(), "digits", epochs=2, batch_size=256, progress=True)
    out, shown = capfd.readouterr()
    assert out == ""
    last = run.history[-1]
    assert f"epoch 2/2  training {last['train_loss']:.4f}" in shown
    assert f"validation {last['val_loss']:.4f} {last['val_accuracy']:6.2%}" in shown
